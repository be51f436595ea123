#pragma once
// One header line (RFC 9110 section 5), shared by request heads and trailers, and the character
// classes of HTTP. Pure and thread-safe.

#include "net/protocol/request_head.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace syncline::net {

/// Whether `byte` may stand in a token: a method, a header name, a chunk extension's name.
[[nodiscard]] bool is_token_char(char byte) noexcept;

/// Whether `text` is a token: one or more token characters.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// Whether `byte` may stand in a header value: visible ASCII, space, tab, or a byte above 0x7F.
[[nodiscard]] bool is_field_value_char(char byte) noexcept;

/// ASCII only; other bytes stay as they are.
[[nodiscard]] std::string to_lower(std::string_view text);

/// Case-insensitive comparison of ASCII; `lower` must already be lower case.
[[nodiscard]] bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept;

/// `text` without spaces and tabs at either end.
[[nodiscard]] std::string_view trim_whitespace(std::string_view text) noexcept;

/// The elements of a comma-separated header value, trimmed, empty ones left out (RFC 9110, 5.6.1).
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view value);

/// Parses `name: value` without its CRLF. Refuses (400, bad_header): a folded line, whitespace
/// before the colon, no colon, a name that is no token, a control character in the value.
[[nodiscard]] std::variant<std::pair<std::string, std::string>, head_refusal>
parse_header_line(std::string_view line);

} // namespace syncline::net
