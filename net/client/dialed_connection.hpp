#pragma once
// A connection of the dialer as its thread sees it. Private to the client.

#include "net/client/http_destination.hpp"
#include "net/client/live_dialer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace syncline::net {

/// What all connections of a dialer share.
struct dialer_io {
  live_dialer::options settings;
  boost::asio::io_context context{1};
  boost::asio::ssl::context tls{boost::asio::ssl::context::tls_client};
};

/// All on the dialer's thread.
class dialed_connection : public std::enable_shared_from_this<dialed_connection> {
public:
  dialed_connection() = default;
  dialed_connection(const dialed_connection&) = delete;
  dialed_connection& operator=(const dialed_connection&) = delete;
  virtual ~dialed_connection() = default;

  virtual void start() = 0;
  virtual void send(std::string message) = 0;
  virtual void ping() = 0;
  virtual void resume() = 0;
  /// Ends it; the listener is told why.
  virtual void end(core::error why) = 0;
};

/// What a WebSocket is opened to.
struct ws_destination {
  http_destination http;
  std::size_t message_max = 0;
};

[[nodiscard]] std::shared_ptr<dialed_connection>
make_ws_connection(dialer_io& io, ws_destination to, std::shared_ptr<live_listener> listener);

[[nodiscard]] std::shared_ptr<dialed_connection>
make_events_connection(dialer_io& io, http_destination to, std::shared_ptr<live_listener> listener);

} // namespace syncline::net
