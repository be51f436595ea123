#if SYNCLINE_WITH_SYSTEMD

#include "net/host/bus_object.hpp"

#include "net/host/desktop_bus.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace syncline::net {

namespace {

struct message_end {
  void operator()(sd_bus_message* message) const {
    sd_bus_message_unref(message);
  }
};

/// Reads the value of a variant that has been entered, if it is of a kind that we keep.
template <class T>
std::optional<double> read_number(sd_bus_message* message, char type) {
  T value{};
  if (sd_bus_message_read_basic(message, type, &value) < 0)
    return std::nullopt;
  return static_cast<double>(value);
}

std::optional<double> read_number(sd_bus_message* message, char type) {
  switch (type) {
  case SD_BUS_TYPE_BOOLEAN:
    return read_number<int>(message, type);
  case SD_BUS_TYPE_BYTE:
    return read_number<std::uint8_t>(message, type);
  case SD_BUS_TYPE_INT32:
    return read_number<std::int32_t>(message, type);
  case SD_BUS_TYPE_UINT32:
    return read_number<std::uint32_t>(message, type);
  case SD_BUS_TYPE_DOUBLE:
    return read_number<double>(message, type);
  default:
    return std::nullopt;
  }
}

/// Reads the variant that comes next; a value of another kind is stepped over. False: no variant.
bool read_variant(sd_bus_message* message, std::optional<double>& value) {
  char type = 0;
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(message, &type, &contents) <= 0 || type != SD_BUS_TYPE_VARIANT)
    return false;
  const std::string_view kind{contents};
  if (kind.size() != 1)
    return sd_bus_message_skip(message, "v") >= 0;
  const std::string entered{kind};
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, entered.c_str()) <= 0)
    return false;
  value = read_number(message, entered.front());
  if (!value && sd_bus_message_skip(message, entered.c_str()) < 0)
    return false;
  return sd_bus_message_exit_container(message) >= 0;
}

/// The answer of Properties.GetAll; nothing where it is of another shape.
std::optional<bus_object::numbers> read_properties(sd_bus_message* message) {
  bus_object::numbers found;
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "{sv}") < 0)
    return std::nullopt;
  while (true) {
    const int more = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (more == 0)
      return found;
    const char* name = nullptr;
    std::optional<double> value;
    if (more < 0 || sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &name) <= 0 ||
        !read_variant(message, value) || sd_bus_message_exit_container(message) < 0)
      return std::nullopt;
    if (value)
      found[name] = *value;
  }
}

} // namespace

int bus_object::begin(sd_bus* bus) {
  bus_ = bus;
  const std::string owner_rule =
    std::string{"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='"} +
    service_ + "'";
  const std::string change_rule =
    std::string{"type='signal',sender='"} + service_ + "',path='" + path_ +
    "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" + interface_ +
    "'";
  sd_bus_slot* slot = nullptr;
  int result =
    sd_bus_add_match_async(bus, &slot, owner_rule.c_str(), &on_owner, &on_followed, this);
  if (result < 0)
    return result;
  owners_.reset(slot);
  result = sd_bus_add_match_async(bus, &slot, change_rule.c_str(), &on_changed, &on_followed, this);
  if (result < 0)
    return result;
  changes_.reset(slot);
  return ask();
}

void bus_object::retry() {
  if (is_there_ && !properties_ && !reading_)
    (void)ask(); // What fails here fails in `process` as well.
}

int bus_object::ask() {
  ask_again_ = false;
  sd_bus_message* made = nullptr;
  int result = sd_bus_message_new_method_call(bus_, &made, service_, path_,
                                              "org.freedesktop.DBus.Properties", "GetAll");
  if (result < 0)
    return result;
  const std::unique_ptr<sd_bus_message, message_end> call{made};
  result = sd_bus_message_append(made, "s", interface_);
  if (result < 0)
    return result;
  result = sd_bus_message_set_auto_start(made, 0); // We look; nobody is to run because of that.
  if (result < 0)
    return result;
  sd_bus_slot* slot = nullptr;
  const auto timeout = std::chrono::microseconds{desktop_bus::answer_timeout}.count();
  result = sd_bus_call_async(bus_, &slot, made, &on_reply, this, static_cast<uint64_t>(timeout));
  reading_.reset(result < 0 ? nullptr : slot);
  // Never above 0: from a callback that would keep the signal from the other objects.
  return std::min(result, 0);
}

// A rule that was refused leaves what was read: better stale now and then than unknown for ever.
// Without this the library would end the whole connection.
int bus_object::on_followed(sd_bus_message*, void*, sd_bus_error*) {
  return 0;
}

int bus_object::on_changed(sd_bus_message*, void* self, sd_bus_error*) {
  auto& object = *static_cast<bus_object*>(self);
  if (object.reading_) {
    object.ask_again_ = true; // What is on its way may have been read before the change.
    return 0;
  }
  return object.ask();
}

int bus_object::on_owner(sd_bus_message* signal, void* self, sd_bus_error*) {
  auto& object = *static_cast<bus_object*>(self);
  const char* name = nullptr;
  const char* before = nullptr;
  const char* now = nullptr;
  if (sd_bus_message_read(signal, "sss", &name, &before, &now) < 0)
    return 0;
  object.reading_.reset(); // That was another process.
  object.lose("is not running", false);
  if (*now == '\0')
    return 0;
  object.is_there_ = true;
  object.why_ = "has not answered yet";
  return object.ask();
}

int bus_object::on_reply(sd_bus_message* reply, void* self, sd_bus_error*) {
  auto& object = *static_cast<bus_object*>(self);
  object.reading_.reset();
  object.take(reply);
  return object.ask_again_ ? object.ask() : 0;
}

void bus_object::take(sd_bus_message* reply) {
  const sd_bus_error* refused = sd_bus_message_get_error(reply);
  if (refused == nullptr) {
    properties_ = read_properties(reply);
    if (!properties_)
      lose("gives an answer of another shape", true);
    return;
  }
  const bool away = sd_bus_error_has_name(refused, SD_BUS_ERROR_SERVICE_UNKNOWN) != 0 ||
                    sd_bus_error_has_name(refused, SD_BUS_ERROR_NAME_HAS_NO_OWNER) != 0;
  if (away) {
    lose("is not running", false);
  } else if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) != 0 ||
             sd_bus_message_get_errno(reply) == ETIMEDOUT) {
    lose("does not answer", true);
  } else {
    lose(std::string{"refuses ("} + refused->name + ")", true);
  }
}

void bus_object::lose(std::string why, bool is_there) {
  properties_.reset();
  why_ = std::move(why);
  is_there_ = is_there;
}

} // namespace syncline::net

#endif
