// Devices that hear of each other's changes over a live connection, with a real server in this
// process. Polls come once an hour here: what arrives came live.

#include "tests/runtime/runtime_support.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

using namespace syncline;
using namespace syncline::tests;

namespace {

/// A started device, and the ids that it has heard of.
struct live_device {
  explicit live_device(const std::string& url, bool live = true) {
    auto how = test_options(directory, url);
    how.poll_interval = std::chrono::hours{1};
    how.live = live;
    open = open_or_fail(how);
    watching.emplace(value_or_fail(open->on_change([this](const change& one) {
      const std::lock_guard lock{mutex};
      heard.insert(one.id);
      changed.notify_all();
    })));
    check_done(open->start());
  }
  [[nodiscard]] bool hears_of(const std::string& id) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, patience, [&] { return heard.count(id) != 0; });
  }
  [[nodiscard]] std::string link() const {
    return value_or_fail(open->status()).link.state;
  }
  /// Waits until the link is in this state.
  [[nodiscard]] bool becomes(const std::string& state) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (link() != state)
      if (std::chrono::steady_clock::now() > end)
        return false;
    return true;
  }

  temporary_directory directory;
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> heard;
  std::unique_ptr<runtime> open;
  std::optional<subscription> watching;
};

struct two_devices {
  test_server server;
  live_device one{server.url()};
  live_device two{server.url()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_live_sync)

BOOST_FIXTURE_TEST_CASE(a_change_is_with_the_other_device_without_a_poll, two_devices) {
  BOOST_REQUIRE(one.becomes("online"));
  BOOST_REQUIRE(two.becomes("online"));
  for (int i = 0; i < 20; ++i) {
    const auto id = "n" + std::to_string(i);
    value_or_fail((i % 2 == 0 ? one : two).open->put("notes", id, "{}"));
    BOOST_TEST((i % 2 == 0 ? two : one).hears_of(id));
  }
  BOOST_TEST(value_or_fail(two.open->status()).stream.state == "live");
  BOOST_TEST(value_or_fail(two.open->status()).poll.state == "paused");
}

BOOST_AUTO_TEST_CASE(a_first_sync_ends_live) {
  test_server server;
  temporary_directory directory;
  const auto source = open_or_fail(test_options(directory, server.url()));
  for (int i = 0; i < 50; ++i)
    value_or_fail(source->put("notes", "n" + std::to_string(i), "{}"));
  sync_or_fail(*source);
  live_device late{server.url()};
  BOOST_TEST(late.hears_of("n49"));
  BOOST_REQUIRE(late.becomes("online"));
  value_or_fail(source->put("notes", "new", "{}"));
  sync_or_fail(*source);
  BOOST_TEST(late.hears_of("new"));
}

BOOST_FIXTURE_TEST_CASE(a_server_that_goes_and_comes_is_found_again_and_nothing_is_missed,
                        two_devices) {
  BOOST_REQUIRE(two.becomes("online"));
  for (int round = 0; round < 3; ++round) {
    server.stop();
    BOOST_TEST(two.becomes("offline"));
    const auto id = "n" + std::to_string(round);
    value_or_fail(one.open->put("notes", id, "{}"));
    server.start();
    BOOST_TEST(two.hears_of(id));
    BOOST_TEST(two.becomes("online"));
  }
}

BOOST_FIXTURE_TEST_CASE(a_stopped_device_hears_nothing_and_catches_up_when_started, two_devices) {
  BOOST_REQUIRE(two.becomes("online"));
  check_done(two.open->stop());
  BOOST_TEST(two.link() == "stopped");
  const auto written = value_or_fail(one.open->put("notes", "a", "{}"));
  check_done(written.wait(stage::accepted, patience));
  BOOST_TEST(!value_or_fail(two.open->get("notes", "a")).has_value());
  check_done(two.open->start());
  BOOST_TEST(two.hears_of("a"));
}

BOOST_FIXTURE_TEST_CASE(a_server_on_this_machine_needs_no_network, two_devices) {
  BOOST_REQUIRE(two.becomes("online"));
  check_done(two.open->set_network(network_state::down));
  BOOST_TEST(two.link() == "online");
  value_or_fail(one.open->put("notes", "a", "{}"));
  BOOST_TEST(two.hears_of("a"));
  check_done(two.open->stop());
}

BOOST_AUTO_TEST_CASE(without_live_connections_the_server_is_polled) {
  test_server server;
  live_device one{server.url(), false};
  BOOST_REQUIRE(one.becomes("degraded"));
  const auto status = value_or_fail(one.open->status());
  BOOST_TEST(status.stream.state == "paused");
  BOOST_TEST(status.poll.state != "paused");
}

BOOST_FIXTURE_TEST_CASE(syncing_now_works_beside_a_live_stream, two_devices) {
  BOOST_REQUIRE(one.becomes("online"));
  for (int i = 0; i < 20; ++i) {
    const auto id = "n" + std::to_string(i);
    value_or_fail(two.open->put("notes", id, "{}"));
    sync_or_fail(*one.open);
    BOOST_TEST(one.hears_of(id));
  }
  BOOST_TEST(one.becomes("online"));
}

BOOST_AUTO_TEST_SUITE_END()
