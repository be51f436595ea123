#include "net/client/dialed_socket.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/error.hpp>

namespace syncline::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;

std::string dial_code(const boost::system::error_code& error) {
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

std::string dial_code(unsigned status) {
  if (status == 401 || status == 403)
    return "needs_auth";
  if (status == 413 || status == 414 || status == 431)
    return "too_large";
  return status >= 500 && status < 600 ? "server_error" : "not_our_server";
}

} // namespace syncline::net
