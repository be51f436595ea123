#include "net/server/http_server.hpp"

#include "net/client/http_pool.hpp"
#include "net/compression.hpp"
#include "tests/support/fault_proxy.hpp"
#include "tests/support/loopback.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace syncline;
using namespace std::chrono_literals;
using net::content_coding;
using net::http_server;
using tests::raw_client;

namespace {

http_server::options any_port() {
  http_server::options options;
  options.port = 0;
  return options;
}

msg::HttpReply reply_with(std::uint32_t status, std::string body) {
  msg::HttpReply reply;
  reply.set_status(status);
  reply.set_body(std::move(body));
  return reply;
}

std::string describe(const msg::HttpRequest& request) {
  return request.method() + " " + request.target() + " [" + request.body() + "]";
}

void echo(std::uint64_t, const msg::HttpRequest& request, const http_server::responder& respond) {
  respond(reply_with(200, describe(request)));
}

std::unique_ptr<http_server> serve(http_server::options options = any_port(),
                                   http_server::handler handler = echo) {
  auto started = http_server::start(std::move(options), std::move(handler));
  BOOST_REQUIRE_MESSAGE(started.has_value(), "the server starts");
  return std::move(started).value();
}

std::string get(const std::string& target, const std::string& headers = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

std::string post(const std::string& body, const std::string& headers = {}) {
  return "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

/// What the server sends for `bytes` before it closes.
std::string converse(const http_server& server, const std::string& bytes) {
  raw_client client{server.port()};
  (void)client.send(bytes);
  client.finish_sending();
  return client.read_to_end();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string body_of(const std::string& reply) {
  return reply.substr(reply.find("\r\n\r\n") + 4);
}

/// Requests that a test answers when it wants to.
class held_requests {
public:
  http_server::handler handler() {
    return [this](std::uint64_t, const msg::HttpRequest& request,
                  const http_server::responder& respond) {
      const std::lock_guard lock{mutex_};
      held_.emplace_back(describe(request), respond);
      changed_.notify_all();
    };
  }
  std::pair<std::string, http_server::responder> take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !held_.empty(); });
    auto first = std::move(held_.front());
    held_.pop_front();
    return first;
  }
  std::size_t waiting() {
    const std::lock_guard lock{mutex_};
    return held_.size();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::string, http_server::responder>> held_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_http_server)

BOOST_AUTO_TEST_CASE(answers_with_length_date_and_vary_and_keeps_the_connection) {
  const auto server = serve();
  raw_client client{server->port()};
  for (int count = 0; count < 3; ++count) {
    BOOST_REQUIRE(client.send(get("/a?b=c")));
    const auto reply = client.read_reply();
    BOOST_TEST(reply.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(has(reply, "\r\nContent-Length: 13\r\n"));
    BOOST_TEST(has(reply, "\r\nVary: Accept, Accept-Encoding\r\n"));
    BOOST_TEST(has(reply, " GMT\r\n"));
    BOOST_TEST(!has(reply, "Connection:"));
    BOOST_TEST(body_of(reply) == "GET /a?b=c []");
  }
  BOOST_TEST(server->count().connections_accepted == 1u);
  BOOST_TEST(server->count().requests == 3u);
}

BOOST_AUTO_TEST_CASE(closes_when_asked_and_for_http_1_0) {
  const auto server = serve();
  const auto closed = converse(*server, get("/", "Connection: close\r\n") + get("/never"));
  BOOST_TEST(has(closed, "\r\nConnection: close\r\n"));
  BOOST_TEST(!has(closed, "never"));
  raw_client old{server->port()};
  BOOST_REQUIRE(old.send("GET /old HTTP/1.0\r\n\r\n"));
  BOOST_TEST(has(old.read_to_end(), "GET /old []"));
  raw_client kept{server->port()};
  BOOST_REQUIRE(kept.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  BOOST_TEST(has(kept.read_reply(), "\r\nConnection: keep-alive\r\n"));
}

BOOST_AUTO_TEST_CASE(the_handler_sees_headers_in_lower_case_and_the_decoded_body) {
  msg::HttpRequest seen;
  const auto server = serve(any_port(), [&seen](std::uint64_t, msg::HttpRequest request,
                                                const http_server::responder& respond) {
    seen = std::move(request);
    respond(reply_with(204, ""));
  });
  const auto wire = net::compress(content_coding::gzip, "the body").value();
  const auto reply = converse(*server, post(wire, "X-Thing: A\r\nContent-Encoding: gzip\r\n"));
  BOOST_TEST(reply.starts_with("HTTP/1.1 204 No Content\r\n"));
  BOOST_TEST(!has(reply, "Content-Length"));
  BOOST_TEST(seen.body() == "the body");
  std::string names;
  for (const auto& header : seen.headers())
    names += header.name() + "=" + header.value() + " ";
  BOOST_TEST(names == "host=x x-thing=A ");
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order_one_at_a_time) {
  const auto server = serve();
  std::string many;
  for (int number = 0; number < 3000; ++number)
    many += post("body " + std::to_string(number));
  raw_client client{server->port()};
  std::thread sender{[&client, &many] { (void)client.send(many); }};
  for (int number = 0; number < 3000; ++number)
    BOOST_REQUIRE(body_of(client.read_reply()) == "POST /p [body " + std::to_string(number) + "]");
  sender.join();

  held_requests held;
  const auto slow = serve(any_port(), held.handler());
  raw_client waiting{slow->port()};
  BOOST_REQUIRE(waiting.send(get("/1") + get("/2") + get("/3")));
  for (const std::string number : {"1", "2", "3"}) {
    auto [request, respond] = held.take();
    BOOST_TEST(request == "GET /" + number + " []");
    BOOST_TEST(held.waiting() == 0u);
    respond(reply_with(200, number));
    BOOST_TEST(body_of(waiting.read_reply()) == number);
  }
}

BOOST_AUTO_TEST_CASE(a_request_may_arrive_in_any_pieces) {
  const auto server = serve();
  const auto whole = post("hello") +
                     "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                     "\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n" +
                     get("/last");
  for (const std::size_t size : {1u, 2u, 7u, 50u}) {
    raw_client client{server->port()};
    for (std::size_t at = 0; at < whole.size(); at += size)
      BOOST_REQUIRE(client.send(whole.substr(at, size)));
    BOOST_TEST(body_of(client.read_reply()) == "POST /p [hello]");
    BOOST_TEST(body_of(client.read_reply()) == "POST /c [abcde]");
    BOOST_TEST(body_of(client.read_reply()) == "GET /last []");
  }
}

BOOST_AUTO_TEST_CASE(a_request_cut_at_any_byte_is_never_served) {
  const auto gzip = net::compress(content_coding::gzip, "hello").value();
  for (const auto& whole :
       {post("hello"), post(gzip, "Content-Encoding: gzip\r\n"),
        std::string{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5\r\nhello\r\n0\r\n\r\n"}}) {
    const auto server = serve();
    BOOST_TEST(converse(*server, "") == "");
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      const auto reply = converse(*server, whole.substr(0, cut));
      BOOST_TEST(reply.starts_with("HTTP/1.1 400 "), "cut at " << cut);
      BOOST_TEST(has(reply, "incomplete_request"), "cut at " << cut);
    }
    BOOST_TEST(server->count().requests == 0u);
    BOOST_TEST(has(converse(*server, whole), "[hello]"));
  }
}

BOOST_AUTO_TEST_CASE(heads_that_http_forbids_are_refused_and_nothing_behind_them_is_served) {
  const auto server = serve();
  const std::vector<std::pair<std::string, std::string>> cases{
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "400"},
    {"GET / HTTP/1.1\nHost: x\n\n", "400"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400"},
    {"GET / HTTP/2.7\r\nHost: x\r\n\r\n", "505"},
    {get("/" + std::string(9'000, 'u')), "414"},
    {get("/", "X: " + std::string(17'000, 'x') + "\r\n"), "431"},
    {std::string(100'000, 'A'), "4"},
    {"\x16\x03\x01\x02", ""}};
  for (const auto& [bytes, status] : cases) {
    const auto reply = converse(*server, bytes + get("/smuggled"));
    BOOST_TEST(reply.starts_with("HTTP/1.1 " + (status.empty() ? "400" : status)),
               bytes.substr(0, 60) << ": " << reply);
    BOOST_TEST(has(reply, "{\"error\":{\"code\":\""));
    BOOST_TEST(has(reply, "\r\nConnection: close\r\n"));
    BOOST_TEST(!has(reply, "smuggled"));
  }
  BOOST_TEST(server->count().requests == 0u);
  BOOST_TEST(server->count().requests_refused == cases.size());
}

BOOST_AUTO_TEST_CASE(bodies_over_the_limits_are_refused_early) {
  auto options = any_port();
  options.body_encoded_max = 100;
  options.body_decoded_max = 200;
  const auto server = serve(options);
  BOOST_TEST(has(converse(*server, post(std::string(100, 'x'))), "200 OK"));
  // Only the head is sent: the refusal does not wait for the body.
  raw_client client{server->port()};
  BOOST_REQUIRE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"));
  BOOST_TEST(client.read_reply().starts_with("HTTP/1.1 413 "));
  const auto chunk = "65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n";
  BOOST_TEST(has(
    converse(*server, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk),
    " 413 "));
  const auto gzip = net::compress(content_coding::gzip, std::string(201, 'x')).value();
  BOOST_TEST(has(converse(*server, post(gzip, "Content-Encoding: gzip\r\n")), " 413 "));
}

BOOST_AUTO_TEST_CASE(a_gzip_bomb_is_refused_and_the_refusal_reaches_a_client_that_still_sends) {
  auto bomb = net::compress(content_coding::gzip, std::string(std::size_t{40} << 20, '\0')).value();
  bomb += net::compress(content_coding::gzip, std::string(std::size_t{40} << 20, '\0')).value();
  auto options = any_port();
  options.linger_timeout = 20s;
  const auto server = serve(options);
  raw_client client{server->port()};
  (void)client.send(post(bomb, "Content-Encoding: gzip\r\n"));
  BOOST_TEST(has(client.read_reply(), "\"code\":\"too_large\""));
  // A client that pushes on after an early refusal still gets to read it.
  raw_client stubborn{server->port()};
  (void)stubborn.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
  std::string body;
  body.resize(9'000'000, 'x');
  BOOST_TEST(stubborn.send(body));
  BOOST_TEST(has(stubborn.read_reply(), " 413 "));
}

BOOST_AUTO_TEST_CASE(wrong_labels_are_told_what_the_body_looks_like) {
  const auto server = serve();
  const auto json = converse(*server, post("{\"a\":1}", "Content-Encoding: gzip\r\n"));
  BOOST_TEST(json.starts_with("HTTP/1.1 400 "));
  BOOST_TEST(has(json, "\"code\":\"bad_encoding\""));
  BOOST_TEST(has(json, "looks like JSON"));
  const auto gzip = net::compress(content_coding::gzip, "x").value();
  BOOST_TEST(
    has(converse(*server, post(gzip + "y", "Content-Encoding: gzip\r\n")), "bad_encoding"));
  for (const std::string label : {"br", "zstd", "deflate", "gzip, gzip"})
    BOOST_TEST(has(converse(*server, post("x", "Content-Encoding: " + label + "\r\n")), " 415 "));
  BOOST_TEST(has(converse(*server, post("x", "Content-Encoding: identity\r\n")), "[x]"));
}

BOOST_AUTO_TEST_CASE(a_client_that_waits_for_100_continue_gets_it_unless_it_is_refused) {
  auto options = any_port();
  options.body_encoded_max = 100;
  const auto server = serve(options);
  raw_client client{server->port()};
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ";
  BOOST_REQUIRE(client.send(head + "5\r\n\r\n"));
  BOOST_TEST(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  BOOST_REQUIRE(client.send("hello"));
  BOOST_TEST(has(client.read_reply(), "[hello]"));
  BOOST_REQUIRE(client.send(head + "2\r\n\r\nhi"));
  BOOST_TEST(client.read_reply().starts_with("HTTP/1.1 200 "));
  BOOST_REQUIRE(client.send(head + "101\r\n\r\n"));
  BOOST_TEST(client.read_reply().starts_with("HTTP/1.1 413 "));
}

BOOST_AUTO_TEST_CASE(large_replies_are_compressed_as_accepted) {
  const std::string large(5000, 'r');
  const auto server = serve(any_port(), [&large](std::uint64_t, const msg::HttpRequest& request,
                                                 const http_server::responder& respond) {
    auto reply = reply_with(200, request.target() == "/small" ? "small" : large);
    if (request.target() == "/image") {
      auto* const type = reply.add_headers();
      type->set_name("content-type");
      type->set_value("image/png");
    }
    respond(reply);
  });
  for (const auto coding : {content_coding::gzip, content_coding::zstd}) {
    const std::string name{net::coding_name(coding)};
    const auto accept = "Accept-Encoding: " + name + "\r\n";
    const auto reply = converse(*server, get("/", accept));
    BOOST_TEST(has(reply, "\r\nContent-Encoding: " + name + "\r\n"));
    BOOST_TEST((net::decompress(coding, body_of(reply)).value() == large));
    BOOST_TEST(body_of(converse(*server, get("/small", accept))) == "small");
    BOOST_TEST((body_of(converse(*server, get("/image", accept))) == large));
  }
  BOOST_TEST((body_of(converse(*server, get("/"))) == large));
  const auto head = converse(*server, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/small"));
  BOOST_TEST(has(head, "Content-Length: 5000\r\n"));
  BOOST_TEST(!has(head, "rrr"));
  BOOST_TEST(head.ends_with("small"));
}

BOOST_AUTO_TEST_CASE(forgotten_and_impossible_replies_become_500) {
  const auto server = serve(any_port(), [](std::uint64_t, const msg::HttpRequest& request,
                                           const http_server::responder& respond) {
    if (request.target() == "/forget")
      return;
    auto reply = reply_with(request.target() == "/status" ? 17 : 200, "x");
    auto* const header = reply.add_headers();
    header->set_name("x-thing");
    header->set_value("a\r\nX-Injected: 1");
    respond(reply);
  });
  raw_client client{server->port()};
  for (const std::string target : {"/forget", "/status", "/header"}) {
    BOOST_REQUIRE(client.send(get(target)));
    const auto reply = client.read_reply();
    BOOST_TEST(reply.starts_with("HTTP/1.1 500 "));
    BOOST_TEST(!has(reply, "Injected"));
    if (target == "/forget")
      client = raw_client{server->port()}; // That one closes.
  }
}

BOOST_AUTO_TEST_CASE(slow_clients_are_cut_and_honest_ones_are_not) {
  auto options = any_port();
  options.head_timeout = 100ms;
  options.body_idle_timeout = 100ms;
  options.keep_alive_timeout = 100ms;
  held_requests held;
  const auto server = serve(options, held.handler());
  raw_client silent{server->port()};
  BOOST_TEST(silent.read_to_end() == "");
  raw_client half_head{server->port()};
  BOOST_REQUIRE(half_head.send("GET / HTTP/1.1\r\nHost:"));
  BOOST_TEST(half_head.read_to_end().starts_with("HTTP/1.1 408 "));
  raw_client half_body{server->port()};
  BOOST_REQUIRE(half_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"));
  BOOST_TEST(half_body.read_to_end().starts_with("HTTP/1.1 408 "));
  // A byte now and then keeps the idle limit away, but neither the head's limit nor the rate.
  for (const std::string begin : {"GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nHost: x\r\n"
                                                           "Content-Length: 8000000\r\n\r\n"}) {
    raw_client dripping{server->port()};
    BOOST_REQUIRE(dripping.send(begin));
    std::promise<void> over;
    std::thread drip{[&dripping, ended = over.get_future()] {
      while (ended.wait_for(10ms) != std::future_status::ready && dripping.send("x")) {
      }
    }};
    BOOST_TEST(dripping.read_until("\r\n\r\n").starts_with("HTTP/1.1 408 "));
    over.set_value();
    drip.join();
  }
  BOOST_TEST(server->count().timeouts == 5u);
  // The handler's own time has no limit, and an idle connection is closed without a word.
  raw_client honest{server->port()};
  BOOST_REQUIRE(honest.send(get("/")));
  auto [request, respond] = held.take();
  raw_client another{server->port()};
  BOOST_TEST(another.read_to_end() == ""); // By now more than the limits has passed.
  respond(reply_with(200, "late"));
  BOOST_TEST(body_of(honest.read_to_end()) == "late");
  BOOST_TEST(server->count().timeouts == 6u);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_cut) {
  auto options = any_port();
  options.body_idle_timeout = 100ms;
  const std::string huge(std::size_t{32} << 20, 'h');
  const auto handler = [&huge](std::uint64_t, const msg::HttpRequest&,
                               const http_server::responder& respond) {
    respond(reply_with(200, huge));
  };
  const auto server = serve(options, handler);
  raw_client stalled{server->port()};
  BOOST_REQUIRE(stalled.send(get("/")));
  while (server->count().timeouts == 0)
    std::this_thread::yield();
  BOOST_TEST(stalled.read_to_end().size() < huge.size());
  const auto patient = serve(any_port(), handler);
  BOOST_TEST((body_of(converse(*patient, get("/"))) == huge));
}

BOOST_AUTO_TEST_CASE(connections_over_the_limit_get_503_and_the_others_go_on) {
  auto options = any_port();
  options.connections_max = 3;
  options.requests_reserved = 0;
  const auto server = serve(options);
  std::vector<raw_client> clients;
  for (int count = 0; count < 3; ++count) {
    clients.emplace_back(server->port());
    BOOST_REQUIRE(clients.back().send(get("/")));
    BOOST_TEST(has(clients.back().read_reply(), "200 OK"));
  }
  raw_client extra{server->port()};
  (void)extra.send(get("/extra"));
  const auto refusal = extra.read_reply();
  BOOST_TEST(refusal.starts_with("HTTP/1.1 503 "));
  BOOST_TEST(has(refusal, "retry-after: 1\r\n"));
  BOOST_TEST(server->count().connections_refused == 1u);
  for (auto& client : clients) {
    BOOST_REQUIRE(client.send(get("/again")));
    BOOST_TEST(has(client.read_reply(), "/again"));
  }
  clients.clear();
  while (server->count().connections_open > 1) // `extra` may linger
    std::this_thread::yield();
  BOOST_TEST(has(converse(*server, get("/")), "200 OK"));
}

BOOST_AUTO_TEST_CASE(accepting_survives_running_out_of_descriptors) {
  const auto server = serve();
  rlimit before{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  raw_client early{server->port()};
  std::vector<raw_client> late(4);
  BOOST_REQUIRE(early.send(get("/")));
  BOOST_TEST(has(early.read_reply(), "200 OK"));
  const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (auto& client : late)
    (void)(client.connect(server->port()) && client.send(get("/")));
  // The io thread meets the failing accept before this request, and does not stop over it.
  const bool served = early.send(get("/")) && has(early.read_reply(), "200 OK");
  const auto accepted = server->count().connections_accepted;
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST(served);
  BOOST_TEST(accepted == 1u);
  for (auto& client : late)
    BOOST_TEST(has(client.read_reply(), "200 OK"));
}

BOOST_AUTO_TEST_CASE(only_loopback_addresses_and_free_ports_are_taken) {
  const auto server = serve();
  const auto failure = [](const std::string& host, std::uint16_t port) {
    auto options = any_port();
    options.host = host;
    options.port = port;
    const auto started = http_server::start(options, echo);
    return started ? "started" : started.error().code;
  };
  BOOST_TEST(failure("127.0.0.1", server->port()) == "address_in_use");
  BOOST_TEST(failure("0.0.0.0", 0) == "not_loopback");
  BOOST_TEST(failure("192.0.2.1", 0) == "not_loopback");
  BOOST_TEST(failure("::", 0) == "not_loopback");
  BOOST_TEST(failure("example.org", 0) == "bad_address");
  BOOST_TEST(failure("localhost", 0) == "started");
  BOOST_TEST(failure("127.0.0.2", 0) == "started");
}

BOOST_AUTO_TEST_CASE(stop_finishes_requests_under_way_and_closes_idle_connections) {
  held_requests held;
  const auto server = serve(any_port(), held.handler());
  raw_client idle{server->port()};
  std::optional<raw_client> busy{server->port()};
  BOOST_REQUIRE(busy->send(get("/")));
  auto [request, respond] = held.take();
  std::thread stopping{[&server] { server->stop(20s); }};
  BOOST_TEST(idle.read_to_end() == "");
  respond(reply_with(200, "finished"));
  BOOST_TEST(has(busy->read_to_end(), "\r\n\r\nfinished"));
  busy.reset();
  stopping.join();
  BOOST_CHECK_THROW(raw_client{server->port()}, std::runtime_error);
  server->stop(0ms);
}

BOOST_AUTO_TEST_CASE(stop_gives_up_at_its_deadline_and_late_replies_are_dropped) {
  held_requests held;
  auto server = serve(any_port(), held.handler());
  raw_client busy{server->port()};
  BOOST_REQUIRE(busy.send(get("/")));
  auto [request, respond] = held.take();
  server->stop(10ms);
  BOOST_TEST(busy.read_to_end() == "");
  respond(reply_with(200, "too late"));
  server.reset();
  respond = nullptr;
}

BOOST_AUTO_TEST_CASE(replies_from_other_threads_reach_many_clients_of_a_pool) {
  held_requests held;
  auto options = any_port();
  options.threads = 2;
  const auto server = serve(options, held.handler());
  constexpr int requests = 400;
  std::thread answering{[&held] {
    for (int count = 0; count < requests; ++count) {
      auto [request, respond] = held.take();
      respond(reply_with(200, request + std::string(2000, '.')));
    }
  }};
  net::http_pool pool;
  std::atomic<int> good = 0;
  std::promise<void> all;
  std::atomic<int> left = requests;
  for (int number = 0; number < requests; ++number) {
    msg::HttpRequest request;
    request.set_method("POST");
    request.set_target("/" + std::to_string(number));
    request.set_body(std::string(3000, 'b'));
    const auto expected = describe(request) + std::string(2000, '.');
    pool.submit("http://127.0.0.1:" + std::to_string(server->port()), request,
                [&, expected](const msg::HttpReply& reply) {
                  good += reply.body() == expected ? 1 : 0;
                  if (--left == 0)
                    all.set_value();
                });
  }
  all.get_future().wait();
  answering.join();
  BOOST_TEST(good == requests);
  BOOST_TEST(server->count().connections_accepted <= 4u);
}

BOOST_AUTO_TEST_SUITE_END()
