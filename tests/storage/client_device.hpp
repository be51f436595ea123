#pragma once
// A client's store with the loop that its actors run around it, without actors: batches to a
// server's store and back, pages from it with the decisions of core/sync/conflict. And that server.

#include "core/sync/conflict.hpp"
#include "storage/client_store.hpp"
#include "storage/kv_memory.hpp"
#include "storage/server_store_kv.hpp"
#include "tests/storage/server_store_support.hpp"

namespace syncline::storage::test {

/// An answer to a batch with one status for all.
msg::BatchResponse answer_all(const msg::BatchRequest& batch, msg::MutationStatus status,
                              std::uint64_t first_seq = 1);

/// A server's store in memory that can be restarted, and put back to what it was.
class test_server {
public:
  explicit test_server(std::uint64_t seed = 1) : seed_{seed} {
    open({}, false);
  }
  [[nodiscard]] server_store& store() {
    return *store_;
  }
  void restart() {
    open(kv_->image(), false);
  }
  void save() {
    saved_ = kv_->image();
  }
  void roll_back() {
    open(saved_, false);
  }
  void restore_by_tool() {
    open(saved_, true);
  }

private:
  void open(const kv_memory_image& image, bool new_epoch);

  std::uint64_t seed_;
  kv_memory_image saved_;
  std::shared_ptr<memory_environment> kv_;
  std::unique_ptr<server_store> store_;
};

/// One client. All it does is in transactions of its own, unless said otherwise.
class device {
public:
  explicit device(std::uint64_t seed = 100, const std::vector<std::string>& collections = {"items"},
                  bool is_foreign = false);

  // Local writes: "" or the code of the refusal.
  std::string write(const msg::WriteLocal& command);
  std::string write(msg::Mutation mutation, std::vector<std::string> depends_on = {});
  std::string put(const std::string& id, const std::string& body);
  std::string create(const std::string& id, const std::string& body);
  std::string patch(const std::string& id, const std::string& patch);
  std::string add(const std::string& id, const std::string& field, std::int64_t amount);
  std::string remove(const std::string& id);
  std::string write_group(const std::vector<msg::Mutation>& members);

  // The outbox actor's part.
  msg::OutboxBatch take(std::uint32_t item_limit = 100, std::uint64_t byte_limit = 1u << 20);
  /// What follows the mutations up to `above`, which are on their way.
  msg::OutboxBatch take_ahead(std::uint64_t above, std::uint32_t batches,
                              std::uint32_t item_limit = 100);
  /// Stores an answer of the server as the one to `batch`.
  msg::BatchResultApplied answer(const msg::BatchRequest& batch, const batch_output& output);
  msg::BatchResultApplied answer(const msg::BatchRequest& batch,
                                 const msg::BatchResponse& response);
  /// One batch there and back; false where there was nothing to send. Resolves what it recorded.
  bool push(server_store& server, std::uint32_t item_limit = 100);
  /// One batch there, the answer lost.
  batch_output push_unheard(server_store& server, std::uint32_t item_limit = 100);
  void push_all(server_store& server, std::uint32_t item_limit = 100);

  // The poll actor's part.
  delta_output ask(server_store& server, std::uint32_t limit = 500,
                   const std::string& collection = "items") const;
  /// Stores a page, or what was said instead of it, as the answer to what `ask` asked now.
  msg::RemoteChangesApplied apply(const delta_output& output,
                                  const std::string& collection = "items");
  msg::RemoteChangesApplied apply(const msg::DeltaPage& page, std::uint64_t request_start);
  /// One page; true where more is to be asked for.
  bool pull(server_store& server, std::uint32_t limit = 500,
            const std::string& collection = "items");
  void pull_all(server_store& server, std::uint32_t limit = 500);
  /// As the poll actor does where the server says that nothing is new: 304, no page.
  void pull_unless_not_modified(server_store& server);
  /// Until nothing is left to send or to pull.
  void sync(server_store& server);

  // The conflict actor's part.
  void resolve_undecided();
  /// The user's word on an open conflict: "" or `stale`.
  std::string decide(std::uint64_t conflict_id, const core::verdict& said);

  // What is in the store.
  [[nodiscard]] client_snapshot look() const;
  /// A visible item's body, or "-".
  [[nodiscard]] std::string shown(const std::string& id,
                                  const std::string& collection = "items") const;
  [[nodiscard]] std::string status(const std::string& id) const;
  [[nodiscard]] std::map<std::string, std::string>
  all(const std::string& collection = "items") const;
  [[nodiscard]] waiting_counts counts() const;
  [[nodiscard]] msg::OutboxState state() const;
  [[nodiscard]] std::vector<msg::OutboxEntry> outbox() const;
  [[nodiscard]] std::vector<msg::ConflictRecord> conflicts() const;
  [[nodiscard]] std::vector<msg::QuarantineRecord> quarantine() const;
  /// Nothing waits and nothing is acknowledged but unseen.
  [[nodiscard]] bool is_settled() const;
  /// The server chokes on this one: it is quarantined.
  void poison(std::uint64_t mutation_id);
  /// What the user does with a quarantined or waiting entry; the code of the error, or "".
  std::string manage(msg::ManageOutbox::Action action, std::uint64_t local_seq,
                     const msg::Mutation& mutation = {});

  /// What is wrong with the store: visible items that are not base + lane, lists that differ from
  /// reads, lanes that nobody will take up. Empty where all is well.
  [[nodiscard]] std::string inconsistency() const;

  /// Runs one command and commits it. Gives its value or fails the test.
  template <class Command, class Result>
  Result run(core::expected<Result> (client_transaction::*method)(const Command&),
             const Command& command) {
    auto result = attempt(method, command);
    BOOST_REQUIRE_MESSAGE(result.has_value(), (result ? std::string{} : result.error().message));
    return std::move(*result);
  }
  template <class Command, class Result>
  core::expected<Result>
  attempt(core::expected<Result> (client_transaction::*method)(const Command&),
          const Command& command) {
    const auto transaction = store_->begin();
    auto result = ((*transaction).*method)(command);
    events_ = transaction->commit();
    return result;
  }

  [[nodiscard]] client_store& store() {
    return *store_;
  }
  [[nodiscard]] memory_environment& kv() {
    return *kv_;
  }
  /// Events of the last committed transaction.
  [[nodiscard]] const client_events& events() const {
    return events_;
  }
  /// Opens another device from a copy of this one's files, or this one again.
  [[nodiscard]] kv_memory_image image() const {
    return kv_->image();
  }
  void open(const kv_memory_image& image);

  core::conflict_policy policy;
  std::int64_t now_ms = noon_ms;
  std::uint64_t feed_records_max = 100'000;
  bool is_foreign = false; ///< its server is none of ours
  /// A fresh store draws other random numbers, also where it was opened from a copy.
  std::uint64_t seed;

private:
  core::conflict_question question(const client_snapshot& snapshot, const std::string& collection,
                                   const std::string& id, core::lane lane);
  void add_decisions(msg::ApplyRemoteChanges& changes);
  void add_decision(const client_snapshot& snapshot, const std::string& id, const msg::Item* item,
                    const core::meeting& where, msg::ApplyRemoteChanges& changes);
  msg::LaneDecision decision_on(const std::string& collection, const std::string& id,
                                const std::optional<core::verdict>& said);

  std::function<std::uint64_t()> random_;
  memory_environment* kv_ = nullptr;
  std::unique_ptr<client_store> store_;
  client_events events_;
};

} // namespace syncline::storage::test
