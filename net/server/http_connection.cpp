#include "net/server/http_connection.hpp"

#include "core/ensure.hpp"
#include "net/protocol/server_codec.hpp"
#include "net/protocol/websocket_handshake.hpp"
#include "net/server/live_connection.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <ctime>
#include <utility>

namespace syncline::net {
namespace {

using boost::system::error_code;
using clock = io_clock;

constexpr std::size_t linger_bytes_max = std::size_t{16} << 20;

/// Shared by all copies of one responder.
class pending_reply {
public:
  pending_reply(std::weak_ptr<connection> owner, io_worker& worker, const reply_terms& terms)
    : owner_{std::move(owner)}, gate_{worker.gate}, terms_{terms},
      compress_above_{worker.state.settings.compress_above} {}
  pending_reply(const pending_reply&) = delete;
  pending_reply& operator=(const pending_reply&) = delete;
  ~pending_reply() {
    if (!given_.exchange(true))
      deliver(refusal_reply({500, "no_reply", "the server gave up this request without a reply"}));
  }

  void give(msg::HttpReply reply) {
    core::ensure(!given_.exchange(true), "a request is answered once");
    deliver(serialise_reply(terms_, std::move(reply), compress_above_, std::time(nullptr)));
  }

private:
  void deliver(wire_reply wire);

