#include "net/host/desktop_bus.hpp"

#include <utility>

#if SYNCLINE_WITH_SYSTEMD

#include "net/host/bus_object.hpp"

#include <cerrno>
#include <cstdint>
#include <limits>
#include <system_error>

namespace syncline::net {

namespace {

constexpr int messages_per_process = 64; // then the other sensors have their turn

core::error failed(int negative_errno) {
  return core::fail("sensor_failed",
                    "the system bus: " + std::generic_category().message(-negative_errno));
}

double number_of(const bus_object::numbers& properties, const char* name, double otherwise) {
  const auto found = properties.find(name);
  return found == properties.end() ? otherwise : found->second;
}

/// 0, which is "unknown" in each of them, where the number is none of an enumeration.
std::uint32_t enumerator_of(const bus_object::numbers& properties, const char* name) {
  const double value = number_of(properties, name, 0);
  const bool fits = value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
  return fits ? static_cast<std::uint32_t>(value) : 0;
}

struct bus_end {
  void operator()(sd_bus* bus) const {
    sd_bus_close_unref(bus); // Without a flush, which could block.
  }
};

} // namespace

class desktop_bus::connection {
public:
  int begin() {
    sd_bus* opened = nullptr;
    if (const int result = sd_bus_open_system(&opened); result < 0)
      return result;
    bus.reset(opened);
    // The host's process is not ours to end.
    if (const int result = sd_bus_set_exit_on_disconnect(opened, 0); result < 0)
      return result;
    for (auto* each : {&network_manager, &power, &battery})
      if (const int result = each->begin(opened); result < 0)
        return result;
    return 0;
  }

  std::unique_ptr<sd_bus, bus_end> bus; // outlives the objects, whose slots belong to it
  bus_object network_manager{"org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
                             "org.freedesktop.NetworkManager"};
  bus_object power{"org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.UPower"};
  bus_object battery{"org.freedesktop.UPower", "/org/freedesktop/UPower/devices/DisplayDevice",
                     "org.freedesktop.UPower.Device"};
};

core::expected<std::unique_ptr<desktop_bus>> desktop_bus::open() {
  auto made = std::make_unique<connection>();
  if (const int result = made->begin(); result < 0)
    return failed(result);
  return std::unique_ptr<desktop_bus>{new desktop_bus{std::move(made)}};
}

int desktop_bus::fd() const {
  return sd_bus_get_fd(
    connection_->bus.get()); // Negative, which poll leaves out, when it has ended.
}

short desktop_bus::events() const {
  const int events = sd_bus_get_events(connection_->bus.get());
  return events < 0 ? short{0} : static_cast<short>(events);
}

std::optional<std::chrono::steady_clock::time_point> desktop_bus::due() const {
  constexpr auto never = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t at_us = never;
  if (sd_bus_get_timeout(connection_->bus.get(), &at_us) < 0)
    return std::chrono::steady_clock::time_point{}; // It has ended; `process` says so.
  if (at_us == never)
    return std::nullopt;
  return std::chrono::steady_clock::time_point{std::chrono::microseconds{at_us}};
}

core::expected<void> desktop_bus::process() {
  for (int count = 0; count < messages_per_process; ++count) {
    const int result = sd_bus_process(connection_->bus.get(), nullptr);
    if (result < 0)
      return failed(result);
    if (sd_bus_is_open(connection_->bus.get()) <= 0)
      return failed(-ECONNRESET);
    if (result == 0)
      break;
  }
  return {};
}

void desktop_bus::retry() {
  for (auto* each : {&connection_->network_manager, &connection_->power, &connection_->battery})
    each->retry();
}

bool desktop_bus::is_settled() const {
  return connection_->network_manager.is_settled() && connection_->power.is_settled() &&
         connection_->battery.is_settled();
}

std::optional<core::network_manager_view> desktop_bus::network_manager() const {
  const auto& properties = connection_->network_manager.properties();
  if (!properties)
    return std::nullopt;
  return core::network_manager_view{enumerator_of(*properties, "State"),
                                    enumerator_of(*properties, "Connectivity"),
                                    enumerator_of(*properties, "Metered")};
}

std::optional<core::upower_view> desktop_bus::upower() const {
  const auto& power = connection_->power.properties();
  if (!power)
    return std::nullopt;
  core::upower_view view;
  if (const auto found = power->find("OnBattery"); found != power->end())
    view.on_battery = found->second != 0;
  if (const auto& battery = connection_->battery.properties()) {
    view.has_battery = number_of(*battery, "IsPresent", 0) != 0;
    view.warning_level = enumerator_of(*battery, "WarningLevel");
    if (const auto found = battery->find("Percentage"); found != battery->end())
      view.charge_percent = found->second;
  }
  return view;
}

std::string desktop_bus::why_no_upower() const {
  return "UPower " + connection_->power.why();
}

#else

namespace syncline::net {

class desktop_bus::connection {};

core::expected<std::unique_ptr<desktop_bus>> desktop_bus::open() {
  return core::fail("sensor_failed", "built without D-Bus");
}

int desktop_bus::fd() const {
  return -1;
}

short desktop_bus::events() const {
  return 0;
}

std::optional<std::chrono::steady_clock::time_point> desktop_bus::due() const {
  return std::nullopt;
}

core::expected<void> desktop_bus::process() {
  return {};
}

void desktop_bus::retry() {}

bool desktop_bus::is_settled() const {
  return true;
}

std::optional<core::network_manager_view> desktop_bus::network_manager() const {
  return std::nullopt;
}

std::optional<core::upower_view> desktop_bus::upower() const {
  return std::nullopt;
}

std::string desktop_bus::why_no_upower() const {
  return "built without D-Bus";
}

#endif

desktop_bus::desktop_bus(std::unique_ptr<connection> made) : connection_{std::move(made)} {}

desktop_bus::~desktop_bus() = default;

} // namespace syncline::net
