// The server as its program uses it.

#include "net/client/http_pool.hpp"
#include "tests/runtime/runtime_support.hpp"

#include <atomic>
#include <future>

BOOST_AUTO_TEST_SUITE(server_face)

using namespace syncline;
using namespace syncline::tests;
using actors::server::server;
using actors::server::server_options;

namespace {

server_options on(const temporary_directory& directory) {
  server_options options;
  options.directory = directory.path() / "server";
  options.http.port = 0;
  return options;
}

std::unique_ptr<server> start_or_fail(server_options options) {
  auto started = server::start(std::move(options));
  BOOST_REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
  return std::move(*started);
}

msg::HttpReply get(const std::string& url, const std::string& target) {
  net::http_pool pool;
  msg::HttpRequest request;
  request.set_method("GET");
  request.set_target(target);
  std::promise<msg::HttpReply> answered;
  pool.submit(url, request, [&](msg::HttpReply reply) { answered.set_value(std::move(reply)); });
  return answered.get_future().get();
}

} // namespace

BOOST_AUTO_TEST_CASE(it_says_that_it_lives_and_is_ready) {
  temporary_directory directory;
  const auto one = start_or_fail(on(directory));
  BOOST_TEST(get(one->url(), "/healthz").status() == 200U);
  BOOST_TEST(get(one->url(), "/readyz").status() == 200U);
  BOOST_TEST(get(one->url(), "/nothing").status() == 404U);
  const auto refused = get(one->url(), "/batch-sync");
  BOOST_TEST(refused.status() == 405U);
  BOOST_TEST(std::any_of(refused.headers().begin(), refused.headers().end(), [](const auto& one) {
    return one.name() == "allow" && one.value() == "POST";
  }));
  const auto status = one->status();
  BOOST_TEST(status.not_ready.empty());
  BOOST_TEST(status.store_opened == "new");
  BOOST_TEST(status.http.requests == 4U);
}

BOOST_AUTO_TEST_CASE(a_store_and_a_port_have_one_server) {
  temporary_directory directory;
  temporary_directory other;
  const auto one = start_or_fail(on(directory));
  const auto second = server::start(on(directory));
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST(second.error().code == "store_locked");
  auto options = on(other);
  options.http.port = one->port();
  const auto third = server::start(options);
  BOOST_REQUIRE(!third.has_value());
  BOOST_TEST(third.error().code == "address_in_use");
  start_or_fail(on(other)); // Nothing of the failed start is left.
}

BOOST_AUTO_TEST_CASE(stopping_twice_is_fine_and_the_next_start_finds_a_clean_store) {
  temporary_directory directory;
  const auto one = start_or_fail(on(directory));
  const auto before = one->status();
  BOOST_TEST(one->stop().has_value());
  BOOST_TEST(one->stop().has_value());
  BOOST_TEST(!one->status().not_ready.empty());
  const auto two = start_or_fail(on(directory));
  BOOST_TEST(two->status().store_opened == "clean");
  BOOST_TEST(two->status().epoch == before.epoch);
  BOOST_TEST(two->status().start != before.start);
}

BOOST_AUTO_TEST_CASE(it_stops_under_load_and_answers_or_cuts_every_request) {
  temporary_directory directory;
  const auto one = start_or_fail(on(directory));
  net::http_pool pool;
  constexpr int count = 200;
  std::atomic<int> answered{0};
  std::promise<void> all;
  for (int i = 0; i < count; ++i) {
    msg::HttpRequest request;
    request.set_method("GET");
    request.set_target("/delta");
    pool.submit(one->url(), request, [&](const msg::HttpReply&) {
      if (++answered == count)
        all.set_value();
    });
  }
  BOOST_TEST(one->stop().has_value());
  auto ended = all.get_future();
  BOOST_TEST((ended.wait_for(patience) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(a_restored_store_has_a_new_epoch) {
  temporary_directory directory;
  auto options = on(directory);
  const auto epoch = start_or_fail(options)->status().epoch;
  options.new_epoch = true;
  BOOST_TEST(start_or_fail(options)->status().epoch != epoch);
}

BOOST_AUTO_TEST_SUITE_END()
