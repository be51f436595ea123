#include "storage/client_work.hpp"

#include "core/data/hybrid_clock.hpp"
#include "core/sync/mutation.hpp"
#include "storage/overlay_record.hpp"

#include <algorithm>
#include <utility>

namespace syncline::storage {

namespace {

void count_changes(msg::StoreChanged& changed, std::uint32_t changes, std::uint32_t remote_changes,
                   std::uint64_t last_seq) {
  changed.set_changes(changed.changes() + changes);
  changed.set_remote_changes(changed.remote_changes() + remote_changes);
  changed.set_last_seq(last_seq);
}

} // namespace

msg::OutboxEntry& lane_work::entry(std::uint64_t local_seq) {
  const auto found = std::find_if(lane.entries.begin(), lane.entries.end(),
                                  [&](const auto& e) { return e.local_seq() == local_seq; });
  core::ensure(found != lane.entries.end(), "the entry belongs to the lane");
  return *found;
}

bool lane_work::has_entry(std::uint64_t local_seq) const {
  return std::any_of(lane.entries.begin(), lane.entries.end(),
                     [&](const auto& e) { return e.local_seq() == local_seq; });
}

void client_work::load(lane_work& work, std::string_view key, std::string_view overlay_payload,
                       msg::OutboxEntry* known) {
  if (!read_lane(overlay_payload, work.lane.record))
    throw_corrupt(client_tables()[client_table::overlay], key);
  work.had_row = true;
  work.was_parked_by = work.lane.record.parked_by();
  for (const std::uint64_t seq : work.lane.record.entries()) {
    auto& entry = work.lane.entries.emplace_back();
    if (known && known->local_seq() == seq)
      entry.Swap(known);
    else if (!records_.message(client_table::outbox, number_key(seq), entry))
      throw_corrupt(client_tables()[client_table::outbox], number_key(seq));
  }
}

lane_work& client_work::lane_without_base(std::string_view collection, std::string_view id,
                                          msg::OutboxEntry* known) {
  const auto key = item_key(collection, id);
  if (const auto found = lanes_.find(key.view()); found != lanes_.end())
    return found->second;
  lane_work work;
  work.collection = collection;
  work.id = id;
  if (const auto payload = records_.payload(client_table::overlay, key))
    load(work, key, *payload, known);
  return lanes_.emplace(std::string{key.view()}, std::move(work)).first->second;
}

lane_work& client_work::lane(std::string_view collection, std::string_view id,
                             msg::OutboxEntry* known) {
  auto& work = lane_without_base(collection, id, known);
  if (!std::exchange(work.is_base_read, true)) {
    const auto key = item_key(collection, id);
    // A write may move the page under a view, so the row is kept as a copy.
    if (const auto payload = records_.payload(client_table::base, key)) {
      work.base_bytes = *payload;
      work.base = core::read_item(work.base_bytes);
      if (!work.base)
        throw_corrupt(client_tables()[client_table::base], key);
    }
  }
  return work;
}

lane_work* client_work::lane_if_any(std::string_view collection, std::string_view id) {
  const auto key = item_key(collection, id);
  if (lanes_.find(key.view()) == lanes_.end() && !records_.kv().get(client_table::overlay, key))
    return nullptr;
  return &lane(collection, id);
}

msg::OutboxEntry client_work::stored_entry(std::uint64_t local_seq) const {
  msg::OutboxEntry entry;
  if (!records_.message(client_table::outbox, number_key(local_seq), entry))
    throw_corrupt(client_tables()[client_table::outbox], number_key(local_seq));
  return entry;
}

std::uint64_t client_work::draw_local_seq() {
  state.set_next_local_seq(state.next_local_seq() + 1);
  return state.next_local_seq();
}

core::expected<bool> client_work::coalesce_into_last(lane_work& work,
                                                     const msg::Mutation& mutation) {
  auto& last = work.lane.entries.back();
  auto outcome = core::coalesce(*last.mutable_mutation(), mutation);
  if (!outcome)
    return outcome.error();
  if (*outcome == core::coalesced::separate)
    return false;
  if (*outcome == core::coalesced::cancelled) {
    const std::uint64_t gone = last.local_seq();
    erase_entry(work, gone);
    note_step(gone, msg::MutationsAdvanced::SUPERSEDED);
    return true;
  }
  work.changed_entries.insert(last.local_seq());
  return true;
}

core::expected<std::uint64_t> client_work::add_entry(lane_work& work, msg::Mutation mutation,
                                                     std::vector<std::uint64_t> after) {
  auto& entries = work.lane.entries;
  core::hybrid_clock clock{state.clock()};
  *mutation.mutable_client_time() = clock.tick(now_ms());
  *state.mutable_clock() = clock.last();
  mutation.set_nonce(random());
  work.dirty = true;
  events.local_writes = true;
  if (!entries.empty() && entries.back().state() == msg::QUEUED && after.empty()) {
    const std::uint64_t last_seq = entries.back().local_seq();
    auto folded = coalesce_into_last(work, mutation);
    if (!folded)
      return folded.error();
    if (*folded)
      return entries.empty() || entries.back().local_seq() != last_seq ? 0 : last_seq;
  }
  core::begin_on(work.lane, work.base);
  auto& entry = entries.emplace_back();
  entry.set_local_seq(draw_local_seq());
  entry.set_created_ms(now_ms());
  *entry.mutable_mutation() = std::move(mutation);
  entry.mutable_after()->Add(after.begin(), after.end());
  work.lane.record.add_entries(entry.local_seq());
  work.changed_entries.insert(entry.local_seq());
  return entry.local_seq();
}

void client_work::erase_entry(lane_work& work, std::uint64_t local_seq) {
  auto& entries = work.lane.entries;
  auto& seqs = *work.lane.record.mutable_entries();
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [&](const auto& e) { return e.local_seq() == local_seq; }),
                entries.end());
  seqs.erase(std::remove(seqs.begin(), seqs.end(), local_seq), seqs.end());
  if (entries.empty())
    core::forget_conflict(work.lane);
  work.changed_entries.erase(local_seq);
  work.dirty = true;
  erased_entries_.push_back(local_seq);
}

