#pragma once

#include "actors/client/interfaces.hpp"
#include "storage/client_store.hpp"

#include <functional>
#include <memory>

namespace syncline::actors::client {

struct storage_options {
  rt::placement where = rt::placement::detached;
  /// Requests in one transaction; more of them only make its pages colder.
  std::size_t group_max = 512;
  /// Called with the code of a commit whose outcome is unknown: the store must be opened again.
  std::function<void(const core::error&)> on_store_failed;
  /// The handles of the listeners, asked for at the first event: the actors know each other.
  std::function<storage_listeners()> listeners;
};

/// Spawns the one writer of `store`. It keeps the store open until it ends.
storage_actor spawn_storage(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                            storage_options options);

} // namespace syncline::actors::client
