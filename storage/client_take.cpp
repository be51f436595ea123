// Batches out.

#include "core/sync/batch_plan.hpp"
#include "storage/client_commands.hpp"
#include "storage/payload_hash.hpp"

#include <algorithm>
#include <unordered_map>

namespace syncline::storage {

using core::expected;

namespace {

// May this entry be sent now? Otherwise `wait_until_ms` says when it is worth asking again.
bool is_sendable(client_work& work, const core::lane& lane, const msg::OutboxEntry& entry,
                 std::int64_t now_ms, std::int64_t& wait_until_ms) {
  if (lane.record.undecided() || lane.record.parked_by() != 0 ||
      lane.entries.front().local_seq() != entry.local_seq())
    return false;
  for (const std::uint64_t before : entry.after())
    if (work.records().kv().get(client_table::outbox, number_key(before)))
      return false;
  if (entry.not_before_ms() > now_ms) {
    if (wait_until_ms == 0 || entry.not_before_ms() < wait_until_ms)
      wait_until_ms = entry.not_before_ms();
    return false;
  }
  return true;
}

/// What goes into a new batch, in its order; the entries are those of the working set.
struct planned_batch {
  std::vector<std::uint64_t> order;
  std::unordered_map<std::uint64_t, lane_work*> lanes; // by local sequence
};

planned_batch plan(client_work& work, const msg::TakeOutboxBatch& command,
                   std::int64_t& wait_until_ms) {
  core::batch_planner planner{std::max<std::uint32_t>(1, command.item_limit()),
                              command.byte_limit()};
  planned_batch planned;
  const auto cursor = work.records().kv().cursor(client_table::outbox);
  for (bool more = cursor->seek({}); more && !planner.is_full(); more = cursor->next()) {
    msg::OutboxEntry read;
    work.records().open_message(client_table::outbox, cursor->key(), cursor->value(), read);
    if (read.state() != msg::QUEUED)
      continue;
    const std::uint64_t local_seq = read.local_seq();
    auto& lane = work.lane(std::string{read.mutation().collection()},
                           std::string{read.mutation().id()}, &read);
    const auto& entry = lane.entry(local_seq);
    if (!is_sendable(work, lane.lane, entry, command.now_ms(), wait_until_ms))
      continue;
    const auto& mutation = entry.mutation();
    planned.lanes.emplace(local_seq, &lane);
    planner.offer({local_seq, mutation.kind(), mutation.ByteSizeLong(), mutation.group(),
                   mutation.group_size()});
  }
  planned.order = planner.order();
  return planned;
}

// From here on the entry never changes until it is answered.
void freeze(client_work& work, const planned_batch& planned) {
  for (const std::uint64_t local_seq : planned.order) {
    auto& lane = *planned.lanes.at(local_seq);
    auto& entry = lane.entry(local_seq);
    auto& mutation = *entry.mutable_mutation();
    work.state.set_next_mutation_id(work.state.next_mutation_id() + 1);
    mutation.set_mutation_id(work.state.next_mutation_id());
    *mutation.mutable_base() = lane.lane.record.base();
    mutation.set_payload_hash(payload_hash(mutation));
    entry.set_state(msg::SENT);
    work.writer().put_message(client_table::outbox, number_key(local_seq), entry);
    work.state.add_sent(local_seq);
    work.note_step(local_seq, msg::MutationsAdvanced::SENT);
  }
}

// Planted bug: what is sent leaves the outbox before anybody has answered.
void forget_sent(client_work& work) {
  for (const std::uint64_t local_seq : work.state.sent()) {
    const auto entry = work.stored_entry(local_seq);
    work.erase_entry(work.lane(entry.mutation().collection(), entry.mutation().id()), local_seq);
  }
  work.state.set_answered_through(work.state.next_mutation_id());
  work.state.clear_sent();
}

} // namespace

expected<msg::OutboxBatch> take_batch(client_transaction_state& transaction,
                                      const msg::TakeOutboxBatch& command) {
  client_work work{transaction};
  msg::OutboxBatch batch;
  if (work.state.restoring()) {
    batch.set_blocked_by_restore(true);
    return batch;
  }
  planned_batch planned;
  if (work.state.sent().empty()) {
    std::int64_t wait_until_ms = 0;
    planned = plan(work, command, wait_until_ms);
    batch.set_wait_until_ms(wait_until_ms);
    if (planned.order.empty())
      return batch;
    freeze(work, planned);
  }
  auto& request = *batch.mutable_request();
  request.set_client(work.state.client());
  request.set_acked_through(work.state.answered_through());
  request.set_start(work.state.known_start());
  *request.mutable_seen() = work.state.seen();
  std::uint64_t bytes = 0;
  std::uint64_t group = 0;
  for (const std::uint64_t local_seq : work.state.sent()) {
    const auto fresh = planned.lanes.find(local_seq);
    msg::OutboxEntry stored;
    if (fresh == planned.lanes.end())
      stored = work.stored_entry(local_seq);
    auto& entry = fresh == planned.lanes.end() ? stored : fresh->second->entry(local_seq);
    auto& mutation = *entry.mutable_mutation();
    bytes += mutation.ByteSizeLong();
    const bool over = request.mutations_size() >= static_cast<int>(command.item_limit()) ||
                      bytes > command.byte_limit();
    // A group is never cut, not even where a failure made the batches smaller.
    if (over && !request.mutations().empty() && (group == 0 || mutation.group() != group))
      break;
    group = mutation.group();
    request.add_mutations()->Swap(&mutation); // It is stored, and its lane is not written here.
  }
  if (transaction.options->canaries.entry_removed_early)
    forget_sent(work);
  work.flush();
  return batch;
}

} // namespace syncline::storage
