#include "runtime/host_network.hpp"

namespace syncline {

void host_network::sense() {
  sensors_ = std::make_unique<net::host_sensors>(net::host_sensors::options{},
                                                 [this](const core::host_conditions& seen) {
                                                   const std::lock_guard lock{mutex_};
                                                   sensed_ = seen;
                                                   tell_if_new();
                                                 });
}

void host_network::stop_sensing() {
  sensors_.reset();
}

void host_network::host_says(core::reachability state) {
  const std::lock_guard lock{mutex_};
  said_ = state;
  tell_if_new();
}

core::host_conditions host_network::conditions() const {
  const std::lock_guard lock{mutex_};
  return joined();
}

core::host_conditions host_network::joined() const {
  auto all = sensed_;
  if (said_ != core::reachability::unknown) {
    all.network = said_;
    all.network_source = "host";
  }
  return all;
}

void host_network::tell_if_new() {
  const auto now = joined().network;
  if (std::exchange(told_, now) != now)
    tell_(now);
}

} // namespace syncline
