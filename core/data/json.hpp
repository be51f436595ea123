#pragma once
// Reading, checking and writing JSON text (RFC 8259, I-JSON's stricter side: RFC 7493).

#include "core/data/json_value.hpp"
#include "core/expected.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace syncline::core {

/// What one JSON text may be at most. A depth of 1 is a flat object or array; `depth_max` itself
/// is at most 1024, since trees are walked and destroyed by recursion.
struct json_limits {
  std::size_t bytes_max = 1u << 20;
  std::size_t depth_max = 64;
};

/// One JSON value with nothing but white space around it. Integers that fit in 64 bits keep every
/// digit; other numbers become the nearest double. Time and memory grow with the text, whatever is
/// in it (the names of an object are compared by hash bits when few, by sorting when many).
/// Errors: `too_large`, `bad_utf8`, `bad_json` (a byte order mark, an unescaped control character
/// and a lone surrogate are bad JSON), `too_deep`, `duplicate_key` (however each is escaped),
/// `number_out_of_range` (an integer beyond 64 bits, a real beyond the largest double).
/// Any thread: each keeps a small parser of its own.
[[nodiscard]] expected<json_value> parse_json(std::string_view text,
                                              const json_limits& limits = {});

/// The value as compact JSON. A real always has a `.` or an `e`, so that it is read as a real
/// again, and has the fewest digits that give the same double back.
[[nodiscard]] std::string to_text(const json_value& value);

/// Appends the text quoted, with only those escapes that JSON asks for. It must be UTF-8.
void append_json_string(std::string& out, std::string_view utf8);

/// Whether the bytes may be an item's body (DESIGN.md section 3): one JSON object within the limits
/// whose top level uses none of the names that the flat form of an item needs. Builds no tree.
/// Errors: those of `parse_json`, `not_an_object`, `reserved_name`. Any thread.
[[nodiscard]] expected<void> validate_body(std::string_view body, const json_limits& limits = {});

/// The same rules for a merge patch (RFC 7396), which may hold nulls anywhere, as a body may.
[[nodiscard]] expected<void> validate_patch(std::string_view patch, const json_limits& limits = {});

/// Whether the top level of a body must not have a member of this name.
[[nodiscard]] bool is_reserved_name(std::string_view name) noexcept;

} // namespace syncline::core