  std::weak_ptr<connection> owner_;
  std::shared_ptr<reply_gate> gate_;
  reply_terms terms_;
  std::size_t compress_above_;
  std::atomic<bool> given_ = false;
};

void pending_reply::deliver(wire_reply wire) {
  if (std::this_thread::get_id() == gate_->thread) {
    const auto owner = owner_.lock();
    if (owner && owner->in_handler())
      return owner->keep_reply(std::move(wire));
  }
  const std::lock_guard lock{gate_->mutex};
  if (gate_->context != nullptr)
    asio::post(*gate_->context, [owner = owner_, wire = std::move(wire)]() mutable {
      if (const auto alive = owner.lock())
        alive->on_reply(std::move(wire));
    });
}

} // namespace

void connection::start(bool accepted) {
  error_code ignored; // A socket that fails here fails again when it is read.
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  deadline_ = clock::now() + settings_.head_timeout;
  if (accepted)
    return wait_readable();
  worker_.state.refused += 1;
  (void)send(refusal_reply({503, "overloaded",
                            "the server has as many connections as it may; "
                            "try again later"}));
}

void connection::refuse(const head_refusal& refusal) {
  worker_.state.requests_refused += 1;
  (void)send(refusal_reply(refusal));
}

void connection::on_reply(wire_reply wire) {
  if (phase_ == phase::handling && send(std::move(wire)))
    resume();
}

void connection::on_time(clock::time_point now) {
  const bool moving =
    phase_ == phase::writing || (phase_ == phase::reading && transfer_begun_ != never);
  const bool slow = moving && now - transfer_begun_ > settings_.body_idle_timeout &&
                    bytes_moved() < bytes_due(now - transfer_begun_);
  if (deadline_ > now && !slow)
    return;
  // Bytes that are here already came in time: it is this thread that is late.
  error_code unreadable;
  if (phase_ == phase::reading && socket_.available(unreadable) > 0)
    return;
  const bool idle = phase_ == phase::reading && answered_ && !reader_.begun();
  if (!idle && phase_ != phase::lingering)
    worker_.state.timeouts += 1;
  if (phase_ == phase::reading && reader_.begun())
    refuse({408, "request_timeout", "the request did not arrive in time; send it again"});
  else
    close();
}

void connection::close_if_idle() {
  if (phase_ == phase::reading && !reader_.begun())
    close();
}

void connection::close() {
  if (std::exchange(phase_, phase::closed) == phase::closed)
    return;
  error_code ignored; // There is nobody left to tell.
  socket_.close(ignored);
  worker_.remove(id_);
}

void connection::wait_readable() {
  socket_.async_wait(stream_socket::wait_read, [self = shared_from_this()](error_code error) {
    if (!error)
      self->on_readable();
  });
}

void connection::on_readable() {
  if (phase_ != phase::reading && phase_ != phase::lingering)
    return;
  error_code error;
  const auto size = socket_.read_some(asio::buffer(worker_.buffer), error);
  if (error == asio::error::would_block)
    return wait_readable();
  // A peer may end its half and still listen.
  if (error == asio::error::eof && phase_ == phase::reading && reader_.begun())
    return refuse({400, "incomplete_request",
                   "the connection ended inside the request; nothing was done; send it again"});
  if (error)
    return close();
  if (phase_ == phase::reading)
    return advance({worker_.buffer.data(), size});
  lingered_bytes_ += size;
  lingered_bytes_ > linger_bytes_max ? close() : wait_readable();
}

void connection::resume() {
  advance(std::string_view{pending_}.substr(pending_used_));
}

// Serves what is in `bytes`, which lie in the worker's buffer or in `pending_`.
void connection::advance(std::string_view bytes) {
  const bool begun_before = reader_.begun();
  for (;;) {
    const auto stage = reader_.feed(bytes);
    if (stage == request_reader::stage::refused)
      return refuse(reader_.refusal());
    if (stage != request_reader::stage::ready)
      break;
    reply_terms terms;
    auto request = reader_.take_request(terms);
    if (asks_for_websocket(request) || asks_for_events(request))
      return leave_http(std::move(request), terms, bytes);
    if (!serve(std::move(request), terms))
      return keep(bytes);
  }
  pending_.clear();
  pending_used_ = 0;
  set_read_deadline(begun_before);
  if (reader_.take_continue()) {
    // 25 bytes always fit an empty send buffer; if they do not, the client sends unasked.
    error_code ignored;
    (void)socket_.write_some(asio::buffer(std::string_view{"HTTP/1.1 100 Continue\r\n\r\n"}),
                             ignored);
  }
  wait_readable();
}

// The rest waits here while a reply is made or sent; nothing more is read meanwhile.
void connection::keep(std::string_view bytes) {
  const bool inside = bytes.data() >= pending_.data() &&
                      bytes.data() <= pending_.data() + pending_.size() && !pending_.empty();
  if (inside) {
    pending_used_ = pending_.size() - bytes.size();
  } else {
    pending_ = bytes;
    pending_used_ = 0;
  }
}

void connection::set_read_deadline(bool begun_before) {
  const auto now = clock::now();
  if (reader_.where() == request_reader::stage::body) {
    deadline_ = now + settings_.body_idle_timeout;
    if (transfer_begun_ == never)
      transfer_begun_ = now;
  } else if (!reader_.begun()) {
    deadline_ = now + (answered_ ? settings_.keep_alive_timeout : settings_.head_timeout);
  } else if (!begun_before && answered_) {
    deadline_ = now + settings_.head_timeout;
  }
}

// Returns whether the next request can be read.
bool connection::serve(msg::HttpRequest request, reply_terms terms) {
  phase_ = phase::handling;
  deadline_ = never;
  transfer_begun_ = never;
  terms.keep_alive = terms.keep_alive && !worker_.state.stopping;
  worker_.state.requests += 1;
  in_handler_ = true;
  worker_.state.serve(id_, std::move(request),
                      [reply = std::make_shared<pending_reply>(weak_from_this(), worker_, terms)](
                        msg::HttpReply given) { reply->give(std::move(given)); });
  in_handler_ = false;
  return early_reply_ && send(*std::exchange(early_reply_, std::nullopt));
}

bool connection::asks_for_events(const msg::HttpRequest& request) const {
  const std::string_view target{request.target()};
  return request.method() == "GET" && !settings_.events_path.empty() &&
         target.substr(0, target.find('?')) == settings_.events_path;
}

// From here on the socket belongs to a live connection; a refusal ends it.
void connection::leave_http(msg::HttpRequest request, reply_terms terms,
                            std::string_view read_ahead) {
  worker_.state.requests += 1;
  const bool wants_events = !asks_for_websocket(request);
  auto checked = wants_events ? check_events_request(request) : check_websocket_request(request);
  core::expected<http_server::live_offer> offer = core::fail("stopped", "the server is stopping");
  if (!checked)
    offer = checked.error();
  else if (!worker_.state.open_live)
    offer = core::fail("unknown_route", "there are no live connections here");
  else if (worker_.state.live >= settings_.connections_max)
    offer = core::fail("overloaded", "the server has as many live connections as it may; poll, or "
                                     "try again later");
  else if (!worker_.state.stopping)
    offer = worker_.state.open_live(request);
  if (!offer) {
    auto reply = make_refusal(offer.error(), body_format::json);
    if (offer.error().code == "websocket_version")
      add_header(reply, "sec-websocket-version", "13"); // RFC 6455, 4.4
    worker_.state.requests_refused += 1;
    terms.keep_alive = false;
    (void)send(
      serialise_reply(terms, std::move(reply), settings_.compress_above, std::time(nullptr)));
    return;
  }
  phase_ = phase::closed;
  live_opening opening{std::move(request), std::move(offer->peer), std::move(offer->subprotocol),
                       offer->message_bytes_max, std::string{read_ahead}};
  const auto make = wants_events ? make_sse_connection : make_ws_connection;
  worker_.add_live(id_, make(worker_, id_, std::move(socket_), std::move(opening)));
}

bool connection::send(wire_reply wire) {
  out_ = std::move(wire);
  out_sent_ = 0;
  phase_ = phase::writing;
  transfer_begun_ = never;
  return flush();
}

// Returns whether the next request can be read.
bool connection::flush() {
  const auto all = out_.head.size() + out_.body.size();
  while (out_sent_ < all) {
    const auto in_head = std::min(out_sent_, out_.head.size());
    const std::array<asio::const_buffer, 2> rest{asio::buffer(out_.head) + in_head,
                                                 asio::buffer(out_.body) + (out_sent_ - in_head)};
    error_code error;
    out_sent_ += socket_.write_some(rest, error);
    if (error == asio::error::would_block) {
      wait_writable();
      return false;
    }
    if (error) {
      close();
      return false;
    }
  }
  return on_sent();
}

void connection::wait_writable() {
  const auto now = clock::now();
  deadline_ = now + settings_.body_idle_timeout;
  if (transfer_begun_ == never)
    transfer_begun_ = now;
  socket_.async_wait(stream_socket::wait_write, [self = shared_from_this()](error_code error) {
    if (!error && self->phase_ == phase::writing && self->flush())
      self->resume();
  });
}

bool connection::on_sent() {
  answered_ = true;
  transfer_begun_ = never;
  const bool last = out_.close || worker_.state.stopping;
  out_ = wire_reply{};
  phase_ = phase::reading;
  if (last)
    linger();
  return !last;
}

// Closing at once would reset the connection while the peer still sends, and the reset would
// overtake our reply. So we say that we are done and drop what comes for a moment.
void connection::linger() {
  phase_ = phase::lingering;
  pending_.clear();
  deadline_ = clock::now() + settings_.linger_timeout;
  error_code error;
  socket_.shutdown(stream_socket::shutdown_send, error);
  error ? close() : wait_readable();
}

std::size_t connection::bytes_moved() const {
  return phase_ == phase::writing ? out_sent_ : reader_.body_bytes();
}

std::size_t connection::bytes_due(clock::duration elapsed) const {
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  return static_cast<std::size_t>(whole) * settings_.body_rate_min / 1000;
}

} // namespace syncline::net
