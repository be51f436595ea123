#include "actors/simulation/live_network.hpp"

#include "actors/client/host_actor.hpp"
#include "core/ensure.hpp"
#include "net/protocol/sse_parser.hpp"
#include "net/protocol/stream_frame.hpp"

#include <deque>
#include <utility>

namespace syncline::actors::simulation {

namespace {

constexpr std::int64_t connect_timeout_ms = 10'000;
// After so long the server's own socket notices a peer that has gone silent.
constexpr std::int64_t server_notices_after_ms = 45'000;
constexpr std::int64_t comment_after_ms = 15'000;
// Messages under way, above which the socket takes no more.
constexpr std::size_t in_flight_max = 3;

} // namespace

/// Both ends of one connection, and what is between them.
class live_network::connection : public std::enable_shared_from_this<connection> {
public:
  connection(live_network& network, int client, net::live_way way,
             std::shared_ptr<net::live_listener> listener, stream_fate fate)
    : network_{network}, client_{client}, way_{way}, listener_{std::move(listener)}, fate_{
                                                                                       std::move(
                                                                                         fate)} {}

  [[nodiscard]] int client() const {
    return client_;
  }
  void lead_to_document(net::document_address where) {
    document_ = std::move(where);
  }

  void connect() {
    if (way_ == net::live_way::events) // It is the hello that connects.
      return later(0, [](connection& self) { self.listener_->on_open(); });
    later(fate_.delay_ms, [](connection& self) { self.arrive({}); });
    later(connect_timeout_ms, [](connection& self) {
      if (!self.wire_)
        self.end("timeout");
    });
  }

  // The client's end.
  void send(std::string message) {
    if (way_ == net::live_way::events)
      return ask_for_events(message);
    later(fate_.delay_ms, [message = std::move(message)](connection& self) {
      // What was sent arrives, also where its sender is gone by then.
      if (self.is_silent_ || (self.over_ && !self.died_))
        return;
      self.to_server_.push_back(message);
      self.pump_server();
    });
  }
  void ping() {
    later(2 * fate_.delay_ms, [](connection& self) {
      if (!self.over_ && !self.is_silent_ && self.io_)
        self.listener_->on_alive();
    });
  }
  void resume() {
    later(0, [](connection& self) {
      self.client_reads_ = true;
      self.pump_client();
    });
  }
  void close() {
    later(0, [](connection& self) { self.end("closed"); });
  }
  void fall_silent() {
    is_silent_ = true;
    later(server_notices_after_ms, [](connection& self) { self.disconnect(); });
  }
  /// Its process is gone: nobody is told here, and the server soon.
  void client_died() {
    over_ = died_ = true;
    later(fate_.delay_ms, [](connection& self) { self.disconnect(); });
  }
  void server_died() {
    io_.reset();
    wire_id_ = 0;
    if (!is_silent_)
      later(fate_.delay_ms, [](connection& self) { self.end("connection_cut"); });
  }

private:
  template <class Action>
  void later(std::int64_t delay_ms, Action action) {
    network_.later(delay_ms, [self = shared_from_this(), action] { action(*self); });
  }

  void ask_for_events(const std::string& hello) {
    const auto frame = net::decode_frame(hello);
    if (!frame || !frame->has_hello())
      return;
    later(fate_.delay_ms, [hello = frame->hello()](connection& self) {
      if (self.over_ || self.is_silent_)
        return;
      self.disconnect();
      ++self.generation_;
      self.to_client_.clear();
      self.in_flight_ = 0;
      self.arrive(hello);
      self.comment(self.generation_);
    });
  }

  // As the server's socket does it, so that a client knows that there still is somebody.
  void comment(int generation) {
    later(comment_after_ms, [generation](connection& self) {
      if (self.over_ || self.is_silent_ || generation != self.generation_)
        return;
      self.listener_->on_alive();
      self.comment(generation);
    });
  }

  std::vector<std::string> messages_of(std::string_view bytes) {
    if (way_ == net::live_way::websocket)
      return messages_in(bytes);
    std::vector<std::string> messages;
    net::sse_parser parser; // Events are not cut here.
    core::ensure(parser
                   .feed(bytes,
                         [&](const net::sse_event& event) {
                           messages.push_back(net::decode_frame_event(event.data).value());
                         })
                   .has_value(),
                 "the server sends events that can be read");
    return messages;
  }

  void arrive(const msg::StreamHello& hello) {
    net::live_ask ask;
    ask.form = way_ == net::live_way::events ? msg::PROTOCOL_EVENTS : msg::PROTOCOL;
    ask.hello = hello;
    if (fate_.declined)
      return end("not_our_server");
    const auto peer = fate_.refused ? nullptr
                      : document_   ? network_.hooks_.open_document(*document_)
                                    : network_.hooks_.open(std::move(ask));
    if (!peer)
      return end("connection_refused");
    if (over_)
      return peer->on_end();
    wire_ = std::make_shared<simulated_io::wire>();
    wire_->peer = peer;
    wire_->receive = [self = weak_from_this()](std::string_view bytes) {
      if (const auto alive = self.lock())
        alive->transmit(bytes);
    };
    wire_->on_close = [self = weak_from_this()](std::uint16_t code) {
      const char* meaning = code == 4404   ? "not_found"
                            : code == 1013 ? "overloaded"
                                           : "connection_cut";
      if (const auto alive = self.lock())
        alive->later(alive->fate_.delay_ms, [meaning](connection& one) { one.end(meaning); });
    };
    wire_->on_resume = [self = weak_from_this()] {
      if (const auto alive = self.lock()) {
        alive->server_reads_ = true;
        alive->pump_server();
      }
    };
    io_ = network_.io_;
    wire_id_ = io_->connect(wire_);
    if (way_ == net::live_way::websocket)
      listener_->on_open();
    if (generation_ > 1)
      return; // Its fate has begun.
    if (fate_.cut_after_ms)
      later(*fate_.cut_after_ms, [](connection& self) {
        if (!self.is_silent_)
          self.end("connection_cut");
      });
    if (fate_.silent_after_ms)
      later(*fate_.silent_after_ms, [](connection& self) { self.fall_silent(); });
  }

