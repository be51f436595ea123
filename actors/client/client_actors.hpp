#pragma once
// All actors of one open client store, spawned and wired in one place.

#include "actors/client/background_actor.hpp"
#include "actors/client/conflict_actor.hpp"
#include "actors/client/document_actor.hpp"
#include "actors/client/interfaces.hpp"
#include "actors/client/link_actor.hpp"
#include "actors/client/observer_actor.hpp"
#include "actors/client/outbox_actor.hpp"
#include "actors/client/poll_actor.hpp"
#include "actors/client/storage_actor.hpp"
#include "actors/client/stream_actor.hpp"
#include "actors/client/sync_actor.hpp"
#include "actors/supervisor.hpp"

namespace syncline::actors::client {

/// `link` says who of outbox, poll, stream and documents works; with `link.paused` they do so as
/// their own options say.
struct client_options {
  rt::placement storage_placement = rt::placement::detached;
  outbox_options outbox;
  poll_options poll;
  conflict_options conflict;
  stream_options stream;
  documents_options documents;
  link_options link;
  background_options background;
  std::function<void(const core::error&)> on_store_failed;
};

/// The handles of a running set. Copies share it.
struct client_actors {
  storage_actor storage;
  observer_actor observer;
  conflict_actor conflict;
  outbox_actor outbox;
  poll_actor poll;
  stream_actor stream;
  documents_actor documents;
  link_actor link;
  sync_actor sync;
  background_actor background;

  /// In the order of stopping: traffic first, the writer last, so that what is queued for it is
  /// still committed.
  [[nodiscard]] std::vector<supervised> in_stop_order() const;
};

/// Makes the seams of one actor; called once for each of them.
using seams_factory = std::function<seams(const char* actor)>;

client_actors spawn_client(caf::actor_system& system,
                           const std::shared_ptr<storage::client_store>& store,
                           transport_actor transport, event_sink sink, const seams_factory& world,
                           const client_options& options);

} // namespace syncline::actors::client
