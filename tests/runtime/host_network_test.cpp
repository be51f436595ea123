// The hint of the network: the host's word before the machine's.

#include "runtime/host_network.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <thread>
#include <vector>

using namespace syncline;
using state = core::reachability;

BOOST_AUTO_TEST_SUITE(runtime_host_network)

BOOST_AUTO_TEST_CASE(each_change_is_told_once) {
  std::vector<state> told;
  host_network network{[&](state changed) { told.push_back(changed); }};
  BOOST_TEST((network.conditions().network == state::unknown));
  BOOST_TEST(network.conditions().network_source.starts_with("none: "));
  network.host_says(state::down);
  network.host_says(state::down);
  BOOST_TEST((network.conditions().network == state::down));
  BOOST_TEST(network.conditions().network_source == "host");
  network.host_says(state::up);
  network.host_says(state::unknown);
  const std::vector<state> expected{state::down, state::up, state::unknown};
  BOOST_TEST((told == expected));
}

// Whatever this machine is: the sensors answer, the host's word goes before theirs, and theirs
// counts again when the host knows nothing any more.
BOOST_AUTO_TEST_CASE(the_machine_is_asked_and_the_host_knows_better) {
  host_network network{[](state) {}};
  network.sense();
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (network.conditions() == core::host_conditions{}) { // For two seconds at the latest.
    BOOST_REQUIRE((std::chrono::steady_clock::now() < end));
    std::this_thread::yield();
  }
  const auto sensed = network.conditions();
  network.host_says(state::down);
  BOOST_TEST((network.conditions().network == state::down));
  BOOST_TEST(network.conditions().power_source == sensed.power_source);
  network.host_says(state::unknown);
  BOOST_TEST(network.conditions().network_source == sensed.network_source);
  network.stop_sensing();
}

BOOST_AUTO_TEST_SUITE_END()
