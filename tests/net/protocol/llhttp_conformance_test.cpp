// Requests written by the authors of another HTTP parser (llhttp), with that parser's verdict in
// its strict mode. What it refuses we refuse, what it accepts we accept, and what it accepts only
// in a lenient mode we refuse; each exception is named below, with its reason.

#include "net/protocol/chunked_body.hpp"
#include "net/protocol/header_field.hpp"
#include "net/protocol/request_head.hpp"
#include "tests/support/conformance_files.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace syncline;

/// What becomes of a byte stream that a client sends on one connection.
struct verdict {
  std::string refusal; // empty: nothing was refused
  int messages = 0;    // complete requests before that, or before the bytes ended

  friend bool operator==(const verdict&, const verdict&) = default;
};

std::ostream& operator<<(std::ostream& out, const verdict& shown) {
  return out << shown.messages << " messages, "
             << (shown.refusal.empty() ? "not refused" : "refused: " + shown.refusal);
}

/// One `http` block of the suite with its `log`.
struct conformance_case {
  std::string name; // file, heading, and #2 and so on where a heading comes again
  std::string input;
  bool lenient = false;
  verdict expected; // of llhttp; any text stands for refused
};

/// Takes one body off the front of `bytes`. Returns whether it was complete.
bool take_body(const net::request_head& head, std::string_view& bytes, verdict& result) {
  if (head.chunked) {
    net::chunked_decoder decoder;
    std::string body;
    const auto step = decoder.feed(bytes, body);
    bytes.remove_prefix(step.consumed);
    if (step.refusal)
      result.refusal = step.refusal->code;
    return step.done;
  }
  const auto length = head.content_length.value_or(0);
  if (bytes.size() < length)
    return false;
  bytes.remove_prefix(static_cast<std::size_t>(length));
  return true;
}

/// What our server does with the bytes of one connection.
verdict serve(std::string_view bytes) {
  verdict result;
  while (true) {
    std::size_t scanned = 0;
    const auto end = net::find_head_end(bytes, scanned);
    if (const auto* refusal = std::get_if<net::head_refusal>(&end))
      result.refusal = refusal->code;
    if (!std::holds_alternative<std::size_t>(end))
      return result;
    const auto size = std::get<std::size_t>(end);
    const auto parsed = net::parse_request_head(bytes.substr(0, size));
    if (const auto* refusal = std::get_if<net::head_refusal>(&parsed)) {
      result.refusal = refusal->code;
      return result;
    }
    bytes.remove_prefix(size);
    const auto& head = std::get<net::request_head>(parsed);
    if (!take_body(head, bytes, result))
      return result;
    ++result.messages;
    // The connection is closed behind the answer: what follows is never looked at.
    if (!head.keep_alive) {
      if (bytes.find_first_not_of("\r\n") != std::string_view::npos)
        result.refusal = "data_after_close";
      return result;
    }
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// The notation of the suite: lines end with CRLF, a backslash joins lines, control characters are
/// written as escapes.
std::string unescape(std::string text) {
  if (text.ends_with('\n'))
    text.pop_back();
  replace_all(text, "\\\n", "");
  replace_all(text, "\n", "\r\n");
  replace_all(text, "\\r", "\r");
  replace_all(text, "\\n", "\n");
  replace_all(text, "\\t", "\t");
  replace_all(text, "\\f", "\f");
  for (auto at = text.find("\\x"); at != std::string::npos; at = text.find("\\x", at + 1))
    text.replace(at, 4, 1, static_cast<char>(std::stoi(text.substr(at + 2, 2), nullptr, 16)));
  return text;
}

/// Codes of llhttp that are a pause for its caller and no refusal: PAUSED, PAUSED_UPGRADE,
/// PAUSED_H2_UPGRADE.
bool is_pause(const std::string& log_line) {
  return log_line.find("error code=21 ") != std::string::npos ||
         log_line.find("error code=22 ") != std::string::npos ||
         log_line.find("error code=23 ") != std::string::npos;
}

verdict verdict_of_log(const std::string& log) {
  verdict result;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" message complete") != std::string::npos)
      ++result.messages;
    if (line.find(" error code=") != std::string::npos && !is_pause(line))
      result.refusal = line.substr(line.find("error"));
  }
  return result;
}

