#include "runtime/host_network.hpp"

namespace syncline {

namespace {

core::reachability from_message(msg::ReachabilityChanged::State state) {
  switch (state) {
  case msg::ReachabilityChanged::UP:
    return core::reachability::up;
  case msg::ReachabilityChanged::DOWN:
    return core::reachability::down;
  default:
    return core::reachability::unknown;
  }
}

msg::ReachabilityChanged to_message(core::reachability state) {
  msg::ReachabilityChanged changed;
  changed.set_state(state == core::reachability::up     ? msg::ReachabilityChanged::UP
                    : state == core::reachability::down ? msg::ReachabilityChanged::DOWN
                                                        : msg::ReachabilityChanged::UNKNOWN);
  return changed;
}

} // namespace

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

void host_network::host_says(msg::ReachabilityChanged::State state) {
  const std::lock_guard lock{mutex_};
  said_ = from_message(state);
  tell_if_new();
}

msg::ReachabilityChanged host_network::current() const {
  return to_message(conditions().network);
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
    tell_(to_message(now));
}

} // namespace syncline
