#include "net/client/live_dialer.hpp"

#include "core/ensure.hpp"
#include "net/client/dialed_connection.hpp"
#include "net/protocol/url.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace syncline::net {

namespace asio = boost::asio;

/// The thread and its connections.
class live_dialer::worker {
public:
  worker(std::string base_url, options settings) : base_url_{std::move(base_url)} {
    io_.settings = std::move(settings);
    // Now: a connection takes these over when it is made, not when it shakes hands.
    io_.tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    io_.tls.set_verify_mode(asio::ssl::verify_peer);
    // Where no authority can be read every handshake is refused, and says so.
    boost::system::error_code ignored;
    if (io_.settings.ca_file.empty())
      io_.tls.set_default_verify_paths(ignored);
    else
      io_.tls.load_verify_file(io_.settings.ca_file, ignored);
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    stop();
  }

  std::shared_ptr<dialed_connection> dial(live_way way,
                                          const std::shared_ptr<live_listener>& listener) {
    auto to = resolve_destination(base_url_, way == live_way::websocket ? "/stream" : "/events");
    if (!to)
      return refuse(listener, to.error());
    if (way == live_way::events)
      return start(make_events_connection(io_, std::move(*to), listener), listener);
    return start(make_ws_connection(io_, {std::move(*to), io_.settings.message_max}, listener),
                 listener);
  }

  std::shared_ptr<dialed_connection> dial_document(const document_address& where,
                                                   const std::shared_ptr<live_listener>& listener) {
    std::string target = "/document/";
    append_percent_encoded(target, where.id, true);
    auto to = resolve_destination(base_url_, where.again ? target + "?create=1" : target);
    if (!to)
      return refuse(listener, to.error());
    return start(
      make_ws_connection(io_, {std::move(*to), io_.settings.document_message_max}, listener),
      listener);
  }

  static std::shared_ptr<dialed_connection> refuse(const std::shared_ptr<live_listener>& listener,
                                                   const core::error& why) {
    listener->on_end(why);
    return nullptr;
  }

  std::shared_ptr<dialed_connection> start(std::shared_ptr<dialed_connection> made,
                                           const std::shared_ptr<live_listener>& listener) {
    const bool runs = run([this, made] {
      std::erase_if(connections_, [](const auto& each) { return each.expired(); });
      connections_.push_back(made);
      made->start();
    });
    if (!runs)
      listener->on_end({"stopped", "the dialer is stopped"});
    return made;
  }

  /// Does it on the thread; false after `stop`.
  template <class Action>
  bool run(Action action) {
    const std::lock_guard lock{mutex_};
    if (stopped_)
      return false;
    if (!thread_.joinable()) // With the first connection: many runtimes never make one.
      thread_ = std::thread{[this] { io_.context.run(); }};
    asio::post(io_.context, std::move(action));
    return true;
  }

  void stop() {
    {
      const std::lock_guard lock{mutex_};
      if (std::exchange(stopped_, true))
        return;
    }
    core::ensure(thread_.get_id() != std::this_thread::get_id(),
                 "the dialer is not stopped by its own listener");
    if (!thread_.joinable())
      return; // Nobody has ever connected, and nobody will.
    asio::post(io_.context, [this] {
      for (const auto& each : std::exchange(connections_, {}))
        if (const auto alive = each.lock())
          alive->end({"stopped", "the dialer is stopped"});
      work_.reset();
    });
    thread_.join();
  }

private:
  std::string base_url_;
  dialer_io io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.context.get_executor()};
  std::vector<std::weak_ptr<dialed_connection>> connections_; // on the thread
  std::mutex mutex_;
  bool stopped_ = false; // under the mutex
  std::thread thread_;
};

/// Every call goes to the thread.
class live_dialer::line : public live_line {
public:
  line(std::shared_ptr<worker> owner, std::shared_ptr<dialed_connection> connection)
    : owner_{std::move(owner)}, connection_{std::move(connection)} {}
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  ~line() override {
    line::close();
  }
  void send(std::string message) override {
    run([message = std::move(message)](dialed_connection& one) { one.send(message); });
  }
  void ping() override {
    run([](dialed_connection& one) { one.ping(); });
  }
  void resume() override {
    run([](dialed_connection& one) { one.resume(); });
  }
  void close() override {
    run([](dialed_connection& one) { one.end({"closed", "we have closed the connection"}); });
  }

private:
  template <class Action>
  void run(Action action) {
    if (connection_)
      owner_->run([connection = connection_, action = std::move(action)] { action(*connection); });
  }

  std::shared_ptr<worker> owner_;
  std::shared_ptr<dialed_connection> connection_;
};

live_dialer::live_dialer(std::string base_url, options settings)
  : worker_{std::make_shared<worker>(std::move(base_url), std::move(settings))} {}

live_dialer::~live_dialer() {
  stop();
}

std::shared_ptr<live_line> live_dialer::dial(live_way way,
                                             const std::shared_ptr<live_listener>& listener) {
  return std::make_shared<line>(worker_, worker_->dial(way, listener));
}

std::shared_ptr<live_line>
live_dialer::dial_document(const document_address& where,
                           const std::shared_ptr<live_listener>& listener) {
  return std::make_shared<line>(worker_, worker_->dial_document(where, listener));
}

void live_dialer::stop() {
  worker_->stop();
}

} // namespace syncline::net
