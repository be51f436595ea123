// A real server in this process, and devices that sync with it over real sockets.

#include "tests/runtime/runtime_support.hpp"
#include "tests/support/fault_proxy.hpp"
#include "tests/support/loopback.hpp"

#include <thread>

BOOST_AUTO_TEST_SUITE(runtime_sync)

using namespace syncline;
using namespace syncline::tests;

BOOST_AUTO_TEST_CASE(what_one_device_writes_another_one_reads) {
  test_server server;
  temporary_directory first;
  temporary_directory second;
  const auto one = open_or_fail(test_options(first, server.url()));
  const auto two = open_or_fail(test_options(second, server.url()));
  value_or_fail(one->put("notes", "a", R"({"n":1})"));
  value_or_fail(one->put("notes", "b", R"({"n":2})"));
  const auto pushed = sync_or_fail(*one);
  BOOST_TEST(pushed.conflicts == 0U);
  BOOST_TEST(pushed.errors == 0U);
  BOOST_TEST(pushed.bytes_sent > 0U);
  BOOST_TEST((value_or_fail(one->sync_status("notes", "a")) == item_state::synced));
  const auto pulled = sync_or_fail(*two);
  BOOST_TEST(pulled.items_processed == 2U);
  BOOST_TEST(body_of(*two, "a") == R"({"n":1})");
  BOOST_TEST(server.get().status().items == 2U);
  const auto idle = sync_or_fail(*two);
  BOOST_TEST(idle.items_processed == 0U);
}

BOOST_AUTO_TEST_CASE(every_stage_of_a_write_has_its_moment) {
  test_server server;
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory, server.url()));
  const auto written = value_or_fail(one->put("notes", "a", "{}"));
  BOOST_TEST((written.reached() == stage::durable));
  sync_or_fail(*one);
  check_done(written.wait(stage::sent, patience));
  check_done(written.wait(stage::accepted, patience));
  check_done(written.wait(stage::visible, patience));
  BOOST_TEST((written.reached() == stage::visible));
}

BOOST_AUTO_TEST_CASE(a_started_runtime_sends_without_being_asked_and_a_stopped_one_does_not) {
  test_server server;
  temporary_directory directory;
  auto how = test_options(directory, server.url());
  how.poll_interval = 5ms;
  how.start = true;
  const auto one = open_or_fail(how);
  const auto written = value_or_fail(one->put("notes", "a", "{}"));
  check_done(written.wait(stage::visible, patience));
  check_done(one->stop());
  const auto waits = value_or_fail(one->put("notes", "b", "{}"));
  BOOST_TEST(!value_or_fail(one->status()).started);
  BOOST_TEST((waits.reached() == stage::durable));
  check_done(one->start());
  check_done(waits.wait(stage::visible, patience));
}

BOOST_AUTO_TEST_CASE(increments_of_two_devices_add_up) {
  test_server server;
  temporary_directory first;
  temporary_directory second;
  const auto one = open_or_fail(test_options(first, server.url()));
  const auto two = open_or_fail(test_options(second, server.url()));
  value_or_fail(one->put("notes", "a", R"({"n":0})"));
  sync_or_fail(*one);
  sync_or_fail(*two);
  value_or_fail(one->increment("notes", "a", "n", std::int64_t{2}));
  value_or_fail(two->increment("notes", "a", "n", std::int64_t{3}));
  sync_or_fail(*one);
  sync_or_fail(*two);
  sync_or_fail(*one);
  BOOST_TEST(body_of(*one, "a") == R"({"n":5})");
  BOOST_TEST(body_of(*two, "a") == R"({"n":5})");
}

