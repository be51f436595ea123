#pragma once
// When to poll next while no stream is live (DESIGN.md section 6).

#include <cstdint>

namespace syncline::core {

/// The default between two polls; ±10 % so that clients do not march in step.
inline constexpr std::int64_t poll_interval_default_ms = 30'000;

/// Milliseconds until the next poll, uniform in interval ±10 % by `random`.
[[nodiscard]] constexpr std::int64_t next_poll_ms(std::int64_t interval_ms, std::uint64_t random) {
  const std::int64_t spread = interval_ms / 10;
  const auto width = static_cast<std::uint64_t>(2 * spread + 1);
  return interval_ms - spread + static_cast<std::int64_t>(random % width);
}

} // namespace syncline::core
