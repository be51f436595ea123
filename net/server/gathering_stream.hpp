#pragma once
// A socket below Beast's WebSocket. What Beast writes (handshake, pong, close) and frames that were
// encoded elsewhere, once for many connections, leave through one queue: as much of it in one write
// as the socket takes. Private to the server.

#include "net/server/http_connection.hpp"
#include "net/server/live.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace syncline::net {

/// The AsyncStream that Beast is given. Everything happens on the connection's io thread.
class gathering_stream {
public:
  using executor_type = io_executor;

  /// `first_bytes` were read behind the request and come before what the socket has.
  gathering_stream(stream_socket socket, std::string first_bytes)
    : socket_{std::move(socket)}, first_bytes_{std::move(first_bytes)} {}

  executor_type get_executor() {
    return socket_.get_executor();
  }

  /// `owner` is kept alive while the socket is waited for; `on_drained` is called each time the
  /// queue has run empty, `on_broken` once when the socket cannot be written any more.
  void set_owner(std::weak_ptr<void> owner, std::function<void()> on_drained,
                 std::function<void()> on_broken) {
    owner_ = std::move(owner);
    on_drained_ = std::move(on_drained);
    on_broken_ = std::move(on_broken);
  }

  /// Queues bytes for the next `flush`.
  void queue(shared_bytes bytes) {
    if (broken_)
      return;
    waiting_bytes_ += bytes->size();
    queue_.push_back({std::move(bytes), nullptr});
  }
  /// Sends what the socket takes.
  void flush();
  void push(shared_bytes bytes) {
    queue(std::move(bytes));
    flush();
  }
  /// Whether the socket is full.
  [[nodiscard]] bool is_blocked() const {
    return waits_writable_;
  }
  [[nodiscard]] std::size_t waiting_bytes() const {
    return waiting_bytes_;
  }
  /// When the peer last showed that it is there: a byte came, or it took some of what waited.
  [[nodiscard]] io_clock::time_point moved_at() const {
    return moved_at_;
  }
  /// Looks whether the peer takes a long message on a slow line: whether it has acknowledged any of
  /// what the kernel held for it, which counts for `moved_at` where that was more than a ping. To
  /// be called now and then. Bytes that it has not acknowledged, those that wait here included.
  std::size_t look_for_progress();
  [[nodiscard]] stream_socket& socket() {
    return socket_;
  }
  void close();

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
      [this](auto done, const Buffers& into) {
        if (first_bytes_.empty())
          return socket_.async_read_some(
            into, [this, done = std::move(done)](boost::system::error_code error,
                                                 std::size_t size) mutable {
              if (size != 0)
                moved_at_ = io_clock::now();
              done(error, size); // It owns what owns this.
            });
        const auto size = boost::asio::buffer_copy(into, boost::asio::buffer(first_bytes_));
        first_bytes_.erase(0, size);
        boost::asio::post(get_executor(), [done = std::move(done), size]() mutable {
          done(boost::system::error_code{}, size);
        });
      },
      handler, buffers);
  }

  /// Ends when the bytes have left the queue, so that a peer whose pings are not read away cannot
  /// make it grow.
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
      [this](auto done, const Buffers& from) {
        // Queued here it would never end, and Beast's work with it.
        if (broken_)
          return boost::asio::post(get_executor(), [done = std::move(done)]() mutable {
            done(boost::asio::error::operation_aborted, std::size_t{0});
          });
        auto copy = std::make_shared<std::string>();
        copy->resize(boost::asio::buffer_size(from));
        boost::asio::buffer_copy(boost::asio::buffer(*copy), from);
        waiting_bytes_ += copy->size();
        using done_type = decltype(done);
        queue_.push_back({std::move(copy), std::make_unique<kept<done_type>>(std::move(done))});
        flush();
      },
      handler, buffers);
  }

private:
  /// A handler of Beast, which cannot be copied.
  struct completion {
    completion() = default;
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;
    virtual ~completion() = default;
    virtual void end(const io_executor& where, boost::system::error_code error,
                     std::size_t bytes) = 0;
  };
  template <class Done>
  struct kept : completion {
    explicit kept(Done handler) : done{std::move(handler)} {}
    void end(const io_executor& where, boost::system::error_code error,
             std::size_t bytes) override {
      boost::asio::post(where,
                        [done = std::move(done), error, bytes]() mutable { done(error, bytes); });
    }
    Done done;
  };
  struct waiting {
    shared_bytes bytes;
    std::unique_ptr<completion> done; // of what Beast wrote
  };

  void forget_sent(std::size_t bytes);
  void fail(boost::system::error_code error);

  stream_socket socket_;
  std::string first_bytes_;
  std::vector<waiting> queue_;
  std::size_t sent_of_first_ = 0;
  std::size_t waiting_bytes_ = 0;
  io_clock::time_point moved_at_ = io_clock::now();
  std::size_t unacknowledged_ = 0; // bytes that the kernel held when it was looked last
  bool waits_writable_ = false;
  bool broken_ = false;
  std::weak_ptr<void> owner_;
  std::function<void()> on_drained_;
  std::function<void()> on_broken_;
};

/// Found by Beast: lets the peer read what was sent before the socket is closed.
template <class Handler>
void async_teardown(boost::beast::role_type role, gathering_stream& stream, Handler&& handler) {
  boost::beast::websocket::async_teardown(role, stream.socket(), std::forward<Handler>(handler));
}

/// Found by Beast, for a handshake or a close that takes too long.
inline void beast_close_socket(gathering_stream& stream) {
  stream.close();
}

} // namespace syncline::net
