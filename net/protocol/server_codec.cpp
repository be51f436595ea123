#include "net/protocol/server_codec.hpp"

#include "core/data/ids.hpp"
#include "core/sync/cursor.hpp"
#include "net/protocol/client_codec.hpp"
#include "net/protocol/error_json.hpp"
#include "net/protocol/stream_frame.hpp"
#include "net/protocol/updates_json.hpp"
#include "net/protocol/url.hpp"
#include "net/protocol/websocket_handshake.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace syncline::net {

using core::expected;
using core::fail;

namespace {

constexpr std::uint32_t page_items_max = 500;
constexpr std::size_t idempotency_key_bytes_max = 128;
constexpr int batch_mutations_max = 1000;

expected<std::uint32_t> read_limit(const url_target& target) {
  const auto* text = target.find("limit");
  if (text == nullptr)
    return page_items_max;
  std::uint32_t limit = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (failure != std::errc{} || end != text->data() + text->size() || limit < 1 ||
      limit > page_items_max)
    return fail("bad_limit", "the parameter 'limit' is '" + text->substr(0, 40) +
                               "'; it is a number from 1 to 500");
  return limit;
}

expected<std::string> read_collection(const url_target& target) {
  const auto* name = target.find("collection");
  if (name == nullptr)
    return std::string{"items"};
  if (auto valid = core::validate_collection(*name); !valid)
    return valid.error();
  return *name;
}

expected<server_ask> read_delta(const msg::HttpRequest& request, const url_target& target) {
  delta_ask ask;
  auto collection = read_collection(target);
  auto limit = read_limit(target);
  if (!collection)
    return collection.error();
  if (!limit)
    return limit.error();
  ask.collection = *collection;
  ask.limit = *limit;
  if (const auto* cursor = target.find("cursor"))
    ask.cursor = *cursor;
  if (const auto* seen = target.find("seen")) {
    auto place = core::decode_place(*seen);
    if (!place)
      return place.error();
    ask.seen = *place;
  }
  ask.if_none_match = header_of(request, "if-none-match");
  return server_ask{std::move(ask), body_format::json};
}

expected<server_ask> read_updates(const url_target& target) {
  updates_ask ask;
  auto collection = read_collection(target);
  auto limit = read_limit(target);
  if (!collection)
    return collection.error();
  if (!limit)
    return limit.error();
  ask.collection = *collection;
  ask.limit = *limit;
  const auto* since = target.find("since");
  auto since_ms = parse_since(since ? *since : "0");
  if (!since_ms)
    return since_ms.error();
  ask.since_ms = *since_ms;
  return server_ask{std::move(ask), body_format::json};
}

expected<server_ask> read_batch(const msg::HttpRequest& request, const url_target& target) {
  batch_ask ask;
  const auto type = header_of(request, "content-type");
  if (type.starts_with(protobuf_type)) {
    const auto& body = request.body();
    if (body.size() > std::numeric_limits<int>::max() ||
        !ask.batch.request.ParseFromArray(body.data(), static_cast<int>(body.size())))
      return fail("bad_protobuf",
                  "the body is not a BatchRequest in protobuf; nothing was applied");
    if (ask.batch.request.mutations_size() > batch_mutations_max)
      return fail("too_many", "a batch has at most 1000 mutations; send several batches");
  } else if (type.empty() || type.starts_with(json_type)) {
    auto collection = read_collection(target);
    if (!collection)
      return collection.error();
    auto batch = parse_batch_json(request.body(), *collection);
    if (!batch)
      return batch.error();
    ask.batch = std::move(*batch);
  } else {
    return fail("unsupported_media_type", "the content type '" + std::string{type.substr(0, 60)} +
                                            "' is not known here; send application/json or " +
                                            std::string{protobuf_type});
  }
  ask.idempotency_key = header_of(request, "idempotency-key");
  if (ask.idempotency_key.size() > idempotency_key_bytes_max ||
      ask.idempotency_key.find('\0') != std::string::npos)
    return fail("bad_idempotency_key", "an Idempotency-Key has at most 128 bytes");
  return server_ask{std::move(ask), body_format::json};
}

struct route {
  std::string_view path;
  std::string_view method;
};

constexpr std::array<route, 7> routes{{{"/delta", "GET"},
                                       {"/updates", "GET"},
                                       {"/batch-sync", "POST"},
                                       {"/healthz", "GET"},
                                       {"/readyz", "GET"},
                                       {"/stream", "GET"},
                                       {"/events", "GET"}}};

constexpr std::string_view document_path = "/document/";

expected<std::string> read_document_id(const url_target& target) {
  auto id = target.path.substr(document_path.size());
  if (auto valid = core::validate_item_id(id); !valid)
    return valid.error();
  return id;
}

expected<server_ask> read_document(const msg::HttpRequest& request, const url_target& target) {
  auto id = read_document_id(target);
  if (!id)
    return id.error();
  const bool deletes = request.method() == "DELETE";
  if (!deletes && request.method() != "GET" && request.method() != "HEAD")
    return fail("method_not_allowed", "a document answers GET, DELETE and WebSocket, not '" +
                                        request.method().substr(0, 20) + "'");
  return server_ask{document_ask{std::move(*id), deletes}, wanted_format(request)};
}

expected<live_ask> read_hello(const std::string& text) {
  auto frame = decode_hello_text(text);
  if (!frame)
    return frame.error();
  live_ask ask;
  ask.form = msg::PROTOCOL_EVENTS;
  ask.hello.Swap(frame->mutable_hello());
  return ask;
}

} // namespace

