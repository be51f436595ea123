#pragma once
// An item as JSON clients see it: flat (PROTOCOL.md section 1).

#include "common.pb.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace syncline::net {

/// Appends `{"id":..., <the body's members as they stand>, "version":..., "lastModified":...}`. The
/// body is spliced as text, so its numbers and escapes keep their spelling. A tombstone has no
/// members of a body but `"deleted":true`. `item.body()` must be a validated body (or empty, for a
/// tombstone); anything else is a broken invariant. `lastModified` is in milliseconds since 1970.
/// Any thread.
void append_item_json(std::string& out, const msg::Item& item);

/// What stands between the braces of a validated JSON object, without whitespace at either end.
/// Throws `core::broken_invariant` if the braces are not there.
[[nodiscard]] std::string_view members_text(std::string_view object);

/// Appends a decimal number.
void append_number(std::string& out, std::uint64_t number);
void append_number(std::string& out, std::int64_t number);

/// A start id, epoch or nonce on the JSON wire: 16 lower-case hex digits, quoted, since JSON
/// readers lose digits of numbers above 2^53.
void append_hex64(std::string& out, std::uint64_t value);

} // namespace syncline::net
