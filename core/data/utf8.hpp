#pragma once
// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.

#include <cstddef>
#include <string_view>

namespace syncline::core {

/// Whether the bytes are UTF-8. The empty text is. Any thread.
[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

/// Offset of the first byte that does not begin or continue a character, or the size where there
/// is none. Slower than `is_valid_utf8`: for error messages.
[[nodiscard]] std::size_t first_invalid_utf8(std::string_view bytes) noexcept;

} // namespace syncline::core
