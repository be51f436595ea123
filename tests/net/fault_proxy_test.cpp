#include "tests/support/fault_proxy.hpp"

#include "net/client/http_pool.hpp"
#include "net/server/http_server.hpp"
#include "tests/support/loopback.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <string>

using namespace syncline;
using namespace std::chrono_literals;
using tests::fault;
using tests::fault_proxy;

namespace {

/// A server that counts what reaches it, behind a proxy, and a pool in front.
class proxied_server {
public:
  explicit proxied_server(tests::fault_mix mix = {}, std::uint64_t seed = 1)
    : proxy{server_->port(), seed, mix} {}

  std::string post(const std::string& body) {
    return start(body).get();
  }
  std::future<std::string> start(const std::string& body) {
    const auto promise = std::make_shared<std::promise<std::string>>();
    msg::HttpRequest request;
    request.set_method("POST");
    request.set_target("/");
    request.set_body(body);
    request.set_timeout_ms(20'000);
    pool_.submit("http://127.0.0.1:" + std::to_string(proxy.port()), request,
                 [promise](const msg::HttpReply& reply) {
                   promise->set_value(reply.failure().empty() ? reply.body() : reply.failure());
                 });
    return promise->get_future();
  }
  [[nodiscard]] int served() const {
    return served_;
  }

private:
  static net::http_server::options any_port() {
    net::http_server::options options;
    options.port = 0;
    return options;
  }

  std::atomic<int> served_ = 0;
  std::unique_ptr<net::http_server> server_ = std::move(
    net::http_server::start(any_port(), [this](std::uint64_t, const msg::HttpRequest& request,
                                               const net::http_server::responder& respond) {
      ++served_;
      msg::HttpReply reply;
      reply.set_status(200);
      reply.set_body("got " + request.body());
      respond(reply);
    }).value());

public:
  fault_proxy proxy;

private:
  net::http_pool pool_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(support_fault_proxy)

BOOST_AUTO_TEST_CASE(without_faults_exchanges_pass_unchanged_on_one_connection) {
  proxied_server world;
  for (const auto& body : {std::string{"a"}, std::string(200'000, 'b'), std::string{}})
    BOOST_TEST((world.post(body) == "got " + body));
  BOOST_TEST(world.proxy.connections() == 1u);
  BOOST_TEST(world.proxy.count(fault::none) == 3u);
}

BOOST_AUTO_TEST_CASE(each_fault_does_what_it_says) {
  proxied_server world;
  world.proxy.script({.kind = fault::drop_request});
  BOOST_TEST(world.post("1") == "connection_cut");
  BOOST_TEST(world.served() == 0);
  world.proxy.script({.kind = fault::drop_response});
  BOOST_TEST(world.post("2") == "connection_cut");
  BOOST_TEST(world.served() == 1);
  world.proxy.script({.kind = fault::duplicate_request});
  BOOST_TEST(world.post("3") == "got 3");
  BOOST_TEST(world.post("after") == "got after"); // Its reply came after the duplicate's.
  BOOST_TEST(world.served() == 4);
  world.proxy.script({.kind = fault::delay, .delay = 1ms});
  BOOST_TEST(world.post("4") == "got 4");
  world.proxy.script({.kind = fault::hold});
  auto held = world.start("5");
  while (world.proxy.count(fault::hold) == 0)
    std::this_thread::yield();
  BOOST_TEST(world.served() == 5);
  world.proxy.release();
  BOOST_TEST(held.get() == "got 5");
  for (const auto kind : {fault::drop_request, fault::drop_response, fault::duplicate_request,
                          fault::delay, fault::hold})
    BOOST_TEST(world.proxy.count(kind) == 1u);
}

BOOST_AUTO_TEST_CASE(cuts_at_every_byte_of_either_direction_lose_the_exchange_and_nothing_else) {
  proxied_server world;
  std::string served_replies;
  std::size_t cut = 0;
  for (;; ++cut) {
    world.proxy.script({.kind = fault::cut_request, .cut_at = cut});
    BOOST_TEST(world.post("body") == "connection_cut");
    if (world.served() > 0)
      break; // A whole request got through.
  }
  BOOST_TEST(cut > 50u);
  for (cut = 0;; ++cut) {
    world.proxy.script({.kind = fault::cut_response, .cut_at = cut});
    const auto outcome = world.post("body");
    if (outcome == "got body")
      break;
    BOOST_REQUIRE(outcome == "connection_cut");
  }
  BOOST_TEST(cut > 50u);
  BOOST_TEST(world.served() > static_cast<int>(cut));
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_faults) {
  const tests::fault_mix mix{.drop_request = 0.2, .drop_response = 0.2, .duplicate_request = 0.2};
  const auto outcomes = [&mix](std::uint64_t seed) {
    proxied_server world{mix, seed};
    std::string list;
    for (int number = 0; number < 60; ++number)
      list += world.post("x") == "got x" ? '+' : '-';
    return list + std::to_string(world.proxy.count(fault::duplicate_request));
  };
  const auto first = outcomes(7);
  BOOST_TEST(first == outcomes(7));
  BOOST_TEST(first != outcomes(8));
  BOOST_TEST(first.find('-') != std::string::npos);
  BOOST_TEST(first.find('+') != std::string::npos);
}

BOOST_AUTO_TEST_CASE(streams_pass_as_they_come) {
  tests::canned_server server{[](std::size_t, const std::string& request) {
    const bool upgrade = request.find("Upgrade") != std::string::npos;
    return tests::canned_server::answer{
      upgrade ? "HTTP/1.1 101 Switching\r\n\r\nhello" : "more\r\n\r\n", !upgrade};
  }};
  fault_proxy proxy{server.port(), 1};
  tests::raw_client client{proxy.port()};
  BOOST_REQUIRE(client.send("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"));
  BOOST_TEST(client.read_until("hello").ends_with("\r\n\r\nhello"));
  BOOST_REQUIRE(client.send("anything\r\n\r\n"));
  BOOST_TEST(client.read_to_end() == "more\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(stop_ends_held_exchanges) {
  proxied_server world;
  world.proxy.script({.kind = fault::hold});
  auto held = world.start("x");
  while (world.proxy.count(fault::hold) == 0)
    std::this_thread::yield();
  world.proxy.stop();
  BOOST_TEST(held.get() != "");
}

BOOST_AUTO_TEST_SUITE_END()
