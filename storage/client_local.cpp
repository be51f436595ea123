// What the host does to its own data: writes, and work on the queue and the quarantine.

#include "core/data/ids.hpp"
#include "core/data/json.hpp"
#include "core/sync/mutation.hpp"
#include "storage/client_commands.hpp"

namespace syncline::storage {

using core::expected;
using core::fail;

namespace {

constexpr int group_members_max = 100;

expected<void> check_atomic(const msg::WriteLocal& command) {
  if (!command.atomic())
    return {};
  if (command.operations_size() > group_members_max)
    return fail("group_too_large", "an atomic group has at most 100 mutations, this one has " +
                                     std::to_string(command.operations_size()));
  std::set<std::string_view> ids;
  const auto& collection = command.operations(0).mutation().collection();
  for (const auto& operation : command.operations()) {
    const auto& mutation = operation.mutation();
    if (mutation.collection() != collection)
      return fail("bad_group", "an atomic group stays in one collection; this one names '" +
                                 collection + "' and '" + mutation.collection() + "'");
    if (!ids.insert(mutation.id()).second)
      return fail("bad_group",
                  "an atomic group changes each item once; '" + mutation.id() + "' is in it twice");
  }
  return {};
}

// What the host may say; all else about a mutation is drawn here.
msg::Mutation content_of(const msg::Mutation& said) {
  msg::Mutation mutation;
  mutation.set_kind(said.kind());
  mutation.set_collection(said.collection());
  mutation.set_id(said.id());
  if (said.has_body())
    mutation.set_body(said.body());
  if (said.has_patch())
    mutation.set_patch(said.patch());
  *mutation.mutable_increments() = said.increments();
  return mutation;
}

// Refuses what cannot make sense on what the user sees. False: it would have no effect.
expected<bool> fit_to_visible(const msg::Mutation& mutation, const core::visible_item& seen) {
  switch (mutation.kind()) {
  case msg::CREATE:
    if (seen.exists)
      return fail("already_exists", "the item '" + mutation.id() + "' is already in '" +
                                      mutation.collection() + "'; use put or patch");
    return true;
  case msg::UPDATE: {
    if (!seen.exists)
      return fail("not_found", "there is no item '" + mutation.id() + "' in '" +
                                 mutation.collection() + "' to change; use put to create it");
    auto body = core::apply_mutation(seen.body, mutation);
    if (!body)
      return body.error();
    if (auto valid = core::validate_body(**body); !valid)
      return valid.error();
    return true;
  }
  case msg::DELETE:
    return seen.exists; // Deleting what is not there has no effect.
  default:
    return fail("bad_mutation", "only CREATE, UPDATE and DELETE can be written");
  }
}

// The entries that have to be answered before a write. Members of its own group go with it.
expected<std::vector<std::uint64_t>> entries_before(client_work& work,
                                                    const msg::WriteLocal::Operation& operation,
                                                    std::uint64_t group) {
  std::vector<std::uint64_t> after;
  for (const auto& id : operation.depends_on()) {
    if (auto valid = core::validate_item_id(id); !valid)
      return valid.error();
    const auto* before = id == operation.mutation().id()
                           ? nullptr
                           : work.lane_if_any(operation.mutation().collection(), id);
    if (!before || before->lane.entries.empty())
      continue;
    const auto& last = before->lane.entries.back();
    if (group == 0 || last.mutation().group() != group)
      after.push_back(last.local_seq());
  }
  return after;
}

// The user decides about two versions, and later edits wait that no server has seen: the decision
// takes their place, and this record is where they can still be found.
void keep_overwritten(client_work& work, const lane_work& lane, const core::visible_item& seen,
                      const msg::Mutation& decision) {
  msg::ConflictRecord record;
  record.set_conflict_id(work.random());
  record.set_collection(lane.collection);
  record.set_id(lane.id);
  record.set_reason(decision.kind() == msg::DELETE ? msg::EDIT_DELETE : msg::EDIT_EDIT);
  record.set_strategy("manual");
  record.set_decision(msg::USER_DECIDED);
  if (seen.exists)
    record.set_mine_body(seen.body.data(), seen.body.size());
  if (decision.has_body()) {
    record.set_theirs_body(decision.body());
    record.set_result_body(decision.body());
  }
  record.set_recorded_ms(work.now_ms());
  record.set_resolved_ms(work.now_ms());
  for (const auto& entry : lane.lane.entries)
    *record.add_mine_mutations() = entry.mutation();
  work.put_conflict(record);
}

expected<std::uint64_t> write_one(client_work& work, const msg::WriteLocal::Operation& operation,
                                  std::uint64_t group, int group_size) {
  msg::Mutation mutation = content_of(operation.mutation());
  if (operation.upsert())
    mutation.set_kind(msg::CREATE);
  if (auto valid = core::validate_mutation(mutation); !valid)
    return valid.error();
  auto& lane = work.lane(mutation.collection(), mutation.id());
  const auto seen = core::visible(lane.lane, lane.base);
  if (operation.upsert() && seen.exists)
    mutation.set_kind(msg::UPDATE);
  auto fits = fit_to_visible(mutation, seen);
  if (!fits)
    return fits.error();
  if (!*fits)
    return std::uint64_t{0};
  if (group != 0) {
    mutation.set_group(group);
    mutation.set_group_size(static_cast<std::uint32_t>(group_size));
  }
  auto after = entries_before(work, operation, group);
  if (!after)
    return after.error();
  if (operation.closes_conflict() != 0) {
    work.close_conflict(operation.closes_conflict(), msg::USER_DECIDED);
    if (!lane.lane.entries.empty())
      keep_overwritten(work, lane, seen, mutation);
  }
  return work.add_entry(lane, std::move(mutation), std::move(*after));
}

} // namespace

expected<msg::LocalWritten> write_local(client_transaction_state& transaction,
                                        const msg::WriteLocal& command) {
  if (command.operations().empty())
    return fail("bad_mutation", "there is nothing to write: give at least one operation");
  if (auto valid = check_atomic(command); !valid)
    return valid.error();
  client_work work{transaction};
  msg::LocalWritten written;
  std::uint64_t group = 0;
  while (command.atomic() && group == 0)
    group = work.random();
  for (const auto& operation : command.operations()) {
    auto local_seq = write_one(work, operation, group, command.operations_size());
    if (!local_seq)
      return local_seq.error();
    if (*local_seq == 0 && command.atomic())
      return fail("bad_group", "the atomic group deletes '" + operation.mutation().id() +
                                 "', which is not there; leave it out");
    written.add_local_seqs(*local_seq);
  }
  work.flush();
  return written;
}

namespace {

expected<msg::LocalWritten> discard_waiting(client_work& work, const msg::ManageOutbox& command) {
  msg::OutboxEntry entry;
  if (!work.records().message(client_table::outbox, number_key(command.local_seq()), entry))
    return fail("not_found", "nothing with the number " + std::to_string(command.local_seq()) +
                               " waits or is in quarantine; see 'syncline outbox list'");
  if (entry.state() == msg::SENT)
    return fail("already_sent", "entry " + std::to_string(command.local_seq()) +
                                  " is on its way to the server; wait for its answer");
  if (entry.mutation().group() != 0)
    return fail("bad_group", "entry " + std::to_string(command.local_seq()) +
                               " is part of an atomic group and cannot go alone");
  auto& lane = work.lane(entry.mutation().collection(), entry.mutation().id());
  work.erase_entry(lane, entry.local_seq());
  work.note_step(entry.local_seq(), msg::MutationsAdvanced::SUPERSEDED);
  work.flush();
  return msg::LocalWritten{};
}

void forget_quarantined(client_work& work, lane_work& lane, std::uint64_t local_seq) {
  auto& seqs = *lane.lane.record.mutable_quarantined();
  seqs.erase(std::remove(seqs.begin(), seqs.end(), local_seq), seqs.end());
  lane.dirty = true;
  work.writer().erase(client_table::quarantine, number_key(local_seq));
}

// A retry is a new entry with a new id, made on what the user sees now.
expected<std::uint64_t> requeue(client_work& work, lane_work& lane, msg::Mutation mutation) {
  if (auto valid = core::validate_mutation(mutation); !valid)
    return valid.error();
  const auto seen = core::visible(lane.lane, lane.base);
  if (mutation.kind() == msg::CREATE && seen.exists)
    mutation.set_kind(msg::UPDATE);
  auto fits = fit_to_visible(mutation, seen);
  if (!fits)
    return fits.error();
  return *fits ? work.add_entry(lane, std::move(mutation), {}) : expected<std::uint64_t>{0};
}

} // namespace

expected<msg::LocalWritten> manage_outbox(client_transaction_state& transaction,
                                          const msg::ManageOutbox& command) {
  client_work work{transaction};
  msg::QuarantineRecord record;
  if (!work.records().message(client_table::quarantine, number_key(command.local_seq()), record)) {
    if (command.action() == msg::ManageOutbox::DISCARD)
      return discard_waiting(work, command);
    return fail("not_found", "entry " + std::to_string(command.local_seq()) +
                               " is not in quarantine; see 'syncline outbox list'");
  }
  if (record.awaits_skip())
    return fail("awaits_server", "the server has not yet said whether it had applied entry " +
                                   std::to_string(command.local_seq()) + "; sync, then try again");
  const auto& kept = record.entry().mutation();
  auto& lane = work.lane(kept.collection(), kept.id());
  msg::LocalWritten written;
  if (command.action() != msg::ManageOutbox::DISCARD) {
    const bool edits = command.action() == msg::ManageOutbox::EDIT;
    msg::Mutation mutation = content_of(edits ? command.mutation() : kept);
    mutation.set_collection(kept.collection());
    mutation.set_id(kept.id());
    auto local_seq = requeue(work, lane, std::move(mutation));
    if (!local_seq)
      return local_seq.error();
    written.add_local_seqs(*local_seq);
  }
  forget_quarantined(work, lane, command.local_seq());
  work.flush();
  return written;
}

} // namespace syncline::storage
