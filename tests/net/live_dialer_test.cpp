// The client's WebSocket against our server, and against servers that are none.

#include "net/client/live_dialer.hpp"

#include "net/protocol/server_codec.hpp"
#include "net/protocol/stream_frame.hpp"
#include "net/server/http_server.hpp"
#include "tests/support/loopback.hpp"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

using namespace syncline;
using namespace std::chrono_literals;
using net::http_server;
using net::live_dialer;

namespace {

constexpr auto for_ever = 60s; // Only a failed test waits for it.

/// What was heard of one connection, in its order.
class heard : public net::live_listener {
public:
  void on_open() override {
    add("open");
  }
  void on_alive() override {
    add("alive");
  }
  void on_message(std::string message) override {
    add("message " + message);
  }
  void on_end(core::error why) override {
    add("end " + why.code);
  }
  /// The next thing that is heard; empty where nothing comes.
  std::string next() {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, for_ever, [this] { return !said_.empty(); }))
      return {};
    auto first = std::move(said_.front());
    said_.pop_front();
    return first;
  }
  [[nodiscard]] bool is_quiet() {
    const std::lock_guard lock{mutex_};
    return said_.empty();
  }

private:
  void add(std::string what) {
    const std::lock_guard lock{mutex_};
    said_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> said_;
};

/// Sends every message back, and before the first one two of its own.
class echo : public net::live_peer {
public:
  void on_begin(std::shared_ptr<net::live_link> link) override {
    link_ = std::move(link);
    for (const char* word : {"one", "two"})
      link_->send(net::make_message_frame(word, sends_text));
  }
  [[nodiscard]] bool on_message(std::string_view payload, bool text) override {
    link_->send(
      net::make_message_frame(std::string{payload} + (text ? " text" : " binary"), false));
    if (payload == "bye")
      link_->close(1001, "the server goes");
    return true;
  }
  bool sends_text = false;

private:
  std::shared_ptr<net::live_link> link_;
};

struct fixture {
  std::shared_ptr<heard> listener = std::make_shared<heard>();
  std::shared_ptr<echo> peer = std::make_shared<echo>();
  std::string subprotocol = "syncline.v1";
  std::unique_ptr<http_server> server;

  std::string serve() {
    http_server::options options;
    options.port = 0;
    auto started = http_server::start(
      options,
      [](std::uint64_t, const msg::HttpRequest&, const http_server::responder& respond) {
        msg::HttpReply none;
        none.set_status(404);
        respond(none);
      },
      [this](const msg::HttpRequest&) {
        return http_server::live_offer{peer, subprotocol, 1 << 20};
      });
    BOOST_REQUIRE(started.has_value());
    server = std::move(started).value();
    return "http://127.0.0.1:" + std::to_string(server->port());
  }
  /// What one who answers a WebSocket in this way is taken for.
  std::string end_of(const std::string& answer, bool closes = true) {
    tests::canned_server canned{[&](std::size_t, const std::string&) {
      return tests::canned_server::answer{answer, closes};
    }};
    live_dialer::options limits;
    limits.connect_timeout = closes ? std::chrono::milliseconds{for_ever} : 50ms;
    live_dialer dialer{canned.url(), limits};
    const auto one = std::make_shared<heard>();
    const auto line = dialer.dial(net::live_way::websocket, one);
    return one->next();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(net_live_dialer, fixture)

BOOST_AUTO_TEST_CASE(messages_go_both_ways_and_one_comes_only_when_it_is_wanted) {
  live_dialer dialer{serve()};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "open");
  BOOST_TEST(listener->next() == "message one");
  line->send("hello");
  line->send(std::string(70'000, 'x'));
  BOOST_TEST(listener->is_quiet()); // `two` has come, and waits.
  line->resume();
  BOOST_TEST(listener->next() == "message two");
  line->resume();
  BOOST_TEST(listener->next() == "message hello binary");
  line->resume();
  BOOST_TEST(listener->next() == "message " + std::string(70'000, 'x') + " binary");
  line->close();
  BOOST_TEST(listener->next() == "end closed");
}

BOOST_AUTO_TEST_CASE(a_server_that_goes_away_ends_the_connection) {
  live_dialer dialer{serve()};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "open");
  line->send("bye");
  for (const char* word : {"one", "two", "bye binary"}) {
    BOOST_TEST(listener->next() == std::string{"message "} + word);
    line->resume();
  }
  BOOST_TEST(listener->next() == "end connection_cut");
}

BOOST_AUTO_TEST_CASE(the_connection_ends_with_its_last_handle) {
  live_dialer dialer{serve()};
  auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "open");
  BOOST_TEST(listener->next() == "message one");
  line.reset();
  BOOST_TEST(listener->next() == "end closed");
}

BOOST_AUTO_TEST_CASE(stopping_ends_every_connection_and_none_begins_after_it) {
  live_dialer dialer{serve()};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "open");
  BOOST_TEST(listener->next() == "message one");
  dialer.stop();
  BOOST_TEST(listener->next() == "end stopped");
  const auto late = std::make_shared<heard>();
  const auto second = dialer.dial(net::live_way::websocket, late);
  BOOST_TEST(late->next() == "end stopped");
  line->send("nobody hears this");
  second->close();
}

BOOST_AUTO_TEST_CASE(text_over_our_subprotocol_is_not_our_server) {
  peer->sends_text = true;
  live_dialer dialer{serve()};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "open");
  BOOST_TEST(listener->next() == "end not_our_server");
}

BOOST_AUTO_TEST_CASE(a_websocket_without_our_subprotocol_is_not_our_server) {
  subprotocol.clear();
  live_dialer dialer{serve()};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "end not_our_server");
}

