#pragma once

#include "actors/message_types.hpp"
#include "net/server/publication.hpp"
#include "storage/server_store.hpp"

#include <functional>
#include <memory>

namespace syncline::actors::server {

/// Tells those who follow a topic what was committed. A page near the head is read once and encoded
/// once, for all of them. After the answer to `JoinTopic` every later change is published; nothing
/// is for a topic that nobody has joined.
using hub_actor =
  caf::typed_actor<rt::sig<msg::Done, msg::JoinTopic>, rt::sig<void, msg::LeaveTopic>,
                   rt::sig<void, msg::StoreMoved>>; // from `store`, after a commit

struct hub_options {
  std::uint64_t page_bytes_max = std::uint64_t{256} << 10;
  /// Takes each publication. Must not block.
  std::function<void(net::publication)> publish;
  /// Told of a topic that nobody follows any more, before a later one may join it again.
  std::function<void(const std::string& topic)> end_topic;
};

hub_actor spawn_hub(caf::actor_system& system,
                    std::shared_ptr<const storage::server_store> readable, hub_options options);

} // namespace syncline::actors::server
