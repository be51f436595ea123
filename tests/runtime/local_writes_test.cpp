#include "tests/runtime/runtime_support.hpp"

#include <atomic>
#include <thread>

BOOST_AUTO_TEST_SUITE(runtime_local_writes)

using namespace syncline;
using namespace syncline::tests;

BOOST_AUTO_TEST_CASE(what_put_returned_from_is_read_back_at_once_and_after_a_restart) {
  temporary_directory directory;
  {
    const auto one = open_or_fail(test_options(directory));
    const auto written = value_or_fail(one->put("notes", "a", R"({"title":"Milk"})"));
    BOOST_TEST((written.reached() == stage::durable));
    BOOST_TEST(written.seq() > 0U);
    BOOST_TEST(body_of(*one, "a") == R"({"title":"Milk"})");
    BOOST_TEST((value_or_fail(one->sync_status("notes", "a")) == item_state::pending));
    check_done(one->close());
  }
  const auto again = open_or_fail(test_options(directory));
  BOOST_TEST(body_of(*again, "a") == R"({"title":"Milk"})");
  BOOST_TEST(value_or_fail(again->status()).verification == "clean");
  BOOST_TEST(value_or_fail(again->status()).waiting == 1U);
}

BOOST_AUTO_TEST_CASE(patches_increments_and_removals_apply_on_what_is_visible) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  value_or_fail(one->put("notes", "a", R"({"n":1,"t":"x"})"));
  value_or_fail(one->patch("notes", "a", R"({"t":null,"u":2})"));
  value_or_fail(one->increment("notes", "a", "n", std::int64_t{4}));
  BOOST_TEST(body_of(*one, "a") == R"({"n":5,"u":2})");
  value_or_fail(one->remove("notes", "a"));
  BOOST_TEST(body_of(*one, "a").empty());
  const auto nothing = value_or_fail(one->remove("notes", "never"));
  BOOST_TEST((nothing.reached() == stage::visible));
}

BOOST_AUTO_TEST_CASE(a_bad_write_says_why_and_stores_nothing) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  BOOST_TEST(code_of(one->put("notes", "a", "{")) == "bad_json");
  BOOST_TEST(code_of(one->put("notes", "a", "[1]")) == "not_an_object");
  BOOST_TEST(code_of(one->put("notes", "a", R"({"id":1})")) == "reserved_name");
  BOOST_TEST(code_of(one->put("notes", "", "{}")) == "bad_id");
  BOOST_TEST(code_of(one->put("Notes!", "a", "{}")) == "bad_collection");
  BOOST_TEST(code_of(one->put("others", "a", "{}")) == "unknown_collection");
  BOOST_TEST(code_of(one->patch("notes", "a", "{}")) == "not_found");
  BOOST_TEST(code_of(one->increment("notes", "a", "n", 1.5)) == "not_found");
  BOOST_TEST(code_of(one->write({})) == "bad_mutation");
  BOOST_TEST(code_of(one->write(std::vector<operation>(10'001, operation::remove("notes", "a")))) ==
             "too_many");
  BOOST_TEST(value_or_fail(one->list("notes")).empty());
  BOOST_TEST(value_or_fail(one->status()).waiting == 0U);
}

BOOST_AUTO_TEST_CASE(one_bad_operation_keeps_the_whole_write_out) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  const auto written =
    one->write({operation::put("notes", "a", "{}"), operation::create("notes", "b", "nonsense")});
  BOOST_TEST(code_of(written) == "bad_json");
  BOOST_TEST(value_or_fail(one->list("notes")).empty());
}

BOOST_AUTO_TEST_CASE(writes_of_64_threads_at_once_are_all_there) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  threads.reserve(64);
  for (int t = 0; t < 64; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i)
        if (!one->put("notes", std::to_string(t) + "-" + std::to_string(i), "{}"))
          ++failures;
    });
  for (auto& thread : threads)
    thread.join();
  BOOST_TEST(failures == 0);
  BOOST_TEST(value_or_fail(one->list("notes", {}, 5000)).size() == 1280U);
}

BOOST_AUTO_TEST_CASE(a_submitted_write_becomes_durable_without_being_waited_for) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  const auto handles = value_or_fail(one->submit({operation::put("notes", "a", "{}")}));
  check_done(handles.front().wait(stage::durable, patience));
  BOOST_TEST(body_of(*one, "a") == "{}");
  const auto refused = value_or_fail(one->submit({operation::put("notes", "a", "no")}));
  BOOST_TEST(code_of(refused.front().wait(stage::durable, patience)) == "bad_json");
  BOOST_TEST(code_of(handles.front().wait(stage::sent, 0ms)) == "timeout");
}

BOOST_AUTO_TEST_CASE(a_snapshot_sees_nothing_that_is_written_after_it) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  value_or_fail(one->put("notes", "a", R"({"n":1})"));
  const auto before = value_or_fail(one->take_snapshot());
  const auto seen = value_or_fail(before.get("notes", "a"));
  value_or_fail(one->put("notes", "a", R"({"n":2})"));
  value_or_fail(one->put("notes", "b", R"({"n":3})"));
  BOOST_REQUIRE(seen.has_value());
  BOOST_TEST(seen->body == R"({"n":1})");
  BOOST_TEST(!value_or_fail(before.get("notes", "b")));
  std::vector<std::string> ids;
  check_done(before.list("notes", {}, [&](const item_view& item) {
    ids.emplace_back(item.id);
    return true;
  }));
  BOOST_TEST(ids == std::vector<std::string>{"a"}, boost::test_tools::per_element());
  BOOST_TEST(body_of(*one, "a") == R"({"n":2})");
}

BOOST_AUTO_TEST_CASE(ids_of_our_making_rise) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  std::string last;
  for (int i = 0; i < 100; ++i) {
    const auto id = one->make_id();
    BOOST_TEST(id > last);
    last = id;
  }
}

BOOST_AUTO_TEST_CASE(a_waiting_write_can_be_discarded_and_is_rolled_back) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  const auto written = value_or_fail(one->put("notes", "a", "{}"));
  const auto waiting = value_or_fail(one->outbox());
  BOOST_REQUIRE(waiting.size() == 1U);
  BOOST_TEST(waiting[0].state == "queued");
  BOOST_TEST(waiting[0].kind == "create");
  check_done(one->outbox_discard(written.seq()));
  BOOST_TEST(value_or_fail(one->outbox()).empty());
  BOOST_TEST(body_of(*one, "a").empty());
  BOOST_TEST(code_of(written.wait(stage::accepted, patience)) == "superseded");
  BOOST_TEST(code_of(one->outbox_retry(written.seq())) == "not_found");
}

BOOST_AUTO_TEST_SUITE_END()
