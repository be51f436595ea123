// A WebSocket of a client, on Beast, which takes long to compile.

#include "net/client/dialed_connection.hpp"
#include "net/protocol/stream_frame.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <deque>
#include <type_traits>
#include <utility>

namespace syncline::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using io_executor = asio::io_context::executor_type;
using tcp_stream = asio::basic_stream_socket<tcp, io_executor>;
using tls_stream = asio::ssl::stream<tcp_stream>;
using tcp_resolver = asio::ip::basic_resolver<tcp, io_executor>;
using io_timer =
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, io_executor>;

// Beast has its own string_view.
const beast::string_view subprotocol{stream_subprotocol.data(), stream_subprotocol.size()};

std::string code_of(const error_code& error) {
  if (error == asio::error::connection_refused)
    return "connection_refused";
  if (error == asio::error::eof || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe || error == asio::ssl::error::stream_truncated ||
      error == websocket::error::closed || error == http::error::end_of_stream ||
      error == http::error::partial_message)
    return "connection_cut";
  if (error.category() == asio::error::get_ssl_category())
    return "tls_refused";
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow)
    return "too_large";
  const bool says_other_things =
    error.category() == make_error_code(websocket::error::closed).category() ||
    error.category() == make_error_code(http::error::bad_version).category();
  return says_other_things ? "not_our_server" : "network_unreachable";
}

/// What an answer says that is no upgrade to our subprotocol.
std::string code_of(unsigned status) {
  if (status == 401 || status == 403)
    return "needs_auth";
  return status >= 500 && status < 600 ? "server_error" : "not_our_server";
}

// resolving --> connecting --> securing (TLS only) --> upgrading --> open --> over
//     '--------------'---------------'---------------------'-----------------^
template <class Transport>
class ws_connection : public dialed_connection {
public:
  static constexpr bool is_tls = std::is_same_v<Transport, tls_stream>;

  ws_connection(dialer_io& io, http_destination to, std::shared_ptr<live_listener> listener)
    : io_{io}, to_{std::move(to)}, listener_{std::move(listener)}, resolver_{io.context},
      patience_{io.context}, stream_{make_stream(io)} {}

  void start() override {
    patience_.expires_after(io_.settings.connect_timeout);
    patience_.async_wait([self = self()](error_code cancelled) {
      if (!cancelled)
        self->end({"timeout", self->to_.origin + " did not take the connection in time"});
    });
    resolver_.async_resolve(to_.host, to_.port,
                            [self = self()](error_code error, const auto& found) {
                              if (self->goes_on(error))
                                self->connect(found);
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

  void resume() override {
    if (is_open_ && !is_over_ && !std::exchange(reading_, true))
      read();
  }

  void end(core::error why) override {
    if (std::exchange(is_over_, true))
      return;
    patience_.cancel();
    resolver_.cancel();
    error_code ignored; // It is gone either way.
    socket().close(ignored);
    listener_->on_end(std::move(why));
  }

private:
  static constexpr std::size_t unsent_max = 64; // messages: what we say is little

  using stream = websocket::stream<Transport, false>; // without permessage-deflate

  static stream make_stream(dialer_io& io) {
    if constexpr (is_tls)
      return stream{tcp_stream{io.context}, io.tls};
    else
      return stream{io.context};
  }
  tcp_stream& socket() {
    return beast::get_lowest_layer(stream_);
  }
  std::shared_ptr<ws_connection> self() {
    return std::static_pointer_cast<ws_connection>(shared_from_this());
  }

  /// False where it is over.
  bool goes_on(const error_code& error) {
    if (error)
      end({code_of(error), to_.origin + ": " + error.message()});
    return !is_over_;
  }

  void connect(const tcp_resolver::results_type& found) {
    asio::async_connect(socket(), found, [self = self()](error_code error, const tcp::endpoint&) {
      if (self->goes_on(error))
        self->secure();
    });
  }

  void secure() {
    error_code ignored; // Frames are small, and wait for nothing.
    socket().set_option(tcp::no_delay{true}, ignored);
    if constexpr (is_tls) {
      auto& tls = stream_.next_layer();
      tls.set_verify_mode(asio::ssl::verify_peer); // Whatever the context says.
      tls.set_verify_callback(asio::ssl::host_name_verification{to_.host});
      error_code bad_address;
      asio::ip::make_address(to_.host, bad_address);
      if (bad_address) // A name; an address must not be sent (RFC 6066, 3).
        SSL_set_tlsext_host_name(tls.native_handle(), to_.host.c_str());
      tls.async_handshake(asio::ssl::stream_base::client, [self = self()](error_code error) {
        if (error && !self->is_over_)
          return self->end({"tls_refused", self->to_.origin + ": " + error.message()});
        if (self->goes_on(error))
          self->upgrade();
      });
    } else {
      upgrade();
    }
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
    stream_.read_message_max(io_.settings.message_max);
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
      return end({code_of(status), to_.origin + " answered a WebSocket with " +
                                     std::to_string(status) +
                                     (error ? "" : " and without syncline.v1")});
    if (!goes_on(error))
      return;
    patience_.cancel();
    response_ = {};
    is_open_ = true;
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
  std::shared_ptr<live_listener> listener_;
  tcp_resolver resolver_;
  io_timer patience_;
  stream stream_;
  websocket::response_type response_;
  beast::flat_buffer message_;
  std::deque<std::string> unsent_;
  bool is_open_ = false;
  bool reading_ = false;
  bool is_over_ = false;
};

} // namespace

std::shared_ptr<dialed_connection> make_ws_connection(dialer_io& io, http_destination to,
                                                      std::shared_ptr<live_listener> listener) {
  if (to.tls)
    return std::make_shared<ws_connection<tls_stream>>(io, std::move(to), std::move(listener));
  return std::make_shared<ws_connection<tcp_stream>>(io, std::move(to), std::move(listener));
}

} // namespace syncline::net