void client_work::quarantine(lane_work& work, msg::OutboxEntry entry, const msg::Error& error,
                             bool awaits_skip) {
  msg::QuarantineRecord record;
  *record.mutable_error() = error;
  record.set_quarantined_ms(now_ms());
  record.set_awaits_skip(awaits_skip);
  work.lane.record.add_quarantined(entry.local_seq());
  work.dirty = true;
  note_step(entry.local_seq(), msg::MutationsAdvanced::REJECTED, &error);
  *record.mutable_entry() = std::move(entry);
  writer_.put_message(client_table::quarantine, number_key(record.entry().local_seq()), record);
}

void client_work::apply_decision(lane_work& work, const msg::LaneDecision& decision) {
  auto& record = work.lane.record;
  record.set_revision(record.revision() + 1);
  work.dirty = true;
  for (const auto& conflict : decision.records())
    put_conflict(conflict);
  if (decision.closes_conflict() != 0)
    close_conflict(decision.closes_conflict(), msg::USER_DECIDED);
  record.set_parked_by(decision.parked_by());
  if (decision.parked_by() != 0) {
    // From now on: what frees the lane in this very transaction closes the new one.
    if (work.was_parked_by != decision.parked_by())
      close_conflict(std::exchange(work.was_parked_by, decision.parked_by()), msg::SUPERSEDED);
    return;
  }
  record.set_undecided(false);
  record.set_met_is_set(false);
  record.clear_met();
  std::set<std::uint64_t> broken_groups;
  for (const auto& change : decision.entries()) {
    if (!work.has_entry(change.local_seq()))
      continue; // Its group broke in this very transaction.
    auto& entry = work.entry(change.local_seq());
    // A group that was refused has had its answer: what comes of its members stands alone.
    const bool waits_in_group = entry.mutation().group() != 0 && entry.state() == msg::QUEUED;
    if (!change.has_mutation()) {
      if (waits_in_group)
        broken_groups.insert(entry.mutation().group());
      erase_entry(work, change.local_seq());
      note_step(change.local_seq(), msg::MutationsAdvanced::SUPERSEDED);
      continue;
    }
    *entry.mutable_mutation() = change.mutation();
    if (!waits_in_group) {
      entry.mutable_mutation()->set_group(0);
      entry.mutable_mutation()->set_group_size(0);
    }
    entry.mutable_mutation()->set_mutation_id(0);
    entry.mutable_mutation()->set_nonce(random());
    entry.mutable_mutation()->clear_formers();
    entry.set_state(msg::QUEUED);
    work.changed_entries.insert(entry.local_seq());
  }
  record.clear_kept_body();
  if (decision.has_kept_body())
    record.set_kept_body(decision.kept_body());
  *record.mutable_base() = decision.base();
  record.set_kept_version(decision.kept_version());
  record.set_kept_last_modified_ms(decision.kept_last_modified_ms());
  events.local_writes = true;
  for (const std::uint64_t group : broken_groups)
    break_group(group);
}

