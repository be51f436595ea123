#pragma once
// The sensors of this machine: network from rtnetlink and NetworkManager, power from UPower.

#include "core/jobs/conditions.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace syncline::net {

/// Watches the host on a thread of its own. A sensor that is not there, fails or hangs makes what
/// it would say "not known", says why in the source, and is tried again; it never ends the others.
class host_sensors {
public:
  struct options {
    std::chrono::milliseconds bus_retry{60'000}; // between two tries to reach what is away
    bool netlink = true;
    bool bus = true; // NetworkManager and UPower
  };

  /// Runs on the thread of the sensors, must not block and must not throw.
  using listener = std::function<void(const core::host_conditions&)>;

  /// Starts the thread. `on_changed` is told once every sensor has answered or is known to be
  /// away, after two seconds at the latest; then whenever the conditions differ from those it was
  /// told last, at most every 100 ms. Never fails: where the machine gives no thread, it is told
  /// that nothing is known, before this returns.
  host_sensors(options settings, const listener& on_changed);
  /// Ends the thread; nothing is told after it. Not to be run by the listener.
  ~host_sensors();
  host_sensors(const host_sensors&) = delete;
  host_sensors& operator=(const host_sensors&) = delete;

private:
  class worker;
  std::unique_ptr<worker> worker_; // none where there is no thread
};

} // namespace syncline::net
