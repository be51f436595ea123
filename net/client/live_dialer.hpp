#pragma once
// Live connections to a server: WebSocket (RFC 6455) and event streams (WHATWG HTML, 9.2) on Beast,
// over TLS or loopback, on a thread of the dialer's own.

#include "net/client/live_line.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace syncline::net {

/// Connects to one server. All members may be called from any thread, except that `stop` and the
/// destructor must not run inside a listener.
class live_dialer {
public:
  /// Limits; sizes are bytes.
  struct options {
    std::chrono::milliseconds connect_timeout{10'000}; // until the server has taken the connection
    std::size_t message_max = std::size_t{8} << 20;    // beyond: the connection ends
    std::size_t document_message_max = std::size_t{40} << 20; // the same, for shared texts
    std::string ca_file = {}; // PEM; empty: the system's authorities
    std::string user_agent = "syncline";
  };

  /// `base_url` as for `http_pool::submit`.
  live_dialer(std::string base_url, options settings);
  explicit live_dialer(std::string base_url) : live_dialer{std::move(base_url), options{}} {}
  /// Stops.
  ~live_dialer();
  live_dialer(const live_dialer&) = delete;
  live_dialer& operator=(const live_dialer&) = delete;

  /// Begins to connect to `/stream` under the subprotocol `syncline.v1`, or waits for the hello
  /// that `/events` is asked for with, and returns at once. The listener ends with:
  /// `network_unreachable`, `connection_refused`, `connection_cut`, `timeout`, `tls_refused`,
  /// `not_allowed`, `needs_auth`, `not_our_server` (it answered in another way), `server_error`
  /// (5xx), `too_large`, `closed` (by us), `stopped`.
  std::shared_ptr<live_line> dial(live_way way, const std::shared_ptr<live_listener>& listener);

  /// Begins to connect to `/document/<id>` under `syncline.v1`. The listener may also end with
  /// `not_found` (the server has deleted the text) and `overloaded` (it is to be asked later).
  std::shared_ptr<live_line> dial_document(const document_address& where,
                                           const std::shared_ptr<live_listener>& listener);

  /// Ends every connection (`stopped`) and the thread.
  void stop();

private:
  class worker;
  class line;
  std::shared_ptr<worker> worker_; // Lines may outlive the dialer.
};

} // namespace syncline::net
