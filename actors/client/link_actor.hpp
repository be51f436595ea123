#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"

namespace syncline::actors::client {

struct link_options {
  bool paused = false; ///< until the host starts it
  /// The server is on this machine: what becomes of the network does not matter.
  bool is_local = false;
};

/// The hybrid of stream and polls: with the network there the stream is connected and whatever is
/// missing is pulled once; while no stream is live the server is polled; with the network away the
/// stream is closed and everything stays queued. A hint that is wrong is found out by a poll.
/// `outbox`, `poll` and `stream` have to be spawned paused.
link_actor spawn_link(caf::actor_system& system, outbox_actor outbox, poll_actor poll,
                      stream_actor stream, documents_actor documents, seams world,
                      link_options options);

} // namespace syncline::actors::client