namespace {

// Two devices that changed one field to different values; the second one syncs last.
struct two_minds {
  explicit two_minds(options second_options, const test_server& server)
    : one{open_or_fail(test_options(first, server.url()))}, two{open_or_fail(
                                                              std::move(second_options))} {
    value_or_fail(one->put("notes", "a", R"({"t":"old"})"));
    sync_or_fail(*one);
    sync_or_fail(*two);
    value_or_fail(one->patch("notes", "a", R"({"t":"one"})"));
    value_or_fail(two->patch("notes", "a", R"({"t":"two"})"));
    sync_or_fail(*one);
  }
  temporary_directory first;
  std::unique_ptr<runtime> one;
  std::unique_ptr<runtime> two;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_manual_conflict_waits_for_the_user_and_takes_his_word) {
  test_server server;
  temporary_directory second;
  two_minds minds{test_options(second, server.url(), conflict_strategy::manual), server};
  auto& two = *minds.two;
  sync_or_fail(two);
  BOOST_TEST(body_of(two, "a") == R"({"t":"two"})");
  BOOST_TEST((value_or_fail(two.sync_status("notes", "a")) == item_state::conflict));
  const auto found = value_or_fail(two.conflicts());
  BOOST_REQUIRE(found.size() == 1U);
  BOOST_TEST(found[0].open);
  BOOST_TEST(found[0].reason == "edit_edit");
  BOOST_TEST(found[0].mine.value_or("") == R"({"t":"two"})");
  BOOST_TEST(found[0].theirs.value_or("") == R"({"t":"one"})");
  BOOST_TEST(value_or_fail(two.explain("notes", "a")).open_conflict == found[0].conflict_id);
  BOOST_TEST(!value_or_fail(two.explain("notes", "a")).blocked_by.empty());
  BOOST_TEST(code_of(two.resolve_conflict(found[0].conflict_id, conflict_choice::body)) ==
             "bad_body");
  check_done(two.resolve_conflict(found[0].conflict_id, conflict_choice::mine));
  sync_or_fail(two);
  BOOST_TEST((value_or_fail(two.sync_status("notes", "a")) == item_state::synced));
  BOOST_TEST(!value_or_fail(two.conflict(found[0].conflict_id))->open);
  sync_or_fail(*minds.one);
  BOOST_TEST(body_of(*minds.one, "a") == R"({"t":"two"})");
  BOOST_TEST(code_of(two.resolve_conflict(12345, conflict_choice::mine)) == "not_found");
}

BOOST_AUTO_TEST_CASE(a_function_of_the_host_decides_on_the_callback_thread) {
  test_server server;
  temporary_directory second;
  auto how = test_options(second, server.url(), conflict_strategy::custom);
  how.collections[0].decide = [](const conflict_sides& sides) {
    BOOST_TEST(sides.base.value_or("") == R"({"t":"old"})");
    return conflict_verdict{conflict_verdict::choice::body, R"({"t":"both"})"};
  };
  two_minds minds{how, server};
  sync_or_fail(*minds.two);
  BOOST_TEST(body_of(*minds.two, "a") == R"({"t":"both"})");
  sync_or_fail(*minds.one);
  BOOST_TEST(body_of(*minds.one, "a") == R"({"t":"both"})");
}

BOOST_AUTO_TEST_CASE(a_function_that_throws_leaves_the_conflict_to_the_user) {
  test_server server;
  temporary_directory second;
  auto how = test_options(second, server.url(), conflict_strategy::custom);
  how.collections[0].decide = [](const conflict_sides&) -> conflict_verdict { throw 7; };
  two_minds minds{how, server};
  sync_or_fail(*minds.two);
  BOOST_TEST((value_or_fail(minds.two->sync_status("notes", "a")) == item_state::conflict));
  // The page that brings the other version asks too, and the conflict may be read again meanwhile.
  BOOST_TEST(value_or_fail(minds.two->status()).callback_failures >= 1U);
}

BOOST_AUTO_TEST_CASE(a_run_waits_for_a_slow_function_of_the_host_and_asks_the_server_nothing) {
  test_server server;
  temporary_directory second;
  auto how = test_options(second, server.url(), conflict_strategy::custom);
  how.collections[0].decide = [](const conflict_sides&) {
    std::this_thread::sleep_for(std::chrono::milliseconds{300}); // it is slow: that is its part
    return conflict_verdict{conflict_verdict::choice::body, R"({"t":"both"})"};
  };
  two_minds minds{how, server};
  const auto report = value_or_fail(minds.two->sync_now());
  BOOST_TEST(report.success);
  BOOST_TEST(report.requests <= 5U); // sent and answered, pulled, the resolution, pulled again
  BOOST_TEST(body_of(*minds.two, "a") == R"({"t":"both"})");
  BOOST_TEST((value_or_fail(minds.two->sync_status("notes", "a")) == item_state::synced));
  sync_or_fail(*minds.one);
  BOOST_TEST(body_of(*minds.one, "a") == R"({"t":"both"})");
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_fails_after_three_attempts_and_is_named) {
  temporary_directory directory;
  const auto url = "http://127.0.0.1:" + std::to_string(unused_port());
  const auto one = open_or_fail(test_options(directory, url));
  const auto report = value_or_fail(one->sync_now());
  BOOST_TEST(!report.success);
  BOOST_TEST(report.requests == 3U);
  BOOST_TEST(report.error.code == "connection_refused");
  const auto status = value_or_fail(one->status());
  BOOST_TEST(status.last_error.code == "connection_refused");
  BOOST_TEST(status.poll.failures_in_a_row == 3U);
  value_or_fail(one->put("notes", "a", "{}"));
  BOOST_TEST(!value_or_fail(one->sync_now()).success);
  BOOST_TEST(body_of(*one, "a") == "{}");
  BOOST_TEST(!value_or_fail(one->explain("notes", "a")).blocked_by.empty());
}

BOOST_AUTO_TEST_CASE(html_in_the_place_of_our_server_changes_nothing_and_is_named) {
  canned_server portal{[](std::size_t, const std::string&) {
    return canned_server::answer{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                                 "Content-Length: 13\r\n\r\n<html></html>"};
  }};
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory, portal.url()));
  value_or_fail(one->put("notes", "a", "{}"));
  BOOST_TEST(!value_or_fail(one->sync_now()).success);
  const auto status = value_or_fail(one->status());
  BOOST_TEST(status.last_error.code == "not_our_server");
  BOOST_TEST(status.waiting == 1U);
  BOOST_TEST(body_of(*one, "a") == "{}");
}

