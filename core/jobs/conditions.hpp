#pragma once
// What the machine says of its network and its power (DESIGN.md sections 7 and 10). Pure.

#include "core/sync/link_policy.hpp"

#include <optional>
#include <string>

namespace syncline::core {

/// The state of the host, as far as it is known: `nullopt` is "not known", which is taken as good.
/// A source names who said it, for `status`: `rtnetlink`, `networkmanager`,
/// `rtnetlink+networkmanager`, `upower`, `host` or `none: <why>`.
struct host_conditions {
  reachability network = reachability::unknown;
  std::optional<bool> metered;     ///< the traffic costs money
  std::optional<bool> on_battery;  ///< no line power
  std::optional<bool> battery_low; ///< only where there is a battery
  std::optional<bool> idle;        ///< nobody uses the machine; only a host can say it
  std::string network_source = "none: nobody has looked";
  std::string power_source = "none: nobody has looked";

  friend bool operator==(const host_conditions&, const host_conditions&) = default;
};

} // namespace syncline::core
