#include "core/data/hybrid_clock.hpp"

#include <limits>
#include <utility>

namespace syncline::core {

namespace {

constexpr std::int64_t wall_max = std::numeric_limits<std::int64_t>::max();
constexpr std::uint32_t counter_max = std::numeric_limits<std::uint32_t>::max();

msg::HybridTime make_time(std::int64_t wall_ms, std::uint32_t counter) {
  msg::HybridTime time;
  time.set_wall_ms(wall_ms);
  time.set_counter(counter);
  return time;
}

// The least time above `time`. At the end of all time it stays there: nothing greater exists.
msg::HybridTime next_after(const msg::HybridTime& time) {
  if (time.counter() < counter_max)
    return make_time(time.wall_ms(), time.counter() + 1);
  if (time.wall_ms() < wall_max)
    return make_time(time.wall_ms() + 1, 0);
  return time;
}

} // namespace

std::strong_ordering compare(const msg::HybridTime& left, const msg::HybridTime& right) noexcept {
  if (const auto walls = left.wall_ms() <=> right.wall_ms(); std::is_neq(walls))
    return walls;
  return left.counter() <=> right.counter();
}

msg::HybridTime clamp_hybrid_time(const msg::HybridTime& time, std::int64_t now_ms) {
  const std::int64_t latest_ms =
    now_ms > wall_max - hybrid_time_ahead_max_ms ? wall_max : now_ms + hybrid_time_ahead_max_ms;
  return time.wall_ms() > latest_ms ? make_time(latest_ms, 0) : time;
}

hybrid_clock::hybrid_clock(msg::HybridTime last) : last_{std::move(last)} {}

msg::HybridTime hybrid_clock::tick(std::int64_t now_ms) {
  last_ = now_ms > last_.wall_ms() ? make_time(now_ms, 0) : next_after(last_);
  return last_;
}

msg::HybridTime hybrid_clock::observe(const msg::HybridTime& remote, std::int64_t now_ms) {
  const msg::HybridTime believed = clamp_hybrid_time(remote, now_ms);
  if (std::is_gt(compare(believed, last_)))
    last_ = believed;
  return tick(now_ms);
}

const msg::HybridTime& hybrid_clock::last() const noexcept {
  return last_;
}

} // namespace syncline::core
