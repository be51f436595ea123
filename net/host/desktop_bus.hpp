#pragma once
// NetworkManager and UPower on the system bus (D-Bus).

#include "core/expected.hpp"
#include "core/jobs/host_signals.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace syncline::net {

/// One connection to the system bus, or to `DBUS_SYSTEM_BUS_ADDRESS` where that is set. Reads what
/// is wanted of both services, starts neither, and reads anew when they say that it has changed. A
/// service that goes away takes its view along. Nothing in it blocks. Belongs to the thread that
/// opened it.
class desktop_bus {
public:
  /// How long a service may take to answer before it counts as away.
  static constexpr std::chrono::milliseconds answer_timeout{2'000};

  /// Begins to connect. Fails with `sensor_failed`: there is no bus, or we were built without
  /// D-Bus.
  static core::expected<std::unique_ptr<desktop_bus>> open();
  ~desktop_bus();
  desktop_bus(const desktop_bus&) = delete;
  desktop_bus& operator=(const desktop_bus&) = delete;

  /// To be waited on, for `events` (of poll). Both change with each `process`.
  [[nodiscard]] int fd() const;
  [[nodiscard]] short events() const;
  /// When `process` has to be called although nothing came: a time of the monotonic clock.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> due() const;

  /// Sends and takes what it can, a bounded part of it; for the rest `due` is at once. After a
  /// failure (`sensor_failed`), such as the end of the bus, this connection is of no more use.
  core::expected<void> process();

  /// Asks those again that gave no proper answer, though they are there.
  void retry();

  /// Every service has answered, or is known to be away.
  [[nodiscard]] bool is_settled() const;

  [[nodiscard]] std::optional<core::network_manager_view> network_manager() const;
  [[nodiscard]] std::optional<core::upower_view> upower() const;

  /// Why its view is missing, for a person; only where it is.
  [[nodiscard]] std::string why_no_upower() const;

private:
  class connection;
  explicit desktop_bus(std::unique_ptr<connection> made);
  std::unique_ptr<connection> connection_;
};

} // namespace syncline::net
