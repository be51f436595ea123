#pragma once
// base64url without padding (RFC 4648 section 5), for cursors and other opaque values in URLs.

#include <optional>
#include <string>
#include <string_view>

namespace syncline::core {

/// The bytes as base64url, without padding.
[[nodiscard]] std::string to_base64url(std::string_view bytes);

/// The bytes, or nothing where the text is not what `to_base64url` gives for some bytes: padding,
/// white space, characters of plain base64, a length that no bytes have, and bits set past the last
/// byte are all refused, so that one value has one spelling.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

} // namespace syncline::core
