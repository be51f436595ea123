// The scenarios of networks that break, by their names in RELIABILITY.md. B2 and B9 are in
// link_test as well, C13 and C14 in jobs_test; B6 and B8 need bytes and are in tests/runtime.

#include "actors/simulation/audit.hpp"
#include "net/protocol/stream_frame.hpp"
#include "tests/simulation/linked_world.hpp"

#include <boost/test/data/test_case.hpp>

namespace syncline::tests {

using namespace actors::simulation;

namespace {

struct scenario_world : linked_world {
  scenario_world() {
    BOOST_TEST(!world.client(0).create_now("items", "shared", R"({"n":0})"));
    BOOST_TEST(comes("shared", minute_ms));
    for (int client = 0; client < 2; ++client)
      BOOST_TEST(becomes(client, "online", minute_ms));
  }

  ~scenario_world() {
    BOOST_TEST(!world.failure().has_value(), world.failure().value_or(""));
  }

  /// Ten increments and five new items of each client, a second apart.
  void both_write(const std::string& mark) {
    for (int i = 0; i < 10; ++i) {
      for (int client = 0; client < 2; ++client) {
        increment(client, "shared");
        if (i % 2 == 0)
          BOOST_TEST(!world.client(client).create_now(
            "items", mark + std::to_string(client) + std::to_string(i), "{}"));
      }
      world.run_for(1'000);
    }
  }

  /// All that waits settles in time, by itself.
  void heals(std::int64_t within_ms, const std::string& sum) {
    const std::string body = R"({"n":)" + sum + "}";
    BOOST_TEST(world.run_until(
      [&] { return visible(0, "shared") == body && visible(1, "shared") == body; }, within_ms));
    for (int client = 0; client < 2; ++client)
      BOOST_TEST(becomes(client, "online", 11 * minute_ms));
    for (std::int64_t waited = 0; waited < within_ms && !is_settled(world); waited += 1'000)
      world.run_for(1'000);
    BOOST_TEST(is_settled(world), describe_unsettled(world));
    check_at_rest(world);
  }
};

enum class partition { both_ways, requests_lost, replies_lost };

std::ostream& operator<<(std::ostream& out, partition kind) {
  return out << (kind == partition::both_ways       ? "both ways"
                 : kind == partition::requests_lost ? "requests lost"
                                                    : "replies lost");
}

} // namespace

BOOST_AUTO_TEST_SUITE(network_scenarios)

BOOST_DATA_TEST_CASE_F(scenario_world, B1_work_goes_on_in_a_partition_and_meets_when_it_heals,
                       boost::unit_test::data::make({partition::both_ways, partition::requests_lost,
                                                     partition::replies_lost}),
                       kind) {
  const auto set = [&](bool parted) {
    is_away = parted && kind == partition::both_ways;
    loses_requests = parted && kind == partition::requests_lost;
    loses_replies = parted && kind == partition::replies_lost;
  };
  set(true);
  fall_silent();
  both_write("parted");
  BOOST_TEST(visible(0, "shared") == R"({"n":10})"); // Its own are there at once.
  world.run_for(20 * minute_ms);
  BOOST_TEST(!other_has("parted00"));
  BOOST_TEST(world.visible_items(0, "items").count("parted18") == 0U);
  set(false);
  heals(6 * minute_ms, "20"); // P15: within the longest backoff.
  BOOST_TEST(world.visible_items(0, "items").size() == 11U);
}

BOOST_FIXTURE_TEST_CASE(B2_a_half_open_connection_is_noticed_within_45_seconds, scenario_world) {
  fall_silent();
  put("while nobody hears");
  BOOST_TEST(!comes("while nobody hears", 1'000));
  BOOST_TEST(comes("while nobody hears", 46'000));
  heals(minute_ms, "0");
}

BOOST_FIXTURE_TEST_CASE(B3_a_lost_answer_is_given_again_when_it_is_asked_for, scenario_world) {
  int lost = 0;
  bend = [&](exchange_fate& fate, const msg::HttpRequest& request) {
    fate.lose_reply = request.method() == "POST" && lost++ < 3;
  };
  increment(0, "shared");
  heals(10 * minute_ms, "1");
  BOOST_TEST(lost > 3);
}

// Also at the same time, as over two connections.
BOOST_FIXTURE_TEST_CASE(B4_a_request_that_arrives_twice_has_one_effect, scenario_world) {
  std::int64_t later_ms = 0;
  bend = [&](exchange_fate& fate, const msg::HttpRequest& request) {
    if (request.method() == "POST")
      fate.duplicate_after_ms = (later_ms += 7) % 50;
  };
  both_write("twice");
  heals(minute_ms, "20");
  BOOST_TEST(world.visible_items(1, "items").size() == 11U);
}

// A pull whose reply takes longer than its timeout is followed by others, which are quick.
BOOST_FIXTURE_TEST_CASE(B5_an_old_answer_after_a_newer_one_changes_nothing, scenario_world) {
  has_no_streams = true; // So that all comes by pulls.
  fall_silent();
  int exchange = 0;
  bend = [&](exchange_fate& fate, const msg::HttpRequest&) {
    if (exchange++ % 2 == 0)
      fate.reply_delay_ms = 7'000; // The timeout is 5 s.
  };
  for (int round = 0; round < 20; ++round) {
    increment(round % 2, "shared");
    world.run_for(9'000);
  }
  bend = nullptr;
  has_no_streams = false;
  heals(11 * minute_ms, "20");
}

BOOST_FIXTURE_TEST_CASE(B7_a_bad_line_makes_progress_and_no_storm, scenario_world) {
  std::uint64_t exchanges = 0;
  bend = [&](exchange_fate& fate, const msg::HttpRequest&) {
    ++exchanges;
    fate.lose_request = world.random()() % 1000 < 150;
    fate.lose_reply = world.random()() % 1000 < 150;
    fate.request_delay_ms = static_cast<std::int64_t>(world.random()() % 2'500);
    fate.reply_delay_ms = static_cast<std::int64_t>(world.random()() % 2'500);
  };
  cut_after_ms = 10'000; // Streams live briefly, too.
  fall_silent();
  for (int round = 0; round < 60; ++round) {
    increment(round % 2, "shared");
    world.run_for(10'000);
  }
  // Ten minutes of two clients: a push for each write, pulls after streams, and what was lost.
  BOOST_TEST(exchanges < 600U);
  BOOST_TEST(visible(1, "shared") != R"({"n":30})"); // It has heard of others meanwhile.
  bend = nullptr;
  cut_after_ms.reset();
  heals(10 * minute_ms, "60");
}

// What is pushed is a hint with a number: the next page does not begin where the store stands.
BOOST_FIXTURE_TEST_CASE(B35_a_change_that_is_lost_from_a_stream_is_pulled, scenario_world) {
  int passed = 0;
  damaged_client = 1;
  damage = [&](std::string& message) {
    auto frame = net::decode_frame(message);
    if (frame && frame->has_page() && ++passed == 2) { // Another ping in its place.
      msg::StreamFrame ping;
      ping.mutable_ping()->set_is_answer(true);
      message = ping.SerializeAsString();
    }
  };
  world.server().die(); // New connections.
  world.server().start();
  world.run_for(2 * minute_ms);
  for (int client = 0; client < 2; ++client)
    BOOST_TEST(becomes(client, "online", minute_ms));
  passed = 0;
  put("first");
  BOOST_TEST(comes("first", 1'000));
  const auto gaps = world.counts().of("stream page elsewhere");
  put("second");
  world.run_for(1'000);
  put("third");
  BOOST_TEST(comes("third", 1'000));
  BOOST_TEST(comes("second", 1'000));
  BOOST_TEST(world.counts().of("stream page elsewhere") > gaps);
  heals(minute_ms, "0");
}

// The page of a pull is under way while the stream brings the same changes, and the other way
// round.
BOOST_FIXTURE_TEST_CASE(B36_what_stream_and_pull_both_bring_is_applied_once, scenario_world) {
  for (int round = 0; round < 20; ++round) {
    const std::int64_t delay_ms = round * 5;
    bend = [&](exchange_fate& fate, const msg::HttpRequest&) { fate.reply_delay_ms = delay_ms; };
    increment(0, "shared");
    msg::PullNow pull;
    pull.set_attempts_max(1);
    rt::anon_send(world.client(1).actors().poll, pull);
    world.run_for(200);
    const std::string body = R"({"n":)" + std::to_string(round + 1) + "}";
    BOOST_TEST(visible(1, "shared") == body);
  }
  heals(minute_ms, "20");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
