#pragma once
// Hybrid logical time: wall milliseconds that never go back, with a counter where they stand still.
// It is informative (DESIGN.md section 3) and decides only under `last_write_wins`.

#include "common.pb.h"

#include <compare>
#include <cstdint>

namespace syncline::core {

/// How far ahead of our own wall clock the time of somebody else is believed.
inline constexpr std::int64_t hybrid_time_ahead_max_ms = 60'000;

/// By wall time, then by counter. Ties are broken by the caller (client id).
[[nodiscard]] std::strong_ordering compare(const msg::HybridTime& left,
                                           const msg::HybridTime& right) noexcept;

/// The time itself, or `now_ms` + 60 s where it is further ahead than that. What a server stores.
[[nodiscard]] msg::HybridTime clamp_hybrid_time(const msg::HybridTime& time, std::int64_t now_ms);

/// The clock of one writer. Each answer is above all answers before it, whatever the wall clock
/// does; `now_ms` is wall time in milliseconds since 1970. Pure and not synchronised.
class hybrid_clock {
public:
  /// Goes on after the last time that this writer used (zero: a new one).
  explicit hybrid_clock(msg::HybridTime last = {});

  /// The time of an event of our own.
  msg::HybridTime tick(std::int64_t now_ms);

  /// Takes notice of somebody else's time and gives one above both it and ours. A time more than
  /// 60 s ahead of `now_ms` counts as `now_ms` + 60 s: one wrong clock must not drag all along.
  msg::HybridTime observe(const msg::HybridTime& remote, std::int64_t now_ms);

  /// The last time given.
  [[nodiscard]] const msg::HybridTime& last() const noexcept;

private:
  msg::HybridTime last_;
};

} // namespace syncline::core
