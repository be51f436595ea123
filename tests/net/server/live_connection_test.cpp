// How long a live connection is kept: against real sockets, with limits of milliseconds.

#include "net/server/http_server.hpp"
#include "tests/support/loopback.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

using namespace syncline;
using namespace std::chrono_literals;
using net::http_server;
using tests::raw_client;

namespace {

// Longer than any test takes: a wait for it means that something never came.
constexpr auto for_ever = 60s;
constexpr std::size_t more_than_sockets_hold = std::size_t{64} << 20;

class watched_peer : public net::live_peer {
public:
  void on_begin(std::shared_ptr<net::live_link> link) override {
    begun.set_value(std::move(link));
  }
  [[nodiscard]] bool on_message(std::string_view, bool) override {
    return true;
  }
  void on_drained() override {
    has_drained = true;
    drained.set_value();
  }
  void on_left(const std::string&, std::uint64_t, const std::shared_ptr<const std::string>&,
               bool is_full) override {
    const std::lock_guard lock{mutex};
    told.push_back({is_full});
    changed.notify_all();
  }
  void on_end() override {
    ended.set_value();
  }

  struct left {
    bool is_full = false;
  };
  left next_left() {
    std::unique_lock lock{mutex};
    changed.wait(lock, [this] { return !told.empty(); });
    const auto first = told.front();
    told.pop_front();
    return first;
  }

  std::atomic<bool> has_drained{false};
  std::promise<void> drained;
  std::promise<std::shared_ptr<net::live_link>> begun;
  std::promise<void> ended;

private:
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<left> told;
};

http_server::options patient() {
  http_server::options options;
  options.port = 0;
  options.live_ping_after = for_ever;
  options.live_silence_max = 2 * for_ever;
  options.live_comment_after = for_ever;
  options.live_close_max = for_ever;
  return options;
}

/// A server with one live connection, whose other end is `client`.
struct live_fixture {
  void open(const http_server::options& options, bool as_events) {
    auto started = http_server::start(
      options, [](std::uint64_t, const msg::HttpRequest&, const http_server::responder&) {},
      [this](const msg::HttpRequest&) {
        return http_server::live_offer{peer, "", 1024};
      });
    BOOST_REQUIRE(started.has_value());
    server = std::move(started).value();
    client = std::make_unique<raw_client>(server->port());
    const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    (void)client->send(std::string{"GET "} + (as_events ? "/events" : "/stream") +
                       " HTTP/1.1\r\nHost: x\r\n" + (as_events ? "" : upgrade) + "\r\n");
    BOOST_REQUIRE(begun.wait_for(for_ever) == std::future_status::ready);
    link = begun.get();
  }
  [[nodiscard]] bool ends() const {
    return ended.wait_for(for_ever) == std::future_status::ready;
  }
  [[nodiscard]] bool is_over() const {
    return ended.wait_for(0s) == std::future_status::ready;
  }
  void send_much() const {
    link->send(std::make_shared<std::string>(more_than_sockets_hold, '.'));
  }

  std::shared_ptr<watched_peer> peer = std::make_shared<watched_peer>();
  std::future<std::shared_ptr<net::live_link>> begun = peer->begun.get_future();
  std::future<void> ended = peer->ended.get_future();
  std::unique_ptr<http_server> server;
  std::unique_ptr<raw_client> client;
  std::shared_ptr<net::live_link> link;
};

const std::string ping{"\x89\x00", 2};
const std::string pong{"\x8a\x80\x00\x00\x00\x00", 6};

} // namespace

BOOST_FIXTURE_TEST_SUITE(live_connections, live_fixture)

BOOST_AUTO_TEST_CASE(a_websocket_that_answers_no_ping_is_taken_for_gone) {
  auto options = patient();
  options.live_ping_after = 20ms;
  options.live_silence_max = 100ms;
  open(options, false);
  BOOST_TEST(client->read_until(ping).ends_with(ping));
  BOOST_TEST(ends());
}

