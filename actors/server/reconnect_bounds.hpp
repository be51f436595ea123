#pragma once

#include <cstdint>

namespace syncline::actors::server {

/// Between what a live client is asked to draw its wait before it connects again, in milliseconds:
/// a server that sheds load spreads a crowd with them. With `max_ms` 0 clients follow their own
/// backoff, which begins within half a second. Event streams know `min_ms` only.
struct reconnect_bounds {
  std::uint32_t min_ms = 500;
  std::uint32_t max_ms = 0;
};

} // namespace syncline::actors::server
