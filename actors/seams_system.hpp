#pragma once
// The real clock and randomness. Everything outside the simulation gets them from here.

#include "actors/seams.hpp"

#include <cstdint>

namespace syncline::actors {

/// Milliseconds since 1970. Any thread.
[[nodiscard]] std::int64_t system_wall_ms();

/// Milliseconds from any start; never goes back. Any thread.
[[nodiscard]] std::int64_t system_monotonic_ms();

/// 64 bits from the operating system's generator. Any thread.
[[nodiscard]] std::uint64_t system_random();

/// The seams of one actor.
[[nodiscard]] seams system_seams();

} // namespace syncline::actors
