#include "core/sync/live_ladder.hpp"

#include <algorithm>

namespace syncline::core {

std::int64_t live_ladder::fail(std::uint64_t random) {
  const auto wait_ms = backoff_.fail(random);
  if (++failures_ < options_.failures_max)
    return wait_ms;
  failures_ = 0;
  if (rung_ == rung::websocket) {
    rung_ = rung::events;
    return wait_ms;
  }
  rung_ = rung::polling;
  return climb_wait_ms(random);
}

void live_ladder::established() {
  failures_ = 0;
  backoff_.succeed();
  if (rung_ == rung::websocket)
    climbs_ = 0;
}

std::int64_t live_ladder::end(std::uint64_t random, const std::optional<reconnect_range>& asked) {
  if (rung_ == rung::events) { // It was as good as any; but what stood in the way may be gone.
    rung_ = rung::websocket;
    failures_ = options_.failures_max - 1;
  }
  if (!asked || asked->max_ms < asked->min_ms || asked->min_ms < 0)
    return backoff_.fail(random);
  const auto longest = std::min(asked->max_ms, options_.backoff.retry_after_max_ms);
  const auto shortest = std::min(asked->min_ms, longest);
  return shortest +
         static_cast<std::int64_t>(random % static_cast<std::uint64_t>(longest - shortest + 1));
}

void live_ladder::climb() {
  rung_ = rung::websocket;
  failures_ = options_.failures_max - 1;
  ++climbs_;
}

void live_ladder::start_anew() {
  rung_ = rung::websocket;
  failures_ = 0;
  climbs_ = 0;
  backoff_.succeed();
}

std::int64_t live_ladder::climb_wait_ms(std::uint64_t random) const {
  const auto bound = backoff_bound_ms(
    climbs_ + 1, {.first_ms = options_.climb_first_ms, .max_ms = options_.climb_max_ms});
  // At least half of it: clients that lost one server do not climb in step.
  return bound / 2 + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(bound / 2 + 1));
}

} // namespace syncline::core
