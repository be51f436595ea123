// Prints what the sensors tell of this host, one JSON object a line, until its input ends.
//   sensors_program [--retry-ms N] [--no-netlink] [--no-bus]

#include "net/host/host_sensors.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <limits>
#include <string>
#include <string_view>

using namespace syncline;

namespace {

nlohmann::json to_json(const std::optional<bool>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

void print(const core::host_conditions& told) {
  const char* network = told.network == core::reachability::up     ? "up"
                        : told.network == core::reachability::down ? "down"
                                                                   : "unknown";
  const nlohmann::json line{{"network", network},
                            {"metered", to_json(told.metered)},
                            {"on_battery", to_json(told.on_battery)},
                            {"battery_low", to_json(told.battery_low)},
                            {"idle", to_json(told.idle)},
                            {"network_source", told.network_source},
                            {"power_source", told.power_source}};
  std::cout << line.dump() << std::endl;
}

} // namespace

int main(int count, char** words) {
  net::host_sensors::options options;
  for (int at = 1; at < count; ++at) {
    const std::string_view word{words[at]};
    if (word == "--retry-ms" && at + 1 < count)
      options.bus_retry = std::chrono::milliseconds{std::stoll(words[++at])};
    else if (word == "--no-netlink")
      options.netlink = false;
    else if (word == "--no-bus")
      options.bus = false;
    else
      return 2;
  }
  const net::host_sensors sensors{options, print};
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  return 0;
}
