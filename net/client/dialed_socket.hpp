#pragma once
// The way to a server for the dialer: name, TCP connection, TLS. Private to the client; includes
// Asio's TLS, which takes long to compile.

#include "net/client/dialed_connection.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace syncline::net {

using dialed_executor = boost::asio::io_context::executor_type;
using dialed_tcp = boost::asio::basic_stream_socket<boost::asio::ip::tcp, dialed_executor>;
using dialed_tls = boost::asio::ssl::stream<dialed_tcp>;
using dialed_timer = boost::asio::basic_waitable_timer<
  std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, dialed_executor>;

/// What a failure of the connection is called; see `live_dialer::dial`.
[[nodiscard]] std::string dial_code(const boost::system::error_code& error);

/// What an answer is called that is none of ours.
[[nodiscard]] std::string dial_code(unsigned status);

/// One connection, made once. `Transport` is `dialed_tcp` or `dialed_tls`. All on the dialer's
/// thread.
template <class Transport>
class dialed_socket {
public:
  static constexpr bool is_tls = std::is_same_v<Transport, dialed_tls>;
  /// With why it failed, or nothing.
  using callback = std::function<void(const std::optional<core::error>& failure)>;

  dialed_socket(dialer_io& io, http_destination to)
    : to_{std::move(to)}, resolver_{io.context}, transport_{make_transport(io)} {}

  [[nodiscard]] Transport& transport() {
    return transport_;
  }

  /// `done` keeps its owner, and with it this socket. Not called after `close`.
  void connect(callback done) {
    resolver_.async_resolve(
      to_.host, to_.port,
      [this, done = std::move(done)](boost::system::error_code error, const auto& found) mutable {
        if (goes_on(error, done))
          connect(found, std::move(done));
      });
  }

  void close() {
    is_closed_ = true;
    resolver_.cancel();
    boost::system::error_code ignored; // It is gone either way.
    transport_.lowest_layer().close(ignored);
  }

private:
  using resolver = boost::asio::ip::basic_resolver<boost::asio::ip::tcp, dialed_executor>;

  static Transport make_transport(dialer_io& io) {
    if constexpr (is_tls)
      return Transport{io.context, io.tls};
    else
      return Transport{io.context};
  }

  bool goes_on(const boost::system::error_code& error, const callback& done) const {
    if (is_closed_)
      return false;
    if (error)
      done(core::error{dial_code(error), to_.origin + ": " + error.message()});
    return !error;
  }

  void connect(const resolver::results_type& found, callback done) {
    boost::asio::async_connect(
      transport_.lowest_layer(), found,
      [this, done = std::move(done)](boost::system::error_code error, const auto&) mutable {
        if (goes_on(error, done))
          secure(std::move(done));
      });
  }

  void secure(callback done) {
    boost::system::error_code ignored; // Messages are small, and wait for nothing.
    transport_.lowest_layer().set_option(boost::asio::ip::tcp::no_delay{true}, ignored);
    if constexpr (is_tls) {
      transport_.set_verify_mode(boost::asio::ssl::verify_peer); // Whatever the context says.
      transport_.set_verify_callback(boost::asio::ssl::host_name_verification{to_.host});
      boost::system::error_code bad_address;
      boost::asio::ip::make_address(to_.host, bad_address);
      if (bad_address) // A name; an address must not be sent (RFC 6066, 3).
        SSL_set_tlsext_host_name(transport_.native_handle(), to_.host.c_str());
      transport_.async_handshake(
        boost::asio::ssl::stream_base::client,
        [this, done = std::move(done)](boost::system::error_code error) {
          if (is_closed_)
            return;
          if (error)
            return done(core::error{"tls_refused", to_.origin + ": " + error.message()});
          done(std::nullopt);
        });
    } else {
      done(std::nullopt);
    }
  }

  http_destination to_;
  resolver resolver_;
  Transport transport_;
  bool is_closed_ = false;
};

} // namespace syncline::net
