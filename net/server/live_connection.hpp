#pragma once
// A live connection as its io thread sees it. Private to the server.

#include "http.pb.h"
#include "net/server/http_connection.hpp"
#include "net/server/live.hpp"
#include "net/server/publication.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace syncline::net {

/// What WebSocket and event streams have in common. All on the connection's io thread.
class live_connection : public std::enable_shared_from_this<live_connection> {
public:
  live_connection(io_worker& worker, std::uint64_t id, std::shared_ptr<live_peer> peer)
    : worker_{worker}, id_{id}, peer_{std::move(peer)} {}
  live_connection(const live_connection&) = delete;
  live_connection& operator=(const live_connection&) = delete;
  virtual ~live_connection() = default;

  virtual void start() = 0;
  /// The server goes: says so and lets what was sent arrive.
  virtual void go_away() = 0;
  /// At once.
  virtual void close() = 0;
  /// Every half second or so: says that we are there, and closes what is silent for too long.
  virtual void on_time(io_clock::time_point now) = 0;

  // What a `live_link` asks for.
  virtual void send_all(const std::vector<shared_bytes>& all, bool tells_drained) = 0;
  virtual void close_with(std::uint16_t code, const std::string& reason) = 0;
  virtual void resume() = 0;
  void follow(const std::string& topic, const live_position& position);
  void unfollow(const std::string& topic);

  /// Bytes of a publication; `flush` follows. False: the socket is full.
  virtual bool deliver(const shared_bytes& bytes) = 0;
  virtual void flush() = 0;
  void leave(const std::string& topic, const live_position& position) {
    peer_->on_left(topic, position.seq, position.cursor, awaits_drain());
  }

protected:
  /// Bytes. Above this much that the peer has not taken, it is sent no publication and nothing more
  /// is read from it.
  static constexpr std::size_t unsent_max = std::size_t{256} << 10;

  /// Whether something is unsent; if so, the peer is told when it is gone.
  bool awaits_drain() {
    drain_wanted_ = drain_wanted_ || unsent_bytes() != 0;
    return drain_wanted_;
  }
  /// The peer waits until what it sends now is gone.
  void want_drain() noexcept {
    drain_wanted_ = true;
  }
  /// Nothing is unsent any more: says so to a peer that waits for it.
  void report_drained() {
    if (std::exchange(drain_wanted_, false))
      peer_->on_drained();
  }
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;

  [[nodiscard]] std::shared_ptr<live_link> make_link();
  void begin() {
    peer_->on_begin(make_link());
  }
  [[nodiscard]] live_peer& peer() const {
    return *peer_;
  }
  [[nodiscard]] const http_server::options& limits() const {
    return worker_.state.settings;
  }
  /// The connection is gone. Once.
  void end();

private:
  io_worker& worker_;
  std::uint64_t id_;
  std::shared_ptr<live_peer> peer_;
  bool ended_ = false;
  bool drain_wanted_ = false;
};

/// A request that leaves HTTP, with its socket and what was read behind it.
struct live_opening {
  msg::HttpRequest request;
  std::shared_ptr<live_peer> peer;
  std::string subprotocol; ///< WebSocket: the one that was chosen; empty: none
  std::size_t message_bytes_max = std::size_t{1} << 20;
  std::string read_ahead; ///< came behind the request in the same packet
};

[[nodiscard]] std::shared_ptr<live_connection>
make_ws_connection(io_worker& worker, std::uint64_t id, stream_socket socket, live_opening opening);

[[nodiscard]] std::shared_ptr<live_connection> make_sse_connection(io_worker& worker,
                                                                   std::uint64_t id,
                                                                   stream_socket socket,
                                                                   live_opening opening);

} // namespace syncline::net
