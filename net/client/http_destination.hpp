#pragma once
// What may be sent, and where to: checked before any connection is made. Private to the pool; pure
// and thread-safe.

#include "core/expected.hpp"
#include "http.pb.h"

#include <string>
#include <string_view>

namespace syncline::net {

/// Where a request goes.
struct http_destination {
  std::string url;    // whole, ready for libcurl
  std::string origin; // scheme, host and port: what connections are counted by
  std::string host;   // without the brackets of an IPv6 address
  std::string port;
  std::string authority; // host and port, as the Host header has them
  std::string target;    // of the request: the base URL's path, and the target
  bool tls = false;
};

/// Checks the rules of `http_pool::submit` for a URL and a target. Error: `not_allowed`.
[[nodiscard]] core::expected<http_destination> resolve_destination(const std::string& base_url,
                                                                   std::string_view target);

/// Checks method and headers: nothing in them can start a second header or request. Error:
/// `not_allowed`.
[[nodiscard]] core::expected<void> validate_request(const msg::HttpRequest& request);

} // namespace syncline::net
