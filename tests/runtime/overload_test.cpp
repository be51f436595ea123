// More than there is room for: what a runtime does with a long outbox, a slow line, and a server
// that asks it to wait or has no room. Scenarios of RELIABILITY.md by their names.

#include "tests/runtime/bad_server_support.hpp"
#include "tests/support/fault_proxy.hpp"
#include "tests/support/loopback.hpp"

#include <fstream>
#include <thread>

namespace syncline::tests {

namespace {

constexpr std::size_t offline_writes = 100'000;
constexpr std::size_t written_at_once = 10'000;

/// Anonymous memory of this process, in MiB.
std::uint64_t anonymous_mib() {
  std::ifstream status{"/proc/self/status"};
  std::string word;
  while (status >> word)
    if (word == "RssAnon:") {
      std::uint64_t kib = 0;
      status >> kib;
      return kib >> 10;
    }
  return 0;
}

std::string numbered(std::size_t number) {
  auto digits = std::to_string(number);
  return "n" + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

void write_offline(runtime& one) {
  for (std::size_t first = 0; first < offline_writes; first += written_at_once) {
    std::vector<operation> group;
    for (std::size_t i = first; i < first + written_at_once; ++i)
      group.push_back(operation::put("notes", numbered(i), R"({"text":"written offline"})"));
    value_or_fail(one.write(std::move(group)));
  }
}

/// The ids that the other side was told of, in their order.
std::vector<std::string> told_ids(const runtime& other) {
  std::vector<std::string> ids;
  std::uint64_t after = 0;
  for (;;) {
    const auto page = value_or_fail(other.changes(after, 10'000));
    if (page.changes.empty())
      return ids;
    for (const auto& each : page.changes)
      ids.push_back(each.id);
    after = page.next;
  }
}

template <class Condition>
bool comes_true(const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + 6 * patience; !condition();
       std::this_thread::sleep_for(10ms))
    if (std::chrono::steady_clock::now() > end)
      return false;
  return true;
}

/// Connections that do nothing, until the server has no room for one more.
std::vector<raw_client> take_all_room(std::uint16_t port) {
  std::vector<raw_client> idle;
  for (;;) {
    raw_client one{port};
    BOOST_REQUIRE(one.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto reply = one.read_reply();
    if (reply.starts_with("HTTP/1.1 503 ")) {
      BOOST_TEST(reply.find("retry-after: 1\r\n") != std::string::npos);
      return idle;
    }
    BOOST_REQUIRE(reply.starts_with("HTTP/1.1 200 "));
    idle.push_back(std::move(one));
  }
}

struct asked_pause {
  std::string name;
  int status;
  std::string retry_after;
  std::chrono::milliseconds least{0};
};

} // namespace

BOOST_AUTO_TEST_SUITE(overload)

BOOST_AUTO_TEST_CASE(C10_a_long_outbox_drains_in_order_while_new_writes_go_on) {
  test_server server;
  fault_mix slow;
  slow.delay = 1;
  slow.delay_max = 5ms;
  fault_proxy line{server.get().port(), 10, slow};
  temporary_directory here;
  temporary_directory there;
  auto how = test_options(here, "http://127.0.0.1:" + std::to_string(line.port()));
  how.live = false;
  const auto one = open_or_fail(how);
  auto other_how = test_options(there, server.url());
  other_how.changes_kept = 2 * offline_writes;
  const auto other = open_or_fail(other_how);
  sync_or_fail(*other); // From here on it follows the log.
  check_done(other->start());
  write_offline(*one);
  BOOST_TEST(value_or_fail(one->status()).waiting == offline_writes);

  const auto memory_before = anonymous_mib();
  check_done(one->start());
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < offline_writes; ++i)
    expected.push_back(numbered(i));
  std::size_t during = 0;
  std::uint64_t memory_most = 0;
  while (value_or_fail(one->status()).waiting != 0) {
    const auto id = "during" + std::to_string(during++);
    value_or_fail(one->put("notes", id, "{}"));
    expected.push_back(id);
    BOOST_TEST(body_of(*one, id) == "{}"); // Here at once, whatever waits before it.
    memory_most = std::max(memory_most, anonymous_mib());
    std::this_thread::sleep_for(20ms);
  }
  BOOST_TEST(during >= 20U);
  BOOST_TEST(comes_true([&] {
    const auto at = server.get().status();
    return at.items == expected.size() &&
           value_or_fail(other->list("notes", "during", 10'000)).size() >= during;
  }));
  BOOST_TEST(comes_true([&] { return told_ids(*other).size() == expected.size(); }));
  BOOST_TEST((told_ids(*other) == expected));
  BOOST_TEST_MESSAGE(during << " writes meanwhile; " << memory_before << " MiB before, at most "
                            << memory_most);
#if !defined(__SANITIZE_ADDRESS__)
  BOOST_TEST(memory_most < memory_before + 50); // Of three parties: the outbox alone has 20 MB.
#endif
}

BOOST_AUTO_TEST_CASE(B8_a_server_that_asks_for_a_pause_gets_it_within_bounds) {
  const std::vector<asked_pause> pauses{
    {"seconds", 429, "1", 1'000ms},
    {"also of 503", 503, "1", 1'000ms},
    {"no number", 429, "soon"},
    {"negative", 503, "-5"},
    {"a date that has passed", 503, "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"none", 500, ""},
    {"none", 502, ""},
    {"none", 504, ""},
  };
  for (const auto& pause : pauses) {
    BOOST_TEST_CONTEXT(pause.name << " " << pause.status) {
      half_synced half{device_past::wrote};
      const std::string head =
        pause.retry_after.empty() ? "" : "Retry-After: " + pause.retry_after + "\r\n";
      std::atomic<int> refused{0};
      half.front().lie([&](const std::string& request, const std::string& reply) {
        return request.starts_with("POST") && refused++ == 0
                 ? reply_bytes(pause.status, "text/plain", "later", head)
                 : reply;
      });
      const auto before = std::chrono::steady_clock::now();
      const auto report = value_or_fail(half.device().sync_now());
      BOOST_TEST(report.success, report.error.message);
      BOOST_TEST((std::chrono::steady_clock::now() - before >= pause.least));
      BOOST_TEST(refused == 2);
      half.front().tell_truth();
      half.check_heals();
    }
  }
}

// Ten years: a broken server cannot silence a client.
BOOST_AUTO_TEST_CASE(B8_a_pause_of_ten_years_is_one_of_an_hour) {
  half_synced half{device_past::wrote};
  half.front().lie([](const std::string& request, const std::string& reply) {
    return request.starts_with("POST")
             ? reply_bytes(503, "text/plain", "later", "Retry-After: 315360000\r\n")
             : reply;
  });
  check_done(half.device().start());
  const auto next_attempt_ms = [&] {
    return value_or_fail(half.device().status()).outbox.next_attempt_ms;
  };
  BOOST_TEST(comes_true([&] { return next_attempt_ms() != 0; }));
  const auto now = std::chrono::system_clock::now().time_since_epoch() / 1ms;
  BOOST_TEST(next_attempt_ms() - now > 3'000'000);
  BOOST_TEST(next_attempt_ms() - now <= 3'600'000);
  check_done(half.device().stop());
  half.front().tell_truth();
  half.check_heals();
}

BOOST_AUTO_TEST_CASE(C12_a_server_at_its_limit_refuses_new_clients_and_finishes_its_work) {
  temporary_directory directory;
  actors::server::server_options options;
  options.directory = directory.path() / "server";
  options.http.port = 0;
  options.http.connections_max = 4;
  options.http.requests_reserved = 0;
  auto started = actors::server::server::start(options);
  BOOST_REQUIRE(started.has_value());
  auto& server = **started;
  const auto url = server.url();
  temporary_directory first;
  temporary_directory second;
  auto how = test_options(first, url);
  how.live = false;
  auto one = open_or_fail(how);
  std::vector<operation> group;
  for (std::size_t i = 0; i < 2'000; ++i)
    group.push_back(operation::put("notes", numbered(i), "{}"));
  value_or_fail(one->write(group));
  std::thread working{[&] { value_or_fail(one->sync_now({.attempts_max = 0})); }};
  BOOST_TEST(comes_true([&] { return server.status().items > 0; }));
  auto idle = take_all_room(server.port());
  const auto late = open_or_fail(test_options(second, url));
  const auto report = value_or_fail(late->sync_now({.attempts_max = 1}));
  BOOST_TEST(!report.success);
  BOOST_TEST(report.error.code == "unreachable"); // Which is what a 503 is called.
  BOOST_TEST(comes_true([&] { return server.status().items == 2'000U; }));
  idle.clear();
  working.join();
  check_done(one->close());
  BOOST_TEST(
    comes_true([&] { return value_or_fail(late->sync_now({.attempts_max = 1})).success; }));
  BOOST_TEST(value_or_fail(late->list("notes", {}, 3'000)).size() == 2'000U);
  check_done(late->close());
  BOOST_TEST(server.stop().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
