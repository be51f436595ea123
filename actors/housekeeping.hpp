#pragma once

#include "actors/message_types.hpp"

#include <chrono>
#include <functional>
#include <vector>

namespace syncline::actors {

/// Something small to do again and again. `run` is called in the actor's context: it must be quick
/// and must not throw.
struct chore {
  std::chrono::milliseconds period;
  std::function<void()> run;
};

/// Does each chore after its period, for as long as it lives.
caf::actor spawn_housekeeping(caf::actor_system& system, std::vector<chore> chores);

} // namespace syncline::actors
