#pragma once

#include "actors/server/session_actor.hpp"

#include <functional>

namespace syncline::actors::server {

/// Takes requests from the HTTP server's threads and hands each to the session of its connection.
using listener_actor = caf::typed_actor<rt::sig<void, http_arrived>>;

/// `make_session` is called for each new connection. A connection's end is not heard of: of more
/// than `sessions_max` the one that was idle for longest goes, and comes back when it is needed.
listener_actor spawn_listener(caf::actor_system& system,
                              std::function<session_actor()> make_session,
                              std::size_t sessions_max);

} // namespace syncline::actors::server
