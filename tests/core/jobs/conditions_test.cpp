#include "core/jobs/conditions.hpp"

#include "core/jobs/conditions_report.hpp"
#include "core/jobs/host_signals.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <limits>

using namespace syncline;
using core::combine;
using core::host_conditions;
using core::netlink_view;
using core::network_manager_view;
using core::reachability;
using core::upower_view;

namespace {

constexpr netlink_view no_interface{false, false};
constexpr netlink_view no_route{true, false};
constexpr netlink_view has_route{true, true};
constexpr auto none = std::nullopt;

reachability network(const std::optional<netlink_view>& netlink,
                     const std::optional<network_manager_view>& manager) {
  return combine(netlink, manager, none).network;
}

std::optional<bool> battery_low(const upower_view& view) {
  return combine(none, none, view).battery_low;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_jobs_conditions)

BOOST_AUTO_TEST_CASE(the_network_is_as_the_sensors_say_together) {
  struct row {
    std::optional<netlink_view> netlink;
    std::optional<network_manager_view> manager;
    reachability expected;
  };
  constexpr auto up = reachability::up;
  constexpr auto down = reachability::down;
  constexpr auto unknown = reachability::unknown;
  // States: 0 unknown, 10 asleep, 20 disconnected, 30 disconnecting, 40 connecting, 50 local,
  // 60 site, 70 global. Connectivity: 0 unknown, 1 none, 2 portal, 3 limited, 4 full.
  const row table[] = {
    {none, none, unknown},
    {no_interface, none, down},
    {no_route, none, up},
    {has_route, none, up},
    // Without an interface nothing that NetworkManager says brings the network back.
    {no_interface, network_manager_view{70, 4}, down},
    {no_interface, network_manager_view{70, 1}, down},
    {no_interface, network_manager_view{0, 0}, down},
    // It says that there is no line, and no route says otherwise.
    {no_route, network_manager_view{10, 0}, down},
    {no_route, network_manager_view{20, 0}, down},
    {no_route, network_manager_view{30, 4}, down},
    {none, network_manager_view{20, 1}, down},
    // A route does: another program has set up the line.
    {has_route, network_manager_view{10, 0}, up},
    {has_route, network_manager_view{20, 0}, up},
    {has_route, network_manager_view{20, 1}, unknown},
    // A portal, or no answer to NetworkManager's own question, is never `up`.
    {has_route, network_manager_view{70, 2}, unknown},
    {has_route, network_manager_view{70, 1}, unknown},
    {no_route, network_manager_view{50, 1}, unknown},
    {none, network_manager_view{70, 2}, unknown},
    // And everything else leaves it to rtnetlink.
    {has_route, network_manager_view{70, 4}, up},
    {has_route, network_manager_view{70, 3}, up},
    {has_route, network_manager_view{0, 0}, up},
    {no_route, network_manager_view{40, 0}, up},
    {no_route, network_manager_view{50, 4}, up},
    // Alone, NetworkManager is believed from "site" on.
    {none, network_manager_view{70, 4}, up},
    {none, network_manager_view{60, 0}, up},
    {none, network_manager_view{50, 0}, unknown},
    {none, network_manager_view{40, 0}, unknown},
    {none, network_manager_view{0, 0}, unknown},
  };
  for (std::size_t number = 0; number < std::size(table); ++number) {
    BOOST_TEST_CONTEXT("row " << number)
    BOOST_TEST((network(table[number].netlink, table[number].manager) == table[number].expected));
  }
}

BOOST_AUTO_TEST_CASE(metered_is_known_where_network_manager_knows_or_guesses_it) {
  const auto metered = [](std::uint32_t value) {
    return combine(has_route, network_manager_view{70, 4, value}, none).metered;
  };
  BOOST_TEST((metered(0) == std::nullopt));
  BOOST_TEST((metered(1) == true));
  BOOST_TEST((metered(2) == false));
  BOOST_TEST((metered(3) == true));
  BOOST_TEST((metered(4) == false));
  BOOST_TEST((metered(5) == std::nullopt));
  BOOST_TEST((combine(has_route, none, none).metered == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_battery_is_low_by_the_warning_or_by_its_charge_without_line_power) {
  BOOST_TEST((battery_low({true, true, 1, 20}) == false));
  BOOST_TEST((battery_low({true, true, 1, 19.9}) == true));
  BOOST_TEST((battery_low({false, true, 1, 5}) == false)); // It is being charged.
  BOOST_TEST((battery_low({none, true, 1, 5}) == false));
  BOOST_TEST((battery_low({true, true, 2, 80}) == false));
  BOOST_TEST((battery_low({true, true, 3, 80}) == true));
  BOOST_TEST((battery_low({false, true, 4, 80}) == true));
  BOOST_TEST((battery_low({true, true, 5, none}) == true));
  BOOST_TEST((battery_low({true, true, 0, none}) == false));
  BOOST_TEST((battery_low({true, true, 1, std::numeric_limits<double>::quiet_NaN()}) == false));
}

BOOST_AUTO_TEST_CASE(without_a_battery_nothing_is_known_of_one) {
  BOOST_TEST((battery_low({true, false, 5, 0}) == std::nullopt));
  BOOST_TEST((battery_low({}) == std::nullopt));
  BOOST_TEST((combine(none, none, upower_view{true}).on_battery == true));
  BOOST_TEST((combine(none, none, upower_view{}).on_battery == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_sources_name_who_said_it_and_why_nobody_did) {
  constexpr network_manager_view manager{70, 4, 0};
  BOOST_TEST(combine(has_route, none, none).network_source == "rtnetlink");
  BOOST_TEST(combine(none, manager, none).network_source == "networkmanager");
  BOOST_TEST(combine(has_route, manager, none).network_source == "rtnetlink+networkmanager");
  BOOST_TEST(combine(none, none, upower_view{}).power_source == "upower");
  const auto nothing = combine(none, none, none, {"no socket", "no bus"});
  BOOST_TEST(nothing.network_source == "none: no socket");
  BOOST_TEST(nothing.power_source == "none: no bus");
  BOOST_TEST((nothing.network == reachability::unknown));
  BOOST_TEST((!nothing.metered && !nothing.on_battery && !nothing.battery_low && !nothing.idle));
  BOOST_TEST((combine(none, none, none) == host_conditions{}));
}

BOOST_AUTO_TEST_CASE(conditions_are_equal_where_everything_in_them_is) {
  const host_conditions one;
  std::array<host_conditions, 7> others;
  others[0].network = reachability::up;
  others[1].metered = false;
  others[2].on_battery = false;
  others[3].battery_low = false;
  others[4].idle = false;
  others[5].network_source = "host";
  others[6].power_source = "host";
  BOOST_TEST((one == host_conditions{}));
  for (const auto& other : others)
    BOOST_TEST((one != other));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(core_jobs_conditions_report)

namespace {

host_conditions metered(bool yes) {
  host_conditions conditions;
  conditions.metered = yes;
  return conditions;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_first_is_told_when_all_have_answered_or_after_two_seconds) {
  core::conditions_report quick{1'000};
  BOOST_TEST(!quick.update(metered(true), false, 1'000));
  BOOST_TEST(quick.update(metered(true), true, 1'001));

  core::conditions_report slow{1'000};
  BOOST_TEST((slow.due_ms() == 3'000));
  BOOST_TEST(!slow.update(metered(true), false, 2'999));
  BOOST_TEST(slow.update(metered(true), false, 3'000));
  BOOST_TEST((slow.due_ms() == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_change_is_told_once_when_it_has_settled_and_as_it_is_then) {
  core::conditions_report report{0};
  BOOST_TEST(report.update({}, true, 0));
  BOOST_TEST(!report.update({}, true, 500));
  BOOST_TEST(!report.update(metered(true), true, 1'000));
  BOOST_TEST((report.due_ms() == 1'100));
  BOOST_TEST(!report.update(metered(false), true, 1'099)); // The time counts from the first change.
  BOOST_TEST(report.update(metered(false), true, 1'100));
  BOOST_TEST(!report.update(metered(false), true, 5'000));
}

BOOST_AUTO_TEST_CASE(a_change_that_is_gone_before_it_settles_is_not_told) {
  core::conditions_report report{0};
  BOOST_TEST(report.update({}, true, 0));
  BOOST_TEST(!report.update(metered(true), true, 1'000));
  BOOST_TEST(!report.update({}, true, 1'050));
  BOOST_TEST((report.due_ms() == std::nullopt));
  BOOST_TEST(!report.update({}, true, 1'100));
  BOOST_TEST(!report.update(metered(true), true, 1'110)); // A new change, with its own time.
  BOOST_TEST(report.update(metered(true), true, 1'210));
}

BOOST_AUTO_TEST_CASE(a_flapping_link_is_told_at_most_ten_times_a_second) {
  core::conditions_report report{0};
  int told = 0;
  for (std::int64_t now_ms = 0; now_ms < 10'000; ++now_ms)
    told += report.update(metered(now_ms / 7 % 2 == 0), true, now_ms) ? 1 : 0;
  BOOST_TEST(told <= 100);

  core::conditions_report counting{0};
  told = 0;
  for (std::int64_t now_ms = 0; now_ms < 10'000; ++now_ms) {
    host_conditions ever_new;
    ever_new.network_source = std::to_string(now_ms);
    told += counting.update(ever_new, true, now_ms) ? 1 : 0;
  }
  BOOST_TEST(told <= 100);
  BOOST_TEST(told >= 95); // And what never comes to rest is told all the same.
}

BOOST_AUTO_TEST_SUITE_END()
