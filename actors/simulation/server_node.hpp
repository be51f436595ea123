#pragma once
// The simulated server: real handlers over a store in memory, with crash, restart and restore.

#include "actors/server/document_peer.hpp"
#include "actors/server/live_session_actor.hpp"
#include "actors/server/session_actor.hpp"
#include "actors/simulation/counters.hpp"
#include "actors/simulation/deterministic_system.hpp"
#include "actors/simulation/hooked_kv.hpp"
#include "actors/simulation/model.hpp"
#include "net/client/live_line.hpp"
#include "storage/kv_memory.hpp"
#include "storage/server_store_kv.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace syncline::actors::simulation {

/// What the node tells the world.
struct server_node_hooks {
  std::function<std::int64_t()> wall_ms;
  std::function<std::uint64_t()> random;
  /// Around a commit; the first may call `die` and then throws for us.
  std::function<void(const char* point)> crash_point;
  std::function<void(std::string)> failed;       ///< the model found something wrong
  std::function<void(net::publication)> publish; ///< to those who follow live
  std::function<void(const std::string& topic)> end_topic;
  std::function<void()> died;
};

class server_node {
public:
  server_node(deterministic_system& system, counters& counts, server_node_hooks hooks,
              storage::server_canaries canaries);

  void start(bool new_epoch = false);
  /// Dies at once: what it had committed stays, nobody hears from this life again.
  void die();
  /// Ends the actors of past lives; between two steps only.
  void bury();

  [[nodiscard]] bool alive() const {
    return alive_;
  }
  [[nodiscard]] std::uint64_t life() const {
    return life_;
  }
  [[nodiscard]] server::session_actor session(int client);
  /// A new session of a live connection; nullptr while it is dead.
  [[nodiscard]] std::shared_ptr<net::live_peer> open_live(net::live_ask ask);
  /// The same for a connection to a shared text.
  [[nodiscard]] std::shared_ptr<net::live_peer> open_document(const net::document_address& where);
  [[nodiscard]] const storage::server_store& store() const {
    return *store_;
  }
  [[nodiscard]] const model& log() const {
    return *model_;
  }
  /// Every nonce that took effect in any history.
  [[nodiscard]] const std::vector<std::string>& payloads() const {
    return payloads_;
  }

  /// Backups. `index` counts from the oldest.
  void back_up();
  [[nodiscard]] std::size_t backups() const {
    return backups_.size();
  }
  /// Dead only: takes the files of a backup.
  void restore(std::size_t index);

  void set_document_options(server::document_options options) {
    document_options_ = options;
  }
  void trim(std::int64_t kept_ms);
  /// Empty: no longer.
  void fail_next_commit(const std::string& code);
  /// Increments of a cloned client's queue may take effect twice: the one named exception.
  void allow_cloned_increments() {
    clones_ = true;
  }

private:
  class recording_store;
  friend class recording_store;

  struct backup {
    storage::kv_memory_image image;
    model log;
  };

  void record(const storage::batch_input& batch, const storage::batch_output& output);
  void count_results(const msg::BatchRequest& request, const msg::BatchResponse& response);
  void count_refusal(const msg::BatchRequest& request, const msg::ErrorReply& refusal);

  deterministic_system& system_;
  counters& counts_;
  server_node_hooks hooks_;
  storage::server_canaries canaries_;
  std::shared_ptr<storage::memory_environment> kv_;
  storage::kv_memory_image image_; ///< what a dead server left
  std::shared_ptr<storage::server_store> store_;
  server::store_actor store_actor_;
  server::hub_actor hub_;
  server::documents_actor documents_;
  server::document_options document_options_;
  std::uint64_t document_connections_ = 0;
  std::vector<server::live_session_actor> live_sessions_;
  std::map<int, server::session_actor> sessions_;
  std::vector<caf::actor> dying_;
  std::unique_ptr<model> model_ = std::make_unique<model>();
  std::vector<backup> backups_;
  std::vector<std::string> payloads_;
  std::uint64_t life_ = 0;
  bool alive_ = false;
  bool clones_ = false;
};

} // namespace syncline::actors::simulation