BOOST_AUTO_TEST_CASE(a_message_beyond_the_limit_ends_the_connection) {
  live_dialer::options limits;
  limits.message_max = 2;
  live_dialer dialer{serve(), limits};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "open");
  BOOST_TEST(listener->next() == "end too_large");
}

BOOST_AUTO_TEST_CASE(what_is_no_server_of_ours_is_named_by_what_it_does) {
  BOOST_TEST(end_of("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>") == "end not_our_server");
  BOOST_TEST(end_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") == "end not_our_server");
  BOOST_TEST(end_of("HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n") ==
             "end not_our_server");
  BOOST_TEST(end_of("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") == "end needs_auth");
  BOOST_TEST(end_of("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") == "end server_error");
  BOOST_TEST(end_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n") ==
             "end not_our_server");
  BOOST_TEST(end_of("SSH-2.0-OpenSSH\r\n\r\n") == "end not_our_server");
  BOOST_TEST(end_of("") == "end connection_cut");
  BOOST_TEST(end_of("HTTP/1.1 101 Swi") == "end connection_cut");
  BOOST_TEST(end_of("HTTP/1.1 101 Swi", false) == "end timeout");
}

BOOST_AUTO_TEST_CASE(who_cannot_be_reached_or_must_not_be_is_told_at_once) {
  const auto end_at = [](const std::string& url) {
    live_dialer dialer{url};
    const auto one = std::make_shared<heard>();
    const auto line = dialer.dial(net::live_way::websocket, one);
    return one->next();
  };
  const auto port = std::to_string(tests::unused_port());
  BOOST_TEST(end_at("http://127.0.0.1:" + port) == "end connection_refused");
  BOOST_TEST(end_at("http://192.0.2.1") == "end not_allowed");
  BOOST_TEST(end_at("ftp://127.0.0.1") == "end not_allowed");
}

// Who listens on 127.0.0.1 without TLS cannot answer a TLS handshake.
BOOST_AUTO_TEST_CASE(a_server_without_tls_is_refused_where_tls_is_wanted) {
  const auto plain = serve();
  live_dialer dialer{"https" + plain.substr(4)};
  const auto line = dialer.dial(net::live_way::websocket, listener);
  BOOST_TEST(listener->next() == "end tls_refused");
}

namespace {

std::string hello_for(const std::string& collection) {
  msg::StreamFrame frame;
  frame.mutable_hello()->add_collections()->set_collection(collection);
  return frame.SerializeAsString();
}

/// Says what it was asked for, as an event.
class teller : public net::live_peer {
public:
  explicit teller(std::string target) : target_{std::move(target)} {}
  void on_begin(std::shared_ptr<net::live_link> link) override {
    link->send(std::make_shared<const std::string>(net::encode_frame_event(target_) +
                                                   net::encode_frame_event("more")));
    if (target_.find("goes") != std::string::npos)
      link->close(0, "");
  }
  [[nodiscard]] bool on_message(std::string_view, bool) override {
    return true;
  }

private:
  std::string target_;
};

struct events_fixture : fixture {
  std::string serve_events() {
    http_server::options options;
    options.port = 0;
    auto started = http_server::start(
      options, [](std::uint64_t, const msg::HttpRequest&, const http_server::responder&) {},
      [](const msg::HttpRequest& request) {
        net::live_ask ask = net::read_live_request(request).value();
        std::string named = ask.form == msg::PROTOCOL_EVENTS ? "events for" : "something else";
        for (const auto& each : ask.hello.collections())
          named += ' ' + each.collection();
        return http_server::live_offer{std::make_shared<teller>(named), "", 1 << 20};
      });
    BOOST_REQUIRE(started.has_value());
    server = std::move(started).value();
    return "http://127.0.0.1:" + std::to_string(server->port());
  }
  /// What one who answers the request in this way is taken for.
  std::string end_of_events(const std::string& answer) {
    tests::canned_server canned{[&](std::size_t, const std::string&) {
      return tests::canned_server::answer{answer, true};
    }};
    live_dialer dialer{canned.url()};
    const auto one = std::make_shared<heard>();
    const auto line = dialer.dial(net::live_way::events, one);
    BOOST_TEST(one->next() == "open");
    line->send(hello_for("items"));
    return one->next();
  }
  const std::string event_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
};

} // namespace

BOOST_FIXTURE_TEST_CASE(each_hello_asks_for_events_and_ends_those_before_it, events_fixture) {
  live_dialer dialer{serve_events()};
  const auto line = dialer.dial(net::live_way::events, listener);
  BOOST_TEST(listener->next() == "open");
  msg::StreamFrame ping;
  ping.mutable_ping()->set_id(1);
  line->send(ping.SerializeAsString()); // There is no way to say it.
  line->send(hello_for("items"));
  BOOST_TEST(listener->next() == "message events for items");
  BOOST_TEST(listener->is_quiet()); // The next one has come, and waits.
  line->resume();
  BOOST_TEST(listener->next() == "message more");
  line->resume();
  line->send(hello_for("notes"));
  BOOST_TEST(listener->next() == "message events for notes");
  line->send(hello_for("goes"));
  line->resume();
  BOOST_TEST(listener->next() == "message events for goes"); // And not `more` of the one before.
  line->resume();
  BOOST_TEST(listener->next() == "message more");
  line->resume();
  BOOST_TEST(listener->next() == "end connection_cut");
}

BOOST_FIXTURE_TEST_CASE(what_is_no_event_stream_of_ours_ends_the_connection, events_fixture) {
  BOOST_TEST(end_of_events("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: "
                           "2\r\n\r\nhi") == "end not_our_server");
  BOOST_TEST(end_of_events("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") == "end not_our_server");
  BOOST_TEST(end_of_events("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") == "end server_error");
  BOOST_TEST(end_of_events("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") == "end needs_auth");
  BOOST_TEST(end_of_events("hello\r\n\r\n") == "end not_our_server");
  BOOST_TEST(end_of_events(event_head + "data: {\"id\":\"x\"}\n\n") == "end not_our_server");
  BOOST_TEST(end_of_events(event_head) == "end connection_cut");
  BOOST_TEST(end_of_events("HTTP/1.1 414 No\r\nContent-Length: 0\r\n\r\n") == "end too_large");
  // A body that has an end, and what comes behind it.
  const std::string with_length = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
  BOOST_TEST(end_of_events(with_length + "Content-Length: 0\r\n\r\n") == "end connection_cut");
  BOOST_TEST(end_of_events(with_length + "Content-Length: 3\r\n\r\n:\n\nmore") == "alive");
  BOOST_TEST(end_of_events(event_head + ":\n\n") == "alive");
}

BOOST_FIXTURE_TEST_CASE(an_event_that_never_ends_is_too_large, events_fixture) {
  tests::canned_server canned{[&](std::size_t, const std::string&) {
    return tests::canned_server::answer{event_head + "data: " + std::string(4'000, 'A'), true};
  }};
  live_dialer dialer{canned.url(), {.message_max = 1'000}};
  const auto line = dialer.dial(net::live_way::events, listener);
  line->send(hello_for("items"));
  BOOST_TEST(listener->next() == "open");
  auto last = listener->next();
  while (last == "alive") // Some of it has come.
    last = listener->next();
  BOOST_TEST(last == "end too_large");
}

BOOST_FIXTURE_TEST_CASE(too_many_collections_for_a_query_are_not_asked_for, events_fixture) {
  live_dialer dialer{serve_events()};
  const auto line = dialer.dial(net::live_way::events, listener);
  BOOST_TEST(listener->next() == "open");
  msg::StreamFrame frame;
  for (int i = 0; i < 200; ++i)
    frame.mutable_hello()->add_collections()->set_collection(std::string(50, 'c') +
                                                             std::to_string(i));
  line->send(frame.SerializeAsString());
  BOOST_TEST(listener->next() == "end too_large");
}

BOOST_AUTO_TEST_SUITE_END()
