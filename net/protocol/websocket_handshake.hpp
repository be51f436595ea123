#pragma once
// A request that asks to leave HTTP for WebSocket (RFC 6455, 4.2.1) or for an event stream. Pure.

#include "core/expected.hpp"
#include "http.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace syncline::net {

/// Whether a request asks for an upgrade to WebSocket, well or badly.
[[nodiscard]] bool asks_for_websocket(const msg::HttpRequest& request);

/// Checks such a request. Errors: `bad_upgrade` (400), `websocket_version` (426: the answer names
/// version 13), `foreign_origin` (403).
[[nodiscard]] core::expected<void> check_websocket_request(const msg::HttpRequest& request);

/// Checks a request for an event stream. Error: `foreign_origin` (403).
[[nodiscard]] core::expected<void> check_events_request(const msg::HttpRequest& request);

/// The first of the offered subprotocols that is in `supported`; empty where none is.
[[nodiscard]] std::string choose_subprotocol(const msg::HttpRequest& request,
                                             const std::vector<std::string_view>& supported);

/// Whether the request comes from a page of this server, or from no page at all. Another site's
/// page must not reach what its visitor can reach (RFC 6455, 10.2).
[[nodiscard]] bool is_own_origin(const msg::HttpRequest& request);

} // namespace syncline::net
