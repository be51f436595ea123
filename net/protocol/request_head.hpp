#pragma once
// The head of an HTTP/1.1 request, checked before anything acts on it (RFC 9110, RFC 9112).
//
// Lenient heads are how requests are smuggled: two parties that read one byte sequence as different
// requests. So whatever the grammar forbids is refused, and the connection is closed; nothing is
// repaired. No I/O here: bytes in, a head or a refusal out. Every function is pure and thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace syncline::net {

/// Why a request was refused. `status` is the HTTP status to answer with (it equals
/// `http_status_of(code)`), `code` is stable. The connection must be closed after the answer: where
/// the next request begins is unknown.
struct head_refusal {
  int status = 400;
  std::string code;
  std::string message;
};

/// Limits on a request's head, in bytes and counts; what is exactly at the limit is allowed.
struct head_limits {
  std::size_t head_max = 16 << 10;        // whole head with its blank line; beyond: 431
  std::size_t request_line_max = 8 << 10; // without its CRLF; beyond: 414
  std::size_t headers_max = 100;          // header lines; beyond: 431
};

/// A request head that passed every check.
struct request_head {
  std::string method; // any RFC 9110 token, case kept; the router answers 405 to foreign ones
  std::string target; // origin-form, absolute-form (http, https), or `*` with OPTIONS; not decoded
  int version_minor = 1; // HTTP/1.0 or HTTP/1.1
  // Lower-case names, values without surrounding whitespace, in the order they came. With an
  // absolute-form target the value of `host` is the target's authority (RFC 9112, 3.2.2).
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::uint64_t> content_length; // never together with `chunked`
  bool chunked = false;         // the body is chunked; neither this nor a length: no body
  bool keep_alive = true;       // what version and `Connection` ask for
  bool expect_continue = false; // `Expect: 100-continue`; never set for HTTP/1.0

  /// The first header with this name (to be given in lower case), or nullptr.
  [[nodiscard]] const std::string* find_header(std::string_view lower_case_name) const;
};

/// Looks for the end of a head at the front of `bytes`. Returns the head's size, blank line and
/// skipped empty line included; or nothing: more bytes are needed; or a refusal that no further
/// byte can cure (bare CR or LF, NUL, a limit passed), so that nobody waits for the rest of it.
/// `scanned` is 0 for a new head and belongs to this function until then: it keeps the cost linear
/// when `bytes` grows from call to call.
[[nodiscard]] std::variant<std::monostate, std::size_t, head_refusal>
find_head_end(std::string_view bytes, std::size_t& scanned, const head_limits& limits = {});

/// Parses one whole head: `bytes` ends with its blank line. One empty line in front of the request
/// line is skipped (RFC 9112, 2.2). Refusal codes: bad_request_line, bad_target, bad_header,
/// bad_host, bad_content_length, bad_transfer_encoding, bad_framing (all 400), method_not_allowed
/// (405, CONNECT), uri_too_long (414), expectation_failed (417), head_too_large (431),
/// unsupported_transfer_encoding (501), unsupported_http_version (505).
[[nodiscard]] std::variant<request_head, head_refusal>
parse_request_head(std::string_view bytes, const head_limits& limits = {});

} // namespace syncline::net
