#pragma once

#include "actors/message_types.hpp"
#include "actors/seams.hpp"
#include "core/sync/backoff.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace syncline::actors {

/// One actor of a supervised set.
struct supervised {
  std::string name; ///< for `on_failed`
  caf::actor handle;
};

struct supervisor_options {
  /// Makes the set, in the order of its stopping. Called in the supervisor's context, again after
  /// each failure; the handles that others need are published from here.
  std::function<std::vector<supervised>()> spawn;
  /// An actor of the set has ended although nobody told it to; its siblings are stopped and all of
  /// them are spawned anew after the backoff. May be empty.
  std::function<void(const std::string& name, const core::error& reason)> on_failed;
  seams world;
  core::backoff_options backoff{.first_ms = 100, .max_ms = 30'000};
  /// A set that lived for this long is taken as sound: the backoff begins anew.
  std::int64_t sound_after_ms = 60'000;
};

/// Answers for the lives of a set: one actor's failure leaves its siblings with promises that
/// nobody keeps, so all of them are stopped, one after the other, and spawned again. `StopNow`
/// stops the set in the same order and then ends the supervisor.
caf::actor spawn_supervisor(caf::actor_system& system, supervisor_options options);

} // namespace syncline::actors
