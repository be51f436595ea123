#pragma once
// Roles of the live benchmark (W3); see live_bench.cpp.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace syncline::bench {

/// An item that says when it was sent: some 220 bytes.
[[nodiscard]] std::string live_body(std::size_t index, std::int64_t sent_ns);

/// A plain client that writes items over a WebSocket, on the caller's thread.
class stream_writer {
public:
  explicit stream_writer(std::uint16_t port);
  stream_writer(const stream_writer&) = delete;
  stream_writer& operator=(const stream_writer&) = delete;
  ~stream_writer();

  /// Sends the next item, and takes what the server has said meanwhile.
  void write();

private:
  int socket_;
  std::size_t written_ = 0;
};

/// PORT COUNT MESSAGES: so many WebSockets, each until it has had so many messages; with 0 they
/// stay, idle. Tells `ready`, and then what it saw.
int subscribe(const std::vector<std::string>& arguments);

/// COUNT MESSAGES: the floor. Tells its `port`, waits for the subscribers and sends each message to
/// each of them, one system call for every delivery; no WebSocket, no store, no actors.
int fan_out(const std::vector<std::string>& arguments);

} // namespace syncline::bench
