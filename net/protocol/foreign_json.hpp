#pragma once
// What the plain JSON routes of a foreign server are made of. Pure; any thread.
//
// Such a server has no stamps: the version of an item stands for the sequence of its changes, which
// is all that a lane compares. A tombstone has none; see `core::foreign_tombstone_seq`.

#include "common.pb.h"
#include "core/data/json_value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::net {

void set_version_stamp(msg::Stamp& stamp, std::uint64_t version);

/// Members of an object; nothing where the member is absent or of another kind.
[[nodiscard]] const std::string* text_of(const core::json_value& from, std::string_view name);
/// From 0.
[[nodiscard]] std::optional<std::int64_t> integer_of(const core::json_value& from,
                                                     std::string_view name);
[[nodiscard]] bool flag_of(const core::json_value& from, std::string_view name);
[[nodiscard]] const core::json_value::array_type* list_of(const core::json_value& from,
                                                          std::string_view name);

/// Whether it can be the name of an item: 1 to 200 bytes without U+0000.
[[nodiscard]] bool is_foreign_id(const std::string& id);

/// An item in its flat form; false where the value is none.
[[nodiscard]] bool read_foreign_item(const core::json_value& value, msg::Item& item);

} // namespace syncline::net
