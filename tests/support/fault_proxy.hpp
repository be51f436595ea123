#pragma once
// A TCP proxy on loopback that stands between real processes and damages HTTP exchanges on purpose:
// the project's stand-in for a bad network (no traffic control is needed, and every run repeats).

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace syncline::tests {

/// What happens to one exchange.
enum class fault {
  none,
  drop_request,      // the server never sees it; the client's connection closes
  drop_response,     // the server's whole reply is received, then the client's connection closes
  duplicate_request, // the same bytes also go to the server on a second connection, at once
  delay,             // the request waits
  cut_request,       // the server gets the first bytes, then both connections close
  cut_response,      // the client gets the first bytes, then both connections close
  hold,              // the request waits for `release`
};
inline constexpr std::size_t fault_kinds = 8;

/// One fault with its measure.
struct fault_step {
  fault kind = fault::none;
  std::size_t cut_at = 0; // bytes let through; more than there are means all, then close
  std::chrono::milliseconds delay{0};
};

/// Probabilities (0..1, sum at most 1) of each fault for an exchange that no script decides.
struct fault_mix {
  double drop_request = 0;
  double drop_response = 0;
  double duplicate_request = 0;
  double delay = 0;
  double cut_request = 0;
  double cut_response = 0;
  std::size_t cut_max = 2048; // cuts fall on byte 0..cut_max
  std::chrono::milliseconds delay_max{50};
};

/// For tests that tell requests apart. Called on the proxy's threads; must not call the proxy.
struct exchange_hooks {
  /// Decides in the place of the mix; `bits` come from the seed, as the mix's own choices do.
  std::function<fault_step(const std::string& request, std::uint64_t bits)> choose;
  /// Told of each request that was passed on whole what the server replied; null: the connection
  /// ended first.
  std::function<void(const std::string& request, fault kind, const std::string* reply)> ended;
};

/// An owned file descriptor.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_{fd} {}
  descriptor(descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor();

  [[nodiscard]] int get() const {
    return fd_;
  }
  explicit operator bool() const {
    return fd_ >= 0;
  }

private:
  int fd_ = -1;
};

/// Forwards HTTP/1.1 exchange by exchange: a whole request is read, its fault is decided, then it
/// goes on. A reply that is a stream (101, text/event-stream) is passed through as it comes; only
/// `cut_response` touches it. Faults are drawn from the seed, the connection's number and the
/// exchange's number, so they do not depend on timing. All members may be called from any thread.
class fault_proxy {
public:
  /// Listens on a free loopback port. Throws std::runtime_error where that fails.
  fault_proxy(std::uint16_t server_port, std::uint64_t seed, fault_mix mix = {});
  /// Closes all connections and ends all threads.
  ~fault_proxy();
  fault_proxy(const fault_proxy&) = delete;
  fault_proxy& operator=(const fault_proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    return port_;
  }
  /// For connections to the server made from now on.
  void set_server_port(std::uint16_t port);
  void set_mix(const fault_mix& mix);
  /// For exchanges from now on.
  void set_hooks(exchange_hooks hooks);
  /// The next exchange that no earlier script decides gets this fault.
  void script(fault_step step);
  /// Lets all held exchanges go on.
  void release();
  /// How many exchanges got this fault.
  [[nodiscard]] std::uint64_t count(fault kind) const;
  [[nodiscard]] std::uint64_t connections() const;
  void stop();

private:
  struct client {
    std::uint64_t number = 0;
    descriptor socket;
    descriptor server;
    std::string unread; // from the client, behind the request under way
    std::string unread_reply;
  };
  struct runner {
    std::thread thread;
    std::atomic<bool> finished = false;
  };

  void accept_all();
  void serve(client& peer);
  [[nodiscard]] bool exchange(client& peer, const std::string& request, const fault_step& step);
  [[nodiscard]] bool forward(client& peer, const std::string& request, const fault_step& step);
  [[nodiscard]] bool tunnel(client& peer, std::string head, std::size_t limit);
  [[nodiscard]] fault_step next_step(std::uint64_t connection, std::uint64_t number,
                                     const std::string& request);
  [[nodiscard]] fault_step drawn_step(std::uint64_t bits) const;
  void tell_ended(const std::string& request, fault kind, const std::string* reply) const;
  [[nodiscard]] std::optional<std::string> read_message(int fd, std::string& unread, bool reply,
                                                        bool head_request, bool& stream);
  [[nodiscard]] bool read_more(int fd, std::string& into);
  [[nodiscard]] bool write_all(int fd, std::string_view bytes);
  [[nodiscard]] bool wait_for(int fd, short events);
  [[nodiscard]] descriptor connect_server();
  void wait_released();
  void pause(std::chrono::milliseconds time);

  const std::uint64_t seed_;
  descriptor listener_;
  descriptor stop_event_; // readable once the proxy stops
  std::uint16_t port_ = 0;
  std::list<runner> runners_; // touched by the accepting thread, then by `stop`
  std::thread acceptor_;

  mutable std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  std::uint16_t server_port_;
  fault_mix mix_;
  exchange_hooks hooks_;
  std::deque<fault_step> script_;
  std::array<std::uint64_t, fault_kinds> counts_{};
  std::uint64_t connections_ = 0;
  std::uint64_t releases_ = 0;
  bool stopping_ = false;
};

} // namespace syncline::tests
