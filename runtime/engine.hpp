#pragma once
// What stands behind `runtime`: one open store, its actors, its callbacks.

#include "core/data/ids.hpp"
#include "runtime/actor_host.hpp"
#include "runtime/call_gate.hpp"
#include "runtime/event_pump.hpp"
#include "runtime/store_opening.hpp"
#include "runtime/text_hub.hpp"
#include "runtime/write_tracker.hpp"
#include "syncline/runtime.hpp"

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace syncline {

/// The public calls have the same names here and are described in `runtime.hpp`.
class engine {
public:
  static result<std::unique_ptr<engine>> open(options how);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  result<std::vector<mutation>> write(std::vector<operation> operations, bool atomic);
  result<std::vector<mutation>> submit(std::vector<operation> operations, bool atomic);
  std::string make_id();

  result<snapshot> take_snapshot();

  result<subscription> on_change(event_pump::callback callback,
                                 std::optional<std::uint64_t> after_seq);
  result<change_page> changes(std::uint64_t after_seq, std::size_t limit);
  [[nodiscard]] int event_fd() const;
  result<std::vector<change>> take_changes(std::size_t limit);

  result<void> set_started(bool started);
  result<void> set_network(network_state state);
  result<void> set_conditions(const machine_conditions& known);
  result<sync_report> sync_now(const sync_options& how);
  result<runtime_status> status();
  result<explanation> explain(const std::string& collection, const std::string& id);

  result<std::vector<outbox_entry>> outbox(std::size_t limit);
  result<std::uint64_t> manage_outbox(msg::ManageOutbox::Action action, std::uint64_t seq,
                                      std::optional<operation> replacement);
  result<std::vector<conflict_record>> conflicts();
  result<std::optional<conflict_record>> conflict(std::uint64_t conflict_id);
  result<void> resolve_conflict(std::uint64_t conflict_id, conflict_choice choice,
                                std::string body);

  result<document> open_document(std::string id, const document_options& how);
  result<std::vector<document_summary>> documents(const std::string& after, std::size_t limit);
  result<std::optional<std::string>> stored_text(const std::string& id);
  result<void> remove_document(const std::string& id);

  result<bool> schedule_job(const job& how, existing_job policy);
  result<void> cancel_job(std::string name);
  result<std::vector<job_status>> jobs();
  result<sync_report> run_job(std::string name);
  result<sync_report> run_until(std::chrono::milliseconds deadline);

  result<void> close(std::chrono::milliseconds deadline);
  /// In a forked child: nothing of this may be used or destroyed, for its threads are the parent's.
  [[nodiscard]] bool is_forked() const;

private:
  engine(options how, opened_store opened);

  /// What the actors' threads see of us; they may outlive the engine where they do not end.
  struct shared_state {
    std::map<std::string, collection_options> collections; ///< set before any actor runs
    std::atomic<bool> started{false};
    std::atomic<bool> has_failed{false};
    std::mutex mutex; ///< guards the rest
    error store_failure;
  };

  // Opening.
  result<void> prepare_store();
  void spawn();
  [[nodiscard]] bool runs_stored_jobs() const;
  [[nodiscard]] actors::client::event_sink make_sink() const;
  [[nodiscard]] actors::client::client_options client_settings() const;

  // What calls ask first.
  result<call_gate::pass> enter(bool writes);
  [[nodiscard]] static error no_server();
  [[nodiscard]] std::optional<error> refuse(const std::vector<operation>& operations) const;

  result<void> put_away(std::uint64_t report_id, conflict_choice choice);
  template <class Handle>
  [[nodiscard]] activity activity_of(Handle actors::client::client_actors::*member) const;
  void fill_traffic(runtime_status& out);
  result<void> fill_counts(const storage::client_snapshot& view, runtime_status& out) const;
  [[nodiscard]] result<collection_status> cursor_of(const storage::client_snapshot& view,
                                                    const std::string& collection) const;
  [[nodiscard]] job_status describe_job(const msg::JobRecord& job) const;
  void find_obstacles(const core::lane& lane, const msg::OutboxState& counters, explanation& out);
  result<void> close_parts(std::chrono::steady_clock::time_point deadline);

  options how_;
  pid_t process_;
  opened_store opened_;
  std::shared_ptr<shared_state> shared_ = std::make_shared<shared_state>();
  std::shared_ptr<write_tracker> tracker_ = std::make_shared<write_tracker>();
  std::shared_ptr<event_pump> pump_;
  std::shared_ptr<text_hub> texts_ = std::make_shared<text_hub>();
  std::unique_ptr<actor_host> host_; // none where the store is read only
  call_gate gate_;
  std::mutex ids_mutex_;
  core::uuid_v7_generator ids_; // under its mutex
};

/// What a snapshot is made of.
struct snapshot::state {
  explicit state(storage::client_snapshot view) : read{std::move(view)} {}
  storage::client_snapshot read;
};

} // namespace syncline
