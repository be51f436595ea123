// The hint of the network: the host's word before the machine's.

#include "runtime/host_network.hpp"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <vector>

using namespace syncline;
using state = msg::ReachabilityChanged;

BOOST_AUTO_TEST_SUITE(runtime_host_network)

BOOST_AUTO_TEST_CASE(each_change_is_told_once) {
  std::vector<state::State> told;
  host_network network{[&](const state& changed) { told.push_back(changed.state()); }};
  BOOST_TEST(network.current().state() == state::UNKNOWN);
  BOOST_TEST(network.conditions().network_source.starts_with("none: "));
  network.host_says(state::DOWN);
  network.host_says(state::DOWN);
  BOOST_TEST(network.current().state() == state::DOWN);
  BOOST_TEST(network.conditions().network_source == "host");
  network.host_says(state::UP);
  network.host_says(state::UNKNOWN);
  const std::vector<state::State> expected{state::DOWN, state::UP, state::UNKNOWN};
  BOOST_TEST((told == expected));
}

// Whatever this machine is: the sensors answer, the host's word goes before theirs, and theirs
// counts again when the host knows nothing any more.
BOOST_AUTO_TEST_CASE(the_machine_is_asked_and_the_host_knows_better) {
  host_network network{[](const state&) {}};
  network.sense();
  while (network.conditions().network_source == core::host_conditions{}.network_source)
    std::this_thread::yield(); // After two seconds at the latest.
  const auto sensed = network.conditions();
  network.host_says(state::DOWN);
  BOOST_TEST(network.current().state() == state::DOWN);
  BOOST_TEST(network.conditions().power_source == sensed.power_source);
  network.host_says(state::UNKNOWN);
  BOOST_TEST(network.conditions().network_source == sensed.network_source);
  network.stop_sensing();
}

BOOST_AUTO_TEST_SUITE_END()
