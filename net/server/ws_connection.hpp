#pragma once
// A WebSocket connection of the server, on Beast. Private to the server; Beast itself stays in the
// .cpp, since it takes long to compile.

#include "http.pb.h"
#include "net/server/http_connection.hpp"
#include "net/server/live.hpp"

#include <memory>
#include <string>

namespace syncline::net {

/// A live connection as its io thread sees it.
class live_connection {
public:
  live_connection() = default;
  live_connection(const live_connection&) = delete;
  live_connection& operator=(const live_connection&) = delete;
  virtual ~live_connection() = default;

  virtual void start() = 0;
  /// The server goes: says so and lets what was sent arrive.
  virtual void go_away() = 0;
  /// At once.
  virtual void close() = 0;
  /// Every half second or so: pings, and closes what is silent for too long.
  virtual void on_time(io_clock::time_point now) = 0;
};

/// What a WebSocket is opened with.
struct ws_opening {
  msg::HttpRequest request;
  std::string subprotocol; ///< the one that was chosen among those offered; empty: none
  std::shared_ptr<live_peer> peer;
  std::size_t message_bytes_max = std::size_t{1} << 20;
};

/// `read_ahead` came behind the request in the same packet.
[[nodiscard]] std::shared_ptr<live_connection>
make_ws_connection(io_worker& worker, std::uint64_t id, stream_socket socket, ws_opening opening,
                   std::string read_ahead);

} // namespace syncline::net
