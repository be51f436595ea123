#pragma once
// A page of changes as live connections get it.

#include "actors.pb.h"
#include "net/server/publication.hpp"
#include "storage/server_store.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace syncline::actors::server {

/// Whether it gets pages of our protocol, and not one event for each change.
[[nodiscard]] constexpr bool is_protocol(msg::LiveForm form) {
  return form == msg::PROTOCOL || form == msg::PROTOCOL_EVENTS;
}

/// One frame of our protocol as it goes over the wire.
[[nodiscard]] net::shared_bytes frame_bytes(msg::LiveForm form, std::string_view frame);

/// The name under which a topic is published.
[[nodiscard]] std::string topic_name(const msg::Topic& topic);

/// What the store is asked for a topic.
[[nodiscard]] storage::delta_query topic_query(const msg::Topic& topic, std::string cursor,
                                               std::uint64_t bytes_max);

/// The bytes for the wire, frames and all. Those of the protocol differ with the cursor that a
/// client is at; others are the same for all.
[[nodiscard]] std::function<net::shared_bytes(const std::string& prev_cursor)>
live_bytes(msg::LiveForm form, const storage::delta_answer& answer, bool all_tombstones = false);

} // namespace syncline::actors::server
