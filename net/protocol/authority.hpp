#pragma once
// The `host[:port]` of a Host header or of an absolute-form target.

#include <string_view>

namespace syncline::net {

/// Whether `text` is `host` or `host:port` by RFC 3986 section 3.2: a registered name, an IPv4
/// address, or an IP literal in brackets; not empty, no user information; a port of at most five
/// digits, possibly none, up to 65535. Pure and thread-safe.
[[nodiscard]] bool is_valid_authority(std::string_view text) noexcept;

} // namespace syncline::net
