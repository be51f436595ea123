#pragma once
// HTTP/1.1 on a loopback port (RFC 9112): heads are checked by net/protocol/request_head, bodies
// are decoded and replies encoded here, so that a handler sees plain requests and gives plain
// replies. TLS, tokens and other addresses than loopback come in front of or after this.

#include "core/expected.hpp"
#include "http.pb.h"
#include "net/server/live.hpp"
#include "net/server/publication.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace syncline::net {

/// Accepts connections and answers each one's requests in order, one at a time. A connection has
/// bounded memory: one head, one body, and at most 64 KiB read ahead of the request under way.
class http_server {
public:
  /// Limits; sizes are bytes.
  struct options {
    std::string host = "127.0.0.1"; // an address, or "localhost"
    std::uint16_t port = 8440;      // 0: any free one
    std::size_t head_max = std::size_t{16} << 10;
    std::size_t body_encoded_max = std::size_t{8} << 20;
    std::size_t body_decoded_max = std::size_t{64} << 20;
    std::size_t body_ratio_max = 100;                    // decoded / encoded, above 1 MiB decoded
    std::size_t compress_above = 1024;                   // replies larger than this
    std::chrono::milliseconds head_timeout{10'000};      // from the first byte, or from the accept
    std::chrono::milliseconds body_idle_timeout{30'000}; // without a byte, reading or writing
    std::size_t body_rate_min = 256; // bytes/s on average, once body_idle_timeout has passed
    std::chrono::milliseconds keep_alive_timeout{75'000}; // between two requests
    std::chrono::milliseconds linger_timeout{1'000};      // for a refused peer to stop sending
    std::size_t connections_max = 10'000;                 // beyond: 503 and close
    std::size_t requests_reserved = 64; // connections beyond those that live ones cannot take
    std::chrono::milliseconds live_ping_after{20'000};    // WebSocket: without a sign of the peer
    std::chrono::milliseconds live_silence_max{45'000};   // and then it is taken for gone
    std::chrono::milliseconds live_comment_after{15'000}; // event streams: between two comments
    std::chrono::milliseconds live_close_max{10'000};     // for the peer to take the last of it
    std::string events_path = "/events"; // GET of it asks for an event stream; empty: nothing does
    int threads = 1;
  };

  /// Takes the reply; may be called from any thread, once. If all copies are destroyed without a
  /// call, the request is answered with 500 `no_reply`. A status outside 200..599 or a header that
  /// HTTP forbids becomes 500 `bad_reply`. Replies are compressed on the calling thread.
  using responder = std::function<void(msg::HttpReply)>;

  /// Gets each whole request: body decoded, header names lower case, without Content-Length,
  /// Content-Encoding and Transfer-Encoding. Runs on one of the server's threads, for one
  /// connection always the same; must not block and must not throw. `connection` is unique in this
  /// server. The reply's status, headers and body are used; for HEAD the body only gives the
  /// Content-Length.
  using handler = std::function<void(std::uint64_t connection, msg::HttpRequest, responder)>;

  /// What a request that asks for a WebSocket or an event stream gets.
  struct live_offer {
    std::shared_ptr<live_peer> peer;
    std::string subprotocol;                              ///< one of those offered; empty: none
    std::size_t message_bytes_max = std::size_t{1} << 20; ///< beyond: close code 1009
  };

  /// Decides about a well-formed request that asks for a WebSocket, or for `events_path` without
  /// an upgrade; an error is the reply.
  /// Runs on one of the server's threads; must not block and must not throw.
  using live_opener = std::function<core::expected<live_offer>(const msg::HttpRequest&)>;

  /// What happened since the start.
  struct counters {
    std::uint64_t connections_open = 0;
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0; // over connections_max
    std::uint64_t requests = 0;            // given to the handler
    std::uint64_t requests_refused = 0;    // head, framing, size or encoding
    std::uint64_t timeouts = 0;            // connections closed for being slow
  };

  /// Listens and starts the threads. Errors: `address_in_use`, `not_loopback`, `bad_address`.
  /// Without `open_live` there are no WebSockets and no event streams.
  [[nodiscard]] static core::expected<std::unique_ptr<http_server>>
  start(options settings, handler serve, live_opener open_live = nullptr);
  /// Stops without waiting for requests under way.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// The port that is listened on.
  [[nodiscard]] std::uint16_t port() const;

  /// From any thread.
  [[nodiscard]] counters count() const;

  /// The way to all that follow a topic. It may outlive the server, and then does nothing.
  [[nodiscard]] std::shared_ptr<live_publisher> publisher() const;

  /// Stops accepting, closes idle connections and, with 1001, WebSockets, lets requests under way
  /// finish until `deadline` has passed, closes the rest and joins the threads. Replies given later
  /// are dropped. Must not be called from a handler.
  void stop(std::chrono::milliseconds deadline);

private:
  class listener;
  explicit http_server(std::unique_ptr<listener> owned);
  std::unique_ptr<listener> listener_;
};

} // namespace syncline::net
