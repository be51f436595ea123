#include "actors/client/client_actors.hpp"

#include <future>

namespace syncline::actors::client {

std::vector<supervised> client_actors::in_stop_order() const {
  const auto named = [](const char* name, const auto& handle) {
    return supervised{name, caf::actor_cast<caf::actor>(handle)};
  };
  return {
    named("background", background), named("sync", sync),           named("link", link),
    named("stream", stream),         named("documents", documents), named("poll", poll),
    named("outbox", outbox),         named("conflict", conflict),   named("observer", observer),
    named("storage", storage)};
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
  // These tell `link`, which is spawned after them.
  const auto linked = std::make_shared<std::promise<link_actor>>();
  const auto link = linked->get_future().share();
  const auto to_link = [link](auto message) { rt::anon_send(link.get(), std::move(message)); };
  const bool is_linked = !options.link.paused;
  auto outbox = options.outbox;
  outbox.paused = outbox.paused || is_linked;
  actors.outbox = spawn_outbox(system, actors.storage, transport, world("outbox"), outbox);
  auto poll = options.poll;
  poll.paused = poll.paused || is_linked;
  poll.on_line = to_link;
  actors.poll = spawn_poll(system, store, actors.storage, actors.conflict, transport, world("poll"),
                           std::move(poll));
  auto stream = options.stream;
  stream.on_changed = to_link;
  actors.stream =
    spawn_stream(system, store, actors.conflict, actors.poll, world("stream"), std::move(stream));
  auto documents = options.documents;
  documents.paused = documents.paused || is_linked;
  actors.documents = spawn_documents(system, store, actors.storage, transport, world("documents"),
                                     std::move(documents));
  actors.link = spawn_link(system, actors.outbox, actors.poll, actors.stream, actors.documents,
                           world("link"), options.link);
  linked->set_value(actors.link);
  actors.sync = spawn_sync(system, store, actors.outbox, actors.conflict, actors.poll,
                           actors.documents, world("sync"));
  actors.background = spawn_background(system, store, actors.storage, actors.sync,
                                       world("background"), options.background);
  wired->set_value({actors.outbox, actors.conflict, actors.observer});
  return actors;
}

} // namespace syncline::actors::client
