#pragma once
// What a request asks the server for, and how an answer looks: routes, parameters, content types
// (PROTOCOL.md sections 1-4 and 8). Pure.

#include "core/expected.hpp"
#include "http.pb.h"
#include "net/protocol/batch_json.hpp"
#include "stream.pb.h"
#include "wire.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace syncline::net {

/// JSON is the default; our own clients ask for protobuf.
enum class body_format { json, protobuf };

struct delta_ask {
  std::string collection = "items";
  std::string cursor;
  std::uint32_t limit = 500;
  msg::Place seen;
  std::string if_none_match;
};

struct updates_ask {
  std::string collection = "items";
  std::int64_t since_ms = 0; ///< as asked, in milliseconds
  std::uint32_t limit = 500;
};

struct batch_ask {
  json_batch batch; ///< without `operations` when it came as protobuf
  std::string idempotency_key;
};

/// GET or DELETE /document/<id>.
struct document_ask {
  std::string id;
  bool deletes = false;
};

struct health_ask {};
struct ready_ask {};

struct server_ask {
  std::variant<delta_ask, updates_ask, batch_ask, document_ask, health_ask, ready_ask> what;
  body_format answer = body_format::json;
};

/// Refused here: what has no route, no meaning, or no place in our limits. The error's code gives
/// the status by `http_status_of`.
[[nodiscard]] core::expected<server_ask> read_request(const msg::HttpRequest& request);

/// What a connection that leaves HTTP is for (PROTOCOL.md sections 5 and 6).
struct live_ask {
  msg::LiveForm form = msg::WEBSOCKET;
  std::string collection = "items";  ///< of plain clients; ours name their own
  std::optional<std::string> cursor; ///< none: only what comes from now on
  msg::StreamHello hello = {};       ///< of PROTOCOL_EVENTS, which can say nothing later
};

/// The same for a request that asks for a WebSocket or an event stream. Errors: `unknown_route`,
/// `bad_collection`, `bad_query`, `bad_message`.
[[nodiscard]] core::expected<live_ask> read_live_request(const msg::HttpRequest& request);

/// A WebSocket at /document/<id> (PROTOCOL.md section 7).
struct document_live_ask {
  std::string id;
  bool is_protobuf = false;  ///< frames of syncline.v1; else JSON
  bool may_be_plain = false; ///< it has not said that it will join
  bool again = false;        ///< `?create=1`: a deleted document is created again
};

/// Whether the target is below /document/.
[[nodiscard]] bool is_document(const msg::HttpRequest& request);

/// Errors: `bad_id`, `bad_url`.
[[nodiscard]] core::expected<document_live_ask>
read_document_live_request(const msg::HttpRequest& request);

/// The methods of the route of a target, for the header `Allow`; empty where there is no route.
[[nodiscard]] std::string allowed_methods(std::string_view target);

/// The format that the client wants, also for a refusal.
[[nodiscard]] body_format wanted_format(const msg::HttpRequest& request);

[[nodiscard]] msg::HttpReply make_reply(std::uint32_t status, std::string_view content_type,
                                        std::string body);
[[nodiscard]] msg::HttpReply make_reply(std::uint32_t status,
                                        const google::protobuf::MessageLite& message);
[[nodiscard]] msg::HttpReply make_refusal(const msg::ErrorReply& refusal, body_format format);
[[nodiscard]] msg::HttpReply make_refusal(const core::error& error, body_format format);
void add_header(msg::HttpReply& reply, std::string_view name, std::string_view value);

inline constexpr std::string_view json_type = "application/json";

} // namespace syncline::net