body_format wanted_format(const msg::HttpRequest& request) {
  return header_of(request, "accept").find(protobuf_type) != std::string_view::npos
           ? body_format::protobuf
           : body_format::json;
}

std::string allowed_methods(std::string_view target) {
  const auto parsed = parse_target(std::string{target});
  if (parsed && parsed->path.starts_with(document_path))
    return "GET, HEAD, DELETE";
  for (const auto& route : routes)
    if (parsed && route.path == parsed->path)
      return route.method == "GET" ? "GET, HEAD" : std::string{route.method};
  return {};
}

expected<server_ask> read_request(const msg::HttpRequest& request) {
  auto target = parse_target(request.target());
  if (!target)
    return target.error();
  if (target->path.starts_with(document_path))
    return read_document(request, *target);
  const auto found = std::find_if(routes.begin(), routes.end(),
                                  [&](const route& r) { return r.path == target->path; });
  if (found == routes.end())
    return fail("unknown_route", "there is no route '" + target->path.substr(0, 100) +
                                   "'; see PROTOCOL.md for those that are");
  const bool head_for_get = found->method == "GET" && request.method() == "HEAD";
  if (request.method() != found->method && !head_for_get)
    return fail("method_not_allowed", std::string{found->path} + " answers " +
                                        std::string{found->method} + ", not '" +
                                        request.method().substr(0, 20) + "'");
  expected<server_ask> ask = server_ask{health_ask{}, body_format::json};
  if (found->path == "/delta")
    ask = read_delta(request, *target);
  else if (found->path == "/updates")
    ask = read_updates(*target);
  else if (found->path == "/batch-sync")
    ask = read_batch(request, *target);
  else if (found->path == "/readyz")
    ask = server_ask{ready_ask{}, body_format::json};
  else if (found->path == "/stream" || found->path == "/events")
    return fail("upgrade_required",
                std::string{found->path} + (found->path == "/stream"
                                              ? " is a WebSocket; ask for an upgrade"
                                              : " is an event stream; ask for it with GET"));
  if (ask)
    ask->answer = wanted_format(request);
  return ask;
}

expected<live_ask> read_live_request(const msg::HttpRequest& request) {
  auto target = parse_target(request.target());
  if (!target)
    return target.error();
  live_ask ask;
  if (const auto* hello = target->find("hello"); hello != nullptr && target->path == "/events")
    return read_hello(*hello);
  if (target->path == "/events")
    ask.form = msg::EVENTS;
  else if (target->path != "/stream")
    return fail("unknown_route", "there is no WebSocket at '" + target->path.substr(0, 100) + "'");
  else if (choose_subprotocol(request, {stream_subprotocol}) == stream_subprotocol)
    ask.form = msg::PROTOCOL;
  auto collection = read_collection(*target);
  if (!collection)
    return collection.error();
  ask.collection = std::move(*collection);
  if (const auto* cursor = target->find("cursor"))
    ask.cursor = *cursor;
  // What a browser remembers is later than what its page once asked for.
  if (const auto last = header_of(request, "last-event-id");
      !last.empty() && ask.form == msg::EVENTS)
    ask.cursor = std::string{last};
  return ask;
}

bool is_document(const msg::HttpRequest& request) {
  return request.target().starts_with(document_path);
}

expected<document_live_ask> read_document_live_request(const msg::HttpRequest& request) {
  const auto target = parse_target(request.target());
  if (!target)
    return target.error();
  auto id = read_document_id(*target);
  if (!id)
    return id.error();
  document_live_ask ask;
  ask.id = std::move(*id);
  ask.is_protobuf = choose_subprotocol(request, {stream_subprotocol}) == stream_subprotocol;
  ask.may_be_plain = !ask.is_protobuf && !target->find("client");
  const auto* create = target->find("create");
  ask.again = create && *create == "1";
  return ask;
}

void add_header(msg::HttpReply& reply, std::string_view name, std::string_view value) {
  auto& header = *reply.add_headers();
  header.set_name(name.data(), name.size());
  header.set_value(value.data(), value.size());
}

msg::HttpReply make_reply(std::uint32_t status, std::string_view content_type, std::string body) {
  msg::HttpReply reply;
  reply.set_status(status);
  add_header(reply, "content-type", content_type);
  reply.set_body(std::move(body));
  return reply;
}

msg::HttpReply make_reply(std::uint32_t status, const google::protobuf::MessageLite& message) {
  return make_reply(status, protobuf_type, message.SerializeAsString());
}

msg::HttpReply make_refusal(const msg::ErrorReply& refusal, body_format format) {
  const auto status = static_cast<std::uint32_t>(http_status_of(refusal.code()));
  auto reply = format == body_format::protobuf ? make_reply(status, refusal)
                                               : make_reply(status, json_type, error_json(refusal));
  if (status == 503 || status == 429)
    add_header(reply, "retry-after", "1");
  return reply;
}

msg::HttpReply make_refusal(const core::error& error, body_format format) {
  msg::ErrorReply refusal;
  refusal.set_code(error.code);
  refusal.set_message(error.message);
  return make_refusal(refusal, format);
}

} // namespace syncline::net
