// An event stream (WHATWG HTML, 9.2: server-sent events): a reply that does not end.

#include "net/server/gathering_stream.hpp"
#include "net/server/live_connection.hpp"

#include <utility>

namespace syncline::net {
namespace {

using boost::system::error_code;

// A comment keeps proxies from closing the connection, and finds out whether the peer is there.
constexpr std::chrono::seconds comment_after{15};
constexpr std::chrono::seconds unsent_for_max{45};
constexpr std::size_t unsent_max = std::size_t{256} << 10;

// Without a length: the stream ends with the connection (RFC 9112, 6.3).
constexpr std::string_view head = "HTTP/1.1 200 OK\r\n"
                                  "content-type: text/event-stream\r\n"
                                  "cache-control: no-store\r\n"
                                  "x-accel-buffering: no\r\n"
                                  "connection: close\r\n"
                                  "\r\n";

class sse_connection : public live_connection {
public:
  sse_connection(io_worker& worker, std::uint64_t id, stream_socket socket, live_opening opening)
    : live_connection{worker, id, std::move(opening.peer)}, stream_{std::move(socket), {}} {}

  void start() override {
    stream_.set_owner(
      weak_from_this(), [this] { on_drained(); }, [this] { end(); });
    begin();
    stream_.push(
      std::make_shared<std::string>(head)); // Before what the session sends: that is posted.
    watch();
  }
  void go_away() override {
    close_with(0, {});
  }
  void close() override {
    stream_.close(); // Which says so to `end`.
  }
  void on_time(io_clock::time_point now) override {
    stream_.look_for_progress();
    const auto quiet = now - stream_.moved_at();
    if (stream_.waiting_bytes() != 0) {
      if (quiet > unsent_for_max || closing_)
        close();
    } else if (now - commented_at_ > comment_after) {
      commented_at_ = now;
      stream_.push(comment());
    }
  }

  void send(shared_bytes bytes) override {
    if (closing_)
      return;
    drain_wanted_ = true;
    stream_.push(std::move(bytes));
  }
  void close_with(std::uint16_t, const std::string&) override {
    closing_ = true;
    if (stream_.waiting_bytes() == 0)
      close();
  }
  void resume() override {}
  bool deliver(const shared_bytes& bytes) override {
    if (closing_ || stream_.is_blocked() || stream_.waiting_bytes() > unsent_max)
      return false;
    stream_.queue(bytes);
    return true;
  }
  void flush() override {
    stream_.flush();
  }

private:
  static shared_bytes comment() {
    static const auto made = std::make_shared<const std::string>(":\n\n");
    return made;
  }

  // What a peer sends here means nothing, but its end does.
  void watch() {
    stream_.async_read_some(asio::buffer(ignored_),
                            [self = shared_from_this(), this](error_code error, std::size_t) {
                              if (error)
                                close();
                              else
                                watch();
                            });
  }

  void on_drained() {
    if (closing_)
      return close();
    if (std::exchange(drain_wanted_, false))
      peer().on_drained();
  }

  gathering_stream stream_;
  std::array<char, 64> ignored_{};
  io_clock::time_point commented_at_ = io_clock::now();
  bool closing_ = false;
  bool drain_wanted_ = false;
};

} // namespace

std::shared_ptr<live_connection> make_sse_connection(io_worker& worker, std::uint64_t id,
                                                     stream_socket socket, live_opening opening) {
  return std::make_shared<sse_connection>(worker, id, std::move(socket), std::move(opening));
}

} // namespace syncline::net
