#pragma once
// A whole server in one object, without an actor in sight: a store on files, the actors over it,
// and a listener on a loopback port.

#include "actors/server/document_options.hpp"
#include "actors/server/reconnect_bounds.hpp"
#include "core/expected.hpp"
#include "net/server/http_server.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace syncline::actors::server {

struct server_options {
  std::string directory; ///< of the store; made where it is missing
  net::http_server::options http;
  std::uint64_t map_bytes = std::uint64_t{64} << 30; ///< address space: what the store can grow to
  /// Set by the tool that restores a backup: clients learn that history was lost.
  bool new_epoch = false;
  reconnect_bounds reconnect; ///< what live clients are told of when to come again
  bool debug_echo = false;    ///< a WebSocket at /debug/echo that sends every message back
  /// Verifies a store that was not closed in order, by a process of its own; without it the same
  /// is checked here. An error keeps the server from starting.
  std::function<core::expected<void>(const std::string& directory)> verify;
  /// Called once, on a thread of the server, when its store can no longer be written and the
  /// process should end. May be empty.
  std::function<void(const core::error&)> on_failed;
  std::chrono::milliseconds trim_period{std::chrono::hours{1}};
  document_options documents;
  std::size_t threads = 2; ///< that run the actors; the store and the listener have their own
};

/// What a running server shows of itself.
struct server_status {
  std::string store_opened; ///< new, clean, verified (by `verify`), unverified (checked here)
  std::string not_ready;    ///< empty when ready; otherwise why not
  core::error store_failure;
  std::uint64_t restarts = 0; ///< of the actors, after one of them failed
  std::uint64_t epoch = 0;
  std::uint64_t start = 0;
  std::uint64_t items = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t head_seq = 0; ///< number of the last change
  /// Mutations that came again since the start and were answered from memory, not applied.
  std::uint64_t repeats_suppressed = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t used_bytes = 0;
  net::http_server::counters http;
};

/// See above. Any thread, but not one of the server's own.
class server {
public:
  /// Errors: those of opening a store (`store_locked`, `store_corrupt`, `store_newer` ...), of
  /// `verify`, and `address_in_use`, `not_loopback`, `bad_address`.
  [[nodiscard]] static core::expected<std::unique_ptr<server>> start(server_options options);
  /// Stops.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] server_status status() const;

  /// Stops accepting, lets requests under way and the last commit finish, closes the store so that
  /// the next start is quick. Again: nothing happens. `stop_timeout` where a part did not end; it
  /// is left alone, and the process should exit.
  [[nodiscard]] core::expected<void> stop(std::chrono::milliseconds deadline = std::chrono::seconds{
                                            5});

private:
  struct parts;
  explicit server(std::unique_ptr<parts> owned);
  std::unique_ptr<parts> parts_;
};

} // namespace syncline::actors::server