BOOST_AUTO_TEST_CASE(a_websocket_that_answers_its_pings_stays) {
  auto options = patient();
  options.live_ping_after = 40ms;
  options.live_silence_max = 1'000ms;
  open(options, false);
  for (const auto end = std::chrono::steady_clock::now() + 2 * options.live_silence_max;
       std::chrono::steady_clock::now() < end;) {
    BOOST_REQUIRE(client->read_until(ping).ends_with(ping));
    BOOST_REQUIRE(client->send(pong));
  }
  BOOST_TEST(!is_over());
}

// Ten thousand live clients once kept every request out, writes and health checks among them.
BOOST_AUTO_TEST_CASE(a_server_full_of_live_connections_still_answers_requests) {
  auto options = patient();
  options.connections_max = 1;
  options.requests_reserved = 1;
  open(options, false);
  raw_client another{server->port()};
  BOOST_REQUIRE(another.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto refused = another.read_reply();
  BOOST_TEST(refused.starts_with("HTTP/1.1 503 "));
  BOOST_TEST(refused.find("overloaded") != std::string::npos);
  another.read_to_end();
  while (server->count().connections_open > 1)
    std::this_thread::yield();
  raw_client asks{server->port()};
  BOOST_REQUIRE(asks.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  BOOST_TEST(asks.read_reply().starts_with("HTTP/1.1 500 ")); // Nobody answers it here, but asked.
  raw_client too_many{server->port()};
  BOOST_REQUIRE(too_many.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  BOOST_TEST(too_many.read_reply().starts_with("HTTP/1.1 503 "));
}

// A page for each reader that stopped lay in memory until it went on or was dropped.
BOOST_AUTO_TEST_CASE(one_whose_socket_is_full_is_told_to_read_on_when_it_is_not) {
  open(patient(), false);
  link->follow("topic", 0, std::make_shared<const std::string>("cursor"));
  send_much();
  link->unfollow("topic");
  const auto left = peer->next_left();
  BOOST_TEST(left.is_full);
  BOOST_TEST(!peer->has_drained);
  std::size_t read = 0;
  while (read < more_than_sockets_hold)
    read += client->read_bytes(std::size_t{1} << 20).size();
  peer->drained.get_future().wait();
  link->follow("topic", 0, std::make_shared<const std::string>("cursor"));
  link->unfollow("topic");
  BOOST_TEST(!peer->next_left().is_full);
}

BOOST_AUTO_TEST_CASE(a_close_that_is_never_answered_ends_all_the_same) {
  auto options = patient();
  options.live_close_max = 50ms;
  open(options, false);
  link->close(1000, "bye");
  BOOST_TEST(ends());
}

BOOST_AUTO_TEST_CASE(an_event_stream_that_is_not_read_is_taken_for_gone) {
  auto options = patient();
  options.live_comment_after = 20ms;
  options.live_silence_max = 200ms;
  open(options, true);
  send_much();
  BOOST_TEST(ends());
}

BOOST_AUTO_TEST_CASE(an_event_stream_that_takes_its_comments_stays) {
  auto options = patient();
  options.live_comment_after = 20ms;
  options.live_silence_max = 200ms;
  open(options, true);
  for (const auto end = std::chrono::steady_clock::now() + 3 * options.live_silence_max;
       std::chrono::steady_clock::now() < end;)
    BOOST_REQUIRE(client->read_until(":\n\n").ends_with(":\n\n"));
  BOOST_TEST(!is_over());
}

// It was cut at the next look at all connections, half a second later at most.
BOOST_AUTO_TEST_CASE(what_was_sent_before_the_end_of_an_event_stream_arrives) {
  auto options = patient();
  options.live_comment_after = 20ms; // So it looks every 5 ms.
  open(options, true);
  send_much();
  link->close(1000, "");
  const auto received = client->read_to_end();
  const auto body = received.begin() + static_cast<std::ptrdiff_t>(received.find("\r\n\r\n"));
  const auto arrived = std::count(body, received.end(), '.'); // Between comments.
  BOOST_TEST(static_cast<std::size_t>(arrived) == more_than_sockets_hold);
  BOOST_TEST(ends());
}

BOOST_AUTO_TEST_CASE(an_ended_event_stream_that_is_not_read_is_closed_in_the_end) {
  auto options = patient();
  options.live_close_max = 50ms;
  open(options, true);
  send_much();
  link->close(1000, "");
  BOOST_TEST(ends());
}

BOOST_AUTO_TEST_SUITE_END()
