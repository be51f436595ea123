#pragma once
// Operations on a text as JSON: `[{"type":"retain","length":5},{"type":"insert","text":"x"},
// {"type":"delete","length":1}]` (PROTOCOL.md sections 7 and 9). Pure; any thread.

#include "core/data/json_value.hpp"
#include "core/expected.hpp"
#include "core/ot/operation.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace syncline::net {

/// One JSON text of at most `bytes_max` bytes that may hold operations. Errors: `too_large`;
/// `lone_surrogate` where a string has half of a surrogate pair; `bad_length` where a number does
/// not fit; `bad_message` for everything else that is no JSON.
[[nodiscard]] core::expected<core::json_value> parse_with_operations(std::string_view text,
                                                                     std::size_t bytes_max);

/// Lengths are in UTF-16 code units. What comes may be sloppy (parts of length 0, neighbours of one
/// kind, no retain at the end), what is made of it is in canonical form but for the last retain,
/// which `core::ot::complete` adds. Errors: `not_an_array`; `bad_component`: no object, or without
/// its type, length or text; `unknown_type`; `bad_length`: no whole number from 0 to
/// `core::ot::length_max`, alone or as their sum; `unsupported`: attributes.
[[nodiscard]] core::expected<core::ot::operation> read_operation(const core::json_value& value);

/// The same as a tree, and appended as text.
[[nodiscard]] core::json_value operation_json(const core::ot::operation& edit);
void append_operation_json(std::string& out, const core::ot::operation& edit);

} // namespace syncline::net
