#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "core/sync/conflict.hpp"
#include "storage/client_store.hpp"

#include <functional>
#include <map>
#include <memory>

namespace syncline::actors::client {

struct conflict_options {
  core::conflict_policy policy;
  std::map<std::string, core::conflict_policy> by_collection;
  std::chrono::milliseconds host_timeout{5'000}; ///< for `custom`; then the user decides
  /// Counts what happens: "stale page", "stale resolution", "lane decided".
  std::function<void(const char* event)> on_event;
};

/// Decides what happens where the server's data meets what waits here. `store` is for reading;
/// `observer` is asked lazily, since it is spawned with this one.
conflict_actor spawn_conflict(caf::actor_system& system,
                              std::shared_ptr<storage::client_store> store, storage_actor storage,
                              std::function<observer_actor()> observer, seams world,
                              conflict_options options);

} // namespace syncline::actors::client
