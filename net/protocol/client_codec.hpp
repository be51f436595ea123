#pragma once
// Requests of our own client, and what their replies mean. Pure; the actors only carry them.

#include "client_storage.pb.h"
#include "http.pb.h"
#include "wire.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace syncline::net {

/// What a reply is, whatever its status says.
enum class reply_kind {
  ok,
  not_modified,  ///< 304 to a pull
  refused,       ///< our server's refusal: see `refusal`
  bad_content,   ///< 400 or 413: some mutation of the batch may be poison
  server_error,  ///< 500: after several of them, some mutation may be poison
  transient,     ///< network, 408, 429, other 5xx: again, later
  needs_auth,    ///< 401, 403
  not_our_server ///< HTML, 404, something unreadable: a captive portal, a proxy, a wrong address
};

[[nodiscard]] std::string_view to_string(reply_kind kind);

/// What a status other than success says by itself; 0: there was no reply.
[[nodiscard]] reply_kind kind_of_status(std::uint32_t status);

/// The common half of a judged reply.
struct judged_reply {
  reply_kind kind = reply_kind::transient;
  msg::ErrorReply refusal;
  std::int64_t retry_after_ms = 0; ///< 0 = the server did not ask for a pause
  std::string why;                 ///< for a person: what was wrong
};

/// Whether this is all of a page of `collection`, and could be true. A page that is not changes
/// nothing and deletes nothing.
[[nodiscard]] bool is_whole_page(const msg::DeltaPage& page, const std::string& collection);

struct batch_reply : judged_reply {
  msg::BatchResponse response; ///< `ok` only
};

struct delta_reply : judged_reply {
  msg::DeltaPage page; ///< `ok` only
  std::string etag;
};

/// DELETE /document/<id>; `ok` too where the server has deleted it before.
[[nodiscard]] msg::HttpRequest make_deletion_request(const std::string& document,
                                                     std::uint32_t timeout_ms);
[[nodiscard]] judged_reply read_deletion_reply(const msg::HttpReply& reply, std::int64_t now_ms);

/// POST /batch-sync
[[nodiscard]] msg::HttpRequest make_batch_request(const msg::BatchRequest& batch,
                                                  std::uint32_t timeout_ms);
[[nodiscard]] batch_reply read_batch_reply(const msg::HttpReply& reply, std::int64_t now_ms);

/// GET of a page in the form `accepted`, unless it is still the one that `etag` names; empty: none.
[[nodiscard]] msg::HttpRequest make_page_request(std::string target, std::string_view accepted,
                                                 const std::string& etag, std::uint32_t timeout_ms);

/// GET /delta. `etag` may be empty.
[[nodiscard]] msg::HttpRequest make_delta_request(const std::string& collection,
                                                  const msg::PullState& state, std::uint32_t limit,
                                                  const std::string& etag,
                                                  std::uint32_t timeout_ms);
/// Nothing that is not a whole, consistent page for `collection` and `cursor` is `ok`.
[[nodiscard]] delta_reply read_delta_reply(const msg::HttpReply& reply,
                                           const std::string& collection, const std::string& cursor,
                                           std::int64_t now_ms);

/// Takes the tag, and what the status says by itself: false for 304, true where there is a page to
/// be read, nothing where the pull has failed.
[[nodiscard]] std::optional<bool> read_delta_status(const msg::HttpReply& reply, delta_reply& out);

/// `Retry-After` (RFC 9110 section 10.2.3) in milliseconds: seconds, or a date; 0 for anything
/// else.
[[nodiscard]] std::int64_t parse_retry_after(std::string_view value, std::int64_t now_ms);

/// The value of a header, lower-case name; empty where it is absent.
[[nodiscard]] std::string_view header_of(const msg::HttpReply& reply, std::string_view name);
[[nodiscard]] std::string_view header_of(const msg::HttpRequest& request, std::string_view name);

inline constexpr std::string_view protobuf_type = "application/x-protobuf";

} // namespace syncline::net
