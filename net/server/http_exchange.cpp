#include "net/server/http_exchange.hpp"

#include "core/ensure.hpp"
#include "net/protocol/error_json.hpp"
#include "net/protocol/header_field.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>
#include <variant>

namespace syncline::net {
namespace {

constexpr std::size_t chunk_step_bytes = std::size_t{64} << 10;

std::string_view reason_phrase(std::uint32_t status) {
  switch (status) {
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 204:
    return "No Content";
  case 206:
    return "Partial Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 410:
    return "Gone";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 415:
    return "Unsupported Media Type";
  case 417:
    return "Expectation Failed";
  case 426:
    return "Upgrade Required";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return ""; // RFC 9112 section 4 allows none.
  }
}

// IMF-fixdate (RFC 9110 section 5.6.7), made once a second per thread.
const std::string& http_date(std::int64_t unix_seconds) {
  thread_local std::int64_t made_for = -1;
  thread_local std::string text;
  if (made_for == unix_seconds)
    return text;
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm utc{};
  core::ensure(gmtime_r(&seconds, &utc) != nullptr, "the clock shows a date");
  std::array<char, 64> buffer{};
  const int size =
    std::snprintf(buffer.data(), buffer.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  days.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                  months.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                  utc.tm_min, utc.tm_sec);
  text.assign(buffer.data(), static_cast<std::size_t>(size));
  made_for = unix_seconds;
  return text;
}

// Bodies of these types are compressed already.
bool is_dense_type(std::string_view content_type) {
  return content_type.starts_with("image/") || content_type.starts_with("video/") ||
         content_type.starts_with("audio/") || content_type.starts_with("application/zip") ||
         content_type.starts_with("font/");
}

msg::HttpReply error_reply(std::uint32_t status, const std::string& code,
                           const std::string& message) {
  msg::HttpReply reply;
  reply.set_status(status);
  auto* const type = reply.add_headers();
  type->set_name("content-type");
  type->set_value("application/json");
  reply.set_body(error_json(core::fail(code, message)));
  return reply;
}

bool is_valid(const msg::HttpReply& reply) {
  if (reply.status() < 200 || reply.status() > 599)
    return false;
  return std::ranges::all_of(reply.headers(), [](const msg::Header& header) {
    return is_token(header.name()) && std::ranges::all_of(header.value(), is_field_value_char);
  });
}

/// What the handler's own headers say about the form of the reply.
struct reply_facts {
  bool encoded = false;
  bool dense = false;
  bool vary = false;
  bool content_length = false;
};

// Appends the handler's headers, without those that are the server's to set.
reply_facts append_headers(std::string& head, const msg::HttpReply& reply, bool head_only) {
  reply_facts facts;
  for (const auto& header : reply.headers()) {
    const auto name = to_lower(header.name());
    if (name == "connection" || name == "transfer-encoding" || name == "date")
      continue;
    // A reply to HEAD may know the length of the body that it does not carry.
    const bool length_known = head_only && reply.body().empty();
    if (name == "content-length" && !length_known)
      continue;
    facts.content_length = facts.content_length || name == "content-length";
    facts.encoded = facts.encoded || name == "content-encoding";
    facts.vary = facts.vary || name == "vary";
    facts.dense = facts.dense || (name == "content-type" && is_dense_type(header.value()));
    head.append(header.name()).append(": ").append(header.value()).append("\r\n");
  }
  return facts;
}

} // namespace

wire_reply refusal_reply(const head_refusal& refusal) {
  const reply_terms terms{.keep_alive = false};
  auto reply =
    error_reply(static_cast<std::uint32_t>(refusal.status), refusal.code, refusal.message);
  if (refusal.status == 503 || refusal.status == 429) {
    auto* const retry = reply.add_headers();
    retry->set_name("retry-after");
    retry->set_value("1");
  }
  return serialise_reply(terms, std::move(reply), std::string::npos, std::time(nullptr));
}

wire_reply serialise_reply(const reply_terms& terms, msg::HttpReply reply,
                           std::size_t compress_above, std::int64_t unix_seconds) {
  if (!is_valid(reply))
    reply = error_reply(500, "bad_reply", "the request's handler gave a reply that HTTP forbids");
  const auto status = reply.status();
  const bool bodiless = status == 204 || status == 304;
  wire_reply wire;
  wire.close = !terms.keep_alive;
  wire.head.reserve(512);
  wire.head.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  wire.head.append(reason_phrase(status)).append("\r\nDate: ").append(http_date(unix_seconds));
  wire.head.append("\r\n");
  const auto facts = append_headers(wire.head, reply, terms.head_only);
  wire.body = std::move(*reply.mutable_body());
  const bool worth_it = wire.body.size() > compress_above && !facts.encoded && !facts.dense;
  if (worth_it && !bodiless && !terms.head_only && terms.coding != content_coding::identity) {
    if (auto encoded = compress(terms.coding, wire.body); encoded) {
      wire.body = std::move(*encoded);
      wire.head.append("Content-Encoding: ").append(coding_name(terms.coding)).append("\r\n");
    }
  }
  if (!facts.vary)
    wire.head.append("Vary: Accept, Accept-Encoding\r\n");
  if (!bodiless && !facts.content_length)
    wire.head.append("Content-Length: ").append(std::to_string(wire.body.size())).append("\r\n");
  if (wire.close)
    wire.head.append("Connection: close\r\n");
  else if (terms.http_1_0)
    wire.head.append("Connection: keep-alive\r\n");
  wire.head.append("\r\n");
  if (bodiless || terms.head_only)
    wire.body.clear();
  return wire;
}

request_reader::stage request_reader::feed(std::string_view& bytes) {
  if (stage_ == stage::head && !take_head(bytes))
    return stage_;
  if (stage_ == stage::body && !take_body(bytes))
    return stage_;
  return stage_;
}

// Returns whether the head is whole and good.
bool request_reader::take_head(std::string_view& bytes) {
  const head_limits limits{.head_max = settings_->head_max};
  const auto begun_bytes = head_bytes_.size();
  // Most heads come in one piece and are parsed where they are.
  if (begun_bytes != 0)
    head_bytes_.append(bytes);
  const std::string_view seen = begun_bytes != 0 ? std::string_view{head_bytes_} : bytes;
  const auto found = find_head_end(seen, head_scanned_, limits);
  if (const auto* refusal = std::get_if<head_refusal>(&found))
    return refuse(*refusal);
  const auto* const size = std::get_if<std::size_t>(&found);
  if (size == nullptr) {
    if (begun_bytes == 0)
      head_bytes_ = bytes;
    bytes = {};
    return false;
  }
  auto parsed = parse_request_head(seen.substr(0, *size), limits);
  bytes.remove_prefix(*size - begun_bytes);
  if (const auto* refusal = std::get_if<head_refusal>(&parsed))
    return refuse(*refusal);
  return accept_head(std::move(std::get<request_head>(parsed)));
}

bool request_reader::accept_head(request_head head) {
  terms_ = {};
  terms_.keep_alive = head.keep_alive;
  terms_.http_1_0 = head.version_minor == 0;
  terms_.head_only = head.method == "HEAD";
  auto coding = std::optional{content_coding::identity};
  std::string accepted;
  for (auto& [name, value] : head.headers) {
    if (name == "content-encoding") {
      const auto named = parse_content_coding(value);
      const bool first = coding == content_coding::identity;
      coding = first && named != content_coding::zstd ? named : std::nullopt;
      continue;
    }
    if (name == "content-length" || name == "transfer-encoding")
      continue;
    if (name == "accept-encoding")
      accepted.append(accepted.empty() ? "" : ",").append(value);
    auto* const header = request_.add_headers();
    header->set_name(std::move(name));
    header->set_value(std::move(value));
  }
  if (!coding)
    return refuse({415, "unsupported_media_type",
                   "request bodies are taken with Content-Encoding gzip or identity only"});
  terms_.coding = choose_coding(accepted);
  request_.set_method(std::move(head.method));
  request_.set_target(std::move(head.target));
  return begin_body(head, *coding);
}

bool request_reader::begin_body(const request_head& head, content_coding coding) {
  const auto length = head.content_length.value_or(0);
  if (length > settings_->body_encoded_max)
    return refuse({413, "too_large",
                   "the request announces " + std::to_string(length) + " bytes; at most " +
                     std::to_string(settings_->body_encoded_max) + " are taken; send less"});
  if (length == 0 && !head.chunked) {
    stage_ = stage::ready;
    return true;
  }
  decoder_.emplace(coding, decode_limits{settings_->body_encoded_max, settings_->body_decoded_max,
                                         settings_->body_ratio_max});
  if (head.chunked)
    chunks_.emplace(chunked_limits{.body_max = settings_->body_encoded_max});
  else if (coding == content_coding::identity)
    decoder_->expect_encoded_bytes(static_cast<std::size_t>(length));
  body_left_ = length;
  continue_wanted_ = head.expect_continue;
  stage_ = stage::body;
  return true;
}

bool request_reader::take_body(std::string_view& bytes) {
  if (!bytes.empty())
    continue_wanted_ = false; // The client did not wait.
  if (chunks_)
    return take_chunks(bytes);
  const auto piece =
    bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_)));
  bytes.remove_prefix(piece.size());
  body_left_ -= piece.size();
  return decode(piece) && body_left_ == 0 && finish_body();
}

