// An event stream of a client (WHATWG HTML, 9.2), on Beast, which takes long to compile. It speaks
// one way only: each hello is a request of its own, which ends the one before it.

#include "net/client/dialed_socket.hpp"
#include "net/protocol/sse_parser.hpp"
#include "net/protocol/stream_frame.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <deque>
#include <limits>
#include <utility>

namespace syncline::net {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

/// Hears of one request.
struct events_callbacks {
  std::function<void()> on_begin; ///< the stream is one of events
  std::function<void(std::string_view bytes)> on_bytes;
  std::function<void(core::error why)> on_end;
};

/// One request and its reply that does not end.
class events_request {
public:
  events_request() = default;
  events_request(const events_request&) = delete;
  events_request& operator=(const events_request&) = delete;
  virtual ~events_request() = default;
  virtual void start() = 0;
  /// Lets the next bytes in.
  virtual void read() = 0;
  /// Nothing more is heard of it.
  virtual void cancel() = 0;
};

// connecting --> asking --> reading head --> open --> over
template <class Transport>
class events_request_over : public events_request,
                            public std::enable_shared_from_this<events_request_over<Transport>> {
public:
  events_request_over(dialer_io& io, const http_destination& to, const std::string& query,
                      events_callbacks callbacks)
    : origin_{to.origin}, callbacks_{std::move(callbacks)}, socket_{io, to} {
    request_.version(11);
    request_.method(http::verb::get);
    request_.target(to.target + query);
    request_.set(http::field::host, to.authority);
    request_.set(http::field::accept, "text/event-stream");
    request_.set(http::field::cache_control, "no-store");
    request_.set(http::field::user_agent, io.settings.user_agent);
    // Not `none`, which this Beast takes for a limit of nothing where a length is announced.
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  void start() override {
    socket_.connect([self = this->shared_from_this()](const std::optional<core::error>& failure) {
      if (failure)
        self->end(*failure);
      else
        self->ask();
    });
  }
  void read() override {
    if (!is_open_ || is_over_ || parser_.is_done() || std::exchange(reading_, true))
      return;
    parser_.get().body().data = bytes_.data();
    parser_.get().body().size = bytes_.size();
    parser_.get().body().more = true;
    http::async_read_some(
      socket_.transport(), buffer_, parser_,
      [self = this->shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }
  void cancel() override {
    is_over_ = true;
    socket_.close();
  }

private:
  void end(core::error why) {
    if (std::exchange(is_over_, true))
      return;
    socket_.close();
    callbacks_.on_end(std::move(why));
  }
  bool goes_on(const error_code& error) {
    if (error)
      end({dial_code(error), origin_ + ": " + error.message()});
    return !is_over_;
  }

  void ask() {
    http::async_write(socket_.transport(), request_,
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        if (self->goes_on(error))
                          self->read_head();
                      });
  }
  void read_head() {
    http::async_read_header(socket_.transport(), buffer_, parser_,
                            [self = this->shared_from_this()](error_code error, std::size_t) {
                              if (self->goes_on(error))
                                self->on_head();
                            });
  }
  void on_head() {
    const auto& head = parser_.get();
    const auto type = head[http::field::content_type];
    if (head.result() != http::status::ok || !is_event_stream({type.data(), type.size()}))
      return end({dial_code(head.result_int()), origin_ + " answered a request for events with " +
                                                  std::to_string(head.result_int()) +
                                                  " and no events"});
    if (parser_.is_done())
      return end({"connection_cut", origin_ + " ended the stream"});
    is_open_ = true;
    callbacks_.on_begin();
  }
  void on_read(error_code error) {
    reading_ = false;
    if (error == http::error::need_buffer)
      error = {};
    const auto taken = bytes_.size() - parser_.get().body().size;
    const bool is_done = parser_.is_done(); // Of the body that was read; the next may begin below.
    if (!is_over_ && !error && taken != 0)
      callbacks_.on_bytes({bytes_.data(), taken});
    if (!goes_on(error))
      return;
    if (is_done)
      return end({"connection_cut", origin_ + " ended the stream"});
    if (taken == 0)
      read(); // The length of a chunk, and nothing of it.
  }

  static constexpr std::size_t read_bytes = std::size_t{16} << 10;

  std::string origin_;
  events_callbacks callbacks_;
  dialed_socket<Transport> socket_;
  http::request<http::empty_body> request_;
  http::response_parser<http::buffer_body> parser_;
  beast::flat_buffer buffer_;
  std::array<char, read_bytes> bytes_{};
  bool is_open_ = false;
  bool reading_ = false;
  bool is_over_ = false;
};

class events_connection : public dialed_connection {
public:
  events_connection(dialer_io& io, http_destination to, std::shared_ptr<live_listener> listener)
    : io_{io}, to_{std::move(to)}, listener_{std::move(listener)}, patience_{io.context} {}
  ~events_connection() override {
    drop_request();
  }
  events_connection(const events_connection&) = delete;
  events_connection& operator=(const events_connection&) = delete;

  void start() override {
    if (!is_over_)
      listener_->on_open(); // It is the hello that connects.
  }

  void ping() override {} // The server's comments are all the life there is.

  void send(std::string message) override {
    const auto frame = decode_frame(message);
    if (is_over_ || !frame || !frame->has_hello())
      return;
    const auto query = hello_query(message);
    if (query.size() > query_max)
      return end({"too_large", "an event stream cannot be asked for so many collections; they are "
                               "polled instead"});
    drop_request();
    parser_.emplace(io_.settings.message_max * 4 / 3 + 16); // as base64url
    frames_.clear();
    wait_for_head();
    request_ = make_request(query);
    request_->start();
  }

  void resume() override {
    wanted_ = true;
    deliver();
  }

  void end(core::error why) override {
    if (std::exchange(is_over_, true))
      return;
    drop_request();
    listener_->on_end(std::move(why));
  }

private:
  static constexpr std::size_t query_max = 7'500; // bytes; many servers take a line of 8 KiB

  std::weak_ptr<events_connection> weak_self() {
    return std::static_pointer_cast<events_connection>(shared_from_this());
  }

  std::shared_ptr<events_request> make_request(const std::string& query) {
    // The requests before this one were cancelled, and say nothing more.
    events_callbacks callbacks;
    callbacks.on_begin = [weak = weak_self()] {
      if (const auto self = weak.lock()) {
        self->patience_.cancel();
        self->deliver();
      }
    };
    callbacks.on_bytes = [weak = weak_self()](std::string_view bytes) {
      if (const auto self = weak.lock())
        self->on_bytes(bytes);
    };
    callbacks.on_end = [weak = weak_self()](core::error why) {
      if (const auto self = weak.lock())
        self->end(std::move(why));
    };
    if (to_.tls)
      return std::make_shared<events_request_over<dialed_tls>>(io_, to_, query,
                                                               std::move(callbacks));
    return std::make_shared<events_request_over<dialed_tcp>>(io_, to_, query, std::move(callbacks));
  }

  void drop_request() {
    patience_.cancel();
    if (const auto request = std::exchange(request_, nullptr))
      request->cancel();
  }

  void wait_for_head() {
    patience_.expires_after(io_.settings.connect_timeout);
    patience_.async_wait([weak = weak_self()](error_code cancelled) {
      if (const auto self = weak.lock(); self && !cancelled)
        self->end({"timeout", self->to_.origin + " did not take the connection in time"});
    });
  }

  void on_bytes(std::string_view bytes) {
    bool is_sound = true;
    const auto before = frames_.size();
    const auto fed = parser_->feed(bytes, [&](const sse_event& event) {
      auto frame = decode_frame_event(event.data);
      is_sound = is_sound && frame.has_value();
      if (frame)
        frames_.push_back(std::move(*frame));
    });
    if (!fed)
      return end(fed.error());
    if (!is_sound)
      return end({"not_our_server", to_.origin + " sent events that are not of syncline.v1"});
    if (frames_.size() == before)
      listener_->on_alive();
    deliver();
  }

  void deliver() {
    if (!wanted_ || is_over_ || !request_)
      return;
    if (frames_.empty())
      return request_->read();
    wanted_ = false;
    auto frame = std::move(frames_.front());
    frames_.pop_front();
    listener_->on_message(std::move(frame));
  }

  dialer_io& io_;
  http_destination to_;
  std::shared_ptr<live_listener> listener_;
  dialed_timer patience_;
  std::shared_ptr<events_request> request_;
  std::optional<sse_parser> parser_;
  std::deque<std::string> frames_; // of one read
  bool wanted_ = true;
  bool is_over_ = false;
};

} // namespace

std::shared_ptr<dialed_connection> make_events_connection(dialer_io& io, http_destination to,
                                                          std::shared_ptr<live_listener> listener) {
  return std::make_shared<events_connection>(io, std::move(to), std::move(listener));
}

} // namespace syncline::net
