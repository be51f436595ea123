#include "core/data/hybrid_clock.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <compare>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

using namespace syncline;
using core::compare;
using core::hybrid_clock;

namespace {

msg::HybridTime time_of(std::int64_t wall_ms, std::uint32_t counter) {
  msg::HybridTime time;
  time.set_wall_ms(wall_ms);
  time.set_counter(counter);
  return time;
}

bool equal(const msg::HybridTime& left, const msg::HybridTime& right) {
  return std::is_eq(compare(left, right));
}

constexpr auto wall_max = std::numeric_limits<std::int64_t>::max();
constexpr auto counter_max = std::numeric_limits<std::uint32_t>::max();

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_hybrid_clock)

BOOST_AUTO_TEST_CASE(follows_the_wall_and_counts_while_it_stands_still_or_goes_back) {
  hybrid_clock clock;
  BOOST_TEST(equal(clock.tick(1000), time_of(1000, 0)));
  BOOST_TEST(equal(clock.tick(1000), time_of(1000, 1)));
  BOOST_TEST(equal(clock.tick(400), time_of(1000, 2)));
  BOOST_TEST(equal(clock.tick(1001), time_of(1001, 0)));
}

BOOST_AUTO_TEST_CASE(goes_on_after_the_last_time_it_was_given) {
  hybrid_clock clock{time_of(5000, 7)};
  BOOST_TEST(equal(clock.last(), time_of(5000, 7)));
  BOOST_TEST(equal(clock.tick(10), time_of(5000, 8)));
}

BOOST_AUTO_TEST_CASE(rises_under_any_jumps_of_the_wall_and_any_remote_times) {
  BOOST_TEST(rc::check("each answer is above the one before", [] {
    using step = std::tuple<bool, std::int64_t, std::int64_t, std::uint32_t>;
    const auto wall = rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 5),
                                     rc::gen::inRange<std::int64_t>(-wall_max, wall_max));
    const auto counter = rc::gen::elementOf(std::vector<std::uint32_t>{0, 1, 2, counter_max});
    const auto steps = *rc::gen::container<std::vector<step>>(
      rc::gen::tuple(rc::gen::arbitrary<bool>(), wall, wall, counter));
    hybrid_clock clock;
    for (const auto& [observes, now_ms, remote_ms, remote_counter] : steps) {
      const auto before = clock.last();
      const auto after =
        observes ? clock.observe(time_of(remote_ms, remote_counter), now_ms) : clock.tick(now_ms);
      if (std::is_lteq(compare(after, before)) || !equal(after, clock.last()))
        return false;
    }
    return true;
  }));
}

BOOST_AUTO_TEST_CASE(observing_moves_past_a_remote_time_within_a_minute) {
  hybrid_clock clock;
  BOOST_TEST(equal(clock.observe(time_of(61'000, 4), 1000), time_of(61'000, 5)));
  BOOST_TEST(equal(clock.tick(1000), time_of(61'000, 6)));
  BOOST_TEST(equal(clock.observe(time_of(50'000, 9), 1000), time_of(61'000, 7)));
  BOOST_TEST(equal(clock.observe(time_of(70'000, 1), 80'000), time_of(80'000, 0)));
}

BOOST_AUTO_TEST_CASE(a_remote_time_more_than_a_minute_ahead_is_not_adopted) {
  hybrid_clock clock;
  BOOST_TEST(equal(clock.observe(time_of(61'001, 9), 1000), time_of(61'000, 1)));
  hybrid_clock other;
  BOOST_TEST(equal(other.observe(time_of(wall_max, counter_max), 1000), time_of(61'000, 1)));
  BOOST_TEST(rc::check("a remote time drags no clock beyond now + 60 s", [] {
    const auto now_ms = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 44);
    const auto remote_ms = *rc::gen::inRange<std::int64_t>(-wall_max, wall_max);
    hybrid_clock dragged;
    const auto after = dragged.observe(time_of(remote_ms, 3), now_ms);
    return after.wall_ms() >= now_ms && after.wall_ms() <= now_ms + 60'000;
  }));
}

BOOST_AUTO_TEST_CASE(a_server_clamps_to_its_clock_and_a_minute) {
  BOOST_TEST(equal(core::clamp_hybrid_time(time_of(61'000, 5), 1000), time_of(61'000, 5)));
  BOOST_TEST(equal(core::clamp_hybrid_time(time_of(61'001, 5), 1000), time_of(61'000, 0)));
  BOOST_TEST(equal(core::clamp_hybrid_time(time_of(-5, 5), 1000), time_of(-5, 5)));
  BOOST_TEST(equal(core::clamp_hybrid_time(time_of(wall_max, 5), wall_max), time_of(wall_max, 5)));
}

BOOST_AUTO_TEST_CASE(a_full_counter_steps_into_the_next_millisecond) {
  hybrid_clock clock{time_of(1000, counter_max)};
  BOOST_TEST(equal(clock.tick(1000), time_of(1001, 0)));
}

BOOST_AUTO_TEST_CASE(compares_by_wall_and_then_by_counter) {
  BOOST_TEST(std::is_lt(compare(time_of(1, 9), time_of(2, 0))));
  BOOST_TEST(std::is_gt(compare(time_of(2, 1), time_of(2, 0))));
  BOOST_TEST(std::is_eq(compare(time_of(2, 1), time_of(2, 1))));
}

BOOST_AUTO_TEST_SUITE_END()
