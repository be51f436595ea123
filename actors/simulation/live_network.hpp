#pragma once
// Live connections of simulated clients to the simulated server: delayed, cut, gone silent without
// a word, and refused. A slow reader blocks the server's socket, as a real one would.

#include "actors/simulation/deterministic_system.hpp"
#include "actors/simulation/simulated_io.hpp"
#include "net/client/live_line.hpp"
#include "net/protocol/server_codec.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace syncline::actors::simulation {

/// What happens to one connection. Times are milliseconds.
struct stream_fate {
  std::int64_t delay_ms = 1; ///< of everything, in both directions
  bool refused = false;
  bool declined = false; ///< the server's name answers, but not with a live connection
  std::optional<std::int64_t> cut_after_ms;
  std::optional<std::int64_t> silent_after_ms;      ///< half open: nobody is told
  std::function<void(std::string& message)> damage; ///< done to each message for the client
};

struct live_network_hooks {
  std::function<stream_fate(int client, net::live_way way)> fate;
  /// A live session of the living server; nullptr while there is none.
  std::function<std::shared_ptr<net::live_peer>(net::live_ask ask)> open;
  /// The same for a connection to a shared text.
  std::function<std::shared_ptr<net::live_peer>(const net::document_address& where)> open_document;
};

/// See above. Outlives the actors that use it.
class live_network {
public:
  live_network(deterministic_system& system, live_network_hooks hooks);
  ~live_network();
  live_network(const live_network&) = delete;
  live_network& operator=(const live_network&) = delete;

  /// How this client connects.
  [[nodiscard]] net::live_dial dial_of(int client);
  [[nodiscard]] net::document_dial document_dial_of(int client);

  /// The connections of this client go half open: nothing passes, and nobody is told.
  void fall_silent(int client);
  void client_died(int client);
  void server_died();

  /// What the hub of the living server says.
  void publish(net::publication published) {
    io_->publish(std::move(published));
  }
  void end_topic(const std::string& topic) {
    io_->end_topic(topic);
  }

private:
  class connection;
  class line;

  void make_io();
  std::shared_ptr<net::live_line> connect(std::shared_ptr<connection> made);
  void later(std::int64_t delay_ms, std::function<void()> action);

  deterministic_system& system_;
  live_network_hooks hooks_;
  caf::actor runner_;                               // where all of it happens
  std::shared_ptr<simulated_io> io_;                // of the server's present life
  std::vector<std::shared_ptr<simulated_io>> past_; // whose sessions may still say something
  std::vector<std::weak_ptr<connection>> connections_;
};

} // namespace syncline::actors::simulation
