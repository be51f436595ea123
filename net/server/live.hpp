#pragma once
// Connections that have left requests and replies behind: WebSocket (RFC 6455) and event streams
// (server-sent events). An owner behind `live_peer` hears what arrives; whoever holds the
// `live_link` can send.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syncline::net {

/// Bytes that are made once and sent to many.
using shared_bytes = std::shared_ptr<const std::string>;

/// One WebSocket message as a server puts it on the wire: one frame, without mask (RFC 6455 5.2).
/// `text` must be UTF-8.
[[nodiscard]] shared_bytes make_message_frame(std::string_view payload, bool text);

/// The way to one live connection. Thread-safe; may outlive the connection, and then does nothing.
class live_link {
public:
  virtual ~live_link() = default;

  /// Sends whole frames or events as they stand, after all that was sent before. There is no limit
  /// here: who sends much waits for `on_drained`, which follows where `tells_drained`.
  virtual void send_all(std::vector<shared_bytes> all, bool tells_drained) = 0;
  /// One of them; `on_drained` follows.
  void send(shared_bytes bytes) {
    send_all({std::move(bytes)}, true);
  }

  /// Ends the connection after what was sent: `code` as in RFC 6455 7.4, `reason` ASCII of at most
  /// 123 bytes (cut there). An event stream just ends.
  virtual void close(std::uint16_t code, std::string reason) = 0;

  /// Lets the next message in, after an `on_message` that gave false.
  virtual void resume() = 0;

  /// From now on the connection gets what is published in `topic` after `seq`, without another
  /// word, until `on_left`. That comes at once where something was published after `seq` already.
  virtual void follow(std::string topic, std::uint64_t seq,
                      std::shared_ptr<const std::string> cursor) = 0;

  /// Answered by `on_left`, if it followed until now.
  virtual void unfollow(std::string topic) = 0;
};

/// Owns a live connection. Called on one of the server's io threads, for one connection always the
/// same, and never after `on_end`. Must not block and must not throw.
class live_peer {
public:
  live_peer() = default;
  live_peer(const live_peer&) = delete;
  live_peer& operator=(const live_peer&) = delete;
  virtual ~live_peer() = default;

  /// The handshake is done.
  virtual void on_begin(std::shared_ptr<live_link> link) = 0;

  /// One whole message (text is UTF-8). True: the next one may come. False: nothing more is read
  /// until `live_link::resume`, so that a peer cannot send faster than its messages are carried
  /// out.
  [[nodiscard]] virtual bool on_message(std::string_view payload, bool text) = 0;

  /// The socket has taken all that it was given; told to who has asked for it.
  virtual void on_drained() {}

  /// It follows the topic no longer: it was told to stop, or has to read for itself what comes
  /// after `seq`, where `cursor` says the same. `is_full`: the socket has not taken all yet, and
  /// `on_drained` follows when it has.
  virtual void on_left(const std::string& /*topic*/, std::uint64_t /*seq*/,
                       const std::shared_ptr<const std::string>& /*cursor*/, bool /*is_full*/) {}

  /// The connection is gone, whoever ended it.
  virtual void on_end() {}
};

} // namespace syncline::net
