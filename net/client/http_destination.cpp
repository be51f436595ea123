#include "net/client/http_destination.hpp"

#include "net/protocol/header_field.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace syncline::net {
namespace {

/// Frees a parsed URL.
struct url_deleter {
  void operator()(CURLU* url) const {
    curl_url_cleanup(url);
  }
};

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]" || host == "::1")
    return true;
  // libcurl has already rewritten every numeric form to four decimal numbers.
  return host.starts_with("127.") &&
         std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr)
    return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner{text, &curl_free};
  return text;
}

bool is_header_value(std::string_view value) {
  return std::ranges::all_of(value, is_field_value_char);
}

} // namespace

core::expected<http_destination> resolve_destination(const std::string& base_url,
                                                     std::string_view target) {
  const std::unique_ptr<CURLU, url_deleter> url{curl_url()};
  const auto refused = [&base_url](const std::string& why) {
    return core::fail("not_allowed", "no request is sent to '" + base_url + "': " + why);
  };
  if (!url || curl_url_set(url.get(), CURLUPART_URL, base_url.c_str(), 0) != CURLUE_OK)
    return core::fail("not_allowed", "the server's URL cannot be read; it should look like "
                                     "https://host:port/path");
  // A URL with credentials must not be repeated in a message that may be logged.
  if (!url_part(url.get(), CURLUPART_USER).empty() ||
      !url_part(url.get(), CURLUPART_PASSWORD).empty())
    return core::fail("not_allowed", "the server's URL holds a user or password; give "
                                     "credentials as a token instead");
  if (!url_part(url.get(), CURLUPART_QUERY).empty() ||
      !url_part(url.get(), CURLUPART_FRAGMENT).empty())
    return refused("a base URL has no query and no fragment");
  const bool target_ok = target.starts_with('/') && std::ranges::all_of(target, [](char c) {
                           return c > ' ' && c <= '~' && c != '#';
                         });
  if (!target_ok)
    return refused("the target must begin with '/' and be percent-encoded");
  http_destination destination;
  const auto scheme = url_part(url.get(), CURLUPART_SCHEME);
  const auto host = url_part(url.get(), CURLUPART_HOST);
  destination.tls = scheme == "https";
  if (!destination.tls && scheme != "http")
    return refused("only https:// and http:// are spoken");
  if (!destination.tls && !is_loopback_host(host))
    return refused("plain http:// is for loopback hosts only; use https://");
  destination.port = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  destination.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  destination.authority = host + ":" + destination.port;
  destination.origin = scheme + "://" + destination.authority;
  auto path = url_part(url.get(), CURLUPART_PATH);
  if (path.ends_with('/'))
    path.pop_back();
  destination.target = path + std::string{target};
  destination.url = destination.origin + destination.target;
  return destination;
}

core::expected<void> validate_request(const msg::HttpRequest& request) {
  if (!is_token(request.method()))
    return core::fail("not_allowed", "the request's method is not an HTTP token");
  for (const auto& header : request.headers())
    if (!is_token(header.name()) || !is_header_value(header.value()))
      return core::fail("not_allowed",
                        "a request header's name or value holds characters that HTTP forbids");
  return {};
}

} // namespace syncline::net
