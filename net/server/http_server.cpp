#include "net/server/http_server.hpp"

#include "core/ensure.hpp"
#include "net/server/http_connection.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace syncline::net {
namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;
using stream_acceptor = asio::basic_socket_acceptor<tcp, io_executor>;

// With file descriptors used up, accepting fails at once and would spin.
constexpr std::chrono::milliseconds accept_pause{50};

core::expected<asio::ip::address> listen_address(const std::string& host) {
  error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error)
    return core::fail("bad_address", "'" + host + "' is not an IP address; listen on 127.0.0.1");
  if (!address.is_loopback())
    return core::fail("not_loopback", "'" + host +
                                        "' is not loopback; without tokens the server "
                                        "listens on 127.0.0.1 or ::1 only");
  return address;
}

core::expected<void> open_acceptor(stream_acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error)
    acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error)
    acceptor.bind(endpoint, error);
  if (!error)
    acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error)
    return {};
  const auto where = endpoint.address().to_string() + " port " + std::to_string(endpoint.port());
  if (error == asio::error::address_in_use)
    return core::fail("address_in_use", where + " is taken by another process; stop that one or "
                                                "choose another port (0: any)");
  return core::fail("bad_address", "cannot listen on " + where + ": " + error.message());
}

class worker_publisher : public live_publisher {
public:
  explicit worker_publisher(std::vector<std::shared_ptr<reply_gate>> gates)
    : gates_{std::move(gates)} {}

  void publish(publication published) override {
    const auto shared = std::make_shared<const publication>(std::move(published));
    for_each([shared](io_worker& worker) { worker.publish(shared); });
  }
  void end_topic(std::string topic) override {
    for_each([topic = std::move(topic)](io_worker& worker) { worker.end_topic(topic); });
  }
  void drop_all() override {
    for_each([](io_worker& worker) { worker.drop_live(); });
  }

private:
  template <class Action>
  void for_each(Action action) {
    for (const auto& gate : gates_) {
      const std::lock_guard lock{gate->mutex};
      if (gate->context != nullptr)
        asio::post(*gate->context, [worker = gate->worker, action]() { action(*worker); });
    }
  }

  std::vector<std::shared_ptr<reply_gate>> gates_;
};

} // namespace

/// The listening socket and the io threads.
class http_server::listener {
public:
  listener(options settings, handler serve, live_opener open_live) {
    state_.settings = std::move(settings);
    state_.serve = std::move(serve);
    state_.open_live = std::move(open_live);
    for (int index = 0; index < std::max(state_.settings.threads, 1); ++index)
      workers_.push_back(std::make_unique<io_worker>(state_));
    acceptor_.emplace(workers_.front()->context);
    pause_.emplace(workers_.front()->context);
  }
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener() {
    stop(std::chrono::milliseconds{0});
  }

  core::expected<void> start() {
    auto address = listen_address(state_.settings.host);
    if (!address)
      return address.error();
    if (auto opened = open_acceptor(*acceptor_, {*address, state_.settings.port}); !opened)
      return opened;
    port_ = acceptor_->local_endpoint().port();
    accept();
    for (const auto& worker : workers_)
      worker->thread = std::thread{[&worker = *worker] {
        worker.gate->thread = std::this_thread::get_id();
        worker.context.run();
      }};
    return {};
  }

  [[nodiscard]] std::uint16_t port() const {
    return port_;
  }

  [[nodiscard]] std::shared_ptr<live_publisher> publisher() const {
    std::vector<std::shared_ptr<reply_gate>> gates;
    gates.reserve(workers_.size());
    for (const auto& worker : workers_)
      gates.push_back(worker->gate);
    return std::make_shared<worker_publisher>(std::move(gates));
  }

  [[nodiscard]] counters count() const {
    return {.connections_open = state_.open,
            .connections_accepted = state_.accepted,
            .connections_refused = state_.refused,
            .requests = state_.requests,
            .requests_refused = state_.requests_refused,
            .timeouts = state_.timeouts};
  }

  void stop(std::chrono::milliseconds deadline) {
    const std::lock_guard stopping{stop_mutex_};
    if (!workers_.front()->thread.joinable())
      return;
    state_.stopping = true;
    close_acceptor();
    for (const auto& worker : workers_)
      asio::post(worker->context, [&worker = *worker] { worker.close_idle(); });
    {
      std::unique_lock lock{state_.empty_mutex};
      (void)state_.empty.wait_for(lock, deadline, [this] { return state_.open == 0; });
    }
    for (const auto& worker : workers_) {
      core::ensure(worker->thread.get_id() != std::this_thread::get_id(),
                   "the server is not stopped from its own handler");
      {
        const std::lock_guard lock{worker->gate->mutex};
        worker->gate->context = nullptr;
      }
      asio::post(worker->context, [&worker = *worker] {
        worker.close_all();
        worker.work.reset(); // With no connection left, the thread ends.
      });
      worker->thread.join();
    }
  }

private:
  // Waits until the acceptor is closed, so that no connection arrives after `close_idle`.
  void close_acceptor() {
    std::mutex mutex;
    std::condition_variable closed_changed;
    bool closed = false;
    asio::post(workers_.front()->context, [&] {
      error_code ignored; // The descriptor is gone either way.
      acceptor_->close(ignored);
      pause_->cancel();
      const std::lock_guard lock{mutex};
      closed = true;
      closed_changed.notify_one();
    });
    std::unique_lock lock{mutex};
    closed_changed.wait(lock, [&closed] { return closed; });
  }

  void accept() {
    auto& worker = *workers_.at(next_worker_);
    next_worker_ = (next_worker_ + 1) % workers_.size();
    acceptor_->async_accept(
      worker.context.get_executor(), [this, &worker](error_code error, stream_socket socket) {
        if (!acceptor_->is_open())
          return;
        if (error)
          return accept_later();
        // Only one thread may touch a connection from its first event on.
        asio::post(worker.context, [&worker, socket = std::move(socket)]() mutable {
          worker.add(std::move(socket));
        });
        accept();
      });
  }

  void accept_later() {
    pause_->expires_after(accept_pause);
    pause_->async_wait([this](error_code error) {
      if (!error && acceptor_->is_open())
        accept();
    });
  }

  server_state state_;
  std::vector<std::unique_ptr<io_worker>> workers_;
  std::optional<stream_acceptor> acceptor_; // both belong to the first worker
  std::optional<io_timer> pause_;
  std::size_t next_worker_ = 0;
  std::uint16_t port_ = 0;
  std::mutex stop_mutex_;
};

http_server::http_server(std::unique_ptr<listener> owned) : listener_{std::move(owned)} {}

http_server::~http_server() = default;

core::expected<std::unique_ptr<http_server>> http_server::start(options settings, handler serve,
                                                                live_opener open_live) {
  auto owned =
    std::make_unique<listener>(std::move(settings), std::move(serve), std::move(open_live));
  if (auto started = owned->start(); !started)
    return started.error();
  return std::unique_ptr<http_server>{new http_server{std::move(owned)}};
}

std::uint16_t http_server::port() const {
  return listener_->port();
}

http_server::counters http_server::count() const {
  return listener_->count();
}

std::shared_ptr<live_publisher> http_server::publisher() const {
  return listener_->publisher();
}

void http_server::stop(std::chrono::milliseconds deadline) {
  listener_->stop(deadline);
}

} // namespace syncline::net
