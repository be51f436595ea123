// The client's side of the plain JSON routes of foreign servers.

#include "core/data/json.hpp"
#include "core/sync/lane.hpp"
#include "net/protocol/client_protocol.hpp"
#include "net/protocol/foreign_batch.hpp"
#include "net/protocol/foreign_json.hpp"
#include "net/protocol/url.hpp"

#include <algorithm>

namespace syncline::net {

namespace {

using object = core::json_value;

constexpr std::string_view json_type = "application/json";
constexpr core::json_limits reply_limits{.bytes_max = 64u << 20, .depth_max = 70};

bool is_json(const msg::HttpReply& reply) {
  return header_of(reply, "content-type").starts_with(json_type);
}

std::optional<object> parse(const msg::HttpReply& reply) {
  if (!is_json(reply))
    return std::nullopt;
  auto parsed = core::parse_json(reply.body(), reply_limits);
  if (!parsed || !parsed->is_object())
    return std::nullopt;
  return std::move(*parsed);
}

void judge_failure(const msg::HttpReply& reply, std::int64_t now_ms, judged_reply& out) {
  out.kind = kind_of_status(reply.status());
  out.retry_after_ms = parse_retry_after(header_of(reply, "retry-after"), now_ms);
  if (reply.status() == 0) {
    out.why = reply.failure() + ": " + reply.failure_text();
    out.refusal.set_code(reply.failure());
    return;
  }
  const auto body = parse(reply);
  const auto* error = body ? body->find("error") : nullptr;
  const auto* code = error ? text_of(*error, "code") : nullptr;
  const auto* message = error ? text_of(*error, "message") : nullptr;
  out.why = "status " + std::to_string(reply.status());
  if (code)
    out.why += ", " + *code;
  if (message)
    out.why += ": " + *message;
  // A conflict of a whole batch is in no description of these routes: later, perhaps.
  if (out.kind == reply_kind::refused)
    out.kind = reply_kind::transient;
  if (reply.status() != 410)
    return;
  if (!code) { // A proxy's, perhaps: nothing is dropped for that.
    out.kind = reply_kind::not_our_server;
    return;
  }
  const auto* details = error->find("details");
  const auto* reason = details ? text_of(*details, "reason") : nullptr;
  out.kind = reply_kind::refused;
  out.refusal.set_code("cursor_expired");
  // Whose history is lost may have lost what we hold; where no reason is given, nobody lost any.
  const bool is_lost = reason && (*reason == "epoch" || *reason == "start" || *reason == "ahead");
  out.refusal.set_reason(is_lost ? *reason : "floor");
}

void add_header(msg::HttpRequest& request, std::string_view name, std::string_view value) {
  auto& header = *request.add_headers();
  header.set_name(name.data(), name.size());
  header.set_value(value.data(), value.size());
}

// --- Pages

bool add_items(const object& from, std::string_view name, msg::DeltaPage& page) {
  const auto* items = list_of(from, name);
  return items && std::all_of(items->begin(), items->end(), [&](const object& item) {
           return read_foreign_item(item, *page.add_items());
         });
}

bool add_deleted(const object& from, msg::DeltaPage& page) {
  const auto* ids = list_of(from, "deleted");
  if (!ids)
    return false;
  for (const auto& id : *ids) {
    if (id.kind() != core::json_kind::string || !is_foreign_id(id.as_string()))
      return false;
    auto& gone = *page.add_deleted();
    gone.set_id(id.as_string());
    gone.set_deleted(true);
    set_version_stamp(*gone.mutable_stamp(), core::foreign_tombstone_seq);
  }
  return true;
}

class json final : public client_protocol {
public:
  explicit json(foreign_pull pull) : pull_{pull} {}

  std::optional<msg::HttpRequest> batch_request(const msg::BatchRequest& batch,
                                                std::uint32_t timeout_ms) const override {
    auto body = foreign_batch_body(batch);
    if (body.empty())
      return std::nullopt;
    msg::HttpRequest request;
    request.set_method("POST");
    std::string target = "/batch-sync?collection=";
    append_percent_encoded(target, batch.mutations(0).collection());
    request.set_target(std::move(target));
    add_header(request, "content-type", json_type);
    add_header(request, "accept", json_type);
    add_header(request, "idempotency-key", batch.idempotency_key());
    request.set_body(std::move(body));
    request.set_timeout_ms(timeout_ms);
    return request;
  }

  batch_reply read_batch(const msg::BatchRequest& batch, const msg::HttpReply& reply,
                         std::int64_t now_ms) const override {
    batch_reply out;
    const bool was_sent = needs_answer(batch);
    if (was_sent && reply.status() != 200) {
      judge_failure(reply, now_ms, out);
      return out;
    }
    out.kind = reply_kind::ok;
    const auto body = was_sent ? parse(reply) : object::object();
    const auto* results = body ? list_of(*body, "results") : nullptr;
    if (!read_foreign_results(batch, results ? *results : object::array_type{}, out.response)) {
      out.kind = reply_kind::not_our_server;
      out.why = "the answer to a batch has not one result for each operation";
    }
    return out;
  }

  msg::HttpRequest delta_request(const std::string& collection, const msg::PullState& state,
                                 std::uint32_t limit, const std::string& etag,
                                 std::uint32_t timeout_ms) const override {
    const auto& token = state.cursor().token();
    std::string target =
      pull_ == foreign_pull::delta ? "/delta?collection=" : "/updates?collection=";
    append_percent_encoded(target, collection);
    target += "&limit=" + std::to_string(limit);
    target += pull_ == foreign_pull::delta ? "&cursor=" : "&since=";
    append_percent_encoded(target, token.empty() ? "0" : token);
    return make_page_request(std::move(target), json_type, etag, timeout_ms);
  }

  delta_reply read_delta(const msg::HttpReply& reply, const std::string& collection,
                         const std::string& cursor, std::int64_t now_ms) const override {
    delta_reply out;
    const auto has_page = read_delta_status(reply, out);
    if (!has_page)
      judge_failure(reply, now_ms, out);
    if (!has_page.value_or(false))
      return out;
    out.page.set_collection(collection);
    out.page.set_prev_cursor(cursor);
    out.page.set_phase(msg::Cursor::CHANGES);
    const auto body = parse(reply);
    if (!body || !read_page(*body, out.page)) {
      out.kind = reply_kind::not_our_server;
      out.why = "the answer to a pull is no whole page of this protocol";
    }
    return out;
  }

  bool is_foreign() const override {
    return true;
  }

private:
  bool read_page(const object& body, msg::DeltaPage& page) const {
    const auto* more = body.find("hasMore");
    if (!more || more->kind() != core::json_kind::boolean || !add_deleted(body, page))
      return false;
    page.set_has_more(more->as_boolean());
    if (pull_ == foreign_pull::delta) {
      const auto* next = text_of(body, "nextCursor");
      if (!next || next->empty() || !add_items(body, "created", page) ||
          !add_items(body, "updated", page))
        return false;
      page.set_next_cursor(*next);
    } else {
      const auto* next = body.find("nextSince");
      if (!next || !next->is_number() || !add_items(body, "items", page))
        return false;
      page.set_next_cursor(core::to_text(*next));
    }
    // A page that leads back to its own beginning would be asked for without end.
    return !page.has_more() || page.next_cursor() != page.prev_cursor();
  }

  foreign_pull pull_;
};

} // namespace

std::shared_ptr<const client_protocol> json_protocol(foreign_pull pull) {
  return std::make_shared<const json>(pull);
}

} // namespace syncline::net
