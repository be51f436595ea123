#pragma once
// The client's store: what the server said, what waits, and what the user sees.
//
//   visible item = base row + the lane of the item (core/sync/lane.hpp)
//
// That sentence holds in every committed transaction. Reads go straight to a snapshot, from any
// thread. Writes go through one `client_transaction` at a time, which the `storage` actor begins,
// fills with the commands that wait, and commits: group commit.

#include "client_storage.pb.h"
#include "core/expected.hpp"
#include "core/ot/client_session.hpp"
#include "core/sync/lane.hpp"
#include "jobs.pb.h"
#include "storage/kv.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::storage {

/// Newest schema that this code writes; a store of a newer one is refused, untouched.
inline constexpr std::uint32_t client_schema = 1;

/// Bugs that can be planted at run time, to prove that the simulation finds them. All off, always,
/// outside of it.
struct client_canaries {
  bool cursor_before_rows = false;  ///< a page's rows follow one transaction after its cursor
  bool entry_removed_early = false; ///< an entry leaves the outbox when it is sent
};

struct client_store_options {
  std::function<std::uint64_t()> random; ///< seeded in the simulation
  std::function<std::int64_t()> now_ms;  ///< wall clock
  std::uint64_t feed_records_max = 100'000;
  std::int64_t conflicts_kept_ms = 30LL * 24 * 3600 * 1000;
  /// The server is none of ours: it names the items itself (storage/id_map.hpp), and has a version
  /// of each instead of a sequence; stamps are made of those.
  bool is_foreign = false;
  client_canaries canaries;
};

/// An item as the user sees it. Views live as long as the snapshot.
struct stored_item {
  std::string_view id;
  core::item_header header;
  std::string_view body;
  core::sync_status status = core::sync_status::synced;
};

/// A shared text, as `core::ot::client_session::load` takes it.
struct stored_client_document {
  msg::ClientDocumentHead head;
  core::ot::client_document whole;
  std::vector<core::ot::any_session_change> since;
};

struct listed_document {
  std::string id;
  msg::ClientDocumentHead head;
};

/// How much waits; derived from the tables on each call.
struct waiting_counts {
  std::uint64_t outbox = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t conflicts = 0; ///< records kept, decided ones included
};

/// A consistent view of the store. From one thread at a time; every read may fail with
/// `store_corrupt`, `snapshot_expired` or `store_io`.
class client_snapshot {
public:
  explicit client_snapshot(std::unique_ptr<kv_reader> reader) : reader_{std::move(reader)} {}

  [[nodiscard]] core::expected<std::optional<stored_item>> get(std::string_view collection,
                                                               std::string_view id) const;

  /// Calls `visit` for each visible item of the collection with an id above `after`, in the order
  /// of ids, until it returns false.
  [[nodiscard]] core::expected<void>
  list(std::string_view collection, std::string_view after,
       const std::function<bool(const stored_item&)>& visit) const;

  [[nodiscard]] core::expected<core::lane> lane(std::string_view collection,
                                                std::string_view id) const;
  /// Ids in (after, through] that have a lane; an empty `through` is unbounded.
  [[nodiscard]] core::expected<std::vector<std::string>>
  lane_ids(std::string_view collection, std::string_view after, std::string_view through) const;
  /// The base row, as a message; nullopt where there is none.
  [[nodiscard]] core::expected<std::optional<msg::Item>> base(std::string_view collection,
                                                              std::string_view id) const;
  [[nodiscard]] core::expected<msg::OutboxState> outbox_state() const;
  [[nodiscard]] core::expected<msg::StoreIdentity> identity() const;
  [[nodiscard]] core::expected<msg::PullState> pull_state(std::string_view collection) const;
  [[nodiscard]] core::expected<std::vector<std::string>> collections() const;
  [[nodiscard]] core::expected<waiting_counts> counts() const;
  /// Whether any item at all has a lane.
  [[nodiscard]] core::expected<bool> has_lanes() const;
  [[nodiscard]] core::expected<std::vector<msg::OutboxEntry>> outbox(std::size_t limit) const;
  [[nodiscard]] core::expected<std::vector<msg::QuarantineRecord>> quarantine() const;
  [[nodiscard]] core::expected<std::vector<msg::ConflictRecord>> conflicts() const;
  [[nodiscard]] core::expected<std::optional<msg::ConflictRecord>>
  conflict(std::uint64_t conflict_id) const;

  /// For a page of a foreign server: gives its items the ids that they have here, and names in
  /// `deleted`, at the end of a walk that sweeps, all rows that the walk has not met.
  [[nodiscard]] core::expected<void> localise(msg::DeltaPage& page) const;

  /// A shared text; nullopt where nothing of it was ever stored here.
  [[nodiscard]] core::expected<std::optional<stored_client_document>>
  document(std::string_view id) const;
  /// Up to `limit` of them with an id above `after`, in the order of ids, without their texts.
  [[nodiscard]] core::expected<std::vector<listed_document>> documents(std::string_view after,
                                                                       std::size_t limit) const;

