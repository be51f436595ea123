// Answers in.

#include "core/sync/cursor.hpp"
#include "storage/client_commands.hpp"
#include "storage/id_map.hpp"
#include "storage/payload_hash.hpp"

#include <algorithm>

namespace syncline::storage {

using core::expected;

namespace {

// The server has lost history, or another copy of this store used our numbers. What is unanswered
// goes on under a new client id, and names what it was called before.
void take_new_identity(client_work& work) {
  const std::string former = work.state.client();
  work.state.set_client(new_client_id(work.random(), work.random()));
  work.state.set_answered_through(0);
  std::uint64_t next = 0;
  for (const std::uint64_t local_seq : work.state.sent()) {
    auto entry = work.stored_entry(local_seq);
    auto& mutation = *entry.mutable_mutation();
    auto& identity = *mutation.add_formers();
    identity.set_client(former);
    identity.set_mutation_id(mutation.mutation_id());
    mutation.set_mutation_id(++next);
    work.writer().put_message(client_table::outbox, number_key(local_seq), entry);
  }
  work.state.set_next_mutation_id(next);
}

// A refusal brings the server's item. It becomes the base row only if no page can be behind it:
// a late answer must not bring back what was deleted meanwhile.
void keep_met_item(client_work& work, lane_work& lane, const msg::Item& item) {
  if (item.deleted() || item.id().empty())
    return;
  msg::ClientCursor cursor;
  if (!work.records().message(client_table::cursors, lane.collection, cursor))
    return; // The collection was dropped meanwhile: no page would ever take the row away.
  const bool above_row = !lane.base || lane.base->header.stamp.seq < item.stamp().seq();
  if (item.stamp().seq() <= cursor.seq() || !above_row || cursor.restoring())
    return;
  const auto header = core::header_of(item);
  work.put_base(lane.collection, lane.id, header, item.body());
  lane.base_bytes.clear();
  core::append_item(lane.base_bytes, header, item.body());
  lane.base = core::read_item(lane.base_bytes);
  work.settle(lane, 0);
}

void index_acknowledged(client_work& work, const lane_work& lane, std::uint64_t local_seq) {
  for (const auto& effect : lane.lane.record.acknowledged()) {
    if (effect.local_seq() != local_seq)
      continue;
    msg::Done nothing;
    work.writer().put_message(client_table::acknowledged,
                              acknowledged_key(lane.collection, effect.stamp().seq(), lane.id),
                              nothing);
    return;
  }
  work.note_step(local_seq, msg::MutationsAdvanced::VISIBLE);
}

void end_quarantine(client_work& work, lane_work& lane, std::uint64_t local_seq) {
  auto& seqs = *lane.lane.record.mutable_quarantined();
  seqs.erase(std::remove(seqs.begin(), seqs.end(), local_seq), seqs.end());
  work.writer().erase(client_table::quarantine, number_key(local_seq));
}

void release_quarantine(client_work& work, msg::QuarantineRecord record,
                        const msg::MutationResult& result) {
  record.set_awaits_skip(false);
  if (result.status() == msg::OUTCOME_UNKNOWN)
    record.mutable_error()->set_code("outcome_unknown");
  work.writer().put_message(client_table::quarantine, number_key(record.entry().local_seq()),
                            record);
}

class answer_reader {
public:
  answer_reader(client_work& work, msg::BatchResultApplied& applied, bool is_foreign)
    : work_{work}, applied_{applied}, is_foreign_{is_foreign} {}

  void take(std::uint64_t local_seq, const msg::MutationResult& result) {
    auto stored = work_.stored_entry(local_seq);
    const bool is_skip = stored.mutation().kind() == msg::SKIP;
    const std::uint64_t group = stored.mutation().group();
    const std::uint32_t group_size = stored.mutation().group_size();
    const bool creates = stored.mutation().kind() == msg::CREATE;
    auto& lane = work_.lane(std::string{stored.mutation().collection()},
                            present_id(stored.mutation()), &stored);
    lane.dirty = true;
    if (is_foreign_ && creates && result.status() == msg::SYNCED && !result.server_id().empty())
      if (auto former = adopt_server_id(work_, lane, result.server_id()); !former.empty())
        moved_.emplace(lane.collection + '/' + former, lane.id);
    msg::QuarantineRecord held;
    const bool has_held =
      is_skip && work_.records().message(client_table::quarantine, number_key(local_seq), held);
    const msg::Mutation* original = has_held ? &held.entry().mutation() : nullptr;
    const auto effect = core::answer(lane.lane, result, lane.base, original, work_.now_ms());
    store(lane, effect, result, has_held ? &held : nullptr);
    if (lane.lane.record.undecided())
      work_.note_undecided(lane);
    if (group == 0)
      return;
    auto& answered = groups_[group];
    answered.size = group_size;
    if (effect.fate == core::entry_fate::acknowledged)
      ++answered.acknowledged;
  }

