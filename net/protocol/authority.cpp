#include "net/protocol/authority.hpp"

#include <algorithm>

namespace syncline::net {

namespace {

bool is_alphanumeric(char byte) noexcept {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z');
}

bool is_hex(char byte) noexcept {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'F') ||
         (byte >= 'a' && byte <= 'f');
}

/// Unreserved characters and sub-delimiters of RFC 3986, sections 2.2 and 2.3.
bool is_name_char(char byte) noexcept {
  constexpr std::string_view others = "-._~!$&'()*+,;=";
  return is_alphanumeric(byte) || others.find(byte) != std::string_view::npos;
}

bool is_registered_name(std::string_view host) noexcept {
  for (std::size_t at = 0; at < host.size(); ++at) {
    if (is_name_char(host[at]))
      continue;
    if (host[at] != '%' || at + 2 >= host.size() || !is_hex(host[at + 1]) || !is_hex(host[at + 2]))
      return false;
    at += 2;
  }
  return !host.empty();
}

/// What stands between brackets. The groups of an IPv6 address are not counted: nothing here
/// connects to it, it is only compared.
bool is_ip_literal(std::string_view inside) noexcept {
  const bool address = std::all_of(inside.begin(), inside.end(), [](char byte) {
    return is_hex(byte) || byte == ':' || byte == '.';
  });
  return address && inside.find(':') != std::string_view::npos;
}

bool is_port(std::string_view digits) noexcept {
  if (digits.size() > 5 || !std::all_of(digits.begin(), digits.end(),
                                        [](char byte) { return byte >= '0' && byte <= '9'; }))
    return false;
  unsigned port = 0;
  for (const char digit : digits)
    port = port * 10 + static_cast<unsigned>(digit - '0');
  return port <= 65535;
}

} // namespace

bool is_valid_authority(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ip_literal(text.substr(1, close - 1)))
      return false;
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1)))
    return false;
  return is_registered_name(text.substr(0, colon));
}

} // namespace syncline::net
