#pragma once

#include "actors/client/interfaces.hpp"
#include "net/client/http_pool.hpp"

#include <memory>
#include <string>

namespace syncline::actors::client {

/// The bridge to the HTTP client's thread: a request goes to `base_url`, its reply comes back as a
/// message, and nobody waits. Without a pool every request fails as `no_server`. The pool may be
/// stopped at any time; what is open then is answered with the failure `stopped`.
transport_actor spawn_transport(caf::actor_system& system, std::shared_ptr<net::http_pool> pool,
                                std::string base_url);

} // namespace syncline::actors::client