  /// After the last answer: a group of which some may be tried again, and some not, is broken. That
  /// can show in a later answer, where one did not answer the whole group.
  void end_groups() {
    for (const auto& [group, answered] : groups_)
      if (answered.acknowledged < answered.size)
        work_.break_group_if_short(group);
  }

private:
  struct group_answers {
    std::uint32_t size = 0;
    std::uint32_t acknowledged = 0;
  };

  // Its item may have got another id by an answer before this one.
  std::string present_id(const msg::Mutation& mutation) const {
    const auto found = moved_.find(mutation.collection() + '/' + mutation.id());
    return found == moved_.end() ? mutation.id() : found->second;
  }

  void store(lane_work& lane, const core::answer_effect& effect, const msg::MutationResult& result,
             const msg::QuarantineRecord* held) {
    const std::uint64_t local_seq = effect.local_seq;
    const bool stays =
      effect.fate == core::entry_fate::refused || effect.fate == core::entry_fate::requeued;
    if (stays)
      lane.changed_entries.insert(local_seq);
    else
      work_.erase_entry(lane, local_seq);
    switch (effect.fate) {
    case core::entry_fate::acknowledged:
      applied_.set_processed(applied_.processed() + 1);
      work_.note_step(local_seq, msg::MutationsAdvanced::ACCEPTED);
      index_acknowledged(work_, lane, local_seq);
      // A page that reached the head may have been faster than the answer. Then it has shown what
      // became of the change, and where nothing is new at the server no further page will.
      work_.settle(lane, passed_seq_of(lane.collection));
      // What a foreign server no longer has, and was never pulled or is gone by now, no page will
      // speak of.
      if (is_foreign_ && ((result.not_found() && !lane.base) ||
                          is_gone(work_.records(), lane.collection, lane.id, result.server_id())))
        work_.settle(lane, core::foreign_tombstone_seq);
      break;
    case core::entry_fate::refused:
      applied_.set_conflicts(applied_.conflicts() + 1);
      // What a foreign server says of an item may be older than the page of its deletion.
      if (!is_foreign_ || lane.base)
        keep_met_item(work_, lane, result.server_item());
      break;
    case core::entry_fate::quarantined:
      applied_.set_failed(applied_.failed() + 1);
      if (!held)
        work_.quarantine(lane, effect.entry, effect.error, false);
      break;
    default:
      break;
    }
    if (held && (effect.fate == core::entry_fate::acknowledged || stays))
      end_quarantine(work_, lane, local_seq);
    else if (held)
      release_quarantine(work_, *held, result);
  }

  std::uint64_t passed_seq_of(const std::string& collection) {
    const auto [found, is_new] = passed_.emplace(collection, 0);
    msg::ClientCursor cursor;
    if (is_new && work_.records().message(client_table::cursors, collection, cursor))
      found->second = cursor.passed_seq();
    return found->second;
  }

