#include "actors/client/client_actors.hpp"

#include <future>

namespace syncline::actors::client {

std::vector<caf::actor> client_actors::in_stop_order() const {
  return {caf::actor_cast<caf::actor>(sync),     caf::actor_cast<caf::actor>(poll),
          caf::actor_cast<caf::actor>(outbox),   caf::actor_cast<caf::actor>(conflict),
          caf::actor_cast<caf::actor>(observer), caf::actor_cast<caf::actor>(storage)};
}

client_actors spawn_client(caf::actor_system& system,
                           const std::shared_ptr<storage::client_store>& store,
                           transport_actor transport, event_sink sink, const seams_factory& world,
                           const client_options& options) {
  client_actors actors;
  // Storage is spawned first and publishes to actors that come after it. It may publish before
  // this function ends, if a request is quick; so it waits for the handles.
  const auto wired = std::make_shared<std::promise<storage_listeners>>();
  const auto listeners = wired->get_future().share();
  storage_options storage;
  storage.where = options.storage_placement;
  storage.on_store_failed = options.on_store_failed;
  storage.listeners = [listeners] { return listeners.get(); };
  actors.storage = spawn_storage(system, store, std::move(storage));
  actors.observer = spawn_observer(system, std::move(sink));
  actors.conflict = spawn_conflict(
    system, store, actors.storage, [observer = actors.observer] { return observer; },
    world("conflict"), options.conflict);
  actors.outbox = spawn_outbox(system, actors.storage, transport, world("outbox"), options.outbox);
  actors.poll = spawn_poll(system, store, actors.storage, actors.conflict, transport, world("poll"),
                           options.poll);
  actors.sync = spawn_sync(system, store, actors.outbox, actors.poll, world("sync"));
  wired->set_value({actors.outbox, actors.conflict, actors.observer});
  return actors;
}

} // namespace syncline::actors::client
