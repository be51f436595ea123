#pragma once
// Raw TCP on loopback for tests that must send or answer exact bytes.

#include "tests/support/fault_proxy.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace syncline::tests {

/// A blocking client connection. Not synchronised.
class raw_client {
public:
  /// Connects; throws std::runtime_error where that fails.
  explicit raw_client(std::uint16_t port);
  /// Has its descriptor, but no connection yet.
  raw_client();

  /// Returns false where nobody listens.
  bool connect(std::uint16_t port);

  /// Returns false where the peer is gone.
  bool send(std::string_view bytes);
  /// Tells the peer that nothing more comes; reading goes on.
  void finish_sending();
  /// All bytes until the peer closes.
  std::string read_to_end();
  /// Reads until `text` has been seen, or to the end; bytes behind it stay for the next call.
  std::string read_until(std::string_view text);
  /// Exactly `count` bytes, or fewer at the end.
  std::string read_bytes(std::size_t count);
  /// A whole reply with Content-Length.
  std::string read_reply();

private:
  bool read_more();

  descriptor socket_;
  std::string unread_;
};

/// Answers each request with bytes that the test gives, one thread per connection.
class canned_server {
public:
  /// What is sent for one request.
  struct answer {
    std::string bytes;
    bool close = true;
  };
  /// Gets the number of the connection and the whole request; called on several threads.
  using respond = std::function<answer(std::size_t connection, const std::string& request)>;

  explicit canned_server(respond answer_with);
  ~canned_server();
  canned_server(const canned_server&) = delete;
  canned_server& operator=(const canned_server&) = delete;

  [[nodiscard]] std::uint16_t port() const {
    return port_;
  }
  /// As a base URL.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::size_t connections() const {
    return accepted_;
  }
  [[nodiscard]] std::size_t requests() const {
    return requests_;
  }

private:
  void accept_all();
  void serve(std::size_t number, int fd);

  respond answer_with_;
  descriptor listener_;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> accepted_ = 0;
  std::atomic<std::size_t> requests_ = 0;
  std::mutex mutex_; // guards the next two
  std::list<descriptor> sockets_;
  bool stopping_ = false;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

/// A port on which nobody listens.
[[nodiscard]] std::uint16_t unused_port();

} // namespace syncline::tests
