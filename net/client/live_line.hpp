#pragma once
// A live connection as a client sees it: messages of our protocol in their order, until it ends.
// What carries them, a WebSocket or an event stream, is the dialer's business.

#include "core/expected.hpp"
#include "stream.pb.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace syncline::net {

/// Hears what happens on one connection. Called on the dialer's thread, in this order; must not
/// block and must not throw.
class live_listener {
public:
  live_listener() = default;
  live_listener(const live_listener&) = delete;
  live_listener& operator=(const live_listener&) = delete;
  virtual ~live_listener() = default;

  /// The server has taken the connection: frames may be sent.
  virtual void on_open() = 0;
  /// Something came that is no message, and only says that the other side is there.
  virtual void on_alive() = 0;
  /// One whole message. The next one comes after `live_line::resume`.
  virtual void on_message(std::string message) = 0;
  /// The connection could not be made, or is gone; nothing follows. Codes are those of
  /// `http_pool::callback`, and `not_our_server` where something else than our server answered.
  virtual void on_end(core::error why) = 0;
};

/// The way to one live connection. Thread-safe; may outlive the connection, and then does nothing.
/// When the last one goes, the connection is closed.
class live_line {
public:
  live_line() = default;
  live_line(const live_line&) = delete;
  live_line& operator=(const live_line&) = delete;
  virtual ~live_line() = default;

  /// Sends one message after those before it. An event stream is begun by each hello, which ends
  /// the one before it, and leaves out everything else.
  virtual void send(std::string message) = 0;
  /// Asks the other side for a sign of life, which is heard as `on_alive`. An event stream has
  /// none to ask for.
  virtual void ping() = 0;
  /// Lets the next message in.
  virtual void resume() = 0;
  /// At once; the listener hears `on_end`.
  virtual void close() = 0;
};

/// What carries the messages.
enum class live_way { websocket, events };

/// Which text a connection is for.
struct document_address {
  std::string id;
  bool again = false; ///< a deleted one is created again
};

/// Begins to connect and returns at once. The listener is told how it went.
using live_dial =
  std::function<std::shared_ptr<live_line>(live_way way, std::shared_ptr<live_listener> listener)>;

/// As above, for the connection to a shared text.
using document_dial = std::function<std::shared_ptr<live_line>(
  const document_address& where, std::shared_ptr<live_listener> listener)>;

} // namespace syncline::net