/// Reads the blocks of one file: each `http` or `url` block and the `log` block behind it.
void read_cases(const std::filesystem::path& file, std::vector<conformance_case>& cases) {
  std::ifstream in{file, std::ios::binary};
  std::map<std::string, int> seen;
  std::string heading;
  std::string kind; // of the block that we are in
  std::string text;
  bool lenient = false;
  for (std::string line; std::getline(in, line);) {
    if (kind.empty()) {
      if (line.starts_with("#"))
        heading = line.substr(line.find_first_not_of("# "));
      if (line.starts_with("<!-- meta"))
        lenient = line.find("-lenient-") != std::string::npos;
      if (line.starts_with("```")) {
        kind = line.substr(3);
        text.clear();
      }
    } else if (line.starts_with("```")) {
      if (kind == "log") {
        cases.back().expected = verdict_of_log(text);
      } else {
        auto name = file.filename().string() + ": " + heading;
        if (const int count = ++seen[name]; count > 1)
          name += " #" + std::to_string(count);
        auto input = unescape(text);
        if (kind == "url")
          input.insert(0, "GET ").append(" HTTP/1.1\r\nHost: a\r\n\r\n");
        cases.push_back({name, input, lenient, {}});
        lenient = false;
      }
      kind.clear();
    } else {
      text += line + "\n";
    }
  }
}

/// The input without two flaws that nearly half of the suite has, since they are no business of
/// llhttp's, and that would hide what a block is about: each HTTP/1.1 head gets a Host header if it
/// has none, and the first request's target loses its fragment.
std::string repaired(std::string text) {
  constexpr std::string_view version = " HTTP/1.1\r\n";
  for (auto at = text.find(version); at != std::string::npos; at = text.find(version, at + 1)) {
    const auto headers = text.substr(at, std::min(text.find("\r\n\r\n", at), text.size()) - at);
    if (net::to_lower(headers).find("\nhost:") == std::string::npos)
      text.insert(at + version.size(), "Host: conformance.example\r\n");
  }
  const auto hash = text.find('#');
  const auto line = text.find(" HTTP/1.");
  if (hash < line && line < text.find('\n'))
    text.erase(hash, line - hash);
  return text;
}

std::vector<conformance_case> read_all(bool urls) {
  std::vector<conformance_case> cases;
  const auto folder = syncline::test::find_test_data("conformance/http1/llhttp/test");
  if (!folder)
    return cases;
  if (urls) {
    read_cases(*folder / "url.md", cases);
    return cases;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{*folder / "request"})
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files)
    read_cases(file, cases);
  return cases;
}

