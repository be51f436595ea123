#include "actors/server/session_actor.hpp"

#include "net/protocol/client_codec.hpp"
#include "net/protocol/delta_json.hpp"
#include "net/protocol/delta_wire.hpp"
#include "net/protocol/document_message.hpp"
#include "net/protocol/server_codec.hpp"
#include "net/protocol/updates_json.hpp"
#include "storage/payload_hash.hpp"

#include <algorithm>

namespace syncline::actors::server {

namespace {

using net::body_format;

class session_state {
public:
  static inline const char* name = "session";

  session_state(session_actor::pointer self, std::shared_ptr<const storage::server_store> readable,
                store_actor store, seams world, session_options options)
    : self_{self}, readable_{std::move(readable)}, store_{std::move(store)},
      world_{std::move(world)}, options_{std::move(options)} {}

  session_actor::behavior_type make_behavior() {
    return {[this](const msg::HttpRequest& request) { return on_request(request); }};
  }

private:
  caf::result<msg::HttpReply> on_request(const msg::HttpRequest& request) {
    auto ask = net::read_request(request);
    if (!ask)
      return refuse(ask.error(), request);
    if (const auto* delta = std::get_if<net::delta_ask>(&ask->what))
      return read_delta(*delta, ask->answer);
    if (const auto* updates = std::get_if<net::updates_ask>(&ask->what))
      return read_updates(*updates, ask->answer);
    if (auto* batch = std::get_if<net::batch_ask>(&ask->what))
      return apply_batch(*batch, request, ask->answer);
    if (const auto* document = std::get_if<net::document_ask>(&ask->what))
      return document->deletes ? delete_document(*document, ask->answer)
                               : read_document(*document, ask->answer);
    return health(std::holds_alternative<net::ready_ask>(ask->what));
  }

  static msg::HttpReply refuse(const core::error& error, const msg::HttpRequest& request) {
    auto reply = net::make_refusal(error, net::wanted_format(request));
    if (error.code == "method_not_allowed") // RFC 9110, section 15.5.6
      net::add_header(reply, "allow", net::allowed_methods(request.target()));
    return reply;
  }

  msg::HttpReply read_delta(const net::delta_ask& ask, body_format format) {
    storage::delta_query query;
    query.space = options_.space;
    query.collection = ask.collection;
    query.cursor = ask.cursor == "0" ? std::string{} : ask.cursor;
    query.limit = ask.limit;
    query.bytes_max = options_.page_bytes_max;
    query.seen = ask.seen;
    query.plain = format == body_format::json;
    query.if_none_match = ask.if_none_match;
    auto output = readable_->delta(query);
    if (!output)
      return net::make_refusal(output.error(), format);
    if (const auto* refusal = std::get_if<msg::ErrorReply>(&*output))
      return net::make_refusal(*refusal, format);
    auto& answer = std::get<storage::delta_answer>(*output);
    msg::HttpReply reply;
    if (answer.not_modified)
      reply.set_status(304);
    else if (format == body_format::protobuf)
      reply = packed(std::move(answer.page));
    else
      reply =
        net::make_reply(200, net::json_type, net::delta_page_json(answer.page, answer.cursor_seq));
    net::add_header(reply, "etag", answer.etag);
    net::add_header(reply, "cache-control", "no-cache");
    return reply;
  }

  static msg::HttpReply packed(msg::DeltaPage page) {
    net::pack_page(page);
    return net::make_reply(200, page);
  }

  msg::HttpReply read_updates(const net::updates_ask& ask, body_format format) {
    storage::updates_query query;
    query.space = options_.space;
    query.collection = ask.collection;
    query.since_ms = net::updates_read_from_ms(ask.since_ms);
    query.limit = ask.limit;
    query.bytes_max = options_.page_bytes_max;
    auto answer = readable_->updates(query);
    if (!answer)
      return net::make_refusal(answer.error(), format);
    net::updates_page page;
    page.items = std::move(answer->items);
    page.server_time_ms = world_.wall_ms();
    page.has_more = answer->has_more;
    // Such a client looks back from what it saves; a page in the middle must not look back again.
    page.next_since_ms =
      answer->has_more ? answer->next_since_ms + net::updates_overlap_ms : page.server_time_ms;
    return net::make_reply(200, net::json_type, net::updates_json(page));
  }

  caf::result<msg::HttpReply> apply_batch(net::batch_ask& ask, const msg::HttpRequest& request,
                                          body_format format) {
    const bool is_json = !net::header_of(request, "content-type").starts_with(net::protobuf_type);
    msg::ApplyBatch command;
    command.set_space(options_.space);
    command.set_plain(is_json);
    *command.mutable_request() = ask.batch.request;
    if (!ask.idempotency_key.empty()) {
      command.set_idempotency_key(ask.idempotency_key);
      command.set_request_hash(storage::sha256(request.body()));
    }
    auto reply = self_->make_response_promise<msg::HttpReply>();
    auto batch = std::make_shared<net::json_batch>(std::move(ask.batch));
    rt::request(self_, store_, rt::no_timeout, std::move(command))
      .then(
        [reply, batch, is_json, format](const msg::BatchApplied& applied) mutable {
          reply.deliver(applied.has_refusal() ? net::make_refusal(applied.refusal(), format)
                        : is_json
                          ? net::make_reply(200, net::json_type,
                                            net::batch_results_json(*batch, applied.response()))
                          : net::make_reply(200, applied.response()));
        },
        [reply, format](const caf::error& error) mutable {
          reply.deliver(net::make_refusal(rt::from_caf(error), format));
        });
    return reply;
  }

  caf::result<msg::HttpReply> read_document(const net::document_ask& ask, body_format format) {
    const auto found = readable_->documents().read_document(options_.space, ask.id);
    if (!found)
      return net::make_refusal(found.error(), format);
    auto reply = net::make_reply(
      200, net::json_type, net::document_text_json(found->text, found->revision, found->epoch));
    net::add_header(reply, "cache-control", "no-cache");
    return reply;
  }

  caf::result<msg::HttpReply> delete_document(const net::document_ask& ask, body_format format) {
    msg::DeleteDocument command;
    command.set_space(options_.space);
    command.set_id(ask.id);
    auto reply = self_->make_response_promise<msg::HttpReply>();
    rt::request(self_, options_.documents, rt::no_timeout, std::move(command))
      .then(
        [reply](const msg::Done&) mutable {
          reply.deliver(
            net::make_reply(200, net::json_type, std::string{net::document_deleted_json}));
        },
        [reply, format](const caf::error& error) mutable {
          reply.deliver(net::make_refusal(rt::from_caf(error), format));
        });
    return reply;
  }

  msg::HttpReply health(bool ready) const {
    const std::string why = ready && options_.not_ready ? options_.not_ready() : std::string{};
    if (!why.empty())
      return net::make_refusal(core::fail("not_ready", why), body_format::json);
    return net::make_reply(200, net::json_type, ready ? R"({"ready":true})" : R"({"alive":true})");
  }

  session_actor::pointer self_;
  std::shared_ptr<const storage::server_store> readable_;
  store_actor store_;
  seams world_;
  session_options options_;
};

} // namespace

session_actor spawn_session(caf::actor_system& system,
                            std::shared_ptr<const storage::server_store> readable,
                            store_actor store, seams world, session_options options) {
  return rt::spawn<session_actor, session_state>(system, std::move(readable), std::move(store),
                                                 std::move(world), std::move(options));
}

} // namespace syncline::actors::server
