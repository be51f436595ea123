#include "net/client/http_pool.hpp"

#include "net/compression.hpp"
#include "tests/support/fault_proxy.hpp"
#include "tests/support/loopback.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <vector>

using namespace syncline;
using namespace std::chrono_literals;
using net::content_coding;
using net::http_pool;
using tests::canned_server;

namespace {

msg::HttpRequest request_to(std::string target, std::string method = "GET", std::string body = {}) {
  msg::HttpRequest request;
  request.set_method(std::move(method));
  request.set_target(std::move(target));
  request.set_body(std::move(body));
  request.set_timeout_ms(20'000);
  return request;
}

void add_header(msg::HttpRequest& request, const std::string& name, const std::string& value) {
  auto* const header = request.add_headers();
  header->set_name(name);
  header->set_value(value);
}

std::future<msg::HttpReply> start(http_pool& pool, const std::string& url,
                                  const msg::HttpRequest& request) {
  const auto promise = std::make_shared<std::promise<msg::HttpReply>>();
  pool.submit(url, request,
              [promise](msg::HttpReply reply) { promise->set_value(std::move(reply)); });
  return promise->get_future();
}

msg::HttpReply fetch(http_pool& pool, const std::string& url, const msg::HttpRequest& request) {
  return start(pool, url, request).get();
}

std::string header(const msg::HttpReply& reply, std::string_view name) {
  for (const auto& each : reply.headers())
    if (each.name() == name)
      return each.value();
  return "(none)";
}

std::string ok(const std::string& body, const std::string& more_headers = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more_headers + "\r\n" + body;
}

canned_server always(const std::string& bytes, bool close = true) {
  return canned_server{[=](std::size_t, const std::string&) {
    return canned_server::answer{bytes, close};
  }};
}

/// What the server says to one GET, once.
std::string failure_of(const std::string& bytes, const http_pool::options& options = {}) {
  const auto server = always(bytes);
  http_pool pool{options};
  return fetch(pool, server.url(), request_to("/")).failure();
}

/// A gate that the server's threads wait at.
class gate {
public:
  void pass() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this, count] { return waiting_ >= count; });
  }
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_http_pool)

BOOST_AUTO_TEST_CASE(sends_method_target_headers_and_body_as_given) {
  std::string seen;
  canned_server server{[&seen](std::size_t, const std::string& request) {
    seen = request;
    return canned_server::answer{ok("answer", "X-Thing:  Some Value \r\nETag: \"1\"\r\n"), false};
  }};
  http_pool pool;
  auto request = request_to("/delta?cursor=a%2Fb&x=1", "PUT", "body");
  add_header(request, "authorization", "Bearer secret");
  add_header(request, "x-empty", "");
  const auto reply = fetch(pool, server.url() + "/base/", request);
  BOOST_TEST(reply.failure() == "");
  BOOST_TEST(reply.status() == 200u);
  BOOST_TEST(reply.body() == "answer");
  BOOST_TEST(header(reply, "x-thing") == "Some Value");
  BOOST_TEST(header(reply, "etag") == "\"1\"");
  BOOST_TEST(seen.starts_with("PUT /base/delta?cursor=a%2Fb&x=1 HTTP/1.1\r\n"));
  for (const std::string part : {"authorization: Bearer secret\r\n", "x-empty:\r\n",
                                 "Accept-Encoding: zstd, gzip\r\n", "Content-Length: 4\r\n"})
    BOOST_TEST(seen.find(part) != std::string::npos, part << " in " << seen);
  for (const std::string part : {"Expect", "urlencoded", "Content-Encoding"})
    BOOST_TEST(seen.find(part) == std::string::npos, part << " in " << seen);
  BOOST_TEST(reply.bytes_sent() == seen.size());
  BOOST_TEST(reply.bytes_received() ==
             ok("answer", "X-Thing:  Some Value \r\nETag: \"1\"\r\n").size());
}

BOOST_AUTO_TEST_CASE(counts_bytes_of_large_requests_once) {
  std::size_t seen = 0;
  canned_server server{[&seen](std::size_t, const std::string& request) {
    seen = request.size();
    return canned_server::answer{ok(""), false};
  }};
  http_pool pool{{.compress_requests = false}};
  for (const std::size_t size : {1000u, 60'000u, 65'535u, 65'536u, 70'000u, 3'000'000u}) {
    const auto reply = fetch(pool, server.url(), request_to("/", "POST", std::string(size, 'x')));
    BOOST_TEST(reply.bytes_sent() == seen);
  }
}