/// Blocks that lack the Host header which HTTP/1.1 demands (RFC 9112, 3.2); llhttp leaves that
/// check to its caller. As they stand we refuse them for it; repaired they are judged like all
/// others.
const std::vector<std::string_view> without_host = {
  "connection.md: Setting flag",
  "connection.md: Restarting when keep-alive is explicitly",
  "connection.md: Setting flag on `close`",
  "connection.md: Setting flag on `close` followed by tab",
  "connection.md: Sample",
  "connection.md: Multiple tokens with folding and LWS",
  "connection.md: Setting a flag and pausing",
  "connection.md: Emitting part of body and pausing",
  "content-length.md: `Content-Length` with zeroes",
  "content-length.md: `Content-Length` with follow-up headers",
  "content-length.md: Error on simultaneous `Content-Length` and `Transfer-Encoding: identity`",
  ("content-length.md: No error on simultaneous `Content-Length` and `Transfer-Encoding: identity` "
   "(lenient)"),
  "content-length.md: Spaces in `Content-Length` (surrounding)",
  "content-length.md: Tabs in `Content-Length` (surrounding)",
  "content-length.md: Spaces in `Content-Length` #2",
  "content-length.md: Spaces in `Content-Length` #3",
  "content-length.md: Empty `Content-Length`",
  "content-length.md: Content-Length reset when no body is received",
  "finish.md: It should be safe to finish after GET request",
  "invalid.md: Invalid method",
  "lenient-headers.md: Second request header value (lenient)",
  "method.md: REPORT request",
  "pausing.md: on_message_begin",
  "pausing.md: on_message_complete",
  "pausing.md: on_protocol_complete",
  "pausing.md: on_method_complete",
  "pausing.md: on_url_complete",
  "pausing.md: on_version_complete",
  "pausing.md: on_header_field_complete",
  "pausing.md: on_header_value_complete",
  "pausing.md: on_headers_complete",
  "pausing.md: on_chunk_header",
  "pausing.md: on_chunk_extension_name",
  "pausing.md: on_chunk_extension_value",
  "pausing.md: on_chunk_complete",
  "pipelining.md: Should parse multiple events",
  "sample.md: Simple request",
  "sample.md: Request with method starting with `H`",
  "sample.md: DUMBPACK",
  "sample.md: No headers and no body",
  "sample.md: One header and no body",
  "sample.md: Prefix newline",
  "sample.md: Request starting with CRLF",
  "sample.md: Extended Characters",
  "sample.md: 255 ASCII in header value",
  "transfer-encoding.md: Parsing and setting flag",
  "transfer-encoding.md: Parse chunks with lowercase size",
  "transfer-encoding.md: Parse chunks with uppercase size",
  "transfer-encoding.md: POST with `Transfer-Encoding: chunked`",
  "transfer-encoding.md: Two chunks and triple zero prefixed end chunk",
  "transfer-encoding.md: Trailing headers",
  "transfer-encoding.md: Chunk extensions",
  "transfer-encoding.md: Chunk extensions quoting",
  "transfer-encoding.md: Unbalanced chunk extensions quoting",
  "transfer-encoding.md: Ignoring `pigeons`",
  "transfer-encoding.md: Missing last-chunk",
  "transfer-encoding.md: Validate chunk parameters",
  "transfer-encoding.md: Space after chunk header",
  "transfer-encoding.md: Space after chunk header (lenient)",
  "uri.md: Quotes in URI",
  "uri.md: Query URL with question mark",
  "uri.md: Host terminated by a query string",
  "uri.md: `host:port` terminated by a query string",
  "uri.md: Query URL with vertical bar character",
  "uri.md: `host:port` terminated by a space",
};

/// Blocks whose target has a fragment, which is never sent (RFC 9110, 7.1); llhttp passes it on. As
/// they stand we refuse them for it; repaired they are judged like all others.
const std::vector<std::string_view> with_fragment = {
  "transfer-encoding.md: POST with `Transfer-Encoding` and `Content-Length`",
  "transfer-encoding.md: POST with `Transfer-Encoding` and `Content-Length` (lenient)",
  "transfer-encoding.md: POST with `chunked` before other transfer coding names",
  "transfer-encoding.md: POST with `chunked` and duplicate transfer-encoding",
  "transfer-encoding.md: POST with `chunked` before other transfer-coding (lenient)",
  "transfer-encoding.md: POST with `chunked` and duplicate transfer-encoding (lenient)",
  "transfer-encoding.md: POST with `chunked` as last transfer-encoding",
  "transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)",
  "transfer-encoding.md: POST with `chunkedchunked` as transfer-encoding",
  "uri.md: Fragment in URI",
  "url.md: Absolute URL",
  "url.md: Relative URL",
  "url.md: URL fragment",
  "url.md: Complex URL fragment",
  "url.md: Complex URL from node.js url parser doc",
};

/// A block, repaired, on which we differ from llhttp.
struct deviation {
  std::string_view name;
  std::string_view refusal; // ours; empty: none. `+code`: refused once the head is ended
  int messages = 0;         // complete by our count
  std::string_view reason;
};

