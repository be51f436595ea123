#pragma once
// From what the kernel, NetworkManager and UPower say to the conditions of the host. Pure.

#include "core/jobs/conditions.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace syncline::core {

/// What rtnetlink says of this network namespace.
struct netlink_view {
  /// Some interface other than loopback is up and running and has an address, of IPv4 or IPv6,
  /// that reaches beyond its link.
  bool has_usable_interface = false;
  bool has_default_route = false; ///< over an interface that is up and running

  friend bool operator==(const netlink_view&, const netlink_view&) = default;
};

/// Properties of org.freedesktop.NetworkManager, as the numbers of its API; 0 is "unknown" in each.
struct network_manager_view {
  std::uint32_t state = 0;        ///< NMState
  std::uint32_t connectivity = 0; ///< NMConnectivityState
  std::uint32_t metered = 0;      ///< NMMetered

  friend bool operator==(const network_manager_view&, const network_manager_view&) = default;
};

/// Properties of org.freedesktop.UPower and of its display device, which stands for all batteries.
struct upower_view {
  std::optional<bool> on_battery = {};
  bool has_battery = false;                  ///< `IsPresent` of the display device
  std::uint32_t warning_level = 0;           ///< UpDeviceLevel; 3 is "low", above it is worse
  std::optional<double> charge_percent = {}; ///< of a full battery

  friend bool operator==(const upower_view&, const upower_view&) = default;
};

/// Why a view is missing, as it stands after `none: ` in the source.
struct missing_views {
  std::string network = "nobody has looked";
  std::string power = "nobody has looked";
};

/// A battery below this is low where line power is away, whatever UPower warns of.
inline constexpr double battery_low_percent = 20;

/// The conditions as these three say them; `nullopt` is a source that is not there. `idle` is
/// never known from them.
[[nodiscard]] host_conditions combine(const std::optional<netlink_view>& netlink,
                                      const std::optional<network_manager_view>& network_manager,
                                      const std::optional<upower_view>& upower,
                                      const missing_views& missing = {});

} // namespace syncline::core
