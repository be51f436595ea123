// Many seeds: no failure, everything reached, same seed same run, and planted bugs are found.

#include "actors/simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <iostream>

namespace syncline::tests {

using namespace actors::simulation;

BOOST_AUTO_TEST_SUITE(seeds)

BOOST_AUTO_TEST_CASE(five_hundred_seeds_keep_every_promise_and_reach_every_fault_and_answer) {
  counters all;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    const auto report = run_seed(seed);
    all.merge(report.counts);
    BOOST_TEST(!report.failure.has_value(),
               "seed " << seed << ": " << report.failure.value_or("") << " (" << report.plan
                       << "); repeat it with: syncline simulate --seed " << seed);
  }
  for (const auto& [name, count] : all.all())
    std::cout << "  " << name << ": " << count << '\n';
  for (const auto& name : required_counts())
    BOOST_TEST(all.of(name) > 0u, "no run reached: " << name);
}

BOOST_AUTO_TEST_CASE(the_same_seed_is_the_same_run) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    BOOST_TEST(run_seed(seed).trace_hash == run_seed(seed).trace_hash, "seed " << seed);
}

namespace {

void expect_found(canary planted) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed)
    if (const auto report = run_seed(seed, planted); report.failure) {
      std::cout << "  " << to_string(planted) << " is found by seed " << seed << ": "
                << *report.failure << '\n';
      return;
    }
  BOOST_ERROR("2,000 seeds do not find the planted bug " << to_string(planted));
}

} // namespace

BOOST_AUTO_TEST_CASE(finds_a_cursor_that_is_stored_before_its_rows) {
  expect_found(canary::cursor_before_rows);
}
BOOST_AUTO_TEST_CASE(finds_an_entry_that_leaves_before_its_answer) {
  expect_found(canary::entry_removed_early);
}
BOOST_AUTO_TEST_CASE(finds_a_server_that_forgets_its_answers_at_restart) {
  expect_found(canary::dedup_forgotten);
}
BOOST_AUTO_TEST_CASE(finds_a_sequence_that_is_drawn_outside_the_transaction) {
  expect_found(canary::seq_outside);
}
BOOST_AUTO_TEST_CASE(finds_a_deletion_inferred_from_a_404) {
  expect_found(canary::deletes_on_404);
}
BOOST_AUTO_TEST_CASE(finds_a_gap_that_is_ignored) {
  expect_found(canary::gap_ignored);
}
BOOST_AUTO_TEST_CASE(finds_a_silence_that_is_trusted) {
  expect_found(canary::silence_trusted);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
