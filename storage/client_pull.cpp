// Pages in, and decisions about what met what.

#include "core/data/ids.hpp"
#include "core/sync/cursor.hpp"
#include "storage/client_commands.hpp"
#include "storage/id_map.hpp"
#include "storage/overlay_record.hpp"

#include <algorithm>

namespace syncline::storage {

using core::expected;

namespace {

core::item_view view_of(const msg::Item& item) {
  return {core::header_of(item), item.body()};
}

// Copies a row that a restored server lacks: the client may hold the only copy of it.
void keep_lost_row(client_work& work, std::string_view collection, std::string_view id,
                   const core::item_view& row, const msg::Item* theirs) {
  msg::ConflictRecord record;
  record.set_conflict_id(work.random());
  record.set_collection(collection.data(), collection.size());
  record.set_id(id.data(), id.size());
  record.set_reason(msg::SERVER_RESTORED);
  record.set_mine_body(row.body.data(), row.body.size());
  if (theirs) {
    record.set_theirs_body(theirs->body());
    *record.mutable_theirs_stamp() = theirs->stamp();
    record.set_theirs_version(theirs->version());
  }
  record.set_strategy("server_restored");
  record.set_decision(msg::TOOK_SERVER);
  record.set_recorded_ms(work.now_ms());
  work.put_conflict(record);
}

class page_applier {
public:
  page_applier(client_work& work, const msg::ApplyRemoteChanges& command,
               const msg::ClientCursor& cursor)
    : work_{work}, command_{command}, page_{command.page()}, cursor_{cursor},
      where_{page_.head().seq(), cursor.restoring()}, has_lanes_{work.records().kv().count(
                                                                   client_table::overlay) != 0} {}

  /// First half: reads only. False: a lane needs a decision that the command does not bring.
  bool meet_lanes() {
    if (page_.phase() == msg::Cursor::SNAPSHOT)
      find_missing();
    if (!has_lanes_)
      return true;
    for (const auto* list : {&page_.deleted(), &page_.items()})
      for (const auto& item : *list)
        if (!meet(item.id(), view_of(item), &item))
          return false;
    for (const auto& id : missing_)
      if (!meet(id, std::nullopt, nullptr))
        return false;
    return true;
  }

  /// Second half: rows, then what the lanes make of them.
  void write() {
    for (const auto& id : missing_)
      remove_row(id, nullptr);
    for (const auto& item : page_.deleted())
      remove_row(item.id(), &item);
    for (const auto& item : page_.items())
      put_row(item);
    for (auto* lane : met_)
      work_.settle(*lane, 0);
  }

  [[nodiscard]] std::uint32_t changed() const {
    return changed_;
  }
  [[nodiscard]] std::uint32_t conflicts() const {
    return conflicts_;
  }

private:
  [[nodiscard]] bool in_range(std::string_view id) const {
    return page_.range_to_end() || id <= page_.range_through();
  }

  // Ids that the page's range covers and the page does not have: rows and lanes.
  void find_missing() {
    std::set<std::string_view> present;
    for (const auto& item : page_.items())
      present.insert(item.id());
    std::set<std::string, std::less<>> missing;
    for (const table_id table : {client_table::base, client_table::overlay}) {
      if (work_.records().kv().count(table) == 0)
        continue;
      key_buffer from;
      from.text(page_.collection()).separator();
      const std::size_t prefix_bytes = from.view().size();
      from.text(page_.range_after());
      const auto cursor = work_.records().kv().cursor(table);
      for (bool more = cursor->seek(from); more; more = cursor->next()) {
        const auto key = cursor->key();
        if (key.substr(0, prefix_bytes) != from.view().substr(0, prefix_bytes))
          break;
        const auto id = key.substr(prefix_bytes);
        if (!in_range(id))
          break;
        if (id <= page_.range_after() || present.count(id) != 0)
          continue;
        // A first walk passes over any number of these, which must not cost memory.
        if (table == client_table::overlay && missing.find(id) == missing.end() &&
            is_new_here(key, cursor->value()))
          continue;
        missing.emplace(id);
      }
    }
    missing_.assign(missing.begin(), missing.end());
  }