const std::vector<deviation> deviations = {
  {"connection.md: CRLF between requests, implicit `keep-alive`", "bad_request_line", 1,
   "We skip one empty line before a request, as RFC 9112, 2.2 asks; here are two."},
  {"content-length.md: Error on `Content-Length` overflow", "+bad_content_length", 0,
   "The head is not complete; we judge lengths when it is."},
  {"content-length.md: Error on duplicate `Content-Length`", "+bad_content_length", 0,
   "The head is not complete; we judge lengths when it is."},
  {"content-length.md: Content-Length reset when no body is received", "", 0,
   "llhttp is told here to skip bodies; we wait for the 123 bytes that were announced."},
  {"invalid.md: HTTP protocol and ANNOUNCE method", "", 1,
   "llhttp knows a fixed list of methods; we take any token, and the router answers 405."},
  {"invalid.md: Invalid method", "", 1,
   "llhttp knows a fixed list of methods; we take any token, and the router answers 405."},
  {"invalid.md: Invalid HTTP version", "+unsupported_http_version", 0,
   "The request line is not complete; we judge the version when the head is."},
  {"invalid.md: Invalid space after start line", "+bad_header", 0,
   "The head is not complete; we judge its lines when it is."},
  {"lenient-header-value-relaxed.md: Space after start line must still fail", "+bad_header", 0,
   "The head is not complete; we judge its lines when it is."},
  {"method.md: CONNECT request", "method_not_allowed", 0, "We are no proxy: CONNECT is refused."},
  {"method.md: CONNECT request with CAPS", "method_not_allowed", 0,
   "We are no proxy: CONNECT is refused."},
  {"method.md: CONNECT with body", "method_not_allowed", 0, "We are no proxy: CONNECT is refused."},
  {"method.md: M-SEARCH request", "bad_target", 0,
   "This is UPnP over UDP; in HTTP the target `*` goes with OPTIONS only."},
  {"method.md: SOURCE request with ICE", "bad_request_line", 0,
   "We do not speak the ICE protocol."},
  {"method.md: OPTIONS request with RTSP", "bad_request_line", 0,
   "We do not speak the RTSP protocol."},
  {"method.md: ANNOUNCE request with RTSP", "bad_request_line", 0,
   "We do not speak the RTSP protocol."},
  {"method.md: PRI request HTTP2", "bad_target", 0,
   "The preface of HTTP/2, which we do not speak on this port; `*` goes with OPTIONS only."},
  {"sample.md: No HTTP version", "bad_request_line", 0,
   "We do not speak HTTP/0.9, whose requests have no version."},
  {"transfer-encoding.md: POST with `chunked` as last transfer-encoding",
   "unsupported_transfer_encoding", 0,
   "We undo no transfer coding but `chunked`, so `deflate, chunked` is 501."},
  {"transfer-encoding.md: POST with `chunked` as last transfer-encoding (multiple headers)",
   "bad_transfer_encoding", 0,
   "We undo no transfer coding but `chunked`, and want it said in one header."},
  {"uri.md: Underscore in hostname", "method_not_allowed", 0,
   "We are no proxy: CONNECT is refused."},
  {"uri.md: `host:port` and basic auth", "bad_target", 0,
   "User information in an http URL is an error (RFC 9110, 4.2.4)."},
  {"url.md: Complex URL with basic auth from node.js url parser doc", "bad_target", 0,
   "User information in an http URL is an error (RFC 9110, 4.2.4)."},
  {"url.md: Proxy basic auth with url encoded space", "bad_target", 0,
   "User information in an http URL is an error (RFC 9110, 4.2.4)."},
  {"url.md: Proxy basic auth with unreserved chars", "bad_target", 0,
   "User information in an http URL is an error (RFC 9110, 4.2.4)."},
  {"url.md: IPv6 address with Zone ID", "bad_target", 0,
   "A zone id means something on the sender's own machine only."},
  {"url.md: IPv6 address with Zone ID, but `%` is not percent-encoded", "bad_target", 0,
   "A zone id means something on the sender's own machine only."},
};

