// A WebSocket connection of the server, on Beast, which takes long to compile.

#include "net/server/gathering_stream.hpp"
#include "net/server/live_connection.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <optional>
#include <utility>

namespace syncline::net {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
// Without permessage-deflate, which breaks connections in this version of Beast: no code for it is
// in the program, and an offer is declined.
using ws_stream = websocket::stream<gathering_stream, false>;

constexpr std::chrono::seconds handshake_max{10};
constexpr std::size_t close_reason_max = 123;

beast::http::request<beast::http::empty_body> to_beast(const msg::HttpRequest& request) {
  beast::http::request<beast::http::empty_body> out{beast::http::verb::get, request.target(), 11};
  for (const auto& header : request.headers())
    out.insert(header.name(), header.value());
  return out;
}

// handshake --accepted--> open --close from either side--> closing --> gone
class ws_connection : public live_connection {
public:
  ws_connection(io_worker& worker, std::uint64_t id, stream_socket socket, live_opening opening)
    : live_connection{worker, id, std::move(opening.peer)}, opening_{std::move(opening)},
      stream_{std::move(socket), std::move(opening_.read_ahead)} {}

  void start() override;
  void go_away() override {
    goes_away_ = true;
    close_with(websocket::close_code::going_away, "the server goes down");
  }
  void close() override {
    stream_.next_layer().close(); // Which says so to `on_broken`.
  }
  void on_time(io_clock::time_point now) override;
  void send_all(const std::vector<shared_bytes>& all, bool tells_drained) override {
    if (!is_open())
      return;
    if (tells_drained)
      want_drain();
    for (const auto& each : all)
      stream_.next_layer().queue(each);
    stream_.next_layer().flush();
  }
  void close_with(std::uint16_t code, const std::string& reason) override;
  void resume() override;
  bool deliver(const shared_bytes& bytes) override {
    auto& out = stream_.next_layer();
    if (!is_open() || out.is_blocked() || out.waiting_bytes() > unsent_max)
      return false;
    stream_.next_layer().queue(bytes);
    return true;
  }
  void flush() override {
    stream_.next_layer().flush();
  }

private:
  std::size_t unsent_bytes() const override {
    return stream_.next_layer().waiting_bytes();
  }
  std::shared_ptr<ws_connection> self() {
    return std::static_pointer_cast<ws_connection>(shared_from_this());
  }
  // Beast ends it on its own where a message breaks the rules: nothing follows its close frame.
  [[nodiscard]] bool is_open() const {
    return open_ && stream_.is_open();
  }
  void on_accepted(error_code error);
  void read();
  void on_read(error_code error);
  void on_drained();
  void on_broken();

  live_opening opening_;
  ws_stream stream_;
  beast::flat_buffer message_;
  std::optional<io_clock::time_point> closing_since_;
  bool open_ = false;      // data may be sent
  bool reading_ = false;   // a read is under way
  bool wants_more_ = true; // the peer can take the next message
  bool pinging_ = false;   // a ping is on its way out
  bool goes_away_ = false; // the server does
  bool broken_ = false;
};

void ws_connection::start() {
  stream_.next_layer().set_owner(
    weak_from_this(), [this] { on_drained(); }, [this] { on_broken(); });
  // Beast's own timers hear only what comes in: a slow line that takes a long message would be cut.
  websocket::stream_base::timeout patience{};
  patience.handshake_timeout = handshake_max;
  patience.idle_timeout = websocket::stream_base::none();
  patience.keep_alive_pings = false;
  stream_.set_option(patience);
  stream_.set_option(websocket::stream_base::decorator{
    [chosen = opening_.subprotocol](websocket::response_type& response) {
      response.erase(beast::http::field::server); // Nobody need know which library this is.
      if (!chosen.empty())
        response.set(beast::http::field::sec_websocket_protocol, chosen);
    }});
  stream_.read_message_max(opening_.message_bytes_max);
  stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
    if (kind == websocket::frame_type::close)
      open_ = false; // Beast answers it; nothing may follow the answer.
  });
  stream_.async_accept(to_beast(opening_.request),
                       [self = self()](error_code error) { self->on_accepted(error); });
}

void ws_connection::on_accepted(error_code error) {
  opening_.request.Clear();
  if (error || broken_)
    return close();
  open_ = true;
  begin();
  read();
  if (goes_away_)
    go_away(); // That was said during the handshake.
}

void ws_connection::read() {
  if (reading_ || broken_ || !wants_more_ || stream_.next_layer().waiting_bytes() > unsent_max)
    return;
  reading_ = true;
  stream_.async_read(message_,
                     [self = self()](error_code error, std::size_t) { self->on_read(error); });
}

void ws_connection::on_read(error_code error) {
  reading_ = false;
  if (error)
    return close(); // What went wrong was told to the peer by Beast, with its close code.
  if (broken_)
    return;
  const auto bytes = message_.cdata();
  wants_more_ =
    peer().on_message({static_cast<const char*>(bytes.data()), bytes.size()}, stream_.got_text());
  message_ = beast::flat_buffer{}; // An idle connection keeps no buffer.
  read();
}

void ws_connection::resume() {
  wants_more_ = true;
  read();
}

void ws_connection::on_drained() {
  if (broken_ || !open_)
    return;
  report_drained();
  read();
}

void ws_connection::close_with(std::uint16_t code, const std::string& reason) {
  if (!std::exchange(open_, false))
    return;
  closing_since_ = io_clock::now();
  const beast::string_view text{reason.data(), std::min(reason.size(), close_reason_max)};
  stream_.async_close(websocket::close_reason{static_cast<websocket::close_code>(code), text},
                      [self = self()](error_code) { self->close(); });
}

void ws_connection::on_time(io_clock::time_point now) {
  if (closing_since_ && now - *closing_since_ > limits().live_close_max)
    return close();
  if (!wants_more_)
    return; // It is we who do not listen.
  if (now - stream_.next_layer().moved_at() > limits().live_ping_after / 2)
    stream_.next_layer().look_for_progress();
  const auto silent = now - stream_.next_layer().moved_at();
  if (silent > limits().live_silence_max)
    return close();
  if (silent < limits().live_ping_after || !is_open() || std::exchange(pinging_, true))
    return;
  stream_.async_ping({}, [self = self()](error_code) { self->pinging_ = false; });
}

void ws_connection::on_broken() {
  open_ = false;
  broken_ = true;
  end();
}

} // namespace

std::shared_ptr<live_connection> make_ws_connection(io_worker& worker, std::uint64_t id,
                                                    stream_socket socket, live_opening opening) {
  return std::make_shared<ws_connection>(worker, id, std::move(socket), std::move(opening));
}

} // namespace syncline::net
