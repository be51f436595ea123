#pragma once
// The actors of one open store, on an actor system of their own.

#include "actors/client/client_actors.hpp"
#include "actors/client/host_actor.hpp"
#include "storage/kv_lmdb.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

namespace syncline {

class known_conditions;

/// Any thread.
class actor_host {
public:
  struct setup {
    std::shared_ptr<storage::client_store> store;
    storage::lmdb_environment* files = nullptr;
    std::string server; ///< base URL; empty = offline
    std::string ca_file;
    bool compresses = true;
    bool live = true;           ///< changes come over a live connection while one can be had
    bool shares_texts = true;   ///< the server speaks our protocol
    bool senses_machine = true; ///< the machine is asked for its network and power from the start
    actors::client::client_options client;
    actors::client::event_sink sink;
    /// Whether a set that is spawned now syncs of its own accord.
    std::function<bool()> is_started;
    /// Told of each set once it runs. May be empty.
    std::function<void(const actors::client::client_actors&)> on_spawned;
    std::size_t threads = 2;
  };

  /// Actors that were spawned again after one of them had failed.
  struct restart_count {
    std::uint64_t count = 0;
    core::error last;
  };

  explicit actor_host(setup how);
  /// Stops; what does not end is left alone.
  ~actor_host();
  actor_host(const actor_host&) = delete;
  actor_host& operator=(const actor_host&) = delete;

  /// The handles of the running set. While it is being restarted, waits for the next one; error
  /// `restarting` where that takes longer than a few seconds, `closed` after `stop`.
  [[nodiscard]] core::expected<actors::client::client_actors> running() const;

  /// Asks one of them and waits for its answer. `timeout` 0: for as long as it takes; otherwise
  /// the error `timeout` comes after it, and the request goes on.
  template <class Out, class Handle, class In>
  core::expected<Out> ask(Handle actors::client::client_actors::*member, In question,
                          std::chrono::milliseconds timeout = {}) const {
    const auto set = running();
    if (!set)
      return set.error();
    const auto answer = std::make_shared<std::promise<core::expected<Out>>>();
    auto answered = answer->get_future();
    actors::client::ask<Out>(
      host(), (*set).*member, std::move(question),
      [answer](core::expected<Out> outcome) { answer->set_value(std::move(outcome)); });
    if (timeout.count() > 0 && answered.wait_for(timeout) != std::future_status::ready)
      return core::fail("timeout", "there was no answer within " + std::to_string(timeout.count()) +
                                     " ms; it goes on");
    return answered.get();
  }

  /// What is known of the machine.
  [[nodiscard]] known_conditions& conditions();

  [[nodiscard]] restart_count restarts() const;

  /// Ends the traffic, then the actors in order; false where something did not end in time. Every
  /// `ask` under way is answered.
  bool stop(std::chrono::milliseconds timeout);
  /// After a `stop` that succeeded: ends the actor system. Nothing else may be called meanwhile.
  void destroy();
  /// Leaves everything alone for good: what does not end, or in a forked child, whose parent the
  /// threads belong to.
  void abandon();

private:
  struct parts;
  [[nodiscard]] const actors::client::host_actor& host() const;

  std::unique_ptr<parts> parts_;
};

} // namespace syncline