bool lists(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool agrees(const conformance_case& judged, const verdict& ours, bool is_url) {
  if (judged.lenient)
    return !ours.refusal.empty();
  if (judged.expected.refusal.empty() != ours.refusal.empty())
    return false;
  // llhttp judges a URL alone, so there is no message to count. After a refusal nothing counts.
  return is_url || !ours.refusal.empty() || judged.expected.messages == ours.messages;
}

/// What we say to a case as it stands follows from what we say to it repaired, but for the flaws
/// that the repair took away.
void check_as_it_stands(const conformance_case& judged, const verdict& when_repaired) {
  const auto as_it_stands = serve(judged.input);
  if (lists(without_host, judged.name))
    BOOST_TEST(as_it_stands.refusal == "bad_host", judged.name);
  else if (lists(with_fragment, judged.name))
    BOOST_TEST(as_it_stands.refusal == "bad_target", judged.name);
  else
    BOOST_TEST(as_it_stands == when_repaired, judged.name);
}

void check_deviation(const conformance_case& judged, const deviation& row, const verdict& ours) {
  auto found = ours;
  auto wanted = row.refusal;
  if (wanted.starts_with('+')) {
    BOOST_TEST(ours.refusal.empty(), judged.name);
    found = serve(repaired(judged.input + "\r\n\r\n"));
    wanted.remove_prefix(1);
  }
  BOOST_TEST(found == (verdict{std::string{wanted}, row.messages}), judged.name);
}

/// Judges all cases; returns how many there were.
std::size_t check_cases(bool urls) {
  const auto cases = read_all(urls);
  std::size_t accepted = 0;
  std::size_t lenient = 0;
  std::size_t deviating = 0;
  for (const auto& judged : cases) {
    const auto ours = serve(repaired(judged.input));
    check_as_it_stands(judged, ours);
    const bool same = agrees(judged, ours, urls);
    const auto row = std::find_if(deviations.begin(), deviations.end(),
                                  [&](const deviation& one) { return one.name == judged.name; });
    BOOST_TEST(same == (row == deviations.end()),
               judged.name << ": ours: " << ours << "; llhttp: " << judged.expected);
    if (row != deviations.end())
      check_deviation(judged, *row, ours);
    accepted += ours.refusal.empty() ? 1 : 0;
    lenient += judged.lenient ? 1 : 0;
    deviating += same ? 0 : 1;
  }
  std::cout << "llhttp " << (urls ? "url" : "request") << " blocks: " << cases.size()
            << ", accepted " << accepted << ", refused " << cases.size() - accepted << " ("
            << lenient << " lenient ones among all), deviations " << deviating << " (each named)\n";
  return cases.size();
}

// Says so where the data is not there.
bool skips_without_data() {
  return !syncline::test::find_test_data("conformance/http1/llhttp/test");
}

} // namespace

BOOST_AUTO_TEST_SUITE(llhttp_conformance)

BOOST_AUTO_TEST_CASE(judges_each_request_as_llhttp_in_strict_mode_but_for_the_named_ones) {
  if (skips_without_data())
    return;
  BOOST_TEST(check_cases(false) > 150U);
}

BOOST_AUTO_TEST_CASE(judges_each_url_as_llhttp_but_for_the_named_ones) {
  if (skips_without_data())
    return;
  BOOST_TEST(check_cases(true) > 15U);
}

BOOST_AUTO_TEST_CASE(names_no_case_that_does_not_exist) {
  if (skips_without_data())
    return;
  std::vector<std::string> names;
  for (const bool urls : {false, true}) {
    for (const auto& one : read_all(urls))
      names.push_back(one.name);
  }
  const auto exists = [&](std::string_view name) {
    return std::count(names.begin(), names.end(), name) == 1;
  };
  for (const auto name : without_host)
    BOOST_TEST(exists(name), name);
  for (const auto name : with_fragment)
    BOOST_TEST(exists(name), name);
  for (const auto& row : deviations) {
    BOOST_TEST(exists(row.name), row.name);
    BOOST_TEST(!row.reason.empty(), row.name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
