#pragma once
// What is known of the machine: from the program that embeds us, else from the machine itself.

#include "core/jobs/conditions.hpp"
#include "net/host/host_sensors.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace syncline {

/// Joins the two, value by value. Thread-safe.
class known_conditions {
public:
  /// Both are never called twice at once; they must not block and must not call back.
  struct listeners {
    std::function<void(core::reachability)> on_network;              ///< it has changed
    std::function<void(const core::host_conditions&)> on_conditions; ///< any of them has changed
  };

  explicit known_conditions(listeners tell) : tell_{std::move(tell)} {}
  ~known_conditions() {
    stop_sensing();
  }
  known_conditions(const known_conditions&) = delete;
  known_conditions& operator=(const known_conditions&) = delete;

  /// Asks the machine too from now on. Again, and after the end of it: nothing happens, false.
  bool sense();
  /// Ends that for good; the sensors' thread is gone when it returns.
  void stop_sensing();

  /// The host's word counts for more than the machine's, until it says `unknown`.
  void host_says(core::reachability state);
  /// Likewise for each value that is given; the others are the machine's again. Network and
  /// sources are not read.
  void host_says(const core::host_conditions& values);

  /// With `host` as the source of what the host has said.
  [[nodiscard]] core::host_conditions current() const;
  /// Tells both listeners what is known, for those who have come anew; of the conditions nothing
  /// while the machine has not answered for the first time.
  void tell_again();
  /// As above, the conditions only.
  void tell_conditions_again();

private:
  [[nodiscard]] core::host_conditions joined() const; // under the mutex
  void tell_if_new();                                 // likewise
  void hear(const core::host_conditions& seen);

  const listeners tell_;
  mutable std::mutex mutex_;
  core::host_conditions sensed_;
  core::host_conditions said_;
  std::optional<core::host_conditions> told_;
  core::reachability told_network_ = core::reachability::unknown;
  bool is_awaited_ = false; // the machine was asked and has not answered

  std::mutex sensing_; // before the other one
  std::unique_ptr<net::host_sensors> sensors_;
  bool has_ended_ = false;
};

} // namespace syncline
