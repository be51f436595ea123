#include "core/sync/poll_schedule.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <limits>
#include <set>

using namespace syncline;
using core::next_poll_ms;

BOOST_AUTO_TEST_SUITE(core_sync_poll_schedule)

BOOST_AUTO_TEST_CASE(polls_every_30_seconds_give_or_take_three) {
  BOOST_TEST(core::poll_interval_default_ms == 30'000);
  BOOST_TEST(next_poll_ms(30'000, 0) == 27'000);
  BOOST_TEST(next_poll_ms(30'000, 3'000) == 30'000);
  BOOST_TEST(next_poll_ms(30'000, 6'000) == 33'000);
  BOOST_TEST(next_poll_ms(30'000, 6'001) == 27'000);
}

BOOST_AUTO_TEST_CASE(every_moment_of_the_window_is_reached) {
  std::set<std::int64_t> reached;
  for (std::uint64_t random = 0; random < 201; ++random)
    reached.insert(next_poll_ms(1'000, random));
  BOOST_TEST(reached.size() == 201u);
  BOOST_TEST(*reached.begin() == 900);
  BOOST_TEST(*reached.rbegin() == 1'100);
}

BOOST_AUTO_TEST_CASE(stays_within_ten_percent_whatever_the_interval) {
  BOOST_TEST(rc::check("interval * 0.9 <= next <= interval * 1.1", [] {
    const auto interval = *rc::gen::inRange<std::int64_t>(1, 86'400'000);
    const auto next = next_poll_ms(interval, *rc::gen::arbitrary<std::uint64_t>());
    return next > 0 && next * 10 >= interval * 9 && next * 10 <= interval * 11;
  }));
  BOOST_TEST(next_poll_ms(5, std::numeric_limits<std::uint64_t>::max()) == 5);
}

BOOST_AUTO_TEST_SUITE_END()
