#include "runtime/known_conditions.hpp"

#include <utility>

namespace syncline {

bool known_conditions::sense() {
  const std::lock_guard sensing{sensing_};
  if (sensors_ || has_ended_)
    return false;
  {
    const std::lock_guard lock{mutex_};
    is_awaited_ = true;
  }
  sensors_ = std::make_unique<net::host_sensors>(
    net::host_sensors::options{}, [this](const core::host_conditions& seen) { hear(seen); });
  return true;
}

void known_conditions::stop_sensing() {
  const std::lock_guard sensing{sensing_};
  has_ended_ = true;
  sensors_.reset();
}

void known_conditions::hear(const core::host_conditions& seen) {
  const std::lock_guard lock{mutex_};
  sensed_ = seen;
  is_awaited_ = false;
  tell_if_new();
}

void known_conditions::host_says(core::reachability state) {
  const std::lock_guard lock{mutex_};
  said_.network = state;
  tell_if_new();
}

void known_conditions::host_says(const core::host_conditions& values) {
  const std::lock_guard lock{mutex_};
  const auto network = said_.network;
  said_ = values;
  said_.network = network;
  tell_if_new();
}

core::host_conditions known_conditions::current() const {
  const std::lock_guard lock{mutex_};
  return joined();
}

void known_conditions::tell_again() {
  const std::lock_guard lock{mutex_};
  if (told_network_ != core::reachability::unknown)
    tell_.on_network(told_network_);
  told_.reset();
  tell_if_new();
}

void known_conditions::tell_conditions_again() {
  const std::lock_guard lock{mutex_};
  told_.reset();
  tell_if_new();
}

core::host_conditions known_conditions::joined() const {
  auto known = sensed_;
  if (said_.network != core::reachability::unknown) {
    known.network = said_.network;
    known.network_source = "host";
  }
  bool has_power = false;
  const auto prefer = [](const std::optional<bool>& said, std::optional<bool>& value) {
    if (said)
      value = said;
    return said.has_value();
  };
  prefer(said_.metered, known.metered);
  prefer(said_.idle, known.idle);
  has_power = prefer(said_.on_battery, known.on_battery);
  has_power = prefer(said_.battery_low, known.battery_low) || has_power;
  if (has_power)
    known.power_source = "host";
  return known;
}

void known_conditions::tell_if_new() {
  const auto now = joined();
  if (std::exchange(told_network_, now.network) != now.network)
    tell_.on_network(now.network);
  if (is_awaited_ || told_ == now)
    return;
  told_ = now;
  tell_.on_conditions(now);
}

} // namespace syncline
