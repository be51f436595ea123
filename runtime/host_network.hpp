#pragma once
// What is known of the machine's network: from the program that embeds us, else from the machine.

#include "core/jobs/conditions.hpp"
#include "net/host/host_sensors.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace syncline {

/// Joins the two into one hint. Thread-safe.
class host_network {
public:
  /// Told with each change, and never twice at once; must not block and must not call back.
  using listener = std::function<void(core::reachability)>;

  explicit host_network(listener tell) : tell_{std::move(tell)} {}
  ~host_network() {
    stop_sensing();
  }
  host_network(const host_network&) = delete;
  host_network& operator=(const host_network&) = delete;

  /// Asks the machine too from now on. Called once.
  void sense();
  /// Ends that; the sensors' thread is gone when it returns.
  void stop_sensing();

  /// The host's word counts for more than the machine's, until it says `unknown`.
  void host_says(core::reachability state);

  /// With `host` as the source while it is the host that counts.
  [[nodiscard]] core::host_conditions conditions() const;

private:
  [[nodiscard]] core::host_conditions joined() const; // under the mutex
  void tell_if_new();                                 // likewise

  const listener tell_;
  mutable std::mutex mutex_;
  core::host_conditions sensed_;
  core::reachability said_ = core::reachability::unknown;
  core::reachability told_ = core::reachability::unknown;
  std::unique_ptr<net::host_sensors> sensors_;
};

} // namespace syncline