  [[nodiscard]] bool is_new_here(std::string_view key, std::string_view stored) const {
    msg::Lane lane;
    if (!read_lane(work_.records().open(client_table::overlay, key, stored), lane))
      throw_corrupt(client_tables()[client_table::overlay], key);
    return core::is_new_here(lane);
  }

  [[nodiscard]] const msg::LaneDecision* decision_for(const lane_work& lane,
                                                      const msg::Item* item) const {
    const auto stamp = item ? core::from_message(item->stamp()) : core::stamp{};
    for (const auto& decision : command_.decisions())
      if (decision.id() == lane.id && decision.collection() == lane.collection &&
          decision.lane_revision() == lane.lane.record.revision() &&
          core::from_message(decision.theirs_read()) == stamp)
        return &decision;
    return nullptr;
  }

  bool meet(std::string_view id, const std::optional<core::item_view>& row, const msg::Item* item) {
    auto* lane = work_.lane_if_any(page_.collection(), id);
    if (!lane || is_older_than_base(*lane, row))
      return true;
    // Found before `core::meet` touches the lane: a decision names the revision it read.
    const auto* decision = decision_for(*lane, item);
    lane->remote = true;
    switch (core::meet(lane->lane, row, where_)) {
    case core::encounter::decide:
      if (!decision)
        return false;
      decided_.emplace_back(lane, decision);
      conflicts_ += static_cast<std::uint32_t>(decision->records_size());
      break;
    case core::encounter::moved:
      lane->dirty = true;
      break;
    default:
      lane->dirty = lane->dirty || lane->lane.record.undecided();
      break;
    }
    met_.push_back(lane);
    return true;
  }

  [[nodiscard]] bool is_older_than_base(const lane_work& lane,
                                        const std::optional<core::item_view>& row) const {
    if (!lane.base || cursor_.restoring())
      return false;
    const std::uint64_t said_at = row ? row->header.stamp.seq : page_.head().seq();
    return said_at < lane.base->header.stamp.seq;
  }

  // What stands in `base` now, unless the page may not replace it: a row of a higher seq was
  // brought by a refusal that this page, read earlier, knows nothing of.
  std::optional<core::item_view> replaceable_row(std::string_view id, std::uint64_t said_at,
                                                 bool& may_replace) const {
    auto row = work_.records().item(client_table::base, item_key(page_.collection(), id));
    may_replace = !row || cursor_.restoring() || row->header.stamp.seq <= said_at;
    return row;
  }

  void remove_row(std::string_view id, const msg::Item* tombstone) {
    bool may_replace = false;
    const auto row =
      replaceable_row(id, tombstone ? tombstone->stamp().seq() : page_.head().seq(), may_replace);
    if (!may_replace)
      return;
    if (row && cursor_.restoring())
      keep_lost_row(work_, page_.collection(), id, *row, nullptr);
    if (row) {
      work_.erase_base(page_.collection(), id);
      ++changed_;
    }
    finish(id, nullptr, row.has_value());
    // Whatever of ours was acknowledged before the deletion has gone with the item.
    if (auto* lane = has_lanes_ ? work_.lane_if_any(page_.collection(), id) : nullptr)
      work_.settle(*lane, tombstone ? tombstone->stamp().seq() : page_.head().seq());
  }

  void put_row(const msg::Item& item) {
    bool may_replace = false;
    const auto row = replaceable_row(item.id(), item.stamp().seq(), may_replace);
    if (!may_replace)
      return;
    const bool known = row && row->header.stamp == core::from_message(item.stamp());
    // What was acknowledged was folded into the row as far as was known here, under its own stamp.
    const bool same = known && (!cursor_.restoring() || row->body == item.body());
    if (row && !known && cursor_.restoring())
      keep_lost_row(work_, page_.collection(), item.id(), *row, &item);
    if (!same) {
      work_.put_base(page_.collection(), item.id(), core::header_of(item), item.body());
      changed_ += is_own(item) ? 0 : 1;
    }
    finish(item.id(), &item, !same);
  }

