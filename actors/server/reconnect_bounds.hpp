#pragma once

#include <cstdint>

namespace syncline::actors::server {

/// Between what a live client draws its wait before it connects again, in milliseconds. Larger ones
/// spread a crowd that comes back after a restart.
struct reconnect_bounds {
  std::uint32_t min_ms = 500;
  std::uint32_t max_ms = 60'000;
};

} // namespace syncline::actors::server
