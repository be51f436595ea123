#pragma once
// The server's io thread in a simulation: its sockets, and who follows what. The handlers above it
// are the real ones.

#include "net/server/publication.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::actors::simulation {

/// The messages in what a server sent: whole WebSocket frames, one after the other.
[[nodiscard]] std::vector<std::string> messages_in(std::string_view frames);

/// See above. The owner says when what is posted happens, and must outlive all links.
class simulated_io {
public:
  /// One socket.
  struct wire {
    std::shared_ptr<net::live_peer> peer;
    std::function<void(std::string_view)> receive; ///< whoever is at the other end
    std::function<void(std::uint16_t code)> on_close;
    std::function<void()> on_resume;
    std::vector<std::string> unsent;
    bool blocked = false;      ///< the socket is full
    bool drain_wanted = false; ///< the peer is told when it is not
    std::uint16_t close_code = 0;
  };

  /// Does `action` later; what one connection (0: the hub) posts, in its order.
  std::function<void(std::uint64_t connection, std::function<void()> action)> post;

  std::map<std::uint64_t, std::shared_ptr<wire>> wires;
  std::uint64_t shared_deliveries = 0;
  std::uint64_t left = 0;

  /// The handshake is done: the peer is told of its link soon.
  std::uint64_t connect(std::shared_ptr<wire> made);
  /// The socket is gone.
  void disconnect(std::uint64_t id);
  void unblock(wire& one) {
    one.blocked = false;
    flush(one);
  }

  void publish(net::publication published);
  void end_topic(const std::string& topic);

private:
  class link;
  static void flush(wire& one);
  static void leave(wire& one, const std::string& topic, const net::live_position& position);

  net::follower_table topics_;
  std::uint64_t last_id_ = 0;
};

} // namespace syncline::actors::simulation
