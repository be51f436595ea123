#include "core/sync/live_ladder.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

using namespace syncline;
using core::live_ladder;
using rung = core::live_ladder::rung;

namespace {

constexpr std::uint64_t longest = 0xffff'ffff'ffff'ffff;

void fail(live_ladder& ladder, int times) {
  for (int i = 0; i < times; ++i)
    ladder.fail(0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_live_ladder)

BOOST_AUTO_TEST_CASE(three_failures_lead_one_rung_down_and_none_is_below_polling) {
  live_ladder ladder;
  fail(ladder, 2);
  BOOST_TEST((ladder.current() == rung::websocket));
  fail(ladder, 1);
  BOOST_TEST((ladder.current() == rung::events));
  fail(ladder, 3);
  BOOST_TEST((ladder.current() == rung::polling));
  fail(ladder, 3);
  BOOST_TEST((ladder.current() == rung::polling));
}

BOOST_AUTO_TEST_CASE(a_server_that_cannot_be_reached_at_all_is_no_reason_to_step_down) {
  live_ladder ladder;
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(ladder.unreachable(longest) <= 60'000);
  BOOST_TEST((ladder.current() == rung::websocket));
}

BOOST_AUTO_TEST_CASE(failures_count_in_a_row_only) {
  live_ladder ladder;
  for (int i = 0; i < 10; ++i) {
    fail(ladder, 2);
    ladder.established();
  }
  BOOST_TEST((ladder.current() == rung::websocket));
}

BOOST_AUTO_TEST_CASE(who_climbs_has_one_try_and_goes_back_to_where_he_was) {
  live_ladder ladder;
  fail(ladder, 3);
  ladder.established();
  BOOST_TEST((ladder.current() == rung::events));
  ladder.climb();
  BOOST_TEST((ladder.current() == rung::websocket));
  fail(ladder, 1);
  BOOST_TEST((ladder.current() == rung::events));
}

BOOST_AUTO_TEST_CASE(after_an_event_stream_that_was_live_websocket_is_tried_once) {
  live_ladder ladder;
  fail(ladder, 3);
  ladder.established();
  ladder.end(0, std::nullopt);
  BOOST_TEST((ladder.current() == rung::websocket));
  fail(ladder, 1);
  BOOST_TEST((ladder.current() == rung::events));
}

BOOST_AUTO_TEST_CASE(climbing_that_fails_is_tried_less_often_up_to_ten_minutes) {
  live_ladder ladder;
  // From events, where nothing works either: the wait before the climb.
  const auto climb_wait = [&ladder] {
    fail(ladder, 2);
    const auto wait = ladder.fail(0);
    BOOST_TEST((ladder.current() == rung::polling));
    return wait;
  };
  fail(ladder, 3);
  std::int64_t last = 0;
  for (int i = 0; i < 8; ++i) {
    const auto wait = climb_wait();
    BOOST_TEST(wait >= last);
    BOOST_TEST(wait <= 300'000);
    last = wait;
    ladder.climb();
    fail(ladder, 1);
    ladder.established(); // Over the events again: that is no success of the climb.
  }
  BOOST_TEST(last == 300'000);
  ladder.climb();
  ladder.established();
  fail(ladder, 3);
  BOOST_TEST(climb_wait() == 30'000);
}

BOOST_AUTO_TEST_CASE(a_new_network_forgets_what_the_old_one_could_not_do) {
  live_ladder ladder;
  fail(ladder, 20);
  ladder.start_anew();
  BOOST_TEST((ladder.current() == rung::websocket));
  BOOST_TEST(ladder.fail(longest) <= 500);
}

BOOST_AUTO_TEST_CASE(an_end_after_success_waits_as_the_server_asks_or_half_a_second_at_most) {
  rc::check([](std::uint64_t random, std::uint32_t from, std::uint32_t width) {
    live_ladder ladder;
    ladder.established();
    const core::reconnect_range asked{from, std::int64_t{from} + width};
    const auto wait = ladder.end(random, asked);
    RC_ASSERT(wait >= std::min<std::int64_t>(asked.min_ms, 3'600'000));
    RC_ASSERT(wait <= std::min<std::int64_t>(asked.max_ms, 3'600'000));
    RC_ASSERT(ladder.end(random, std::nullopt) <= 500);
  });
}

BOOST_AUTO_TEST_CASE(bounds_that_make_no_sense_are_not_followed) {
  live_ladder ladder;
  BOOST_TEST(ladder.end(longest, core::reconnect_range{5'000, 1'000}) <= 500);
  BOOST_TEST(ladder.end(longest, core::reconnect_range{-5'000, -1'000}) <= 1'000);
}

BOOST_AUTO_TEST_CASE(waits_between_tries_of_a_rung_have_full_jitter_and_a_bound) {
  rc::check([](std::uint64_t random) {
    live_ladder ladder;
    for (int i = 0; i < 2; ++i) {
      const auto wait = ladder.fail(random);
      RC_ASSERT(wait >= 0);
      RC_ASSERT(wait <= 500 << i);
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
