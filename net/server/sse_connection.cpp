// An event stream (WHATWG HTML, 9.2: server-sent events): a reply that does not end.

#include "net/server/gathering_stream.hpp"
#include "net/server/live_connection.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace syncline::net {
namespace {

using boost::system::error_code;

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
    begin(); // What the session sends is posted, and so comes after the head.
    stream_.push(std::make_shared<std::string>(head));
    watch();
  }
  void go_away() override {
    close_with(0, {});
  }
  void close() override {
    stream_.close(); // Which says so to `end`.
  }
  void on_time(io_clock::time_point now) override {
    if (closing_since_ && now - *closing_since_ > limits().live_close_max)
      return close();
    if (stream_.look_for_progress() == 0)
      taken_all_at_ = now;
    const auto waited = now - std::max(taken_all_at_, stream_.moved_at());
    // A peer that is gone is found out by what it does not acknowledge, if only a comment.
    if (waited > limits().live_silence_max - limits().live_comment_after)
      return close();
    if (stream_.waiting_bytes() == 0 && now - commented_at_ > limits().live_comment_after) {
      commented_at_ = now;
      stream_.push(comment());
    }
  }

  void send_all(const std::vector<shared_bytes>& all, bool tells_drained) override {
    if (closing_since_)
      return;
    if (tells_drained)
      want_drain();
    for (const auto& each : all)
      stream_.queue(each);
    stream_.flush();
  }
  void close_with(std::uint16_t, const std::string&) override {
    if (!closing_since_)
      closing_since_ = io_clock::now();
    if (stream_.waiting_bytes() == 0)
      close();
  }
  void resume() override {}
  bool deliver(const shared_bytes& bytes) override {
    if (closing_since_ || stream_.is_blocked() || stream_.waiting_bytes() > unsent_max)
      return false;
    stream_.queue(bytes);
    return true;
  }
  void flush() override {
    stream_.flush();
  }

private:
  std::size_t unsent_bytes() const override {
    return stream_.waiting_bytes();
  }
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
    if (closing_since_)
      return close();
    report_drained();
  }

  gathering_stream stream_;
  std::array<char, 64> ignored_{};
  io_clock::time_point commented_at_ = io_clock::now();
  io_clock::time_point taken_all_at_ = io_clock::now();
  std::optional<io_clock::time_point> closing_since_;
};

} // namespace

std::shared_ptr<live_connection> make_sse_connection(io_worker& worker, std::uint64_t id,
                                                     stream_socket socket, live_opening opening) {
  return std::make_shared<sse_connection>(worker, id, std::move(socket), std::move(opening));
}

} // namespace syncline::net