  void transmit(std::string_view bytes) {
    for (auto& message : messages_of(bytes)) {
      if (is_silent_)
        return;
      if (fate_.damage)
        fate_.damage(message);
      if (++in_flight_ > in_flight_max)
        wire_->blocked = true;
      later(fate_.delay_ms, [message = std::move(message), made = generation_](connection& self) {
        if (self.over_ || self.is_silent_ || made != self.generation_)
          return;
        self.to_client_.push_back(message);
        self.pump_client();
      });
    }
  }

  void pump_client() {
    if (!client_reads_ || to_client_.empty() || over_)
      return;
    client_reads_ = false;
    auto message = std::move(to_client_.front());
    to_client_.pop_front();
    if (--in_flight_ <= in_flight_max && wire_->blocked && io_ && !is_silent_)
      io_->unblock(*wire_);
    listener_->on_message(std::move(message));
  }

  void pump_server() {
    while (server_reads_ && !to_server_.empty() && io_) {
      const auto message = std::move(to_server_.front());
      to_server_.pop_front();
      server_reads_ = wire_->peer->on_message(message, false);
    }
  }

  void disconnect() {
    if (const auto io = std::exchange(io_, nullptr))
      io->disconnect(wire_id_);
  }

  void end(const char* why) {
    if (std::exchange(over_, true))
      return;
    listener_->on_end({why, "simulated"});
    if (!is_silent_)
      later(fate_.delay_ms, [](connection& self) { self.disconnect(); });
  }

  live_network& network_;
  int client_;
  net::live_way way_;
  int generation_ = 0; // of the request, where the way is that of events
  std::shared_ptr<net::live_listener> listener_;
  stream_fate fate_;
  std::optional<net::document_address> document_; // what it leads to; none: the stream
  std::shared_ptr<simulated_io> io_;              // while the server knows of it
  std::shared_ptr<simulated_io::wire> wire_;
  std::uint64_t wire_id_ = 0;
  std::deque<std::string> to_client_;
  std::deque<std::string> to_server_;
  std::size_t in_flight_ = 0;
  bool client_reads_ = true;
  bool server_reads_ = true;
  bool is_silent_ = false;
  bool over_ = false; // for the client
  bool died_ = false; // its process
};

class live_network::line : public net::live_line {
public:
  explicit line(std::shared_ptr<connection> owned) : connection_{std::move(owned)} {}
  ~line() override {
    connection_->close();
  }
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  void send(std::string message) override {
    connection_->send(std::move(message));
  }
  void ping() override {
    connection_->ping();
  }
  void resume() override {
    connection_->resume();
  }
  void close() override {
    connection_->close();
  }

private:
  std::shared_ptr<connection> connection_;
};

live_network::live_network(deterministic_system& system, live_network_hooks hooks)
  : system_{system}, hooks_{std::move(hooks)}, runner_{client::spawn_host(system.system())} {
  make_io();
}

live_network::~live_network() {
  caf::anon_send_exit(runner_, caf::exit_reason::kill);
}

void live_network::make_io() {
  if (io_)
    past_.push_back(std::move(io_));
  io_ = std::make_shared<simulated_io>();
  // What a dead server's threads had still to do never happens.
  io_->post = [this, io = io_.get()](std::uint64_t, std::function<void()> action) {
    later(0, [this, io, action = std::move(action)] {
      if (io == io_.get())
        action();
    });
  };
}

void live_network::later(std::int64_t delay_ms, std::function<void()> action) {
  host_call call{[action = std::move(action)](caf::event_based_actor*) { action(); }};
  if (delay_ms == 0)
    return rt::anon_send(runner_, std::move(call));
  caf::delayed_anon_send(runner_, std::chrono::milliseconds{delay_ms}, std::move(call));
}

net::live_dial live_network::dial_of(int client) {
  return [this, client](net::live_way way, std::shared_ptr<net::live_listener> listener) {
    const auto made = std::make_shared<connection>(*this, client, way, std::move(listener),
                                                   hooks_.fate(client, way));
    return connect(made);
  };
}

net::document_dial live_network::document_dial_of(int client) {
  return [this, client](const net::document_address& where,
                        std::shared_ptr<net::live_listener> listener) {
    const auto way = net::live_way::websocket;
    const auto made = std::make_shared<connection>(*this, client, way, std::move(listener),
                                                   hooks_.fate(client, way));
    made->lead_to_document(where);
    return connect(made);
  };
}

std::shared_ptr<net::live_line> live_network::connect(std::shared_ptr<connection> made) {
  std::erase_if(connections_, [](const auto& each) { return each.expired(); });
  connections_.push_back(made);
  made->connect();
  return std::make_shared<line>(std::move(made));
}

void live_network::fall_silent(int client) {
  for (const auto& each : connections_)
    if (const auto alive = each.lock(); alive && alive->client() == client)
      alive->fall_silent();
}

void live_network::client_died(int client) {
  for (const auto& each : connections_)
    if (const auto alive = each.lock(); alive && alive->client() == client)
      alive->client_died();
}

void live_network::server_died() {
  for (const auto& each : connections_)
    if (const auto alive = each.lock())
      alive->server_died();
  make_io();
}

} // namespace syncline::actors::simulation
