#include "net/protocol/request_head.hpp"

#include "net/protocol/error_json.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace syncline;
using namespace std::string_literals;

net::head_refusal refusal_of(const std::string& bytes) {
  const auto parsed = net::parse_request_head(bytes);
  const auto* refusal = std::get_if<net::head_refusal>(&parsed);
  return refusal == nullptr ? net::head_refusal{0, "accepted", ""} : *refusal;
}

std::string code_of(const std::string& bytes) {
  const auto refusal = refusal_of(bytes);
  BOOST_TEST((refusal.status == 0 || refusal.status == net::http_status_of(refusal.code)));
  return refusal.code;
}

/// A request with these header lines behind its Host.
std::string request(const std::string& headers) {
  return "POST /batch-sync HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

net::request_head accepted(const std::string& bytes) {
  const auto parsed = net::parse_request_head(bytes);
  const auto* head = std::get_if<net::request_head>(&parsed);
  if (head == nullptr)
    BOOST_FAIL(std::get<net::head_refusal>(parsed).message);
  return *head;
}

BOOST_AUTO_TEST_SUITE(request_head)

BOOST_AUTO_TEST_CASE(reads_a_plain_request) {
  const auto head = accepted("POST /batch-sync?x=1 HTTP/1.1\r\nHost: [::1]:8440\r\n"
                             "Content-TYPE: \tapplication/json \t\r\nContent-Length: 0042\r\n\r\n");
  BOOST_TEST(head.method == "POST");
  BOOST_TEST(head.target == "/batch-sync?x=1");
  BOOST_TEST(head.version_minor == 1);
  BOOST_TEST(head.headers.size() == 3U);
  BOOST_REQUIRE(head.find_header("content-type") != nullptr);
  BOOST_TEST(*head.find_header("content-type") == "application/json");
  BOOST_TEST(head.find_header("accept") == nullptr);
  BOOST_TEST(head.content_length.value() == 42U);
  BOOST_TEST(head.keep_alive);
  BOOST_TEST(!head.chunked);
  BOOST_TEST(!head.expect_continue);
}

BOOST_AUTO_TEST_CASE(takes_unknown_methods_since_the_router_answers_405) {
  BOOST_TEST(accepted("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n").method == "BREW");
  BOOST_TEST(code_of("BR(EW /pot HTTP/1.1\r\nHost: a\r\n\r\n") == "bad_request_line");
  BOOST_TEST(code_of("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n") == "method_not_allowed");
}

BOOST_AUTO_TEST_CASE(refuses_malformed_request_lines) {
  for (const auto* line : {"GET /", "GET  / HTTP/1.1x", "GET / http/1.1", "GET / HTTP/1.1 ",
                           " GET / HTTP/1.1", "GET /HTTP/1.1", "GET / HTTP/11", "GET / HTTP/1.",
                           "GET / HTTP/a.1", "", "/ HTTP/1.1", "GET\t/ HTTP/1.1"})
    BOOST_TEST(code_of(line + "\r\nHost: a\r\n\r\n"s) == "bad_request_line", line);
  for (const auto* version : {"0.9", "1.2", "2.0", "5.6", "0.0"})
    BOOST_TEST(refusal_of("GET / HTTP/"s + version + "\r\nHost: a\r\n\r\n").status == 505, version);
}

BOOST_AUTO_TEST_CASE(knows_the_forms_of_a_target) {
  BOOST_TEST(accepted("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target == "*");
  BOOST_TEST(code_of(get("*")) == "bad_target");
  BOOST_TEST(code_of(get("delta")) == "bad_target");
  BOOST_TEST(code_of(get("/a b")) == "bad_target");
  BOOST_TEST(code_of(get("/a\tb")) == "bad_target");
  BOOST_TEST(code_of(get("/a#b")) == "bad_target");
  BOOST_TEST(code_of(get("/a\x7F")) == "bad_target");
  BOOST_TEST(code_of(get("/\xC3\xA9")) == "bad_target");
  BOOST_TEST(code_of(get("ftp://a/")) == "bad_target");
  BOOST_TEST(code_of(get("http:///x")) == "bad_target");
  BOOST_TEST(code_of(get("http://user@a/")) == "bad_target");
  BOOST_TEST(code_of(get("javascript:alert(1)")) == "bad_target");
  BOOST_TEST(code_of(get("/a%2Fb?c=%zz")) == "accepted"); // decoding is parse_target's
}

BOOST_AUTO_TEST_CASE(takes_the_host_of_an_absolute_form_target) {
  const auto head = accepted("GET HTTP://b:81?x HTTP/1.1\r\nHost: a\r\n\r\n");
  BOOST_TEST(*head.find_header("host") == "b:81");
  BOOST_TEST(head.target == "HTTP://b:81?x");
  BOOST_TEST(code_of("GET http://b/ HTTP/1.1\r\n\r\n") == "bad_host");
}

BOOST_AUTO_TEST_CASE(wants_exactly_one_valid_host) {
  BOOST_TEST(code_of("GET / HTTP/1.1\r\n\r\n") == "bad_host");
  BOOST_TEST(code_of("GET / HTTP/1.0\r\n\r\n") == "accepted");
  BOOST_TEST(code_of(request("Host: a\r\n")) == "bad_host");
  BOOST_TEST(code_of("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n") == "bad_host");
  const auto with_host = [](std::string_view host) {
    return code_of("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n");
  };
  for (const auto* host : {"a", "a:1", "a:", "127.0.0.1:8440", "[::1]", "[::ffff:1.2.3.4]:80",
                           "xn--bcher-kva.example", "a_b", "a%20b", "localhost:65535"})
    BOOST_TEST(with_host(host) == "accepted", host);
  for (const auto* host :
       {"", "a b", "a,b", "a:b", "a:65536", "a:123456", "u@a", "a/b", "a?b", ":80", "[::1", "[]",
        "[x]", "[::1]x", "[::1%25eth0]", "a%2", "a%zz", "\xC3\xA9"})
    BOOST_TEST((with_host(host) == "bad_host") == (host != "a,b"s), host);
}

BOOST_AUTO_TEST_CASE(refuses_bad_header_lines) {
  for (const auto& line :
       {"Name : x"s, "Name\t: x"s, " folded"s, "\tfolded"s, "no colon"s, ": x"s, "N\xC3\xA9: x"s,
        "N(x): x"s, "Name: a\x01"s, "Name: a\x7F"s, "Name: a\x0C b"s, "Na me: x"s})
    BOOST_TEST(code_of(request(line + "\r\n")) == "bad_header", line);
  for (const auto& line :
       {"Name: a\rb"s, "Name: a\nb"s, "Name: a\0b"s, "Name: a\r\r"s, "Name: a\n"s})
    BOOST_TEST(code_of(request(line + "\r\n")) == "bad_header", line);
  BOOST_TEST(code_of(request("Name: \xFF\x80 ok\tx\r\n")) == "accepted"); // obs-text is opaque
  BOOST_TEST(code_of(request("Name:\r\n")) == "accepted");
  BOOST_TEST(code_of(request("") + "x") == "bad_header");
  BOOST_TEST(code_of("GET / HTTP/1.1\r\nHost: a\r\n") == "bad_header");
}

BOOST_AUTO_TEST_CASE(refuses_every_doubtful_content_length) {
  const auto with_length = [](const std::string& value) {
    return code_of(request("Content-Length: " + value + "\r\n"));
  };
  for (const auto* value : {"", "-1", "+1", "1 2", "0x10", "1,1", "1, 1", "1.0", "1e3", "a", "1\t2",
                            "18446744073709551616", "99999999999999999999999", "\xD9\xA1"})
    BOOST_TEST(with_length(value) == "bad_content_length", value);
  BOOST_TEST(accepted(request("Content-Length: 18446744073709551615\r\n")).content_length.value() ==
             18446744073709551615U);
  BOOST_TEST(code_of(request("Content-Length: 1\r\nContent-Length: 2\r\n")) ==
             "bad_content_length");
  BOOST_TEST(code_of(request("Content-Length: 1\r\ncontent-length: 1\r\n")) ==
             "bad_content_length");
}

BOOST_AUTO_TEST_CASE(refuses_every_transfer_encoding_but_chunked) {
  const auto with_coding = [](const std::string& value) {
    return refusal_of(request("Transfer-Encoding: " + value + "\r\n"));
  };
  BOOST_TEST(accepted(request("Transfer-Encoding: \tChunked \r\n")).chunked);
  for (const auto* value :
       {"", "identity", "chunked, deflate", "chunked, chunked", "chunked,", ",chunked", "xchunked",
        "chunkedx", "chunk ed", "\"chunked\"", "chunked;q=1", "chunked chunked", "gzip",
        "gzip, chunked, chunked", "chunked, gzip, chunked"})
    BOOST_TEST(with_coding(value).code == "bad_transfer_encoding", value);
  BOOST_TEST(with_coding("gzip, chunked").status == 501);
  BOOST_TEST(with_coding("chunked\x0B").code == "bad_header");
  BOOST_TEST(code_of(request("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) ==
             "bad_transfer_encoding");
  BOOST_TEST(code_of(request("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")) ==
             "bad_transfer_encoding");
  BOOST_TEST(code_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") ==
             "bad_transfer_encoding");
}

BOOST_AUTO_TEST_CASE(refuses_length_and_chunked_together_in_either_order) {
  BOOST_TEST(code_of(request("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")) ==
             "bad_framing");
  BOOST_TEST(code_of(request("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")) ==
             "bad_framing");
}

BOOST_AUTO_TEST_CASE(understands_connection_and_expect) {
  const auto keeps = [](const std::string& version, const std::string& headers) {
    return accepted("GET / HTTP/" + version + "\r\nHost: a\r\n" + headers + "\r\n").keep_alive;
  };
  BOOST_TEST(keeps("1.1", ""));
  BOOST_TEST(!keeps("1.0", ""));
  BOOST_TEST(keeps("1.0", "Connection: Keep-Alive\r\n"));
  BOOST_TEST(!keeps("1.1", "Connection: upgrade, CLOSE\r\n"));
  BOOST_TEST(!keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
  BOOST_TEST(keeps("1.1", "Connection: closed\r\n"));
  BOOST_TEST(accepted(request("Expect: 100-Continue\r\n")).expect_continue);
  BOOST_TEST(!accepted("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expect_continue);
  BOOST_TEST(refusal_of(request("Expect: 200-ok\r\n")).status == 417);
}

BOOST_AUTO_TEST_CASE(holds_its_limits_exactly) {
  const auto line_of = [](std::size_t bytes) {
    return "GET /" + std::string(bytes - 14, 'a') + " HTTP/1.1";
  };
  BOOST_TEST(code_of(line_of(8192) + "\r\nHost: a\r\n\r\n") == "accepted");
  BOOST_TEST(refusal_of(line_of(8193) + "\r\nHost: a\r\n\r\n").status == 414);
  BOOST_TEST(refusal_of(get("/" + std::string(100'000, 'a'))).status == 414);
  std::string headers;
  for (int count = 0; count < 99; ++count)
    headers += "x: y\r\n";
  BOOST_TEST(code_of(request(headers)) == "accepted");
  BOOST_TEST(refusal_of(request(headers + "x: y\r\n")).status == 431);
  const auto padded = [](std::size_t bytes) {
    const auto empty = request("p: \r\n").size();
    return request("p: " + std::string(bytes - empty, 'x') + "\r\n");
  };
  BOOST_TEST(code_of(padded(16'384)) == "accepted");
  BOOST_TEST(refusal_of(padded(16'385)).status == 431);
}

/// Feeds a stream in growing prefixes, as a server sees it. Returns "more" if the head does not
/// end.
std::string find_end(const std::string& bytes, std::size_t piece) {
  std::size_t scanned = 0;
  for (std::size_t have = 0; have < bytes.size();) {
    have = std::min(bytes.size(), have + piece);
    const auto end = net::find_head_end(std::string_view{bytes}.substr(0, have), scanned);
    if (const auto* size = std::get_if<std::size_t>(&end))
      return std::to_string(*size);
    if (const auto* refusal = std::get_if<net::head_refusal>(&end))
      return refusal->code;
  }
  return "more";
}

BOOST_AUTO_TEST_CASE(finds_the_end_of_a_head_however_it_is_cut) {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100'000U}) {
    BOOST_TEST(find_end("GET / HTTP/1.1\r\n\r\nGET", piece) == "18");
    BOOST_TEST(find_end("\r\nGET / HTTP/1.1\r\n\r\n", piece) == "20");
    BOOST_TEST(find_end("GET / HTTP/1.1\r\nHost: a\r\n", piece) == "more");
    BOOST_TEST(find_end("\r\n", piece) == "more");
    BOOST_TEST(find_end("\r\n\r\nGET / HTTP/1.1\r\n\r\n", piece) == "bad_request_line");
    BOOST_TEST(find_end("GET / HTTP/1.1\n\n", piece) == "bad_header");
    BOOST_TEST(find_end("GET / HTTP/1.1\r\nA: b\rc", piece) == "bad_header");
    BOOST_TEST(find_end("GET /\0 HTTP"s, piece) == "bad_header");
    BOOST_TEST(find_end("\n", piece) == "bad_header");
    BOOST_TEST(find_end("GET /" + std::string(9000, 'a'), piece) == "uri_too_long");
    BOOST_TEST(find_end("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a'), piece) ==
               "head_too_large");
  }
}

// A reader that takes bytes until `find_head_end` is content must come to the same request as one
// that was given the whole: else two requests could hide in one head.
BOOST_AUTO_TEST_CASE(agrees_with_its_scanner_on_random_heads) {
  BOOST_TEST(rc::check("the parser accepts only what the scanner ends at the same byte", [] {
    static const std::vector<std::string> parts = {"GET / HTTP/1.1\r\n",
                                                   "Host: a\r\n",
                                                   "\r\n",
                                                   "\n",
                                                   "\r",
                                                   "X: y\r\n",
                                                   " z\r\n",
                                                   "Content-Length: 1\r\n",
                                                   "\0"s,
                                                   "POST /b HTTP/1.1\r\n",
                                                   "a",
                                                   ":",
                                                   "Transfer-Encoding: chunked\r\n",
                                                   "\t"};
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int count = *rc::gen::inRange(0, 4); count > 0; --count)
      bytes += *rc::gen::elementOf(parts);
    bytes += "\r\n";
    const auto parsed = net::parse_request_head(bytes);
    const auto* head = std::get_if<net::request_head>(&parsed);
    if (head == nullptr)
      return std::get<net::head_refusal>(parsed).status >= 400;
    RC_CLASSIFY(true, "accepted");
    return find_end(bytes, 3) == std::to_string(bytes.size()) &&
           !(head->chunked && head->content_length.has_value());
  }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
