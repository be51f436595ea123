#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "storage/client_store.hpp"

#include <functional>
#include <memory>

namespace syncline::actors::client {

struct background_options {
  /// No job is started of its own accord. `RunJob` and `RunUntil` always work.
  bool paused = true;
  /// None is started before the first `ConditionsChanged` either: somebody asks the machine.
  bool awaits_conditions = false;
  /// Counts what happens: "job started", "job done", "job expired", ... Called in the actor's
  /// context. May be empty.
  std::function<void(const char* event)> on_event;
};

/// Runs the store's jobs, which are syncs (core/jobs/job.hpp). `store` is for reading.
background_actor spawn_background(caf::actor_system& system,
                                  std::shared_ptr<storage::client_store> store,
                                  storage_actor storage, sync_actor sync, seams world,
                                  background_options options);

} // namespace syncline::actors::client
