#pragma once
// What actors may not take from the world themselves: wall time and randomness. The runtime gives
// the real ones, the simulation seeded ones. Delays go through CAF's clock, which is virtual there.

#include <cstdint>
#include <functional>

namespace syncline::actors {

/// Safe to call from the actor that owns it; never shared between actors.
struct seams {
  std::function<std::int64_t()> wall_ms; ///< since 1970
  std::function<std::uint64_t()> random;
};

} // namespace syncline::actors
