#pragma once

#include "actors/server/document_actor.hpp"
#include "actors/server/store_actor.hpp"

#include <functional>

namespace syncline::actors::server {

/// One connection of a client: reads requests, answers them from the store. The listener sends the
/// next request only after the answer to the last, so its mailbox never grows.
using session_actor = caf::typed_actor<rt::sig<msg::HttpReply, msg::HttpRequest>>;

struct session_options {
  documents_actor documents;
  std::string space = "default";
  std::uint64_t page_bytes_max = 1u << 20;
  /// Empty when ready; otherwise why not (for /readyz).
  std::function<std::string()> not_ready;
};

/// `readable` is read directly, from a snapshot for each request.
session_actor spawn_session(caf::actor_system& system,
                            std::shared_ptr<const storage::server_store> readable,
                            store_actor store, seams world, session_options options);

} // namespace syncline::actors::server