BOOST_AUTO_TEST_CASE(request_bodies_above_the_limit_go_out_as_gzip) {
  std::string seen;
  canned_server server{[&seen](std::size_t, const std::string& request) {
    seen = request;
    return canned_server::answer{ok(""), false};
  }};
  http_pool pool;
  const std::string large(1025, 'a');
  (void)fetch(pool, server.url(), request_to("/", "POST", large));
  BOOST_TEST(seen.find("Content-Encoding: gzip\r\n") != std::string::npos);
  const auto body = seen.substr(seen.find("\r\n\r\n") + 4);
  BOOST_TEST(net::decompress(content_coding::gzip, body).value() == large);
  (void)fetch(pool, server.url(), request_to("/", "POST", std::string(1024, 'a')));
  BOOST_TEST(seen.ends_with("\r\n\r\n" + std::string(1024, 'a')));
}

BOOST_AUTO_TEST_CASE(encoded_replies_are_decoded_within_limits) {
  const std::string plain(50'000, 'p');
  for (const auto coding : {content_coding::gzip, content_coding::zstd}) {
    const auto label = "Content-Encoding: " + std::string{net::coding_name(coding)} + "\r\n";
    const auto wire = net::compress(coding, plain).value();
    const auto server = always(ok(wire, label));
    http_pool pool;
    const auto reply = fetch(pool, server.url(), request_to("/"));
    BOOST_TEST((reply.body() == plain));
    BOOST_TEST(reply.bytes_received() < plain.size());
    BOOST_TEST(failure_of(ok(wire, label), {.response_decoded_max = 49'999}) == "too_large");
    BOOST_TEST(failure_of(ok(wire, label), {.response_encoded_max = 10}) == "too_large");
    BOOST_TEST(failure_of(ok(wire.substr(0, wire.size() - 1), label)) == "bad_encoding");
    BOOST_TEST(failure_of(ok(wire + "x", label)) == "bad_encoding");
    BOOST_TEST(failure_of(ok("{\"not\":\"encoded\"}", label)) == "bad_encoding");
    const auto bomb = net::compress(coding, std::string(std::size_t{16} << 20, '\0')).value();
    BOOST_TEST(failure_of(ok(bomb, label)) == "too_large");
  }
  BOOST_TEST(failure_of(ok("x", "Content-Encoding: br\r\n")) == "bad_encoding");
  BOOST_TEST(failure_of(ok("x", "Content-Encoding: gzip, gzip\r\n")) == "bad_encoding");
}

BOOST_AUTO_TEST_CASE(replies_over_the_limits_are_refused) {
  const http_pool::options small{.response_head_max = 1000, .response_encoded_max = 100};
  BOOST_TEST(failure_of(ok(std::string(100, 'x')), small) == "");
  BOOST_TEST(failure_of(ok(std::string(101, 'x')), small) == "too_large");
  BOOST_TEST(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n") == "too_large");
  BOOST_TEST(failure_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), small) == "too_large");
  BOOST_TEST(failure_of(ok("x", "X-Long: " + std::string(1000, 'x') + "\r\n"), small) ==
             "too_large");
  std::string many;
  for (int count = 0; count < 300; ++count)
    many += "X: y\r\n";
  BOOST_TEST(failure_of(ok("x", many)) == "too_large");
}

BOOST_AUTO_TEST_CASE(a_reply_cut_at_any_byte_delivers_no_body) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  for (const auto& whole : {ok("hello world"), chunked}) {
    // Behind the last chunk only a line feed is missing then: the body is whole.
    const auto cuts = whole == chunked ? whole.size() - 1 : whole.size();
    std::atomic<std::size_t> cut = 0;
    canned_server server{[&](std::size_t, const std::string&) {
      return canned_server::answer{whole.substr(0, cut), true};
    }};
    http_pool pool;
    for (cut = 0; cut < cuts; ++cut) {
      const auto reply = fetch(pool, server.url(), request_to("/"));
      BOOST_TEST(reply.failure() == "connection_cut", "cut at " << cut << ": " << reply.failure());
      BOOST_TEST(reply.status() == 0u);
      BOOST_TEST(reply.body().empty());
      BOOST_TEST(!reply.failure_text().empty());
    }
    BOOST_TEST(fetch(pool, server.url(), request_to("/")).body() == "hello world");
  }
}

BOOST_AUTO_TEST_CASE(garbage_in_place_of_http_is_a_failure) {
  for (const std::string bytes :
       {"SSH-2.0-server\r\n", "\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "<html></html>",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n"})
    BOOST_TEST(failure_of(bytes) == "connection_cut", bytes);
}

BOOST_AUTO_TEST_CASE(a_body_that_ends_with_the_connection_is_taken_unless_a_cut_could_hide) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: ";
  BOOST_TEST(failure_of(head + "text/html\r\n\r\n<html>") == "");
  BOOST_TEST(failure_of(head + "application/x-protobuf\r\n\r\nabc") == "connection_cut");
}

BOOST_AUTO_TEST_CASE(any_status_and_html_are_replies_and_redirects_are_not_followed) {
  for (const int status : {204, 302, 304, 307, 403, 404, 410, 429, 500, 503}) {
    const auto server = always(
      "HTTP/1.1 " + std::to_string(status) +
      " Any\r\nLocation: /elsewhere\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n");
    http_pool pool;
    const auto reply = fetch(pool, server.url(), request_to("/"));
    BOOST_TEST(reply.failure() == "");
    BOOST_TEST(reply.status() == static_cast<unsigned>(status));
    BOOST_TEST(server.requests() == 1u);
  }
  const auto portal = always(ok("<html>log in</html>", "Content-Type: text/html\r\n"));
  http_pool pool;
  BOOST_TEST(fetch(pool, portal.url(), request_to("/")).body() == "<html>log in</html>");
}

BOOST_AUTO_TEST_CASE(interim_replies_and_replies_to_head_are_understood) {
  const auto server = always("HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n" + ok("x"));
  http_pool pool;
  const auto reply = fetch(pool, server.url(), request_to("/"));
  BOOST_TEST(reply.body() == "x");
  BOOST_TEST(header(reply, "x-early") == "(none)");
  const auto head = always("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
  const auto head_reply = fetch(pool, head.url(), request_to("/", "HEAD"));
  BOOST_TEST(head_reply.failure() == "");
  BOOST_TEST(header(head_reply, "content-length") == "999999999");
}

BOOST_AUTO_TEST_CASE(ten_requests_at_once_use_four_connections) {
  gate door;
  canned_server server{[&door](std::size_t, const std::string& request) {
    door.pass();
    return canned_server::answer{ok(request.substr(4, 3)), false};
  }};
  http_pool pool;
  std::vector<std::future<msg::HttpReply>> replies;
  for (int number = 10; number < 20; ++number)
    replies.push_back(start(pool, server.url(), request_to("/" + std::to_string(number))));
  door.await(4);
  BOOST_TEST(server.requests() == 4u);
  door.open();
  for (int number = 10; number < 20; ++number)
    BOOST_TEST(replies.at(static_cast<std::size_t>(number - 10)).get().body() ==
               "/" + std::to_string(number));
  BOOST_TEST(server.connections() == 4u);
}

BOOST_AUTO_TEST_CASE(connections_are_kept_alive_and_used_again) {
  const auto server = always(ok("x"), false);
  http_pool pool;
  for (int count = 0; count < 20; ++count)
    BOOST_TEST(fetch(pool, server.url(), request_to("/", "POST", "y")).body() == "x");
  BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(a_post_on_a_kept_connection_that_dies_is_not_sent_again_by_itself) {
  for (const std::string method : {"POST", "GET"})
    for (const std::string body : {"", "body"}) {
      canned_server server{[](std::size_t connection, const std::string& request) {
        // The second request on the first connection is read, then the connection closes.
        const bool first = request.find("/first") != std::string::npos;
        if (connection == 0 && !first)
          return canned_server::answer{"", true};
        return canned_server::answer{ok("x"), false};
      }};
      http_pool pool;
      BOOST_TEST(fetch(pool, server.url(), request_to("/first")).body() == "x");
      const auto reply = fetch(pool, server.url(), request_to("/second", method, body));
      BOOST_TEST(server.requests() == (method == "POST" ? 2u : 3u));
      BOOST_TEST(reply.failure() == (method == "POST" ? "connection_cut" : ""));
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_allowed_makes_no_connection) {
  const auto server = always(ok("x"));
  const auto port = std::to_string(server.port());
  http_pool pool;
  const auto failure = [&pool](const std::string& url, const std::string& target) {
    return fetch(pool, url, request_to(target)).failure();
  };
  for (const auto& url : std::vector<std::string>{
         "http://192.0.2.1:" + port, "http://example.org", "http://localhost.example.org",
         "http://127.0.0.1.example.org", "http://127.0.0.1@192.0.2.1",
         "http://u:p@127.0.0.1:" + port, "ftp://127.0.0.1:" + port, "file:///etc/hostname", "",
         "http://127.0.0.1:" + port + "/?q=1", "http://[::ffff:127.0.0.1]:" + port,
         "127.0.0.1:" + port})
    BOOST_TEST(failure(url, "/") == "not_allowed", url);
  for (const std::string target : {"", "x", "/a b", "/a\r\nX: y", "/a#b", "/\xc3\xa4"})
    BOOST_TEST(failure(server.url(), target) == "not_allowed", target);
  for (const auto& value :
       std::vector<std::string>{"a\r\nX-Second: b", "a\nb", std::string("a\0b", 3)}) {
    auto request = request_to("/");
    add_header(request, "x-first", value);
    BOOST_TEST(fetch(pool, server.url(), request).failure() == "not_allowed");
  }
  auto bad_name = request_to("/");
  add_header(bad_name, "x: y\r\nz", "1");
  BOOST_TEST(fetch(pool, server.url(), bad_name).failure() == "not_allowed");
  BOOST_TEST(fetch(pool, server.url(), request_to("/", "GET / HTTP/1.1\r\nX:")).failure() ==
             "not_allowed");
  BOOST_TEST(server.connections() == 0u);
  for (const auto& url : {"http://127.1:" + port, "http://localhost:" + port})
    BOOST_TEST(failure(url, "/") == "", url);
}

BOOST_AUTO_TEST_CASE(failures_name_what_happened) {
  http_pool pool{{.idle_timeout = 100ms}};
  const auto refused = "http://127.0.0.1:" + std::to_string(tests::unused_port());
  BOOST_TEST(fetch(pool, refused, request_to("/")).failure() == "connection_refused");
  const auto silent = always("", false);
  BOOST_TEST(fetch(pool, silent.url(), request_to("/")).failure() == "timeout");
  const auto stuck = always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", false);
  BOOST_TEST(fetch(pool, stuck.url(), request_to("/")).failure() == "timeout");
  http_pool patient;
  auto hurried = request_to("/");
  hurried.set_timeout_ms(50);
  BOOST_TEST(fetch(patient, silent.url(), hurried).failure() == "timeout");
  http_pool without_authority{{.ca_file = "no-such-file.pem"}};
  const auto tls = "https://127.0.0.1:" + std::to_string(silent.port());
  const auto untrusting = fetch(without_authority, tls, request_to("/"));
  BOOST_TEST(untrusting.failure() == "tls_refused");
  BOOST_TEST(untrusting.failure_text().find("no-such-file.pem") != std::string::npos);
  BOOST_TEST(fetch(patient, "https://host.invalid", request_to("/")).failure() ==
             "network_unreachable");
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_for_a_connection_times_out_too_and_frees_its_place) {
  gate door;
  canned_server server{[&door](std::size_t, const std::string&) {
    door.pass();
    return canned_server::answer{ok("x"), false};
  }};
  http_pool pool{{.connections_per_host = 1}};
  auto first = start(pool, server.url(), request_to("/1"));
  door.await(1);
  auto hurried = request_to("/2");
  hurried.set_timeout_ms(30);
  BOOST_TEST(fetch(pool, server.url(), hurried).failure() == "timeout");
  door.open();
  BOOST_TEST(first.get().body() == "x");
  BOOST_TEST(fetch(pool, server.url(), request_to("/3")).body() == "x");
  BOOST_TEST(server.requests() == 2u);
}

BOOST_AUTO_TEST_CASE(waiting_for_a_connection_does_not_count_as_connecting) {
  gate door;
  canned_server server{[&door](std::size_t, const std::string&) {
    door.pass();
    return canned_server::answer{ok("x"), false};
  }};
  const auto silent = always("", false);
  http_pool pool{{.connections_per_host = 1, .connect_timeout = 100ms}};
  auto first = start(pool, server.url(), request_to("/1"));
  auto second = start(pool, server.url(), request_to("/2"));
  auto clock = request_to("/");
  clock.set_timeout_ms(200); // Tells when the connect timeout has passed twice.
  BOOST_TEST(fetch(pool, silent.url(), clock).failure() == "timeout");
  door.open();
  BOOST_TEST(first.get().body() == "x");
  BOOST_TEST(second.get().body() == "x");
}

BOOST_AUTO_TEST_CASE(stop_answers_what_is_pending_once_and_later_requests_at_once) {
  gate door;
  canned_server server{[&door](std::size_t, const std::string&) {
    door.pass();
    return canned_server::answer{"", true};
  }};
  http_pool pool;
  std::vector<std::future<msg::HttpReply>> replies;
  replies.reserve(9);
  for (int count = 0; count < 9; ++count)
    replies.push_back(start(pool, server.url(), request_to("/")));
  door.await(4);
  pool.stop();
  for (auto& reply : replies)
    BOOST_TEST(reply.get().failure() == "stopped");
  BOOST_TEST(fetch(pool, server.url(), request_to("/")).failure() == "stopped");
  pool.stop();
  door.open();
}

BOOST_AUTO_TEST_CASE(a_callback_may_submit_again) {
  const auto server = always(ok("x"), false);
  http_pool pool;
  std::promise<std::string> last;
  std::function<void(int)> again = [&](int left) {
    pool.submit(server.url(), request_to("/"), [&again, &last, left](const msg::HttpReply& reply) {
      left == 0 ? last.set_value(reply.body()) : again(left - 1);
    });
  };
  again(50);
  BOOST_TEST(last.get_future().get() == "x");
  BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
