#include "net/protocol/request_head.hpp"

#include "net/protocol/authority.hpp"
#include "net/protocol/header_field.hpp"

#include <algorithm>
#include <limits>

namespace syncline::net {

namespace {

using maybe_refusal = std::optional<head_refusal>;

constexpr std::string_view line_end = "\r\n";

head_refusal refuse(int status, std::string code, std::string message) {
  return {status, std::move(code), std::move(message)};
}

head_refusal head_too_large(const head_limits& limits) {
  return refuse(431, "head_too_large",
                "The request's head is above " + std::to_string(limits.head_max) + " bytes or " +
                  std::to_string(limits.headers_max) + " headers. Send fewer or shorter headers.");
}

head_refusal uri_too_long(const head_limits& limits) {
  return refuse(414, "uri_too_long",
                "The request line is above " + std::to_string(limits.request_line_max) +
                  " bytes. Use a shorter URL.");
}

/// Whether the bytes from the request line on show already that the line passes its limit.
bool is_request_line_too_long(std::string_view bytes, const head_limits& limits) {
  const auto longest = limits.request_line_max + line_end.size();
  return bytes.size() >= longest && bytes.substr(0, longest).find('\n') == std::string_view::npos;
}

head_refusal bad_line_end() {
  return refuse(400, "bad_header",
                "The head has a NUL, or a CR or LF that is not part of a CRLF (RFC 9112, 2.2). End "
                "each line with CRLF.");
}

bool is_digit(char byte) noexcept {
  return byte >= '0' && byte <= '9';
}

/// Reads the three parts of `METHOD target HTTP/1.x`, which single spaces separate.
maybe_refusal read_request_line(std::string_view line, request_head& head) {
  const auto malformed = [] {
    return refuse(400, "bad_request_line",
                  "The request line is not `METHOD target HTTP/1.1` with single spaces.");
  };
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return malformed();
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method) || target.empty() || !version.starts_with("HTTP/") || version.size() != 8 ||
      !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7]))
    return malformed();
  if (version[5] != '1' || version[7] > '1')
    return refuse(505, "unsupported_http_version",
                  "This server speaks HTTP/1.1 and HTTP/1.0 on this port, not " +
                    std::string{version} + ".");
  head.version_minor = version[7] - '0';
  head.method = method;
  head.target = target;
  return std::nullopt;
}

/// Splits `http://authority/path` at the end of the authority; nothing if it is not that form.
std::optional<std::string_view> authority_of(std::string_view target) {
  const auto colon = target.find(':');
  const auto scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https"))
    return std::nullopt;
  if (!target.substr(scheme.size()).starts_with("://"))
    return std::nullopt;
  const auto rest = target.substr(scheme.size() + 3);
  return rest.substr(0, rest.find_first_of("/?"));
}

/// Checks the form of the target. Its percent-encoding is the business of `parse_target`.
maybe_refusal check_target(const request_head& head, std::optional<std::string_view>& authority) {
  const auto bad = [](std::string message) {
    return refuse(400, "bad_target", std::move(message));
  };
  if (head.method == "CONNECT")
    return refuse(405, "method_not_allowed", "CONNECT is refused: this server is no proxy.");
  const std::string_view target = head.target;
  if (!std::all_of(target.begin(), target.end(),
                   [](char byte) { return byte > 0x20 && byte < 0x7F; }))
    return bad("The target has a space, a control character or a byte that is no ASCII. "
               "Percent-encode it (RFC 3986, 2.1).");
  if (target.find('#') != std::string_view::npos)
    return bad("The target has a fragment (`#...`), which is never sent (RFC 9110, 7.1).");
  if (target.front() == '/')
    return std::nullopt;
  if (target == "*") {
    if (head.method == "OPTIONS")
      return std::nullopt;
    return bad("The target `*` goes with OPTIONS only (RFC 9112, 3.2.4).");
  }
  authority = authority_of(target);
  if (!authority || !is_valid_authority(*authority))
    return bad("The target is neither a path that begins with `/` nor an http(s) URL with a valid "
               "host and without user information.");
  return std::nullopt;
}

