#include "tests/runtime/runtime_support.hpp"

#include <poll.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

BOOST_AUTO_TEST_SUITE(runtime_changes)

using namespace syncline;
using namespace syncline::tests;

namespace {

/// Collects what a callback gets.
class collector {
public:
  void add(const change& one) {
    const std::lock_guard lock{mutex_};
    changes_.push_back(one);
    changed_.notify_all();
  }
  std::vector<change> wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    BOOST_REQUIRE(changed_.wait_for(lock, patience, [&] { return changes_.size() >= count; }));
    return changes_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<change> changes_;
};

} // namespace

BOOST_AUTO_TEST_CASE(changes_come_numbered_and_in_order_on_one_thread) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  collector seen;
  std::set<std::thread::id> threads;
  const auto subscribed = value_or_fail(one->on_change([&](const change& event) {
    threads.insert(std::this_thread::get_id());
    seen.add(event);
  }));
  for (int i = 0; i < 50; ++i)
    value_or_fail(one->put("notes", std::to_string(i), "{}"));
  value_or_fail(one->remove("notes", "7"));
  const auto changes = seen.wait_for(51);
  for (std::size_t i = 0; i < 50; ++i) {
    BOOST_TEST(changes[i].id == std::to_string(i));
    BOOST_TEST(!changes[i].remote);
    BOOST_TEST((i == 0 || changes[i].seq > changes[i - 1].seq));
  }
  BOOST_TEST(changes[50].id == "7");
  BOOST_TEST(!changes[50].exists);
  BOOST_TEST(threads.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_callback_may_call_back_into_the_runtime) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  collector seen;
  const auto subscribed = value_or_fail(one->on_change([&](const change& event) {
    if (event.id == "a")
      value_or_fail(one->put("notes", "b", body_of(*one, "a")));
    seen.add(event);
  }));
  value_or_fail(one->put("notes", "a", R"({"n":1})"));
  BOOST_TEST(seen.wait_for(2)[1].id == "b");
  BOOST_TEST(body_of(*one, "b") == R"({"n":1})");
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_costs_the_others_nothing_and_is_counted) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  collector seen;
  const auto first = value_or_fail(one->on_change([](const change& event) {
    if (event.id == "a")
      throw std::runtime_error{"no"};
    throw 7;
  }));
  const auto second = value_or_fail(one->on_change([&](const change& event) { seen.add(event); }));
  value_or_fail(one->put("notes", "a", "{}"));
  value_or_fail(one->put("notes", "b", "{}"));
  BOOST_TEST(seen.wait_for(2).size() == 2U);
  value_or_fail(one->put("notes", "c", "{}"));
  seen.wait_for(3);
  BOOST_TEST(value_or_fail(one->status()).callback_failures >= 2U);
}

BOOST_AUTO_TEST_CASE(after_the_subscription_is_gone_nothing_is_called) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  collector kept;
  int calls = 0;
  {
    const auto gone = value_or_fail(one->on_change([&](const change&) { ++calls; }));
  }
  const auto stays = value_or_fail(one->on_change([&](const change& event) { kept.add(event); }));
  value_or_fail(one->put("notes", "a", "{}"));
  kept.wait_for(1);
  BOOST_TEST(calls == 0);
}

// The feed held the store until all callbacks of a page had come back: whoever opened it again at
// once found it locked.
BOOST_AUTO_TEST_CASE(the_runtime_may_be_closed_in_a_callback) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  collector seen;
  const auto subscribed = value_or_fail(one->on_change([&](const change& event) {
    check_done(one->close());
    seen.add(event);
  }));
  value_or_fail(one->put("notes", "a", "{}"));
  seen.wait_for(1);
  const auto again = open_or_fail(test_options(directory));
  BOOST_TEST(value_or_fail(again->status()).verification == "clean");
}

BOOST_AUTO_TEST_CASE(a_host_that_comes_back_asks_after_the_last_number_it_saw) {
  temporary_directory directory;
  std::uint64_t last = 0;
  {
    const auto one = open_or_fail(test_options(directory));
    value_or_fail(one->put("notes", "a", "{}"));
    const auto page = value_or_fail(one->changes(0));
    BOOST_REQUIRE(page.changes.size() == 1U);
    BOOST_TEST(!page.more);
    last = page.next;
    value_or_fail(one->put("notes", "b", "{}"));
    value_or_fail(one->put("notes", "c", "{}"));
  }
  const auto one = open_or_fail(test_options(directory));
  const auto first = value_or_fail(one->changes(last, 1));
  BOOST_REQUIRE(first.changes.size() == 1U);
  BOOST_TEST(first.changes[0].id == "b");
  BOOST_TEST(first.more);
  collector seen;
  const auto subscribed =
    value_or_fail(one->on_change([&](const change& event) { seen.add(event); }, first.next));
  BOOST_TEST(seen.wait_for(1)[0].id == "c");
}

BOOST_AUTO_TEST_CASE(numbers_that_are_no_longer_kept_or_never_were_ask_for_a_resync) {
  temporary_directory directory;
  auto how = test_options(directory);
  how.changes_kept = 10;
  const auto one = open_or_fail(how);
  for (int i = 0; i < 20; ++i)
    value_or_fail(one->put("notes", std::to_string(i), "{}"));
  for (const std::uint64_t after : {std::uint64_t{0}, std::uint64_t{1} << 40}) {
    const auto page = value_or_fail(one->changes(after));
    BOOST_REQUIRE(page.changes.size() == 1U);
    BOOST_TEST(page.changes[0].resync);
    BOOST_TEST(value_or_fail(one->changes(page.next)).changes.empty());
  }
}

BOOST_AUTO_TEST_CASE(in_poll_mode_a_descriptor_says_when_there_is_something) {
  temporary_directory directory;
  auto how = test_options(directory);
  how.poll_events = true;
  const auto one = open_or_fail(how);
  BOOST_TEST(code_of(one->on_change([](const change&) {})) == "bad_options");
  pollfd waiting{one->event_fd(), POLLIN, 0};
  BOOST_TEST(::poll(&waiting, 1, 0) == 0);
  value_or_fail(one->put("notes", "a", "{}"));
  value_or_fail(one->put("notes", "b", "{}"));
  std::vector<std::string> ids;
  while (ids.size() < 2) {
    BOOST_REQUIRE(::poll(&waiting, 1, static_cast<int>(patience.count())) == 1);
    for (const auto& event : value_or_fail(one->take_changes(1)))
      ids.push_back(event.id);
  }
  BOOST_TEST(ids[0] == "a");
  BOOST_TEST(ids[1] == "b");
}

BOOST_AUTO_TEST_CASE(changes_from_the_server_are_told_as_remote) {
  test_server server;
  temporary_directory first;
  temporary_directory second;
  const auto one = open_or_fail(test_options(first, server.url()));
  const auto two = open_or_fail(test_options(second, server.url()));
  collector seen;
  const auto subscribed =
    value_or_fail(two->on_change([&](const change& event) { seen.add(event); }));
  value_or_fail(one->put("notes", "a", "{}"));
  sync_or_fail(*one);
  sync_or_fail(*two);
  const auto changes = seen.wait_for(1);
  BOOST_TEST(changes[0].id == "a");
  BOOST_TEST(changes[0].remote);
  BOOST_TEST(changes[0].exists);
}

BOOST_AUTO_TEST_SUITE_END()
