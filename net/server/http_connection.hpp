#pragma once
// The Asio side of the server: io threads and their connections. Private to the server, because
// it brings Asio's headers.

#include "net/server/http_exchange.hpp"
#include "net/server/http_server.hpp"
#include "net/server/publication.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace syncline::net {

namespace asio = boost::asio;
using io_executor = asio::io_context::executor_type;
using stream_socket = asio::basic_stream_socket<asio::ip::tcp, io_executor>;
using io_clock = std::chrono::steady_clock;
using io_timer = asio::basic_waitable_timer<io_clock, asio::wait_traits<io_clock>, io_executor>;

class connection;
class live_connection;

inline constexpr std::size_t read_buffer_bytes = std::size_t{64} << 10;

/// What all threads of one server share.
struct server_state {
  http_server::options settings;
  http_server::handler serve;
  http_server::live_opener open_live;
  std::atomic<bool> stopping = false;
  std::atomic<std::uint64_t> open = 0;
  std::atomic<std::uint64_t> live = 0; // of these
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> requests_refused = 0;
  std::atomic<std::uint64_t> timeouts = 0;
  std::mutex empty_mutex;
  std::condition_variable empty; // signalled whenever `open` falls to 0
};

class io_worker;

/// The way back into an io thread for replies, which may come after the server is gone.
struct reply_gate {
  std::mutex mutex;
  io_worker* worker = nullptr;
  asio::io_context* context = nullptr; // null once the thread no longer takes replies
  std::thread::id thread;
};

/// One io thread with its connections; everything in it is touched by that thread only.
class io_worker {
public:
  explicit io_worker(server_state& shared) : state{shared} {
    gate->worker = this;
    gate->context = &context;
  }

  void add(stream_socket socket);
  void remove(std::uint64_t id);
  /// A connection that was taken over: `connection` is gone, its place is not.
  void add_live(std::uint64_t id, const std::shared_ptr<live_connection>& made);
  void remove_live(std::uint64_t id);
  /// Delivers it together with those that arrive until then.
  void publish(std::shared_ptr<const publication> published);
  void end_topic(const std::string& topic);
  void close_idle();
  void close_all();
  /// The live ones only, so that they come again.
  void drop_live();

  server_state& state;
  asio::io_context context{1};
  asio::executor_work_guard<io_executor> work{context.get_executor()};
  std::shared_ptr<reply_gate> gate = std::make_shared<reply_gate>();
  std::array<char, read_buffer_bytes> buffer{}; // filled and emptied within one event
  std::thread thread;
  follower_table topics;

private:
  void sweep();
  void deliver_published();
  void count_out();

  std::unordered_map<std::uint64_t, std::shared_ptr<connection>> connections_;
  std::unordered_map<std::uint64_t, std::shared_ptr<live_connection>> live_;
  std::vector<std::shared_ptr<const publication>> published_;
  io_timer timer_{context};
  bool sweeping_ = false;
};

/// One client. Reads, handles and writes one request after the other.
//
// reading --whole request--> handling --reply--> writing --keep alive--> reading
//    '----refusal, timeout------------------------^  '--close--> lingering --> closed
class connection : public std::enable_shared_from_this<connection> {
public:
  connection(io_worker& worker, std::uint64_t id, stream_socket socket)
    : worker_{worker}, settings_{worker.state.settings}, id_{id}, socket_{std::move(socket)} {}

  /// Begins to read, or tells the client that there are too many.
  void start(bool accepted);

  // In the io thread; inside the handler the reply waits until the handler has returned, so that
  // a client with many requests in one packet does not deepen the stack.
  [[nodiscard]] bool in_handler() const {
    return in_handler_;
  }
  void keep_reply(wire_reply wire) {
    early_reply_ = std::move(wire);
  }
  void on_reply(wire_reply wire);
  void on_time(io_clock::time_point now);
  void close_if_idle();
  void close();

private:
  enum class phase { reading, handling, writing, lingering, closed };
  static constexpr io_clock::time_point never = io_clock::time_point::max();

  void wait_readable();
  void on_readable();
  void resume();
  void advance(std::string_view bytes);
  void keep(std::string_view bytes);
  void set_read_deadline(bool begun_before);
  bool serve(msg::HttpRequest request, reply_terms terms);
  [[nodiscard]] bool asks_for_events(const msg::HttpRequest& request) const;
  void leave_http(msg::HttpRequest request, reply_terms terms, std::string_view read_ahead);
  bool send(wire_reply wire);
  bool flush();
  void wait_writable();
  bool on_sent();
  void refuse(const head_refusal& refusal);
  void linger();
  [[nodiscard]] std::size_t bytes_moved() const;
  [[nodiscard]] std::size_t bytes_due(io_clock::duration elapsed) const;

  io_worker& worker_;
  const http_server::options& settings_;
  const std::uint64_t id_;
  stream_socket socket_;
  phase phase_ = phase::reading;
  bool in_handler_ = false;
  bool answered_ = false; // at least one request
  request_reader reader_{settings_};
  std::string pending_;
  std::size_t pending_used_ = 0;
  std::optional<wire_reply> early_reply_;
  wire_reply out_;
  std::size_t out_sent_ = 0;
  std::size_t lingered_bytes_ = 0;
  io_clock::time_point deadline_ = never;
  io_clock::time_point transfer_begun_ = never; // of the body or reply that takes several events
};

} // namespace syncline::net
