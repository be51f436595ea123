#pragma once
// The properties of one object of one service on the bus. Private to net/host; needs libsystemd.

#include <systemd/sd-bus.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace syncline::net {

struct bus_slot_end {
  void operator()(sd_bus_slot* slot) const {
    sd_bus_slot_unref(slot); // No callback comes after this.
  }
};
using bus_slot = std::unique_ptr<sd_bus_slot, bus_slot_end>;

/// Keeps a copy of the properties that are numbers or truth values. A signal is only the reason to
/// ask: what counts is the answer of the service itself, one question at a time.
class bus_object {
public:
  using numbers = std::map<std::string, double>; // of properties, by name

  /// The texts have to outlive it.
  bus_object(const char* service, const char* path, const char* interface)
    : service_{service}, path_{path}, interface_{interface} {}
  bus_object(const bus_object&) = delete;
  bus_object& operator=(const bus_object&) = delete;

  /// Follows the service and asks for the first time. Negative: the errno of what failed.
  int begin(sd_bus* bus);

  /// Asks again where the last answer was none, though the service is there.
  void retry();

  [[nodiscard]] const std::optional<numbers>& properties() const {
    return properties_;
  }
  [[nodiscard]] bool is_settled() const {
    return properties_.has_value() || !reading_;
  }
  /// Why there are no properties.
  [[nodiscard]] const std::string& why() const {
    return why_;
  }

private:
  static int on_changed(sd_bus_message* signal, void* self, sd_bus_error*);
  static int on_owner(sd_bus_message* signal, void* self, sd_bus_error*);
  static int on_reply(sd_bus_message* reply, void* self, sd_bus_error*);
  static int on_followed(sd_bus_message* reply, void* self, sd_bus_error*);
  int ask();
  void take(sd_bus_message* reply);
  void lose(std::string why, bool is_there);

  const char* service_;
  const char* path_;
  const char* interface_;
  sd_bus* bus_ = nullptr;
  bus_slot changes_;
  bus_slot owners_;
  bus_slot reading_;       // set while an answer is awaited
  bool ask_again_ = false; // something changed while we were reading
  bool is_there_ = true;   // as far as we know
  std::optional<numbers> properties_;
  std::string why_ = "has not answered yet";
};

} // namespace syncline::net
