#include "core/jobs/host_signals.hpp"

namespace syncline::core {

namespace {

/// Values of NMState that we act on.
enum : std::uint32_t { asleep = 10, disconnected = 20, disconnecting = 30, connected_site = 60 };
/// Values of NMConnectivityState that we act on.
enum : std::uint32_t { connectivity_none = 1, connectivity_portal = 2 };
/// UpDeviceLevel.
constexpr std::uint32_t warning_low = 3;

bool says_disconnected(const network_manager_view& view) {
  return view.state == asleep || view.state == disconnected || view.state == disconnecting;
}

reachability network_of(const std::optional<netlink_view>& netlink,
                        const std::optional<network_manager_view>& network_manager) {
  if (netlink && !netlink->has_usable_interface)
    return reachability::down;
  if (!network_manager)
    return netlink ? reachability::up : reachability::unknown;
  // NetworkManager knows nothing of a line that another program has set up; the route does.
  const bool has_route = netlink && netlink->has_default_route;
  if (says_disconnected(*network_manager) && !has_route)
    return reachability::down;
  // It asked one address of its own choice; ours may answer all the same.
  if (network_manager->connectivity == connectivity_none ||
      network_manager->connectivity == connectivity_portal)
    return reachability::unknown;
  if (netlink || network_manager->state >= connected_site)
    return reachability::up;
  return reachability::unknown;
}

std::optional<bool> metered_of(const network_manager_view& view) {
  switch (view.metered) {
  case 1: // yes
  case 3: // guessed: yes
    return true;
  case 2: // no
  case 4: // guessed: no
    return false;
  default:
    return std::nullopt;
  }
}

std::optional<bool> battery_low_of(const upower_view& view) {
  if (!view.has_battery)
    return std::nullopt;
  const bool nearly_empty = view.on_battery.value_or(false) && view.charge_percent &&
                            *view.charge_percent < battery_low_percent;
  return view.warning_level >= warning_low || nearly_empty;
}

} // namespace

host_conditions combine(const std::optional<netlink_view>& netlink,
                        const std::optional<network_manager_view>& network_manager,
                        const std::optional<upower_view>& upower, const missing_views& missing) {
  host_conditions combined;
  combined.network = network_of(netlink, network_manager);
  if (netlink)
    combined.network_source = network_manager ? "rtnetlink+networkmanager" : "rtnetlink";
  else
    combined.network_source = network_manager ? "networkmanager" : "none: " + missing.network;
  if (network_manager)
    combined.metered = metered_of(*network_manager);
  combined.power_source = upower ? "upower" : "none: " + missing.power;
  if (upower) {
    combined.on_battery = upower->on_battery;
    combined.battery_low = battery_low_of(*upower);
  }
  return combined;
}

} // namespace syncline::core