maybe_refusal read_host(request_head& head, std::optional<std::string_view> authority) {
  const auto bad = [](std::string message) { return refuse(400, "bad_host", std::move(message)); };
  std::string* host = nullptr;
  for (auto& [name, value] : head.headers) {
    if (name != "host")
      continue;
    if (host != nullptr)
      return bad("There is more than one Host header (RFC 9112, 3.2). Send exactly one.");
    host = &value;
  }
  if (host == nullptr) {
    if (head.version_minor == 0)
      return std::nullopt;
    return bad("HTTP/1.1 requires a Host header (RFC 9112, 3.2).");
  }
  if (!is_valid_authority(*host))
    return bad("The Host header is not `host` or `host:port` (RFC 9110, 7.2).");
  if (authority)
    *host = *authority;
  return std::nullopt;
}

maybe_refusal read_content_length(std::string_view value, request_head& head) {
  const auto bad = [](std::string message) {
    return refuse(400, "bad_content_length", std::move(message));
  };
  // Even equal lengths are refused when repeated: no client of ours or known to us sends them, and
  // a party in front may have dropped either.
  if (head.content_length)
    return bad("There is more than one Content-Length header. Send exactly one.");
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit))
    return bad("Content-Length is not a decimal number (RFC 9110, 8.6).");
  std::uint64_t length = 0;
  for (const char digit : value) {
    const auto units = static_cast<std::uint64_t>(digit - '0');
    if (length > (std::numeric_limits<std::uint64_t>::max() - units) / 10)
      return bad("Content-Length does not fit in 64 bits.");
    length = length * 10 + units;
  }
  head.content_length = length;
  return std::nullopt;
}

maybe_refusal read_transfer_encoding(std::string_view value, request_head& head) {
  const auto bad = [](std::string message) {
    return refuse(400, "bad_transfer_encoding", std::move(message));
  };
  if (head.version_minor == 0)
    return bad("Transfer-Encoding does not exist in HTTP/1.0 (RFC 9112, 6.1).");
  if (head.chunked)
    return bad("There is more than one Transfer-Encoding. Send exactly `chunked`.");
  if (equals_ignoring_case(value, "chunked")) {
    head.chunked = true;
    return std::nullopt;
  }
  const auto codings = split_list(value);
  if (codings.size() > 1 && equals_ignoring_case(codings.back(), "chunked") &&
      std::all_of(codings.begin(), codings.end() - 1, [](std::string_view coding) {
        return is_token(coding) && !equals_ignoring_case(coding, "chunked");
      }))
    return refuse(501, "unsupported_transfer_encoding",
                  "Only the transfer coding `chunked` is supported. Compress the body with "
                  "Content-Encoding instead.");
  return bad("Transfer-Encoding is not exactly `chunked`, so the end of the body is unknown "
             "(RFC 9112, 6.3).");
}

maybe_refusal read_expect(std::string_view value, request_head& head) {
  if (!equals_ignoring_case(value, "100-continue"))
    return refuse(417, "expectation_failed",
                  "The only expectation that is understood is `100-continue` (RFC 9110, 10.1.1).");
  // RFC 9110, 10.1.1: an HTTP/1.0 client cannot understand an interim response.
  head.expect_continue = head.version_minor == 1;
  return std::nullopt;
}

maybe_refusal read_framing(request_head& head) {
  bool has_transfer_encoding = false;
  bool asks_close = false;
  bool asks_keep_alive = false;
  for (const auto& [name, value] : head.headers) {
    maybe_refusal refusal;
    if (name == "content-length") {
      refusal = read_content_length(value, head);
    } else if (name == "transfer-encoding") {
      has_transfer_encoding = true;
      refusal = read_transfer_encoding(value, head);
    } else if (name == "expect") {
      refusal = read_expect(value, head);
    } else if (name == "connection") {
      for (const auto option : split_list(value)) {
        asks_close = asks_close || equals_ignoring_case(option, "close");
        asks_keep_alive = asks_keep_alive || equals_ignoring_case(option, "keep-alive");
      }
    }
    if (refusal)
      return refusal;
  }
  if (has_transfer_encoding && head.content_length)
    return refuse(400, "bad_framing",
                  "Both Content-Length and Transfer-Encoding are set (RFC 9112, 6.1). Send one.");
  head.keep_alive = !asks_close && (head.version_minor == 1 || asks_keep_alive);
  return std::nullopt;
}

