#pragma once
// A simulated client: the real actors over a store in memory, with crash, roll-back and copies.

#include "actors/client/client_actors.hpp"
#include "actors/simulation/counters.hpp"
#include "actors/simulation/deterministic_system.hpp"
#include "actors/simulation/hooked_kv.hpp"
#include "actors/simulation/network.hpp"
#include "actors/simulation/plan.hpp"
#include "storage/kv_memory.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace syncline::actors::simulation {

/// A local write that the store has acknowledged to the application.
struct accepted_write {
  std::string token;  ///< unique text inside the written body or patch; empty for increments
  std::string field;  ///< where the token stands
  bool whole = false; ///< replaces or deletes the item, not that field alone
  std::int64_t increment = 0;
  bool superseded = false; ///< a later write of the same client took its place
};

/// Writes of one command; key: collection, '/', id.
using write_map = std::map<std::string, accepted_write>;

struct client_node_hooks {
  std::function<std::int64_t()> wall_ms;
  std::function<std::uint64_t()> random;
  std::function<void(const char* point)> crash_point;
  net::live_dial dial;              ///< may be empty: no live connections
  net::document_dial document_dial; ///< likewise: texts stay where they are
  std::function<void()> died;
};

class client_node {
public:
  client_node(deterministic_system& system, counters& counts, const network_hooks& network,
              client_node_hooks hooks, int index, client::client_options options, canary planted);

  void start();
  void die();
  void bury();
  [[nodiscard]] bool alive() const {
    return alive_;
  }
  [[nodiscard]] int index() const {
    return index_;
  }
  [[nodiscard]] storage::client_store& store() {
    return *store_;
  }
  [[nodiscard]] const client::client_actors& actors() const {
    return actors_;
  }

  /// Writes through the storage actor; `writes` are remembered once it has answered with success.
  void write(msg::WriteLocal command, write_map writes);
  /// As above, and runs the system until the answer is there; its error or nothing.
  [[nodiscard]] std::optional<core::error> write_now(const msg::WriteLocal& command);
  [[nodiscard]] std::optional<core::error>
  create_now(const std::string& collection, const std::string& id, const std::string& body);

  /// What the application was promised, by item.
  [[nodiscard]] const std::map<std::string, std::vector<accepted_write>>& accepted() const {
    return accepted_;
  }
  [[nodiscard]] std::int64_t increments_accepted(const std::string& item) const;
  /// Increments whose writer died before he was answered: they may count or not.
  [[nodiscard]] std::int64_t increments_unheard() const {
    return increments_unheard_;
  }

  void back_up();
  [[nodiscard]] bool has_backup() const {
    return backup_.has_value();
  }
  /// Dead only: takes the files of the backup; what was accepted since is gone with them.
  void roll_back();
  /// Dead only: takes the files of another client, as a copied folder.
  void copy_from(const client_node& other);
  /// Empty: no longer.
  void fail_next_commit(const std::string& code);
  void set_clock_offset(std::int64_t offset_ms) {
    clock_offset_ms_ = offset_ms;
  }

private:
  void remember(const write_map& writes, bool promised);
  void on_answered(const core::error* error);
  void forget_unheard(const write_map& writes);
  caf::actor spawn_application();
  client::event_sink make_sink();

  struct backup {
    storage::kv_memory_image image;
    std::map<std::string, std::vector<accepted_write>> accepted;
  };

  deterministic_system& system_;
  counters& counts_;
  const network_hooks& network_;
  client_node_hooks hooks_;
  int index_;
  client::client_options options_;
  canary planted_;
  std::shared_ptr<storage::memory_environment> kv_;
  storage::kv_memory_image image_;
  std::shared_ptr<storage::client_store> store_;
  client::transport_actor transport_;
  client::client_actors actors_;
  caf::actor application_;
  std::deque<write_map> unanswered_; ///< oldest first
  std::vector<caf::actor> dying_;
  std::map<std::string, std::vector<accepted_write>> accepted_;
  std::optional<backup> backup_;
  std::int64_t increments_unheard_ = 0;
  std::int64_t clock_offset_ms_ = 0;
  std::uint64_t life_ = 0;
  bool alive_ = false;
};

} // namespace syncline::actors::simulation
