#pragma once

#include "actors/server/hub_actor.hpp"
#include "actors/server/reconnect_bounds.hpp"
#include "actors/server/store_actor.hpp"
#include "net/protocol/server_codec.hpp"
#include "net/server/live.hpp"

#include <memory>

namespace syncline::actors::server {

/// One live connection: reads the pages that its client lacks, and then follows the hub's. What it
/// holds is a cursor for each collection; the socket's credit says when the next page is read.
using live_session_actor =
  caf::typed_actor<rt::sig<void, live_begun>, rt::sig<void, live_message>, rt::sig<void, live_left>,
                   rt::sig<void, live_drained>, rt::sig<void, live_ended>>;

struct live_session_options {
  std::string space = "default";
  net::live_ask ask;
  std::uint64_t page_bytes_max = std::uint64_t{256} << 10;
  reconnect_bounds reconnect;
};

/// A plain client that names no cursor begins at the head of this moment: it cannot have heard yet
/// that it is connected, and is told of all that is written after it has. Any thread.
/// Errors: those of the store.
[[nodiscard]] core::expected<live_session_actor>
spawn_live_session(caf::actor_system& system, std::shared_ptr<const storage::server_store> readable,
                   hub_actor hub, store_actor store, live_session_options options);

/// What the server's io thread calls: hands everything to the session.
[[nodiscard]] std::shared_ptr<net::live_peer> make_session_peer(live_session_actor session);

} // namespace syncline::actors::server
