#include "core/sync/backoff.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <limits>

using namespace syncline;
using core::backoff;
using core::backoff_bound_ms;
using core::backoff_options;

BOOST_AUTO_TEST_SUITE(core_sync_backoff)

BOOST_AUTO_TEST_CASE(the_bound_doubles_from_one_second_to_five_minutes) {
  const std::int64_t expected[] = {1'000,  2'000,   4'000,   8'000,   16'000, 32'000,
                                   64'000, 128'000, 256'000, 300'000, 300'000};
  std::uint32_t failures = 0;
  for (const std::int64_t bound : expected)
    BOOST_TEST(backoff_bound_ms(++failures) == bound);
  BOOST_TEST(backoff_bound_ms(0) == 1'000);
  BOOST_TEST(backoff_bound_ms(std::numeric_limits<std::uint32_t>::max()) == 300'000);
}

BOOST_AUTO_TEST_CASE(jobs_retry_after_30_s_then_60_s_up_to_5_h) {
  const backoff_options options{30'000, 18'000'000, 0};
  BOOST_TEST(backoff_bound_ms(1, options) == 30'000);
  BOOST_TEST(backoff_bound_ms(2, options) == 60'000);
  BOOST_TEST(backoff_bound_ms(10, options) == 15'360'000);
  BOOST_TEST(backoff_bound_ms(11, options) == 18'000'000);
}

// Before the cap, jitter would line a fleet up again once all have reached it (P16).
BOOST_AUTO_TEST_CASE(jitter_covers_everything_up_to_the_cap_also_after_many_failures) {
  backoff many;
  for (int i = 0; i < 40; ++i)
    many.fail(0);
  BOOST_TEST(many.fail(0) == 0);
  BOOST_TEST(many.fail(1) == 1);
  BOOST_TEST(many.fail(150'000) == 150'000);
  BOOST_TEST(many.fail(300'000) == 300'000);
  BOOST_TEST(many.fail(300'001) == 0);
}

BOOST_AUTO_TEST_CASE(success_begins_anew) {
  backoff tries;
  for (int i = 0; i < 5; ++i)
    tries.fail(0);
  BOOST_TEST(tries.failures() == 5u);
  tries.succeed();
  BOOST_TEST(tries.failures() == 0u);
  BOOST_TEST(tries.fail(1'000) == 1'000);
  BOOST_TEST(tries.fail(1'001) == 1'001);
}

BOOST_AUTO_TEST_CASE(retry_after_is_obeyed_within_bounds) {
  const auto first_wait = [](std::uint64_t random, std::int64_t retry_after_ms) {
    return backoff{}.fail(random, retry_after_ms);
  };
  BOOST_TEST(first_wait(0, 120'000) == 120'000); // above the cap of the jitter too
  BOOST_TEST(first_wait(700, 500) == 700);
  BOOST_TEST(first_wait(0, 3'600'000) == 3'600'000);
  BOOST_TEST(first_wait(0, 3'600'001) == 3'600'000);
  BOOST_TEST(first_wait(0, std::numeric_limits<std::int64_t>::max()) == 3'600'000);
  BOOST_TEST(first_wait(700, -5) == 700);
  BOOST_TEST(first_wait(0, std::numeric_limits<std::int64_t>::min()) == 0);
}

BOOST_AUTO_TEST_CASE(every_wait_is_between_what_the_server_asked_for_and_the_larger_bound) {
  BOOST_TEST(rc::check("asked <= wait <= max(asked, bound)", [] {
    const backoff_options options{*rc::gen::inRange<std::int64_t>(1, 5'000),
                                  *rc::gen::inRange<std::int64_t>(1, 400'000),
                                  *rc::gen::inRange<std::int64_t>(0, 4'000'000)};
    backoff tries{options};
    const int failures = *rc::gen::inRange(1, 40);
    for (int i = 1; i <= failures; ++i) {
      const auto asked = *rc::gen::inRange<std::int64_t>(0, 5'000'000);
      const auto wait = tries.fail(*rc::gen::arbitrary<std::uint64_t>(), asked);
      const auto obeyed = std::min(asked, options.retry_after_max_ms);
      const auto bound = backoff_bound_ms(static_cast<std::uint32_t>(i), options);
      RC_ASSERT(bound <= options.max_ms);
      RC_ASSERT(wait >= obeyed);
      RC_ASSERT(wait <= std::max(obeyed, bound));
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