  /// Background jobs, by name.
  [[nodiscard]] core::expected<std::vector<msg::JobRecord>> jobs() const;

  /// Lanes that wait for the conflict actor: (collection, id). Parked ones wait for the user.
  [[nodiscard]] core::expected<std::vector<std::pair<std::string, std::string>>> undecided() const;

  /// The local feed after `after_seq`; `floor` of it is the oldest sequence that can be asked for.
  struct feed {
    std::vector<std::pair<std::uint64_t, msg::ChangeRecord>> records;
    std::uint64_t floor = 0;
  };
  [[nodiscard]] core::expected<feed> changes(std::uint64_t after_seq, std::size_t limit) const;

private:
  std::unique_ptr<kv_reader> reader_;
  mutable std::optional<bool> has_lanes_; // once it was asked; a snapshot never changes
};

/// What a committed transaction has to tell others.
struct client_events {
  bool local_writes = false; ///< LocalWritesCommitted
  msg::ConflictsRecorded conflicts;
  msg::StoreChanged changed;
  msg::MutationsAdvanced advanced;
};

/// One write transaction with any number of commands. A command that returns an error has left no
/// trace; `kv_error` from a command or from `commit` means that nothing of the transaction is
/// stored (or, for `store_io`, that only opening again can tell).
class client_transaction {
public:
  virtual ~client_transaction() = default;

  virtual core::expected<msg::LocalWritten> write_local(const msg::WriteLocal& command) = 0;
  virtual core::expected<msg::OutboxBatch> take_batch(const msg::TakeOutboxBatch& command) = 0;
  virtual core::expected<msg::BatchResultApplied>
  apply_result(const msg::ApplyBatchResult& command) = 0;
  virtual core::expected<msg::BatchResultApplied>
  apply_refusal(const msg::ApplyBatchRefusal& command) = 0;
  virtual core::expected<msg::Done> quarantine_poison(const msg::QuarantinePoison& command) = 0;
  virtual core::expected<msg::RemoteChangesApplied>
  apply_remote(const msg::ApplyRemoteChanges& command) = 0;
  virtual core::expected<msg::Done> reset_cursor(const msg::ResetCursor& command) = 0;
  virtual core::expected<msg::ResolutionApplied>
  apply_resolution(const msg::ApplyResolution& command) = 0;
  virtual core::expected<msg::LocalWritten> manage_outbox(const msg::ManageOutbox& command) = 0;
  virtual core::expected<msg::Done> add_collection(const msg::AddCollection& command) = 0;
  virtual core::expected<msg::Done> drop_collection(const msg::DropCollection& command) = 0;
  /// As it is given; the background actor is the only one who writes jobs.
  virtual core::expected<msg::Done> store_job(const msg::StoreJob& command) = 0;
  virtual core::expected<msg::Done> erase_job(const msg::EraseJob& command) = 0;
  /// The document's actor is the only one who writes it. Error: `superseded` where another has.
  virtual core::expected<msg::DocumentStored> store_document(const msg::StoreDocument& command) = 0;
  virtual core::expected<msg::Done> erase_document(const msg::EraseDocument& command) = 0;
  virtual core::expected<msg::Done> close_report(const msg::CloseReport& command) = 0;
  /// Forgets decided conflicts that are older than the options say.
  virtual void trim_conflicts() = 0;

  /// Throws `kv_error`. Returns what to publish; calling anything after it is a broken invariant.
  virtual client_events commit() = 0;
};

/// Opens over a key-value environment whose tables are `client_tables()`.
class client_store {
public:
  /// Reads the identity, or writes one into an empty store. Errors: `store_newer`, `store_corrupt`,
  /// and those of the environment.
  static core::expected<std::unique_ptr<client_store>> open(std::unique_ptr<kv_environment> kv,
                                                            client_store_options options);

  [[nodiscard]] core::expected<client_snapshot> snapshot() const;

  /// Throws `kv_error`. One at a time, from one thread.
  [[nodiscard]] std::unique_ptr<client_transaction> begin();

  /// Ties the store to a server, space, user and dialect the first time; later a mismatch is
  /// refused with `store_of_another`, which names both.
  [[nodiscard]] core::expected<void> bind(std::string_view server, std::string_view space,
                                          std::string_view user,
                                          std::string_view dialect = "syncline");

  [[nodiscard]] kv_environment& kv() const {
    return *kv_;
  }

private:
  client_store(std::unique_ptr<kv_environment> kv, client_store_options options)
    : kv_{std::move(kv)}, options_{std::move(options)} {}

  std::unique_ptr<kv_environment> kv_;
  client_store_options options_;
  std::vector<msg::ApplyRemoteChanges> late_rows_; ///< planted bug only
};

} // namespace syncline::storage
