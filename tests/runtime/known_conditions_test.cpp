// What is known of the machine: the host's word before the machine's.

#include "runtime/known_conditions.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

using namespace syncline;
using state = core::reachability;

BOOST_AUTO_TEST_SUITE(runtime_known_conditions)

namespace {

/// What the listeners were told.
struct told {
  std::vector<state> networks;
  std::vector<core::host_conditions> conditions;

  known_conditions::listeners listeners() {
    return {[this](state changed) { networks.push_back(changed); },
            [this](const core::host_conditions& changed) { conditions.push_back(changed); }};
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(each_change_is_told_once) {
  told heard;
  known_conditions known{heard.listeners()};
  BOOST_TEST((known.current().network == state::unknown));
  BOOST_TEST(known.current().network_source.starts_with("none: "));
  known.host_says(state::down);
  known.host_says(state::down);
  BOOST_TEST((known.current().network == state::down));
  BOOST_TEST(known.current().network_source == "host");
  known.host_says(state::up);
  known.host_says(state::unknown);
  const std::vector<state> expected{state::down, state::up, state::unknown};
  BOOST_TEST((heard.networks == expected));
  BOOST_TEST(heard.conditions.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_the_host_says_of_power_is_no_news_of_the_network) {
  told heard;
  known_conditions known{heard.listeners()};
  core::host_conditions said;
  said.on_battery = true;
  said.metered = false;
  known.host_says(said);
  known.host_says(said);
  BOOST_TEST(heard.networks.empty());
  BOOST_REQUIRE(heard.conditions.size() == 1U);
  BOOST_TEST((heard.conditions[0].on_battery == true));
  BOOST_TEST((heard.conditions[0].metered == false));
  BOOST_TEST(!heard.conditions[0].battery_low);
  BOOST_TEST(heard.conditions[0].power_source == "host");
  known.host_says(core::host_conditions{});
  BOOST_TEST(!known.current().on_battery);
  BOOST_TEST(known.current().power_source.starts_with("none: "));
}

BOOST_AUTO_TEST_CASE(who_comes_anew_is_told_what_is_known) {
  told heard;
  known_conditions known{heard.listeners()};
  known.tell_again();
  BOOST_TEST(heard.networks.empty()); // Nothing is known.
  BOOST_TEST(heard.conditions.size() == 1U);
  known.host_says(state::down);
  known.tell_again();
  const std::vector<state> expected{state::down, state::down};
  BOOST_TEST((heard.networks == expected));
  BOOST_TEST(heard.conditions.size() == 3U);
  known.tell_conditions_again();
  BOOST_TEST(heard.networks.size() == 2U);
  BOOST_TEST(heard.conditions.size() == 4U);
}

// Whatever this machine is: the sensors answer, the host's word goes before theirs, and theirs
// counts again when the host knows nothing any more. Nothing is told before they have answered.
BOOST_AUTO_TEST_CASE(the_machine_is_asked_and_the_host_knows_better) {
  std::mutex mutex;
  std::vector<core::host_conditions> heard;
  known_conditions known{{[](state) {},
                          [&](const core::host_conditions& seen) {
                            const std::lock_guard lock{mutex};
                            heard.push_back(seen);
                          }}};
  BOOST_TEST(known.sense());
  BOOST_TEST(!known.sense()); // It is asked already.
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (known.current() == core::host_conditions{}) { // For two seconds at the latest.
    BOOST_REQUIRE((std::chrono::steady_clock::now() < end));
    std::this_thread::yield();
  }
  const auto sensed = known.current();
  {
    const std::lock_guard lock{mutex};
    BOOST_REQUIRE(!heard.empty());
    BOOST_TEST((heard.front() != core::host_conditions{}));
  }
  known.host_says(state::down);
  BOOST_TEST((known.current().network == state::down));
  BOOST_TEST(known.current().power_source == sensed.power_source);
  known.host_says(state::unknown);
  BOOST_TEST(known.current().network_source == sensed.network_source);
  known.stop_sensing();
  BOOST_TEST(!known.sense());
}

BOOST_AUTO_TEST_SUITE_END()
