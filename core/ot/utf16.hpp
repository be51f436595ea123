#pragma once
// Offsets in UTF-16 code units (what browsers count, and the wire) into text that is UTF-8 (what
// is stored). All texts here are valid UTF-8; any thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace syncline::core::ot {

/// Whether the byte belongs to the character that began before it.
[[nodiscard]] constexpr bool continues(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// UTF-16 code units of a text.
[[nodiscard]] std::size_t utf16_length(std::string_view utf8) noexcept;

/// Characters beyond U+FFFF, which are surrogate pairs in UTF-16.
[[nodiscard]] std::size_t pairs_in(std::string_view utf8) noexcept;

/// Byte offset of the place so many units into the text; nullopt inside a surrogate pair.
/// `units` is at most the text's length.
[[nodiscard]] std::optional<std::size_t> byte_offset(std::string_view utf8,
                                                     std::size_t units) noexcept;

} // namespace syncline::core::ot