  client_work& work_;
  msg::BatchResultApplied& applied_;
  std::map<std::uint64_t, group_answers> groups_;
  std::map<std::string, std::uint64_t> passed_; // by collection; no answer moves it
  bool is_foreign_;
  std::map<std::string, std::string> moved_; // collection/id: its id now
};

bool is_superseded(const msg::OutboxState& state, const std::string& client,
                   std::uint64_t request_start, std::uint64_t first_mutation_id) {
  return client != state.client() || request_start != state.known_start() ||
         first_mutation_id != state.answered_through() + 1 || state.restoring();
}

void learn_place(msg::OutboxState& state, const msg::Place& head) {
  *state.mutable_seen() = core::later_place(state.seen(), head);
  if (head.start() != 0)
    state.set_known_start(head.start());
}

} // namespace

expected<msg::BatchResultApplied> apply_result(client_transaction_state& transaction,
                                               const msg::ApplyBatchResult& command) {
  client_work work{transaction};
  msg::BatchResultApplied applied;
  auto& state = work.state;
  if (is_superseded(state, command.client(), command.request_start(),
                    command.first_mutation_id())) {
    applied.set_superseded(true);
    return applied;
  }
  std::map<std::uint64_t, const msg::MutationResult*> by_id;
  for (const auto& result : command.response().results())
    by_id.emplace(result.mutation_id(), &result);
  answer_reader reader{work, applied, transaction.options->is_foreign};
  int answered = 0;
  // By id only; what has no result is unknown, and is sent again.
  for (; answered < state.sent_size(); ++answered) {
    const auto found = by_id.find(state.answered_through() + 1);
    if (found == by_id.end())
      break;
    reader.take(state.sent(answered), *found->second);
    state.set_answered_through(state.answered_through() + 1);
  }
  reader.end_groups();
  state.mutable_sent()->erase(state.sent().begin(), state.sent().begin() + answered);
  state.set_sent_in_batch(0);
  if (transaction.options->is_foreign && state.sent().empty())
    forget_gone(work);
  learn_place(state, command.response().head());
  if (command.response().mutated_retry_id() != 0 && !state.sent().empty()) {
    take_new_identity(work);
    applied.set_new_identity(true);
  }
  work.flush();
  return applied;
}

expected<msg::BatchResultApplied> apply_refusal(client_transaction_state& transaction,
                                                const msg::ApplyBatchRefusal& command) {
  client_work work{transaction};
  msg::BatchResultApplied applied;
  auto& state = work.state;
  const auto& refusal = command.refusal();
  if (is_superseded(state, command.client(), command.request_start(),
                    command.first_mutation_id())) {
    applied.set_superseded(true);
    return applied;
  }
  if (refusal.code() == "server_restarted") {
    // The server checked our seen place before it said so: this history goes on under a new start.
    state.set_known_start(refusal.start());
  } else if (refusal.code() == "client_retired" ||
             (refusal.code() == "mutation_gap" &&
              refusal.expected() != command.first_mutation_id())) {
    take_new_identity(work);
    applied.set_new_identity(true);
  } else {
    return core::fail("bad_refusal", "the server refused the batch as '" + refusal.code() +
                                       "', which is no reason to renumber it");
  }
  work.flush();
  return applied;
}

namespace {

void turn_into_skip(client_work& work, std::uint64_t local_seq, const msg::Error& error) {
  auto entry = work.stored_entry(local_seq);
  auto& lane = work.lane(entry.mutation().collection(), entry.mutation().id());
  work.quarantine(lane, entry, error, true);
  auto& waiting = lane.entry(local_seq);
  auto& mutation = *waiting.mutable_mutation();
  mutation.set_kind(msg::SKIP);
  mutation.clear_body();
  mutation.clear_patch();
  mutation.clear_increments();
  mutation.set_group(0);
  mutation.set_group_size(0);
  // The hash stays that of what is skipped: the answer must be about that, and not about what
  // another copy of this store sent under the same id.
  lane.changed_entries.insert(local_seq);
}

} // namespace

expected<msg::Done> quarantine_poison(client_transaction_state& transaction,
                                      const msg::QuarantinePoison& command) {
  client_work work{transaction};
  const std::uint64_t first = work.state.answered_through() + 1;
  const auto index = static_cast<int>(command.mutation_id() - first);
  if (command.mutation_id() < first || index >= work.state.sent_size())
    return msg::Done{}; // It has been answered meanwhile.
  const auto poison = work.stored_entry(work.state.sent(index));
  if (poison.mutation().kind() == msg::SKIP)
    return msg::Done{};
  const std::uint64_t group = poison.mutation().group();
  for (const std::uint64_t local_seq : work.state.sent()) {
    const bool same_group = group != 0 && work.stored_entry(local_seq).mutation().group() == group;
    if (local_seq == poison.local_seq() || same_group)
      turn_into_skip(work, local_seq, command.error());
  }
  if (group != 0)
    work.break_group_if_short(group); // One of it may wait already, to be tried again.
  work.flush();
  return msg::Done{};
}

} // namespace syncline::storage
