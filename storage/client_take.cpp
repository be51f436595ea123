// Batches out.

#include "core/sync/batch_plan.hpp"
#include "storage/client_commands.hpp"
#include "storage/id_map.hpp"
#include "storage/payload_hash.hpp"

#include <algorithm>
#include <limits>
#include <span>
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

planned_batch plan(client_work& work, const msg::TakeOutboxBatch& command, bool is_foreign,
                   std::int64_t& wait_until_ms) {
  // Several batches are planned as one, and cut afterwards.
  const std::uint32_t batches = std::max<std::uint32_t>(1, command.batches_max());
  core::batch_planner planner{std::max<std::uint32_t>(1, command.item_limit()) * batches,
                              command.byte_limit() * batches};
  planned_batch planned;
  const auto cursor = work.records().kv().cursor(client_table::outbox);
  for (bool more = cursor->seek({}); more && !planner.is_full(); more = cursor->next()) {
    msg::OutboxEntry read;
    work.records().open_message(client_table::outbox, cursor->key(), cursor->value(), read);
    if (read.state() != msg::QUEUED)
      continue;
    const std::uint64_t local_seq = read.local_seq();
    const std::string collection = read.mutation().collection();
    const std::string id = read.mutation().id();
    auto& lane = work.lane_without_base(collection, id, &read);
    const auto& entry = lane.entry(local_seq);
    if (!is_sendable(work, lane.lane, entry, command.now_ms(), wait_until_ms))
      continue;
    const auto& mutation = entry.mutation();
    // A foreign server is told of one collection at a time.
    if (is_foreign && !planned.lanes.empty() &&
        collection != planned.lanes.begin()->second->collection)
      continue;
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

// How many of what is frozen the caller has sent already. It may have been answered by now.
int under_way(const msg::OutboxState& state, std::uint64_t sent_through) {
  if (sent_through <= state.answered_through())
    return 0;
  const std::uint64_t sent = sent_through - state.answered_through();
  return static_cast<int>(std::min(sent, static_cast<std::uint64_t>(state.sent_size())));
}

// What is frozen, from the `first` on. What was frozen just now is taken out of the working set: it
// is stored, and its lane is not written here.
std::vector<msg::Mutation> frozen_from(client_work& work, const planned_batch& planned, int first) {
  std::vector<msg::Mutation> mutations(static_cast<std::size_t>(work.state.sent_size() - first));
  for (std::size_t i = 0; i < mutations.size(); ++i) {
    const std::uint64_t local_seq = work.state.sent(first + static_cast<int>(i));
    const auto fresh = planned.lanes.find(local_seq);
    if (fresh != planned.lanes.end())
      mutations[i].Swap(fresh->second->entry(local_seq).mutable_mutation());
    else
      mutations[i] = work.stored_entry(local_seq).mutation();
  }
  return mutations;
}

void fill(msg::OutboxBatch& batch, const msg::OutboxState& state,
          std::vector<msg::Mutation> mutations, const msg::TakeOutboxBatch& command) {
  std::vector<core::frozen_mutation> frozen;
  frozen.reserve(mutations.size());
  for (const auto& mutation : mutations)
    frozen.push_back({mutation.ByteSizeLong(), mutation.group()});
  std::size_t from = 0;
  const std::uint32_t batches = std::max<std::uint32_t>(1, command.batches_max());
  for (std::uint32_t i = 0; i < batches && from < frozen.size(); ++i) {
    auto& request = i == 0 ? *batch.mutable_request() : *batch.add_following();
    request.set_client(state.client());
    request.set_acked_through(state.answered_through());
    request.set_start(state.known_start());
    *request.mutable_seen() = state.seen();
    const auto end = from + core::next_batch_size(std::span{frozen}.subspan(from),
                                                  command.item_limit(), command.byte_limit());
    for (; from < end; ++from)
      request.add_mutations()->Swap(&mutations[from]);
  }
  batch.set_more(from < frozen.size());
}

// A foreign server knows a batch by its key alone, and the key by all of the batch: one that may
// have arrived is sent again as it was, whatever the limits are by now. What was refused is
// divided.
void fill_for_foreign(client_work& work, msg::OutboxBatch& batch,
                      std::vector<msg::Mutation> mutations, msg::TakeOutboxBatch command) {
  const auto in_batch = work.state.sent_in_batch();
  if (in_batch != 0) {
    command.set_byte_limit(std::numeric_limits<std::int64_t>::max());
    command.set_item_limit(command.divide() ? std::min(in_batch, command.item_limit()) : in_batch);
  }
  command.set_batches_max(1);
  fill(batch, work.state, std::move(mutations), command);
  auto& request = *batch.mutable_request();
  work.state.set_sent_in_batch(static_cast<std::uint32_t>(request.mutations_size()));
  for (auto& mutation : *request.mutable_mutations())
    if (mutation.kind() != msg::CREATE)
      mutation.set_server_id(server_id_of(work.records(), mutation.collection(), mutation.id()));
  request.set_idempotency_key(batch_key(request));
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
  const int first = under_way(work.state, command.above_mutation_id());
  planned_batch planned;
  if (first == work.state.sent_size()) {
    std::int64_t wait_until_ms = 0;
    planned = plan(work, command, transaction.options->is_foreign, wait_until_ms);
    batch.set_wait_until_ms(wait_until_ms);
    if (planned.order.empty())
      return batch;
    freeze(work, planned);
  }
  if (transaction.options->is_foreign)
    fill_for_foreign(work, batch, frozen_from(work, planned, first), command);
  else
    fill(batch, work.state, frozen_from(work, planned, first), command);
  const auto waiting = work.records().kv().count(client_table::outbox);
  if (waiting > static_cast<std::uint64_t>(work.state.sent_size()))
    batch.set_more(true);
  if (transaction.options->canaries.entry_removed_early)
    forget_sent(work);
  work.flush();
  return batch;
}

} // namespace syncline::storage
