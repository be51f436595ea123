#pragma once
// The working set of one command on the client's store. A command loads the lanes it touches,
// changes them in memory, and flushes once it is sure: a command that fails has written nothing.

#include "storage/client_store.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"

#include <map>
#include <set>

namespace syncline::storage {

/// One item of the working set.
struct lane_work {
  std::string collection;
  std::string id;
  core::lane lane;
  std::string base_bytes; ///< owns what `base` views, unless a page does
  std::optional<core::item_view> base;
  bool is_base_read = false;
  std::set<std::uint64_t> changed_entries; ///< of `lane.entries`, to be written
  bool had_row = false;                    ///< an overlay row is stored
  std::uint64_t was_parked_by = 0;         ///< the conflict that this row names
  bool dirty = false;
  bool remote = false; ///< the change came from the server

  /// The entry with this local sequence; a broken invariant where there is none.
  msg::OutboxEntry& entry(std::uint64_t local_seq);
  [[nodiscard]] bool has_entry(std::uint64_t local_seq) const;
};

/// What all commands of one transaction share.
struct client_transaction_state {
  kv_writer* kv = nullptr;
  const client_store_options* options = nullptr;
  msg::OutboxState outbox;
  bool outbox_dirty = false;
  client_events events;
  std::vector<msg::ApplyRemoteChanges>* late_rows = nullptr; ///< planted bug only
};

/// See above. Throws `kv_error`.
class client_work {
public:
  explicit client_work(client_transaction_state& transaction)
    : state{transaction.outbox}, transaction_{transaction},
      records_{*transaction.kv, client_tables()}, writer_{*transaction.kv} {}

  /// The lane of an item, loaded at the first call. `known` is an entry of it that was read
  /// already; it is moved from where the lane is loaded by this call.
  lane_work& lane(std::string_view collection, std::string_view id,
                  msg::OutboxEntry* known = nullptr);
  /// As above; the base row is not read. For a command that changes no lane.
  lane_work& lane_without_base(std::string_view collection, std::string_view id,
                               msg::OutboxEntry* known);
  /// As above, without loading an item that has no lane; nullptr then.
  lane_work* lane_if_any(std::string_view collection, std::string_view id);

  /// An entry of the outbox that has to be there, as it is stored.
  [[nodiscard]] msg::OutboxEntry stored_entry(std::uint64_t local_seq) const;

  /// Adds a waiting mutation at the end of its lane, coalescing where that is allowed. Returns the
  /// local sequence of the entry that carries it, 0 where nothing is left to be done.
  core::expected<std::uint64_t> add_entry(lane_work& work, msg::Mutation mutation,
                                          std::vector<std::uint64_t> after);

  /// Takes an entry out of its lane and out of the outbox.
  void erase_entry(lane_work& work, std::uint64_t local_seq);

  /// Puts an entry, already out of its lane, into the quarantine.
  void quarantine(lane_work& work, msg::OutboxEntry entry, const msg::Error& error,
                  bool awaits_skip);

  /// Replaces the lane's entries as decided. The caller has compared what was read.
  void apply_decision(lane_work& work, const msg::LaneDecision& decision);

  /// An atomic group lost a member before it was sent: as the server would, none of it is applied.
  /// The others go into the quarantine together.
  std::vector<msg::OutboxEntry> members_of(std::uint64_t group);
  void break_group(std::uint64_t group);

  /// Quarantines what is queued of an atomic group that has lost members to their answers.
  void break_group_if_short(std::uint64_t group);

  /// Drops what the base row, or a page that passed `passed_seq`, shows.
  void settle(lane_work& work, std::uint64_t passed_seq);
  void settle_passed(std::string_view collection, std::uint64_t passed_seq);

  void put_base(std::string_view collection, std::string_view id, const core::item_header& header,
                std::string_view body);
  void erase_base(std::string_view collection, std::string_view id);
  void put_conflict(const msg::ConflictRecord& record);
  /// Nothing where it is not kept any more, or closed already.
  void close_conflict(std::uint64_t conflict_id, msg::ConflictDecision decision);
  void note_change(std::string_view collection, std::string_view id, bool remote);
  void note_step(std::uint64_t local_seq, msg::MutationsAdvanced::Stage stage,
                 const msg::Error* error = nullptr);
  void note_undecided(const lane_work& work);

  std::uint64_t draw_local_seq();
  std::uint64_t random() {
    return transaction_.options->random();
  }
  [[nodiscard]] std::int64_t now_ms() const {
    return transaction_.options->now_ms();
  }
  [[nodiscard]] const record_reader& records() const {
    return records_;
  }
  record_writer& writer() {
    return writer_;
  }

  /// Writes everything and hands the events on. The last call of a command.
  void flush();

  msg::OutboxState state;
  client_events events;

private:
  void trim_feed();
  void load(lane_work& work, std::string_view key, std::string_view overlay_payload,
            msg::OutboxEntry* known);
  void flush_lane(std::string_view key, lane_work& work);
  core::expected<bool> coalesce_into_last(lane_work& work, const msg::Mutation& mutation);

  client_transaction_state& transaction_;
  record_reader records_;
  record_writer writer_;
  std::map<std::string, lane_work, std::less<>> lanes_;
  std::vector<std::uint64_t> erased_entries_;
  std::string overlay_;
};

} // namespace syncline::storage
