#include "net/protocol/client_codec.hpp"

#include "core/sync/cursor.hpp"
#include "net/protocol/delta_wire.hpp"
#include "net/protocol/document_message.hpp"
#include "net/protocol/url.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

namespace syncline::net {

namespace {

template <class Message>
std::string_view find_header(const Message& message, std::string_view name) {
  for (const auto& header : message.headers())
    if (header.name() == name)
      return header.value();
  return {};
}

void add_header(msg::HttpRequest& request, std::string_view name, std::string_view value) {
  auto& header = *request.add_headers();
  header.set_name(name.data(), name.size());
  header.set_value(value.data(), value.size());
}

bool is_protobuf(const msg::HttpReply& reply) {
  return find_header(reply, "content-type").starts_with(protobuf_type);
}

bool parse_body(const msg::HttpReply& reply, google::protobuf::MessageLite& out) {
  return is_protobuf(reply) && reply.body().size() <= std::numeric_limits<int>::max() &&
         out.ParseFromArray(reply.body().data(), static_cast<int>(reply.body().size()));
}

std::string looks_like(const msg::HttpReply& reply) {
  const auto type = find_header(reply, "content-type");
  return "status " + std::to_string(reply.status()) + ", content type '" +
         std::string{type.substr(0, 60)} + "', " + std::to_string(reply.body().size()) + " bytes";
}

// Whether a refusal says all that its code is about: one that was cut may still parse.
bool is_complete(const msg::ErrorReply& refusal) {
  if (refusal.code() == "cursor_expired")
    return !refusal.reason().empty();
  if (refusal.code() == "mutation_gap")
    return refusal.expected() != 0;
  return !refusal.code().empty() && (refusal.code() != "server_restarted" || refusal.start() != 0);
}

// Everything but success. Only what is in our own form counts as the word of our server.
void judge_failure(const msg::HttpReply& reply, std::int64_t now_ms, judged_reply& out) {
  if (reply.status() == 0) {
    out.kind = reply_kind::transient;
    out.why = reply.failure() + ": " + reply.failure_text();
    out.refusal.set_code(reply.failure());
    return;
  }
  out.kind = kind_of_status(reply.status());
  out.retry_after_ms = parse_retry_after(find_header(reply, "retry-after"), now_ms);
  const bool ours = parse_body(reply, out.refusal) && is_complete(out.refusal);
  if (ours) {
    out.why = out.refusal.code() + ": " + out.refusal.message();
    return;
  }
  out.refusal.Clear();
  out.why = "the answer is not this protocol's (" + looks_like(reply) + ")";
  if (out.kind == reply_kind::refused)
    out.kind = reply_kind::not_our_server;
}

// A status that we do not know says neither that the mutation took effect nor that it did not.
bool is_consistent(const msg::BatchResponse& response) {
  const auto& results = response.results();
  return response.head().epoch() != 0 &&
         std::all_of(results.begin(), results.end(), [](const auto& result) {
           return result.status() != msg::MUTATION_STATUS_UNSPECIFIED &&
                  msg::MutationStatus_IsValid(result.status());
         });
}

} // namespace

std::string_view to_string(reply_kind kind) {
  switch (kind) {
  case reply_kind::ok:
    return "ok";
  case reply_kind::not_modified:
    return "not_modified";
  case reply_kind::refused:
    return "refused";
  case reply_kind::bad_content:
    return "bad_content";
  case reply_kind::server_error:
    return "server_error";
  case reply_kind::transient:
    return "unreachable";
  case reply_kind::needs_auth:
    return "needs_auth";
  case reply_kind::not_our_server:
    return "not_our_server";
  }
  return "unreachable";
}

reply_kind kind_of_status(std::uint32_t status) {
  switch (status) {
  case 0:
    return reply_kind::transient;
  case 400:
  case 413:
    return reply_kind::bad_content;
  case 401:
  case 403:
    return reply_kind::needs_auth;
  case 409:
  case 410:
    return reply_kind::refused;
  case 500:
    return reply_kind::server_error;
  case 408:
  case 425:
  case 429:
    return reply_kind::transient;
  default:
    return status > 500 && status < 600 ? reply_kind::transient : reply_kind::not_our_server;
  }
}

msg::HttpRequest make_deletion_request(const std::string& document, std::uint32_t timeout_ms) {
  msg::HttpRequest request;
  request.set_method("DELETE");
  std::string target = "/document/";
  append_percent_encoded(target, document, true);
  request.set_target(std::move(target));
  add_header(request, "accept", protobuf_type);
  request.set_timeout_ms(timeout_ms);
  return request;
}

judged_reply read_deletion_reply(const msg::HttpReply& reply, std::int64_t now_ms) {
  judged_reply out;
  const auto type = find_header(reply, "content-type");
  if (reply.status() == 200 && type.starts_with("application/json") &&
      reply.body() == document_deleted_json) {
    out.kind = reply_kind::ok;
    return out;
  }
  if (reply.status() == 200) {
    out.kind = reply_kind::not_our_server;
    out.why = "the answer is not this protocol's (" + looks_like(reply) + ")";
    return out;
  }
  judge_failure(reply, now_ms, out);
  if (out.refusal.code() == "not_found")
    out.kind = reply_kind::ok;
  return out;
}

std::string_view header_of(const msg::HttpReply& reply, std::string_view name) {
  return find_header(reply, name);
}

std::string_view header_of(const msg::HttpRequest& request, std::string_view name) {
  return find_header(request, name);
}

bool is_whole_page(const msg::DeltaPage& page, const std::string& collection) {
  if (page.collection() != collection || page.next_cursor().empty() || page.head().epoch() == 0 ||
      page.head().start() == 0)
    return false;
  // The last field of a page: without it the page was cut at the end of another one. And a page
  // that leads back to its own beginning would be asked for without end.
  if ((page.seq_through() == 0) != (page.head().seq() == 0) ||
      (page.has_more() && page.next_cursor() == page.prev_cursor()))
    return false;
  if (page.phase() == msg::Cursor::CHANGES)
    return std::all_of(page.deleted().begin(), page.deleted().end(),
                       [](const auto& item) { return item.deleted(); });
  const std::string* before = &page.range_after();
  for (const auto& item : page.items()) {
    if (item.deleted() || (item.id() <= *before && !before->empty()))
      return false;
    before = &item.id();
  }
  return page.deleted().empty() && (page.range_to_end() || (!page.range_through().empty() &&
                                                            *before <= page.range_through()));
}

msg::HttpRequest make_batch_request(const msg::BatchRequest& batch, std::uint32_t timeout_ms) {
  msg::HttpRequest request;
  request.set_method("POST");
  request.set_target("/batch-sync");
  add_header(request, "content-type", protobuf_type);
  add_header(request, "accept", protobuf_type);
  batch.SerializeToString(request.mutable_body());
  request.set_timeout_ms(timeout_ms);
  return request;
}

batch_reply read_batch_reply(const msg::HttpReply& reply, std::int64_t now_ms) {
  batch_reply out;
  if (reply.status() != 200) {
    judge_failure(reply, now_ms, out);
    return out;
  }
  out.kind = reply_kind::ok;
  if (!parse_body(reply, out.response) || !is_consistent(out.response)) {
    out.kind = reply_kind::not_our_server;
    out.why = "the answer to a batch is not this protocol's (" + looks_like(reply) + ")";
  }
  return out;
}

msg::HttpRequest make_page_request(std::string target, std::string_view accepted,
                                   const std::string& etag, std::uint32_t timeout_ms) {
  msg::HttpRequest request;
  request.set_method("GET");
  request.set_target(std::move(target));
  add_header(request, "accept", accepted);
  if (!etag.empty())
    add_header(request, "if-none-match", etag);
  request.set_timeout_ms(timeout_ms);
  return request;
}

msg::HttpRequest make_delta_request(const std::string& collection, const msg::PullState& state,
                                    std::uint32_t limit, const std::string& etag,
                                    std::uint32_t timeout_ms) {
  std::string target = "/delta?collection=";
  append_percent_encoded(target, collection);
  target += "&limit=" + std::to_string(limit);
  if (!state.cursor().token().empty())
    target += "&cursor=" + state.cursor().token();
  if (!core::is_none(state.seen()))
    target += "&seen=" + core::encode_place(state.seen());
  return make_page_request(std::move(target), protobuf_type, etag, timeout_ms);
}

std::optional<bool> read_delta_status(const msg::HttpReply& reply, delta_reply& out) {
  out.etag = find_header(reply, "etag");
  out.kind = reply.status() == 304 ? reply_kind::not_modified : reply_kind::ok;
  if (reply.status() != 200 && reply.status() != 304)
    return std::nullopt;
  return reply.status() == 200;
}

delta_reply read_delta_reply(const msg::HttpReply& reply, const std::string& collection,
                             const std::string& cursor, std::int64_t now_ms) {
  delta_reply out;
  const auto has_page = read_delta_status(reply, out);
  if (!has_page)
    judge_failure(reply, now_ms, out);
  if (!has_page.value_or(false))
    return out;
  const bool parsed = parse_body(reply, out.page);
  if (parsed)
    unpack_page(out.page);
  if (!parsed || out.page.prev_cursor() != cursor || !is_whole_page(out.page, collection)) {
    out.kind = reply_kind::not_our_server;
    out.why =
      "the answer to a pull is not a whole page of this protocol (" + looks_like(reply) + ")";
  }
  return out;
}

std::int64_t parse_retry_after(std::string_view value, std::int64_t now_ms) {
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  constexpr std::int64_t seconds_max = 10LL * 365 * 24 * 3600;
  if (!value.empty() && failure == std::errc{} && end == value.data() + value.size())
    return std::clamp<std::int64_t>(seconds, 0, seconds_max) * 1000;
  std::tm date{};
  const std::string text{value};
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr || *rest != '\0')
    return 0;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(timegm(&date)) * 1000 - now_ms, 0,
                                  seconds_max * 1000);
}

} // namespace syncline::net