  // Whether the page only brings back what the server has accepted from here.
  [[nodiscard]] bool is_own(const msg::Item& item) {
    const auto* lane = has_lanes_ ? work_.lane_if_any(page_.collection(), item.id()) : nullptr;
    return lane && !lane->lane.record.acknowledged().empty() &&
           lane->lane.record.acknowledged().rbegin()->stamp().seq() == item.stamp().seq();
  }

  // The item's lane sees the new row; an item without a lane only has to be told of.
  void finish(std::string_view id, const msg::Item* item, bool changed) {
    auto* lane = has_lanes_ ? work_.lane_if_any(page_.collection(), id) : nullptr;
    if (!lane) {
      if (changed)
        work_.note_change(page_.collection(), id, true);
      return;
    }
    lane->base_bytes.clear();
    lane->base = item ? std::optional{view_of(*item)} : std::nullopt;
    lane->dirty = lane->dirty || changed;
    for (const auto& [decided_lane, decision] : decided_)
      if (decided_lane == lane)
        work_.apply_decision(*lane, *decision);
    if (lane->lane.record.undecided() && lane->lane.record.parked_by() == 0)
      work_.note_undecided(*lane);
  }

  client_work& work_;
  const msg::ApplyRemoteChanges& command_;
  const msg::DeltaPage& page_;
  const msg::ClientCursor& cursor_;
  core::meeting where_;
  bool has_lanes_;
  std::vector<std::string> missing_;
  std::vector<lane_work*> met_;
  std::vector<std::pair<lane_work*, const msg::LaneDecision*>> decided_;
  std::uint32_t changed_ = 0;
  std::uint32_t conflicts_ = 0;
};

// After such a page `base` holds all up to `seq_through`: as the last of the changes, or because
// every id was walked over at that head or a later one.
bool reaches_head(const msg::DeltaPage& page) {
  return !page.has_more() && (page.phase() == msg::Cursor::CHANGES || page.range_to_end());
}

// A page is the word of a peer: what cannot be a key of ours must not become one.
expected<void> check_keys(const msg::DeltaPage& page) {
  const auto fits = [](const std::string& id) {
    return id.size() <= core::item_id_bytes_max && id.find('\0') == std::string::npos;
  };
  bool good = fits(page.range_after()) && fits(page.range_through());
  for (const auto* list : {&page.deleted(), &page.items()})
    for (const auto& item : *list)
      good = good && !item.id().empty() && fits(item.id());
  if (good)
    return {};
  return core::fail("bad_page", "the server sent a page of '" + page.collection() +
                                  "' with an id that no item can have; nothing of it was stored");
}

void advance_cursor(client_work& work, const msg::DeltaPage& page, msg::ClientCursor cursor,
                    bool is_foreign) {
  // A foreign server knows no phases: a walk is what begins at its beginning.
  const bool walk_ended = is_foreign ? cursor.walking() && !page.has_more()
                                     : page.phase() == msg::Cursor::SNAPSHOT && page.range_to_end();
  cursor.set_token(page.next_cursor());
  cursor.set_walking(!walk_ended &&
                     (is_foreign ? cursor.walking() : page.phase() == msg::Cursor::SNAPSHOT));
  if (walk_ended)
    cursor.set_sweeping(false);
  cursor.set_seq(page.seq_through());
  if (reaches_head(page))
    cursor.set_passed_seq(page.seq_through());
  const bool restored = cursor.restoring() && walk_ended;
  if (restored)
    cursor.set_restoring(false);
  work.writer().put_message(client_table::cursors, page.collection(), cursor);
  if (restored) {
    work.state.set_restoring(any_collection_restores(work));
    work.events.local_writes = true; // What the outbox held back may go now.
  }
  *work.state.mutable_seen() = core::later_place(work.state.seen(), page.head());
  work.state.set_known_start(page.head().start());
}

} // namespace

expected<msg::RemoteChangesApplied> apply_remote(client_transaction_state& transaction,
                                                 const msg::ApplyRemoteChanges& command) {
  client_work work{transaction};
  msg::RemoteChangesApplied applied;
  const auto& page = command.page();
  msg::ClientCursor cursor;
  const bool known = work.records().message(client_table::cursors, page.collection(), cursor);
  if (!known || cursor.token() != page.prev_cursor() ||
      command.request_start() != work.state.known_start()) {
    applied.set_superseded(true);
    return applied;
  }
  if (auto valid = check_keys(page); !valid)
    return valid.error();
  const bool is_foreign = transaction.options->is_foreign;
  if (is_foreign && !accept_ids(work, page)) {
    applied.set_superseded(true); // An answer came in between, and has named one of them.
    return applied;
  }
  page_applier applier{work, command, cursor};
  if (!applier.meet_lanes()) {
    applied.set_stale(true);
    return applied;
  }
  if (is_foreign && !work.state.sent().empty())
    note_gone(work, page);
  if (cursor.sweeping() && page.has_more())
    note_met(work, page);
  else if (cursor.sweeping())
    forget_met(work, page.collection());
  if (transaction.options->canaries.cursor_before_rows) {
    transaction.late_rows->push_back(command);
  } else {
    applier.write();
    if (reaches_head(page))
      work.settle_passed(page.collection(), page.seq_through());
  }
  advance_cursor(work, page, cursor, is_foreign);
  applied.set_changed(applier.changed());
  applied.set_conflicts(applier.conflicts());
  applied.set_has_more(page.has_more());
  work.flush();
  return applied;
}

// The planted bug's other half: the rows of a page whose cursor is stored already.
expected<msg::RemoteChangesApplied> apply_late_rows(client_transaction_state& transaction,
                                                    const msg::ApplyRemoteChanges& command) {
  client_work work{transaction};
  msg::ClientCursor cursor;
  work.records().message(client_table::cursors, command.page().collection(), cursor);
  page_applier applier{work, command, cursor};
  if (applier.meet_lanes()) {
    applier.write();
    if (reaches_head(command.page()))
      work.settle_passed(command.page().collection(), command.page().seq_through());
    work.flush();
  }
  return msg::RemoteChangesApplied{};
}

expected<msg::ResolutionApplied> apply_resolution(client_transaction_state& transaction,
                                                  const msg::ApplyResolution& command) {
  client_work work{transaction};
  msg::ResolutionApplied applied;
  const auto& decision = command.decision();
  auto& lane = work.lane(decision.collection(), decision.id());
  const auto met = core::met_version(lane.lane, decision.id(), lane.base);
  const auto met_stamp = met ? core::from_message(met->stamp()) : core::stamp{};
  const bool waits = lane.lane.record.undecided() || lane.lane.record.parked_by() != 0;
  if (!waits || lane.lane.entries.empty() ||
      lane.lane.record.revision() != decision.lane_revision() ||
      met_stamp != core::from_message(decision.theirs_read())) {
    applied.set_stale(true);
    return applied;
  }
  work.apply_decision(lane, decision);
  work.flush();
  return applied;
}

void trim_conflicts(client_transaction_state& transaction) {
  client_work work{transaction};
  const std::int64_t oldest = work.now_ms() - transaction.options->conflicts_kept_ms;
  std::vector<std::string> old;
  const auto cursor = work.records().kv().cursor(client_table::conflicts);
  msg::ConflictRecord record;
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    work.records().open_message(client_table::conflicts, cursor->key(), cursor->value(), record);
    if (record.resolved_ms() != 0 && record.resolved_ms() < oldest)
      old.emplace_back(cursor->key());
  }
  for (const auto& key : old)
    work.writer().erase(client_table::conflicts, key);
  work.flush();
}

} // namespace syncline::storage
