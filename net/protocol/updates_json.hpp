#pragma once
// `GET /updates` for clients that poll by time (PROTOCOL.md section 3). Weaker than `/delta`: such
// clients see the present state only, and must skip what is not newer than what they have.

#include "common.pb.h"
#include "core/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::net {

/// How far the server looks back before `since`, because its clients save their own clock.
inline constexpr std::int64_t updates_overlap_ms = 60'000;

/// What one answer holds. Tombstones may stand among the items.
struct updates_page {
  std::vector<msg::Item> items;
  std::int64_t server_time_ms = 0; // the server's clock
  bool has_more = false;
  std::int64_t next_since_ms = 0; // the `since` of the next request
};

/// `{"items":[item...],"deleted":[id...],"serverTime":...,"hasMore":...,"nextSince":...}`. Any
/// thread.
[[nodiscard]] std::string updates_json(const updates_page& page);

/// Reads `since`: milliseconds since 1970, or seconds, with a fraction if wanted, where the number
/// is below 10^11. Empty means 0. Milliseconds are returned, a fraction of one cut off. Error
/// bad_since: not a plain decimal number, or above 2^53. Any thread.
[[nodiscard]] core::expected<std::int64_t> parse_since(std::string_view text);

/// The time from which the server reads for a `since`: the overlap before it, never below 0.
[[nodiscard]] std::int64_t updates_read_from_ms(std::int64_t since_ms) noexcept;

} // namespace syncline::net