// As they stand in the working set. One that met a conflict, or became a SKIP, has left its group.
std::vector<msg::OutboxEntry> client_work::members_of(std::uint64_t group) {
  std::vector<msg::OutboxEntry> stored;
  const auto cursor = records_.kv().cursor(client_table::outbox);
  msg::OutboxEntry entry;
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    records_.open_message(client_table::outbox, cursor->key(), cursor->value(), entry);
    if (entry.mutation().group() == group)
      stored.push_back(entry);
  }
  std::vector<msg::OutboxEntry> members;
  for (const auto& member : stored) {
    auto& work = lane(member.mutation().collection(), member.mutation().id());
    if (!work.has_entry(member.local_seq()))
      continue;
    const auto& now = work.entry(member.local_seq());
    if (now.mutation().group() == group && now.state() != msg::REFUSED)
      members.push_back(now);
  }
  return members;
}

void client_work::break_group_if_short(std::uint64_t group) {
  const auto members = members_of(group);
  const bool all_queued = std::all_of(members.begin(), members.end(), [](const auto& member) {
    return member.state() == msg::QUEUED;
  });
  if (all_queued && !members.empty() && members.size() < members[0].mutation().group_size())
    break_group(group);
}

void client_work::break_group(std::uint64_t group) {
  msg::Error error;
  error.set_code("group");
  error.set_message("another mutation of the same atomic group was refused or lost a conflict, so "
                    "none of the group is sent; retry or discard them");
  for (const auto& member : members_of(group)) {
    auto& work = lane(member.mutation().collection(), member.mutation().id());
    const bool was_head = work.lane.entries.front().local_seq() == member.local_seq();
    erase_entry(work, member.local_seq());
    quarantine(work, member, error, false);
    if (was_head)
      core::compare_rest(work.lane, work.base);
    if (work.lane.record.undecided())
      note_undecided(work);
  }
}

void client_work::settle(lane_work& work, std::uint64_t passed_seq) {
  std::vector<std::uint64_t> seqs;
  for (const auto& effect : work.lane.record.acknowledged())
    seqs.push_back(effect.stamp().seq());
  const auto settled = core::settle(work.lane, work.base, passed_seq);
  if (settled.empty())
    return;
  work.dirty = true;
  for (const std::uint64_t local_seq : settled)
    note_step(local_seq, msg::MutationsAdvanced::VISIBLE);
  std::set<std::uint64_t> left;
  for (const auto& effect : work.lane.record.acknowledged())
    left.insert(effect.stamp().seq());
  for (const std::uint64_t seq : seqs)
    if (left.count(seq) == 0)
      writer_.erase(client_table::acknowledged, acknowledged_key(work.collection, seq, work.id));
}

