#pragma once
// HTTP requests to servers, run by libcurl on a thread of the pool's own.
//
// The pool moves bytes and judges only whether a reply arrived whole: any status, and HTML as well
// as JSON, is a reply. It never retries a request that may have reached the server, never follows
// a redirect, and never delivers part of a body.

#include "http.pb.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace syncline::net {

/// Sends requests over at most a few kept-alive connections per host. All members may be called
/// from any thread, except that `stop` and the destructor must not run inside a callback.
class http_pool {
public:
  /// Limits and timeouts; sizes are bytes.
  struct options {
    int connections_per_host = 4; // further requests wait in the order they came
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds idle_timeout{30'000};    // without a byte in either direction
    std::chrono::milliseconds request_timeout{60'000}; // where HttpRequest.timeout_ms is 0
    std::size_t response_head_max = std::size_t{64} << 10;
    std::size_t response_encoded_max = std::size_t{8} << 20;
    std::size_t response_decoded_max = std::size_t{64} << 20;
    std::size_t response_ratio_max = 100; // decoded / encoded, above 1 MiB decoded
    bool compress_requests = true;        // gzip, where the body is larger than the next value
    std::size_t gzip_request_above = 1024;
    bool accept_compressed = true; // asks for zstd or gzip
    std::string ca_file = {};      // PEM; empty: the system's authorities
    std::string user_agent = "syncline";
  };

  /// Gets the reply, or one with status 0 and `failure` set: network_unreachable,
  /// connection_refused, timeout, connection_cut, too_large, bad_encoding, not_allowed,
  /// tls_refused, stopped. Runs on the pool's thread, must not block and must not throw.
  using callback = std::function<void(msg::HttpReply)>;

  /// Starts the thread.
  explicit http_pool(options settings);
  http_pool() : http_pool(options{}) {}
  /// Stops.
  ~http_pool();
  http_pool(const http_pool&) = delete;
  http_pool& operator=(const http_pool&) = delete;

  /// Sends `request` to `base_url` + target and calls `done` exactly once. `base_url` is
  /// `https://host[:port][/path]`, or `http://` where the host is loopback (127.0.0.0/8, ::1,
  /// localhost); anything else is `not_allowed` without a connection. The target begins with `/`.
  /// `timeout_ms` spans everything, waiting for a free connection included. After `stop`, `done`
  /// is called before this returns, on the calling thread, with `stopped`.
  void submit(std::string base_url, msg::HttpRequest request, callback done);

  /// Ends the thread; every request that has no reply by then gets the failure `stopped`.
  void stop();

private:
  class worker;
  std::unique_ptr<worker> worker_;
};

} // namespace syncline::net
