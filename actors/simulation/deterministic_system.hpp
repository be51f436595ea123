#pragma once
// A seeded, single-threaded actor system on virtual time: same seed, same run.
//
// Each step runs one message of one runnable actor, picked by the seed; when none can run, the
// clock moves to the next timer. The order of messages between one pair of actors stays first in,
// first out, as CAF guarantees it, so only legal interleavings occur. Rules for what runs in here:
// nothing detached, no blocking receive, no clock or randomness but the ones handed in.

#include "actors/caf.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <random>

static_assert(!RT_CAF_1X, "the simulation drives CAF 0.17's test coordinator");

namespace syncline::actors::simulation {

/// Owns the actor system. Time is in milliseconds since the start of the run.
class deterministic_system {
public:
  explicit deterministic_system(std::uint64_t seed)
    : random_{seed}, system_{prepare(config_)},
      coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {}

  [[nodiscard]] caf::actor_system& system() {
    return system_;
  }
  [[nodiscard]] std::uint64_t steps() const {
    return steps_;
  }
  /// Folds what happened into the hash of the trace.
  void trace(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 1099511628211ull;
  }
  [[nodiscard]] std::uint64_t trace_hash() const {
    return hash_;
  }

  [[nodiscard]] std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
             coordinator_.clock().now().time_since_epoch())
      .count();
  }

  /// Runs one message of one actor; false when none is runnable.
  bool step() {
    auto& jobs = coordinator_.jobs;
    if (jobs.empty())
      return false;
    const std::size_t index = jobs.size() == 1 ? 0 : random_() % jobs.size();
    auto* job = jobs[index];
    jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(index));
    jobs.push_front(job);
    coordinator_.run_once();
    ++steps_;
    trace(index);
    return true;
  }

  /// Moves the clock to the next timer and fires it, if it is due by `until_ms`. Timers of one
  /// instant race: the seed decides how many fire before the actors run.
  bool fire_timer(std::int64_t until_ms) {
    if (!has_timer_by(until_ms))
      return false;
    coordinator_.trigger_timeout();
    const std::int64_t now = now_ms();
    trace(static_cast<std::uint64_t>(now));
    while (random_() % 2 == 0 && has_timer_by(now))
      coordinator_.trigger_timeout();
    return true;
  }

  void advance_to(std::int64_t at_ms) {
    const caf::actor_clock::time_point target{std::chrono::milliseconds{at_ms}};
    if (target > coordinator_.clock().current_time)
      coordinator_.clock().current_time = target;
  }

private:
  [[nodiscard]] bool has_timer_by(std::int64_t until_ms) {
    if (!coordinator_.has_pending_timeout())
      return false;
    const auto at = coordinator_.clock().schedule().begin()->first;
    return at <= caf::actor_clock::time_point{std::chrono::milliseconds{until_ms}};
  }

  static caf::actor_system_config& prepare(caf::actor_system_config& config) {
    rt::set_policy(config, "testing");
    return config;
  }

  std::mt19937_64 random_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& coordinator_;
  std::uint64_t steps_ = 0;
  std::uint64_t hash_ = 1469598103934665603ull;
};

} // namespace syncline::actors::simulation
