// The thread of the sensors; what they hear is tried in tests/process/sensors_*_test.py.

#include "net/host/host_sensors.hpp"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <mutex>
#include <vector>

using namespace syncline;
using namespace std::chrono_literals;
using net::host_sensors;

BOOST_AUTO_TEST_SUITE(net_host_sensors)

BOOST_AUTO_TEST_CASE(without_a_sensor_it_is_told_once_that_nothing_is_known) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<core::host_conditions> told;
  host_sensors::options nothing;
  nothing.netlink = false;
  nothing.bus = false;
  {
    const host_sensors sensors{nothing, [&](const core::host_conditions& conditions) {
                                 const std::lock_guard lock{mutex};
                                 told.push_back(conditions);
                                 changed.notify_all();
                               }};
    std::unique_lock lock{mutex};
    BOOST_REQUIRE(changed.wait_for(lock, 60s, [&] { return !told.empty(); }));
  }
  BOOST_TEST(told.size() == 1U);
  BOOST_TEST((told[0].network == core::reachability::unknown));
  BOOST_TEST(told[0].network_source == "none: switched off");
  BOOST_TEST(told[0].power_source == "none: switched off");
}

BOOST_AUTO_TEST_CASE(they_can_be_ended_at_any_moment) {
  for (int round = 0; round < 50; ++round) {
    host_sensors::options quick;
    quick.bus_retry = 0ms;
    const host_sensors sensors{quick, [](const core::host_conditions&) {}};
  }
}

BOOST_AUTO_TEST_SUITE_END()
