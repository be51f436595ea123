// A client's session against a server's, over connections that break.

#include "tests/core/ot/document_network.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

constexpr int steps = 400;

void run(document_network& network) {
  for (int i = 0; i < steps; ++i)
    network.act();
  network.heal();
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_sessions)

// With nothing that is removed, each character that anybody typed is there, once.
BOOST_AUTO_TEST_CASE(nothing_typed_is_lost_or_doubled_whatever_breaks) {
  std::size_t typed = 0;
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    document_faults faults{.removes = false};
    faults.restarts = seed % 2 == 0;
    faults.trims = seed % 3 == 0;
    faults.crashes = seed % 5 < 2;
    document_network network{static_cast<std::uint64_t>(seed), faults, 2 + seed % 4};
    run(network);
    HOLDS(network.all_agree());
    HOLDS(!network.was_ever_wrong());
    HOLDS(network.has_each_insert_once());
    HOLDS(network.reports() == 0 || faults.trims);
    typed += network.inserts();
  }
  BOOST_TEST(typed > 10'000U);
}

BOOST_AUTO_TEST_CASE(all_agree_whatever_is_removed_undone_and_redone) {
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    document_faults faults;
    faults.restarts = seed % 2 == 0;
    faults.trims = seed % 3 == 0;
    faults.crashes = seed % 5 < 2;
    document_network network{static_cast<std::uint64_t>(seed), faults, 2 + seed % 4};
    run(network);
    HOLDS(network.all_agree());
    HOLDS(!network.was_ever_wrong());
  }
}

// A server that was restored from a backup, by its tool (another epoch) or by hand (only the start
// ids tell): all agree again, and what only a client has seen is kept for the user.
BOOST_AUTO_TEST_CASE(all_agree_after_a_server_was_restored) {
  std::size_t reports = 0;
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    document_faults faults;
    faults.restores = faults.restarts = true;
    faults.trims = seed % 3 == 0;
    faults.crashes = seed % 5 < 2;
    document_network network{static_cast<std::uint64_t>(seed), faults, 2 + seed % 4};
    run(network);
    HOLDS(network.all_agree());
    HOLDS(!network.was_ever_wrong());
    reports += network.reports();
  }
  BOOST_TEST(reports > 0U);
}

// Two devices with one store: both are the client, with one numbering, until they meet.
BOOST_AUTO_TEST_CASE(all_agree_after_a_store_was_copied) {
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    document_faults faults;
    faults.copies = faults.restarts = true;
    faults.removes = seed % 2 == 0;
    faults.crashes = seed % 5 < 2;
    document_network network{static_cast<std::uint64_t>(seed), faults, 2 + seed % 4};
    run(network);
    HOLDS(network.all_agree());
    HOLDS(!network.was_ever_wrong());
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