BOOST_AUTO_TEST_CASE(answers_that_get_lost_do_not_count_an_increment_twice) {
  test_server server;
  fault_proxy proxy{server.get().port(), 7};
  temporary_directory directory;
  const auto url = "http://127.0.0.1:" + std::to_string(proxy.port());
  const auto one = open_or_fail(test_options(directory, url));
  value_or_fail(one->put("notes", "a", R"({"n":0})"));
  sync_or_fail(*one);
  for (int i = 0; i < 5; ++i) {
    value_or_fail(one->increment("notes", "a", "n", std::int64_t{1}));
    proxy.script({fault::drop_response});
    sync_or_fail(*one);
  }
  BOOST_TEST(proxy.count(fault::drop_response) == 5U);
  BOOST_TEST(body_of(*one, "a") == R"({"n":5})");
}

BOOST_AUTO_TEST_CASE(a_server_that_was_restarted_goes_on_where_it_was) {
  test_server server;
  temporary_directory first;
  temporary_directory second;
  const auto one = open_or_fail(test_options(first, server.url()));
  value_or_fail(one->put("notes", "a", R"({"n":1})"));
  sync_or_fail(*one);
  server.stop();
  value_or_fail(one->patch("notes", "a", R"({"n":2})"));
  BOOST_TEST(!value_or_fail(one->sync_now()).success);
  server.start();
  BOOST_TEST(server.get().status().store_opened == "clean");
  sync_or_fail(*one);
  const auto two = open_or_fail(test_options(second, server.url()));
  sync_or_fail(*two);
  BOOST_TEST(body_of(*two, "a") == R"({"n":2})");
}

BOOST_AUTO_TEST_CASE(a_sync_that_meets_a_close_is_answered) {
  test_server server;
  fault_proxy proxy{server.get().port(), 7};
  proxy.script({fault::hold});
  temporary_directory directory;
  auto how = test_options(directory, "http://127.0.0.1:" + std::to_string(proxy.port()));
  const auto one = open_or_fail(how);
  value_or_fail(one->put("notes", "a", "{}"));
  std::string code = "none";
  std::thread syncing{[&] {
    const auto report = one->sync_now({.attempts_max = 0});
    code = report ? report->error.code : report.error().code;
  }};
  while (proxy.count(fault::hold) == 0)
    std::this_thread::yield();
  check_done(one->close());
  syncing.join();
  BOOST_TEST((code == "stopped" || code == "closed"), code);
  const auto again = open_or_fail(how);
  BOOST_TEST(value_or_fail(again->status()).verification == "clean");
  proxy.release();
  sync_or_fail(*again);
  BOOST_TEST(server.get().status().items == 1U);
}

BOOST_AUTO_TEST_CASE(a_refused_write_is_quarantined_and_can_be_edited_and_sent_again) {
  test_server server;
  temporary_directory first;
  temporary_directory second;
  const auto one = open_or_fail(test_options(first, server.url()));
  const auto two = open_or_fail(test_options(second, server.url()));
  value_or_fail(one->put("notes", "a", R"({"n":1})"));
  sync_or_fail(*one);
  sync_or_fail(*two);
  value_or_fail(one->put("notes", "a", R"({"n":"text"})"));
  sync_or_fail(*one);
  const auto written = value_or_fail(two->increment("notes", "a", "n", std::int64_t{1}));
  BOOST_TEST(value_or_fail(two->sync_now()).success);
  BOOST_TEST(code_of(written.wait(stage::accepted, patience)) == "not_a_number");
  const auto waiting = value_or_fail(two->outbox());
  BOOST_REQUIRE(waiting.size() == 1U);
  BOOST_TEST(waiting[0].state == "quarantined");
  BOOST_TEST(waiting[0].last_error.code == "not_a_number");
  BOOST_TEST((value_or_fail(two->sync_status("notes", "a")) == item_state::failed));
  BOOST_TEST(code_of(two->outbox_retry(waiting[0].seq)) == "not_a_number");
  value_or_fail(two->outbox_edit(waiting[0].seq, operation::patch("notes", "a", R"({"n":2})")));
  sync_or_fail(*two);
  BOOST_TEST(value_or_fail(two->outbox()).empty());
  sync_or_fail(*one);
  BOOST_TEST(body_of(*one, "a") == R"({"n":2})");
}

BOOST_AUTO_TEST_SUITE_END()
