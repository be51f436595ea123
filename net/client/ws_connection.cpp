// A WebSocket of a client, on Beast, which takes long to compile.

#include "net/client/dialed_socket.hpp"
#include "net/protocol/stream_frame.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <deque>
#include <utility>

namespace syncline::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

// Beast has its own string_view.
const beast::string_view subprotocol{stream_subprotocol.data(), stream_subprotocol.size()};

// resolving --> connecting --> securing (TLS only) --> upgrading --> open --> over
//     '--------------'---------------'---------------------'-----------------^
template <class Transport>
class ws_connection : public dialed_connection {
public:
  ws_connection(dialer_io& io, ws_destination to, std::shared_ptr<live_listener> listener)
    : io_{io}, to_{std::move(to.http)}, message_max_{to.message_max}, listener_{std::move(
                                                                        listener)},
      patience_{io.context}, socket_{io, to_}, stream_{socket_.transport()} {}

  void start() override {
    patience_.expires_after(io_.settings.connect_timeout);
    patience_.async_wait([self = self()](error_code cancelled) {
      if (!cancelled)
        self->end({"timeout", self->to_.origin + " did not take the connection in time"});
    });
    socket_.connect([self = self()](const std::optional<core::error>& failure) {
      if (failure)
        self->end(*failure);
      else
        self->upgrade();
    });
  }

  void send(std::string message) override {
    if (!is_open_ || is_over_)
      return;
    if (unsent_.size() >= unsent_max)
      return end({"connection_cut", to_.origin + " sends and does not read"});
    unsent_.push_back(std::move(message));
    if (unsent_.size() == 1)
      write();
  }

  void ping() override {
    if (!is_open_ || is_over_ || std::exchange(pinging_, true))
      return;
    stream_.async_ping({}, [self = self()](error_code error) {
      self->pinging_ = false;
      self->goes_on(error);
    });
  }

  void resume() override {
    if (is_open_ && !is_over_ && !std::exchange(reading_, true))
      read();
  }

  void end(core::error why) override {
    if (std::exchange(is_over_, true))
      return;
    patience_.cancel();
    socket_.close();
    listener_->on_end(std::move(why));
  }

private:
  static constexpr std::size_t unsent_max = 64; // messages: what we say is little

  using stream = websocket::stream<Transport&, false>; // without permessage-deflate

  std::shared_ptr<ws_connection> self() {
    return std::static_pointer_cast<ws_connection>(shared_from_this());
  }

  /// False where it is over.
  bool goes_on(const error_code& error) {
    if (error == websocket::error::closed && stream_.reason().code != 0)
      end({close_meaning(stream_.reason().code),
           to_.origin + " closed the connection with " + std::to_string(stream_.reason().code)});
    else if (error)
      end({dial_code(error), to_.origin + ": " + error.message()});
    return !is_over_;
  }

  // RFC 6455, 7.4.1; from 4000 on PROTOCOL.md section 7.
  static std::string close_meaning(unsigned code) {
    if (code == 4404)
      return "not_found";
    if (code == 1009)
      return "too_large";
    return code == 1013 ? "overloaded" : "connection_cut";
  }

  void upgrade() {
    websocket::stream_base::timeout patience{};
    patience.handshake_timeout = websocket::stream_base::none(); // Ours is for all of it.
    patience.idle_timeout = websocket::stream_base::none();      // The stream actor listens.
    patience.keep_alive_pings = false;
    stream_.set_option(patience);
    stream_.set_option(websocket::stream_base::decorator{
      [agent = io_.settings.user_agent](websocket::request_type& request) {
        request.set(http::field::sec_websocket_protocol, subprotocol);
        request.set(http::field::user_agent, agent);
      }});
    stream_.read_message_max(message_max_);
    stream_.binary(true);
    stream_.async_handshake(response_, to_.authority, to_.target,
                            [self = self()](error_code error) { self->on_upgraded(error); });
  }

  void on_upgraded(error_code error) {
    if (is_over_)
      return;
    const auto status = response_.result_int();
    const bool is_ours = response_[http::field::sec_websocket_protocol] == subprotocol;
    if (error == websocket::error::upgrade_declined || (!error && !is_ours))
      return end({dial_code(status), to_.origin + " answered a WebSocket with " +
                                       std::to_string(status) +
                                       (error ? "" : " and without syncline.v1")});
    if (!goes_on(error))
      return;
    patience_.cancel();
    response_ = {};
    is_open_ = true;
    stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (!is_over_ && kind != websocket::frame_type::close)
        listener_->on_alive();
    });
    listener_->on_open();
    resume();
  }

  void read() {
    stream_.async_read(message_, [self = self()](error_code error, std::size_t) {
      self->reading_ = false;
      if (!self->goes_on(error))
        return;
      if (self->stream_.got_text())
        return self->end({"not_our_server", self->to_.origin + " sent text over syncline.v1"});
      const auto bytes = self->message_.cdata();
      std::string message{static_cast<const char*>(bytes.data()), bytes.size()};
      self->message_ = beast::flat_buffer{}; // An idle connection keeps no buffer.
      self->listener_->on_message(std::move(message));
    });
  }

  void write() {
    stream_.async_write(asio::buffer(unsent_.front()),
                        [self = self()](error_code error, std::size_t) {
                          if (!self->goes_on(error))
                            return;
                          self->unsent_.pop_front();
                          if (!self->unsent_.empty())
                            self->write();
                        });
  }

  dialer_io& io_;
  http_destination to_;
  std::size_t message_max_;
  std::shared_ptr<live_listener> listener_;
  dialed_timer patience_;
  dialed_socket<Transport> socket_;
  stream stream_;
  websocket::response_type response_;
  beast::flat_buffer message_;
  std::deque<std::string> unsent_;
  bool is_open_ = false;
  bool reading_ = false;
  bool pinging_ = false;
  bool is_over_ = false;
};

} // namespace

std::shared_ptr<dialed_connection> make_ws_connection(dialer_io& io, ws_destination to,
                                                      std::shared_ptr<live_listener> listener) {
  if (to.http.tls)
    return std::make_shared<ws_connection<dialed_tls>>(io, std::move(to), std::move(listener));
  return std::make_shared<ws_connection<dialed_tcp>>(io, std::move(to), std::move(listener));
}

} // namespace syncline::net
