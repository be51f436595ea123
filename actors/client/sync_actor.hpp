#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "storage/client_store.hpp"

#include <memory>

namespace syncline::actors::client {

/// One sync run at a time. A run pushes what waits, has the conflicts of that decided, pulls until
/// caught up, and begins again while that left something to do: a resolution to send, an
/// acknowledged change to see. In the end it brings to the server what was typed into texts.
sync_actor spawn_sync(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                      outbox_actor outbox, conflict_actor conflict, poll_actor poll,
                      documents_actor documents, seams world);

} // namespace syncline::actors::client
