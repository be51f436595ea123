// Histories lost, conflicts kept, and collections that come and go.

#include "core/data/ids.hpp"
#include "storage/client_commands.hpp"
#include "storage/id_map.hpp"

#include <limits>

namespace syncline::storage {

using core::expected;

bool any_collection_restores(client_work& work) {
  const auto cursor = work.records().kv().cursor(client_table::cursors);
  msg::ClientCursor stored;
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    work.records().open_message(client_table::cursors, cursor->key(), cursor->value(), stored);
    if (stored.restoring())
      return true;
  }
  return false;
}

namespace {

// Before a restored server's snapshot replaces `base`, what it had acknowledged joins it: the rows
// that the snapshot then lacks are kept as conflicts.
void fold_acknowledged(client_work& work) {
  std::set<std::pair<std::string, std::string>> places;
  const auto cursor = work.records().kv().cursor(client_table::acknowledged);
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    const auto key = cursor->key();
    const auto end = key.find('\0');
    places.emplace(key.substr(0, end), key.substr(end + 1 + 8 + 1));
  }
  for (const auto& [collection, id] : places) {
    auto& work_lane = work.lane(collection, id);
    core::lane accepted = work_lane.lane;
    accepted.entries.clear();
    const auto effects = accepted.record.acknowledged();
    if (effects.empty())
      continue;
    auto seen = core::visible(accepted, work_lane.base);
    const auto& last = effects[effects.size() - 1];
    seen.header.stamp = core::from_message(last.stamp());
    seen.header.version = last.version();
    seen.header.last_modified_ms = last.last_modified_ms();
    if (seen.exists)
      work.put_base(collection, id, seen.header, seen.body);
    else
      work.erase_base(collection, id);
    work.settle(work_lane, std::numeric_limits<std::uint64_t>::max());
    work_lane.base_bytes.clear();
    if (seen.exists)
      core::append_item(work_lane.base_bytes, seen.header, seen.body);
    work_lane.base = seen.exists ? core::read_item(work_lane.base_bytes) : std::nullopt;
  }
}

void restart_all_walks(client_work& work, bool is_foreign) {
  std::vector<std::string> names;
  const auto cursor = work.records().kv().cursor(client_table::cursors);
  for (bool more = cursor->seek({}); more; more = cursor->next())
    names.emplace_back(cursor->key());
  msg::ClientCursor beginning;
  beginning.set_restoring(true);
  beginning.set_walking(true);
  beginning.set_sweeping(is_foreign);
  for (const auto& name : names) {
    work.writer().put_message(client_table::cursors, name, beginning);
    forget_met(work, name);
  }
  work.state.set_restoring(!names.empty());
  work.state.clear_seen();
  work.state.set_known_start(0);
}

} // namespace

expected<msg::Done> reset_cursor(client_transaction_state& transaction,
                                 const msg::ResetCursor& command) {
  client_work work{transaction};
  if (command.reason() == "floor") {
    msg::ClientCursor cursor;
    if (!work.records().message(client_table::cursors, command.collection(), cursor) ||
        cursor.token() != command.token())
      return msg::Done{}; // Somebody else's page or reset was faster.
    msg::ClientCursor beginning;
    beginning.set_walking(true);
    beginning.set_restoring(cursor.restoring());
    beginning.set_sweeping(transaction.options->is_foreign);
    work.writer().put_message(client_table::cursors, command.collection(), beginning);
    forget_met(work, command.collection());
    work.flush();
    return msg::Done{};
  }
  // The refusal speaks of a place that the request carried; after a reset it is old news.
  const bool names_cursor = !command.token().empty();
  msg::ClientCursor cursor;
  if (names_cursor)
    work.records().message(client_table::cursors, command.collection(), cursor);
  const bool same_seen =
    work.state.seen().SerializeAsString() == command.seen().SerializeAsString();
  if ((names_cursor && cursor.token() != command.token()) || !same_seen)
    return msg::Done{};
  fold_acknowledged(work);
  restart_all_walks(work, transaction.options->is_foreign);
  work.flush();
  return msg::Done{};
}

expected<msg::Done> add_collection(client_transaction_state& transaction,
                                   const msg::AddCollection& command) {
  if (auto valid = core::validate_collection(command.collection()); !valid)
    return valid.error();
  client_work work{transaction};
  if (work.records().kv().get(client_table::cursors, command.collection()))
    return msg::Done{};
  msg::ClientCursor beginning;
  beginning.set_walking(true);
  beginning.set_restoring(work.state.restoring());
  work.writer().put_message(client_table::cursors, command.collection(), beginning);
  work.flush();
  return msg::Done{};
}

expected<msg::Done> drop_collection(client_transaction_state& transaction,
                                    const msg::DropCollection& command) {
  client_work work{transaction};
  work.writer().erase(client_table::cursors, command.collection());
  work.settle_passed(command.collection(), std::numeric_limits<std::uint64_t>::max());
  std::vector<std::string> ids;
  key_buffer prefix;
  prefix.text(command.collection()).separator();
  const auto cursor = work.records().kv().cursor(client_table::base);
  for (bool more = cursor->seek(prefix); more && cursor->key().starts_with(prefix.view());
       more = cursor->next())
    ids.emplace_back(cursor->key().substr(prefix.view().size()));
  for (const auto& id : ids) {
    auto* lane = work.lane_if_any(command.collection(), id);
    work.erase_base(command.collection(), id);
    if (lane) {
      lane->base.reset();
      lane->dirty = true;
    } else {
      work.note_change(command.collection(), id, true);
    }
  }
  work.state.set_restoring(work.state.restoring() && any_collection_restores(work));
  work.flush();
  return msg::Done{};
}

void client_work::put_conflict(const msg::ConflictRecord& record) {
  writer_.put_message(client_table::conflicts, number_key(record.conflict_id()), record);
}

void client_work::close_conflict(std::uint64_t conflict_id, msg::ConflictDecision decision) {
  msg::ConflictRecord record;
  if (!records_.message(client_table::conflicts, number_key(conflict_id), record) ||
      record.resolved_ms() != 0)
    return;
  record.set_decision(decision);
  record.set_resolved_ms(now_ms());
  put_conflict(record);
}

} // namespace syncline::storage