/// Cuts the next line off `rest`, without its CRLF. Nothing if there is none.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find(line_end);
  if (end == std::string_view::npos)
    return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + line_end.size());
  return line;
}

maybe_refusal read_headers(std::string_view rest, const head_limits& limits, request_head& head) {
  while (const auto line = take_line(rest)) {
    if (line->empty()) {
      if (rest.empty())
        return std::nullopt;
      break;
    }
    if (head.headers.size() == limits.headers_max)
      return head_too_large(limits);
    auto parsed = parse_header_line(*line);
    if (auto* refusal = std::get_if<head_refusal>(&parsed))
      return std::move(*refusal);
    head.headers.push_back(std::get<0>(std::move(parsed)));
  }
  return refuse(400, "bad_header", "The head does not end with exactly one empty line.");
}

} // namespace

const std::string* request_head::find_header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name)
      return &value;
  }
  return nullptr;
}

std::variant<std::monostate, std::size_t, head_refusal>
find_head_end(std::string_view bytes, std::size_t& scanned, const head_limits& limits) {
  const std::size_t start = bytes.starts_with(line_end) ? line_end.size() : 0;
  if (is_request_line_too_long(bytes.substr(start), limits))
    return uri_too_long(limits);
  // One step back: the CR that was last may find its LF now.
  for (std::size_t at = scanned == 0 ? 0 : scanned - 1; at < bytes.size(); ++at) {
    if (at >= limits.head_max)
      return head_too_large(limits);
    const char byte = bytes[at];
    const bool has_next = at + 1 < bytes.size();
    if (byte == '\0' || (byte == '\r' && has_next && bytes[at + 1] != '\n') ||
        (byte == '\n' && (at == 0 || bytes[at - 1] != '\r')))
      return bad_line_end();
    if (byte == '\n' && at >= start + 3 && bytes[at - 2] == '\n')
      return at + 1;
    // A second empty line in front of the request line: no request begins like this.
    if (byte == '\n' && start != 0 && at == start + 1)
      return refuse(400, "bad_request_line", "There is more than one empty line before a request.");
  }
  scanned = bytes.size();
  return std::monostate{};
}

std::variant<request_head, head_refusal> parse_request_head(std::string_view bytes,
                                                            const head_limits& limits) {
  // A long request line is told apart from a long head: the first is a matter of the URL.
  auto rest = bytes;
  if (rest.starts_with(line_end))
    rest.remove_prefix(line_end.size());
  if (is_request_line_too_long(rest, limits))
    return uri_too_long(limits);
  if (bytes.size() > limits.head_max)
    return head_too_large(limits);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const char byte = bytes[at];
    if (byte == '\0' || (byte == '\r' && (at + 1 == bytes.size() || bytes[at + 1] != '\n')) ||
        (byte == '\n' && (at == 0 || bytes[at - 1] != '\r')))
      return bad_line_end();
  }
  request_head head;
  const auto request_line = take_line(rest);
  if (!request_line)
    return refuse(400, "bad_request_line", "The request line does not end with CRLF.");
  if (auto refusal = read_request_line(*request_line, head))
    return std::move(*refusal);
  std::optional<std::string_view> authority;
  if (auto refusal = check_target(head, authority))
    return std::move(*refusal);
  if (auto refusal = read_headers(rest, limits, head))
    return std::move(*refusal);
  if (auto refusal = read_host(head, authority))
    return std::move(*refusal);
  if (auto refusal = read_framing(head))
    return std::move(*refusal);
  return head;
}

} // namespace syncline::net
