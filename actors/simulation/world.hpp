#pragma once
// The whole system under one seed: a server, its clients, the network between them, and the checks
// of promises 1-6. Tests drive it step by step; `run_seed` lets the seed do it.

#include "actors/simulation/client_node.hpp"
#include "actors/simulation/live_network.hpp"
#include "actors/simulation/server_node.hpp"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace syncline::actors::simulation {

/// Fate of the exchanges, replaceable by tests that script a schedule.
using fate_function = std::function<exchange_fate(int client, const msg::HttpRequest&)>;

class world {
public:
  world(std::uint64_t seed, const plan& made, canary planted = canary::none);
  ~world();

  [[nodiscard]] server_node& server() {
    return *server_;
  }
  [[nodiscard]] client_node& client(int index) {
    return *clients_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] int clients() const {
    return static_cast<int>(clients_.size());
  }
  [[nodiscard]] counters& counts() {
    return counts_;
  }
  [[nodiscard]] deterministic_system& system() {
    return *system_;
  }
  [[nodiscard]] std::mt19937_64& random() {
    return random_;
  }
  [[nodiscard]] const plan& options() const {
    return plan_;
  }
  [[nodiscard]] const std::vector<std::string>& collections() const {
    return collections_;
  }

  /// Adds a client with an empty store.
  int add_client(client::client_options options);

  /// Runs everything that is due within the next `ms` of virtual time.
  void run_for(std::int64_t ms);
  /// Runs until `done`, at most `ms`; false if it never came.
  bool run_until(const std::function<bool()>& done, std::int64_t ms);
  /// Runs at most `steps` messages, without moving time.
  void run_steps(std::uint64_t steps);

  /// One full sync of a client; its report.
  msg::SyncReport sync(int client);
  /// As `sync`, for one half of it.
  msg::DrainReport push(int client);
  msg::PullReport pull(int client);

  void set_fate(fate_function fate) {
    fate_ = std::move(fate);
  }
  void set_stream_fate(std::function<stream_fate(int client, net::live_way way)> fate) {
    stream_fate_ = std::move(fate);
  }
  /// Requests go to another server than the world's own, which never dies.
  void set_session(server::session_actor elsewhere) {
    network_.session = [session = std::move(elsewhere)](int) { return session; };
  }
  /// Called when a reply reaches a living client: local writes may race with what it brings.
  void set_on_arrival(std::function<void(int client)> on_arrival) {
    on_arrival_ = std::move(on_arrival);
  }
  /// The live connections of a client go half open.
  void fall_silent(int client) {
    live_->fall_silent(client);
  }
  /// online, degraded, offline or stopped.
  [[nodiscard]] std::string link_state(int client);

  [[nodiscard]] exchange_fate seeded_fate(int client, const msg::HttpRequest& request);
  void end_faults() {
    faults_ = false;
    armed_point_.reset();
  }

  /// Dies at the next passing of a named crash point, if the seed says so.
  void arm_crash(std::string point) {
    armed_point_ = std::move(point);
  }

  void fail(std::string what);
  [[nodiscard]] const std::optional<std::string>& failure() const {
    return failure_;
  }

  /// The server's items by id, from `/delta` walked from the beginning.
  [[nodiscard]] std::map<std::string, std::string> server_items(const std::string& collection);
  /// What a client's user sees.
  [[nodiscard]] std::map<std::string, std::string> visible_items(int client,
                                                                 const std::string& collection);

  [[nodiscard]] std::int64_t wall_ms() {
    return 1'700'000'000'000 + system_->now_ms();
  }

private:
  [[nodiscard]] stream_fate seeded_stream_fate();
  void at_crash_point(const char* point, int client);
  bool one_step(std::int64_t until_ms);
  template <class Report, class Command, class Handle>
  Report ask(const Handle& handle, Command command);

  plan plan_;
  std::mt19937_64 random_;
  counters counts_;
  std::unique_ptr<deterministic_system> system_;
  network_hooks network_;
  fate_function fate_;
  std::function<stream_fate(int client, net::live_way way)> stream_fate_;
  std::function<void(int client)> on_arrival_;
  canary planted_;
  std::unique_ptr<live_network> live_;
  std::unique_ptr<server_node> server_;
  std::vector<std::unique_ptr<client_node>> clients_;
  std::vector<std::string> collections_;
  std::optional<std::string> armed_point_;
  std::optional<std::string> failure_;
  bool faults_ = true;
  bool burying_ = false;
};

/// Outcome of one seed.
struct run_report {
  std::optional<std::string> failure;
  std::uint64_t trace_hash = 0;
  std::uint64_t steps = 0;
  counters counts;
  std::string plan;
};

[[nodiscard]] run_report run_seed(std::uint64_t seed, canary planted = canary::none);

/// Names of everything that many seeds together must have reached.
[[nodiscard]] const std::vector<std::string>& required_counts();

} // namespace syncline::actors::simulation
