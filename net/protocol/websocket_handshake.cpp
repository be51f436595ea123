#include "net/protocol/websocket_handshake.hpp"

#include "net/protocol/client_codec.hpp"
#include "net/protocol/header_field.hpp"

#include <algorithm>

namespace syncline::net {

namespace {

// All elements of a list header, which may come in several lines.
std::vector<std::string_view> list_of(const msg::HttpRequest& request, std::string_view name) {
  std::vector<std::string_view> all;
  for (const auto& header : request.headers())
    if (header.name() == name)
      for (const auto element : split_list(header.value()))
        all.push_back(element);
  return all;
}

bool has_word(const msg::HttpRequest& request, std::string_view name, std::string_view word) {
  const auto all = list_of(request, name);
  return std::any_of(all.begin(), all.end(),
                     [&](auto element) { return equals_ignoring_case(element, word); });
}

// 16 bytes in base64.
bool is_key(std::string_view key) {
  constexpr std::size_t key_chars = 24;
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789+/";
  return key.size() == key_chars && key.ends_with("==") &&
         key.substr(0, key_chars - 2).find_first_not_of(digits) == std::string_view::npos;
}

} // namespace

bool asks_for_websocket(const msg::HttpRequest& request) {
  return has_word(request, "upgrade", "websocket");
}

core::expected<void> check_websocket_request(const msg::HttpRequest& request) {
  if (request.method() != "GET" || !request.body().empty())
    return core::fail("bad_upgrade", "a WebSocket begins with a GET without a body");
  if (!has_word(request, "connection", "upgrade"))
    return core::fail("bad_upgrade", "the header Connection does not say Upgrade");
  if (header_of(request, "sec-websocket-version") != "13")
    return core::fail("websocket_version", "this server speaks version 13 of WebSocket only");
  if (!is_key(header_of(request, "sec-websocket-key")))
    return core::fail("bad_upgrade", "Sec-WebSocket-Key is not 16 bytes in base64");
  return check_events_request(request);
}

core::expected<void> check_events_request(const msg::HttpRequest& request) {
  if (!is_own_origin(request))
    return core::fail("foreign_origin", "pages of " + std::string{header_of(request, "origin")} +
                                          " may not connect here, only those of this server");
  return {};
}

std::string choose_subprotocol(const msg::HttpRequest& request,
                               const std::vector<std::string_view>& supported) {
  for (const auto offered : list_of(request, "sec-websocket-protocol"))
    if (std::find(supported.begin(), supported.end(), offered) != supported.end())
      return std::string{offered};
  return {};
}

bool is_own_origin(const msg::HttpRequest& request) {
  const auto origin = header_of(request, "origin");
  if (origin.empty())
    return true;
  std::string host{header_of(request, "host")};
  std::transform(host.begin(), host.end(), host.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  });
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme) && equals_ignoring_case(origin.substr(scheme.size()), host))
      return true;
  return false;
}

} // namespace syncline::net