void client_work::settle_passed(std::string_view collection, std::uint64_t passed_seq) {
  std::vector<std::string> ids;
  key_buffer prefix;
  prefix.text(collection).separator();
  const auto cursor = records_.kv().cursor(client_table::acknowledged);
  for (bool more = cursor->seek(prefix); more; more = cursor->next()) {
    const auto key = cursor->key();
    if (!key.starts_with(prefix.view()))
      break;
    const auto seq = trailing_number(key.substr(0, prefix.view().size() + 8));
    if (seq > passed_seq)
      break;
    ids.emplace_back(key.substr(prefix.view().size() + 9));
  }
  for (const auto& id : ids)
    settle(lane(collection, id), passed_seq);
}

void client_work::put_base(std::string_view collection, std::string_view id,
                           const core::item_header& header, std::string_view body) {
  writer_.put_item(client_table::base, item_key(collection, id), header, body);
}

void client_work::erase_base(std::string_view collection, std::string_view id) {
  writer_.erase(client_table::base, item_key(collection, id));
}

void client_work::note_change(std::string_view collection, std::string_view id, bool remote) {
  msg::ChangeRecord record;
  record.set_collection(collection.data(), collection.size());
  record.set_id(id.data(), id.size());
  record.set_remote(remote);
  const std::uint64_t seq = draw_local_seq();
  writer_.append_message(client_table::changes, number_key(seq), record);
  count_changes(events.changed, 1, remote ? 1 : 0, seq);
}

void client_work::note_step(std::uint64_t local_seq, msg::MutationsAdvanced::Stage stage,
                            const msg::Error* error) {
  auto& step = *events.advanced.add_steps();
  step.set_local_seq(local_seq);
  step.set_stage(stage);
  if (error)
    *step.mutable_error() = *error;
}

void client_work::note_undecided(const lane_work& work) {
  auto& place = *events.conflicts.add_lanes();
  place.set_collection(work.collection);
  place.set_id(work.id);
}

void client_work::flush_lane(std::string_view key, lane_work& work) {
  for (const std::uint64_t seq : work.changed_entries)
    writer_.put_message(client_table::outbox, number_key(seq), work.entry(seq));
  auto& record = work.lane.record;
  record.set_revision(record.revision() + 1);
  core::clear_if_idle(work.lane);
  // An open conflict is one that a lane waits for: the user could decide no other.
  if (record.parked_by() != work.was_parked_by)
    close_conflict(std::exchange(work.was_parked_by, record.parked_by()), msg::SUPERSEDED);
  if (work.lane.is_idle() && record.quarantined().empty()) {
    if (work.had_row)
      writer_.erase(client_table::overlay, key);
  } else {
    overlay_.clear();
    append_overlay(overlay_, core::visible(work.lane, work.base), record);
    writer_.put_payload(client_table::overlay, key, overlay_);
  }
  note_change(work.collection, work.id, work.remote);
}

// Entries draw from the same sequence, so the oldest changes are found by walking, not by number.
void client_work::trim_feed() {
  const std::uint64_t count = records_.kv().count(client_table::changes);
  const std::uint64_t kept = transaction_.options->feed_records_max;
  std::vector<std::string> oldest;
  if (count > kept) {
    const auto cursor = records_.kv().cursor(client_table::changes);
    for (bool more = cursor->seek({}); more && oldest.size() < count - kept; more = cursor->next())
      oldest.emplace_back(cursor->key());
  }
  for (const auto& key : oldest)
    writer_.erase(client_table::changes, key);
}

void client_work::flush() {
  for (const std::uint64_t seq : erased_entries_)
    writer_.erase(client_table::outbox, number_key(seq));
  for (auto& [key, work] : lanes_)
    if (work.dirty)
      flush_lane(key, work);
  trim_feed();
  transaction_.outbox.Swap(&state); // The last call: nobody looks at it again.
  transaction_.outbox_dirty = true;
  auto& out = transaction_.events;
  out.local_writes = out.local_writes || events.local_writes;
  out.conflicts.MergeFrom(events.conflicts);
  if (events.changed.changes() != 0)
    count_changes(out.changed, events.changed.changes(), events.changed.remote_changes(),
                  events.changed.last_seq());
  out.advanced.MergeFrom(events.advanced);
}

} // namespace syncline::storage
