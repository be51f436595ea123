#include "net/protocol/foreign_json.hpp"

#include "core/data/ids.hpp"
#include "core/data/json.hpp"

namespace syncline::net {

const std::string* text_of(const core::json_value& from, std::string_view name) {
  const auto* found = from.find(name);
  return found && found->kind() == core::json_kind::string ? &found->as_string() : nullptr;
}

std::optional<std::int64_t> integer_of(const core::json_value& from, std::string_view name) {
  const auto* found = from.find(name);
  if (!found || found->kind() != core::json_kind::integer || found->as_integer() < 0)
    return std::nullopt;
  return found->as_integer();
}

bool flag_of(const core::json_value& from, std::string_view name) {
  const auto* found = from.find(name);
  return found && found->kind() == core::json_kind::boolean && found->as_boolean();
}

const core::json_value::array_type* list_of(const core::json_value& from, std::string_view name) {
  const auto* found = from.find(name);
  return found && found->kind() == core::json_kind::array ? &found->items() : nullptr;
}

void set_version_stamp(msg::Stamp& stamp, std::uint64_t version) {
  stamp.set_start(1);
  stamp.set_seq(version);
}

bool is_foreign_id(const std::string& id) {
  return !id.empty() && id.size() <= core::item_id_bytes_max && id.find('\0') == std::string::npos;
}

bool read_foreign_item(const core::json_value& value, msg::Item& item) {
  if (!value.is_object())
    return false;
  const auto* id = text_of(value, "id");
  const auto version = integer_of(value, "version");
  if (!id || !is_foreign_id(*id) || !version)
    return false;
  item.set_id(*id);
  item.set_version(static_cast<std::uint64_t>(*version));
  item.set_last_modified_ms(integer_of(value, "lastModified").value_or(0));
  set_version_stamp(*item.mutable_stamp(), item.version());
  core::json_value body = value;
  for (const auto* own : {"id", "version", "lastModified"})
    body.erase(own);
  item.set_body(core::to_text(body));
  return true;
}

} // namespace syncline::net
