#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "core/sync/backoff.hpp"
#include "core/sync/poll_schedule.hpp"
#include "net/protocol/client_protocol.hpp"
#include "storage/client_store.hpp"

#include <functional>
#include <memory>

namespace syncline::actors::client {

struct poll_options {
  std::int64_t interval_ms = core::poll_interval_default_ms;
  std::uint32_t page_items_max = 500;
  std::uint32_t timeout_ms = 60'000;
  core::backoff_options backoff;
  bool paused = false; ///< no polling of its own accord; PullNow always works
  /// Told how each run ended. Called in the actor's context. May be empty.
  std::function<void(msg::LineTried)> on_line;
  std::shared_ptr<const net::client_protocol> protocol = net::own_protocol();
  /// Planted bug, for the simulation only: a 404 is read as "there is nothing any more".
  bool canary_deletes_on_404 = false;
};

/// Pulls every collection of the store in turn. `store` is for reading.
poll_actor spawn_poll(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                      storage_actor storage, conflict_actor conflict, transport_actor transport,
                      seams world, poll_options options);

} // namespace syncline::actors::client
