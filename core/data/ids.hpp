#pragma once
// What names may look like (DESIGN.md section 3), and ids of our own making.

#include "core/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace syncline::core {

inline constexpr std::size_t item_id_bytes_max = 200;
inline constexpr std::size_t collection_bytes_max = 64;

/// An item's or a document's id: 1 to 200 bytes of UTF-8 without control characters (U+0000 to
/// U+001F, U+007F to U+009F), no `/` at either end, no segment `.` or `..`. Error: `bad_id`.
[[nodiscard]] expected<void> validate_item_id(std::string_view id);

/// A collection: 1 to 64 bytes of `[a-z0-9_-]`. Error: `bad_collection`.
[[nodiscard]] expected<void> validate_collection(std::string_view name);

/// A space, by the rule of collections. Error: `bad_space`.
[[nodiscard]] expected<void> validate_space(std::string_view name);

/// A UUID of version 7 in lower-case text (RFC 9562 section 5.7) from 48 bits of time, the lowest
/// 12 bits of `random_a` and the lowest 62 of `random_b`. A time outside 0 to 2^48 - 1 is taken as
/// the nearer end. Pure.
[[nodiscard]] std::string make_uuid_v7(std::int64_t unix_ms, std::uint64_t random_a,
                                       std::uint64_t random_b);

/// Draws UUIDs of version 7 that rise, as text too, whatever the wall clock does: within one
/// millisecond, and while the clock stands behind the last one used, 12 bits count up from a random
/// start (RFC 9562 section 6.2, method 1). When they run out the time steps one millisecond ahead.
/// Not synchronised.
class uuid_v7_generator {
public:
  /// `random` gives 64 fresh random bits a call.
  explicit uuid_v7_generator(std::function<std::uint64_t()> random);

  /// The next one; `unix_ms` is wall time in milliseconds since 1970.
  std::string next(std::int64_t unix_ms);

private:
  void start_at(std::int64_t unix_ms);

  std::function<std::uint64_t()> random_;
  std::int64_t last_ms_ = -1;
  std::uint64_t counter_ = 0;
};

} // namespace syncline::core