bool request_reader::take_chunks(std::string_view& bytes) {
  while (!bytes.empty() && !chunks_->done()) {
    chunk_bytes_.clear();
    auto step = chunks_->feed(bytes.substr(0, chunk_step_bytes), chunk_bytes_);
    bytes.remove_prefix(step.consumed);
    if (step.refusal)
      return refuse(std::move(*step.refusal));
    if (!decode(chunk_bytes_))
      return false;
  }
  return chunks_->done() && finish_body();
}

bool request_reader::decode(std::string_view piece) {
  body_bytes_ += piece.size();
  auto fed = decoder_->feed(piece);
  return fed ? true : refuse(fed.error());
}

bool request_reader::finish_body() {
  if (auto finished = decoder_->finish(); !finished)
    return refuse(finished.error());
  request_.set_body(decoder_->take_output());
  stage_ = stage::ready;
  return true;
}

bool request_reader::take_continue() {
  return std::exchange(continue_wanted_, false) && stage_ == stage::body;
}

msg::HttpRequest request_reader::take_request(reply_terms& terms) {
  core::ensure(stage_ == stage::ready, "a request is taken when it is whole");
  terms = terms_;
  auto request = std::move(request_);
  *this = request_reader{*settings_};
  return request;
}

bool request_reader::refuse(head_refusal refusal) {
  refusal_ = std::move(refusal);
  stage_ = stage::refused;
  return false;
}

bool request_reader::refuse(const core::error& failure) {
  return refuse({failure.code == "too_large" ? 413 : 400, failure.code, failure.message});
}

} // namespace syncline::net
