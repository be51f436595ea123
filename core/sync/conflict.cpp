#include "core/sync/conflict.hpp"

#include "core/data/json.hpp"
#include "core/data/merge_patch.hpp"
#include "core/ensure.hpp"
#include "core/sync/mutation.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace syncline::core {

namespace {

constexpr std::array<std::pair<conflict_strategy, std::string_view>, 6> strategy_names{{
  {conflict_strategy::server_wins, "server_wins"},
  {conflict_strategy::client_wins, "client_wins"},
  {conflict_strategy::last_write_wins, "last_write_wins"},
  {conflict_strategy::merge, "merge"},
  {conflict_strategy::manual, "manual"},
  {conflict_strategy::custom, "custom"},
}};

using optional_body = std::optional<std::string>;

optional_body theirs_body(const conflict_question& question) {
  if (!question.theirs || question.theirs->deleted())
    return std::nullopt;
  return question.theirs->body();
}

optional_body kept_body(const conflict_question& question) {
  if (!question.lane.record.has_kept_body())
    return std::nullopt;
  return question.lane.record.kept_body();
}

optional_body after(const optional_body& body, const msg::Mutation& mutation) {
  auto result = apply_mutation(body, mutation);
  if (!result)
    return body;
  return std::move(*result);
}

bool same_json(const optional_body& left, const optional_body& right) {
  if (!left || !right)
    return left.has_value() == right.has_value();
  if (*left == *right)
    return true;
  const auto a = parse_json(*left);
  const auto b = parse_json(*right);
  return a && b && *a == *b;
}

void become(msg::Mutation& mutation, msg::MutationKind kind, std::string body = {}) {
  mutation.set_kind(kind);
  mutation.clear_patch();
  mutation.clear_increments();
  mutation.clear_body();
  if (kind != msg::DELETE)
    mutation.set_body(std::move(body));
}

// The same intention, on top of another version: it takes what it needs to be legal there.
// nullopt: nothing is left to do.
std::optional<msg::Mutation> rebase(msg::Mutation mutation, const optional_body& winner,
                                    const optional_body& mine) {
  switch (mutation.kind()) {
  case msg::DELETE:
    return winner ? std::optional{mutation} : std::nullopt;
  case msg::CREATE:
    if (winner)
      become(mutation, msg::UPDATE, mutation.body());
    return mutation;
  default:
    if (!winner && mine)
      become(mutation, msg::CREATE, *mine);
    return mutation;
  }
}

// What is left of an UPDATE that lost: others' sums would miss its increments.
std::optional<msg::Mutation> increments_left(msg::Mutation mutation, const optional_body& winner) {
  if (!winner || mutation.kind() != msg::UPDATE || mutation.increments().empty())
    return std::nullopt;
  mutation.clear_body();
  mutation.clear_patch();
  return mutation;
}

struct head_outcome {
  std::optional<msg::Mutation> mutation;
  msg::ConflictDecision decision = msg::UNDECIDED;
  std::vector<std::string> fields;
};

head_outcome merge_bodies(const conflict_question& question, const msg::Mutation& head,
                          const std::string& theirs, optional_body base) {
  if (head.kind() == msg::CREATE)
    base.reset();
  auto mine = apply_without_increments(base, head);
  if (!mine || !*mine)
    return {increments_left(head, theirs), msg::TOOK_SERVER, {}};
  auto merged = merge_three_way(base, **mine, theirs, question.policy.prefer);
  if (!merged)
    return {increments_left(head, theirs), msg::TOOK_SERVER, {}};
  head_outcome outcome{head, msg::MERGED, std::move(merged->clashing_fields)};
  auto& mutation = *outcome.mutation;
  if (same_json(merged->body, theirs)) {
    outcome.mutation = increments_left(head, theirs);
    if (same_json(**mine, theirs))
      outcome.decision = msg::EQUAL;
    return outcome;
  }
  const auto& increments = head.increments();
  const auto from = parse_json(theirs);
  const auto to = parse_json(merged->body);
  const auto patch = from && to ? make_merge_patch(*from, *to) : std::nullopt;
  become(mutation, msg::UPDATE, merged->body);
  if (patch) {
    mutation.clear_body();
    mutation.set_patch(to_text(*patch));
  }
  *mutation.mutable_increments() = increments;
  return outcome;
}

head_outcome take_server(const msg::Mutation& head, const optional_body& theirs) {
  return {increments_left(head, theirs), msg::TOOK_SERVER, {}};
}

head_outcome take_client(const msg::Mutation& head, const optional_body& theirs,
                         const optional_body& mine) {
  return {rebase(head, theirs, mine), msg::TOOK_CLIENT, {}};
}

bool mine_is_later(const conflict_question& question, const msg::Mutation& head) {
  if (!question.theirs)
    return true;
  const auto& my_time = head.client_time();
  const auto& their_time = question.theirs->writer_time();
  return std::tuple{my_time.wall_ms(), my_time.counter(), question.writer_tag} >
         std::tuple{their_time.wall_ms(), their_time.counter(), question.theirs->writer_tag()};
}

head_outcome obey(const verdict& said, msg::Mutation head, const optional_body& theirs) {
  if (said.what == verdict::kind::remove) {
    become(head, msg::DELETE);
    return {theirs ? std::optional{head} : std::nullopt, msg::DELETED, {}};
  }
  if (same_json(said.body, theirs))
    return {std::nullopt, msg::TOOK_SERVER, {}};
  become(head, theirs ? msg::UPDATE : msg::CREATE, said.body);
  return {head, msg::USER_DECIDED, {}};
}

head_outcome merge_head(const conflict_question& question, const msg::Mutation& head,
                        const optional_body& base, const optional_body& theirs,
                        const optional_body& mine) {
  if (theirs && mine)
    return merge_bodies(question, head, *theirs, base);
  // Delete against edit: the edited item stays.
  return mine ? take_client(head, theirs, mine) : take_server(head, theirs);
}

bool has_verdict(const conflict_question& question) {
  return question.said && question.said->what != verdict::kind::keep_both;
}

head_outcome decide_head(const conflict_question& question, const msg::Mutation& head,
                         const optional_body& base, const optional_body& theirs,
                         const optional_body& mine) {
  if (has_verdict(question))
    return obey(*question.said, head, theirs);
  // Both came to the same: nobody loses, whatever the strategy. Increments are owed all the same.
  if (head.increments().empty() && same_json(mine, theirs))
    return {std::nullopt, msg::EQUAL, {}};
  switch (question.policy.strategy) {
  case conflict_strategy::server_wins:
    return take_server(head, theirs);
  case conflict_strategy::client_wins:
    return take_client(head, theirs, mine);
  case conflict_strategy::last_write_wins:
    return mine_is_later(question, head) ? take_client(head, theirs, mine)
                                         : take_server(head, theirs);
  case conflict_strategy::merge:
    return merge_head(question, head, base, theirs, mine);
  default:
    return {head, msg::PARKED, {}};
  }
}

msg::ConflictReason reason_of(const msg::Mutation& head, const optional_body& theirs) {
  if (!theirs)
    return msg::EDIT_DELETE;
  if (head.kind() == msg::DELETE)
    return msg::DELETE_EDIT;
  return head.kind() == msg::CREATE ? msg::CREATE_CREATE : msg::EDIT_EDIT;
}

msg::ConflictRecord make_record(const conflict_question& question, const msg::Mutation& lost,
                                const optional_body& base, const optional_body& mine,
                                const optional_body& theirs) {
  msg::ConflictRecord record;
  record.set_collection(question.collection);
  record.set_id(question.id);
  record.set_reason(reason_of(lost, theirs));
  if (base)
    record.set_base_body(*base);
  if (mine)
    record.set_mine_body(*mine);
  if (theirs)
    record.set_theirs_body(*theirs);
  if (question.theirs) {
    *record.mutable_theirs_stamp() = question.theirs->stamp();
    record.set_theirs_version(question.theirs->version());
  }
  record.set_strategy(std::string{to_string(question.policy.strategy)});
  record.set_recorded_ms(question.now_ms);
  *record.add_mine_mutations() = lost;
  return record;
}

// Top-level fields that `theirs` had changed or removed, that `before` still had from it, and that
// `after` has otherwise.
std::vector<std::string> replaced_fields(const optional_body& base, const optional_body& theirs,
                                         const optional_body& before, const optional_body& after) {
  if (!theirs || !before || !after || *before == *after)
    return {};
  const auto trees = std::array{parse_json(base.value_or("{}")), parse_json(*theirs),
                                parse_json(*before), parse_json(*after)};
  if (!std::all_of(trees.begin(), trees.end(), [](const auto& tree) { return tree.has_value(); }))
    return {};
  const member_index in_base{trees[0]->members()}, in_theirs{trees[1]->members()},
    in_before{trees[2]->members()}, in_after{trees[3]->members()};
  const auto same = [](const json_value* left, const json_value* right) {
    return left && right ? *left == *right : left == right;
  };
  std::vector<std::string> fields;
  for (const std::size_t side : {1, 3})
    for (const auto& [name, value] : trees[side]->members()) {
      const auto* theirs_value = in_theirs.find(name);
      const bool is_new = side == 1 || theirs_value == nullptr;
      if (is_new && !same(theirs_value, in_base.find(name)) &&
          same(theirs_value, in_before.find(name)) && !same(theirs_value, in_after.find(name)))
        fields.push_back(name);
    }
  return fields;
}

class decision_builder {
public:
  explicit decision_builder(const conflict_question& question)
    : question_{question}, theirs_{theirs_body(question)}, mine_{kept_body(question)}, winner_{
                                                                                         theirs_} {
    decision_.set_collection(question.collection);
    decision_.set_id(question.id);
    decision_.set_lane_revision(question.lane.record.revision());
    if (question.theirs)
      *decision_.mutable_theirs_read() = question.theirs->stamp();
  }

  msg::LaneDecision build() {
    ensure(!question_.lane.entries.empty(), "a conflict needs a waiting mutation");
    const auto& entries = question_.lane.entries;
    std::size_t next = pass_increments();
    if (next < entries.size() && !settle_head(entries[next++])) {
      decision_.clear_entries(); // Parked: they stay as they are.
      return std::move(decision_);
    }
    for (; next < entries.size(); ++next)
      settle_later(entries[next]);
    stand_on_theirs();
    return std::move(decision_);
  }

private:
  // Increments before the first other edit commute: on a living item they cannot conflict.
  std::size_t pass_increments() {
    const auto& entries = question_.lane.entries;
    std::size_t passed = 0;
    for (; theirs_ && !has_verdict(question_) && passed < entries.size() &&
           is_increments_only(entries[passed].mutation());
         ++passed) {
      mine_ = after(mine_, entries[passed].mutation());
      change(entries[passed], entries[passed].mutation());
    }
    return passed;
  }

  bool settle_head(const msg::OutboxEntry& entry) {
    const auto& head = entry.mutation();
    const optional_body base = mine_;
    // A verdict is about all that waits, so all of it belongs into the record.
    mine_ = has_verdict(question_) ? sides_of(question_).mine : after(mine_, head);
    head_outcome outcome = decide_head(question_, head, base, winner_, mine_);
    if (outcome.decision != msg::EQUAL) {
      auto record = make_record(question_, head, base, mine_, theirs_);
      record.set_conflict_id(question_.conflict_id);
      record.set_decision(outcome.decision);
      for (std::size_t i = 1; has_verdict(question_) && i < question_.lane.entries.size(); ++i)
        *record.add_mine_mutations() = question_.lane.entries[i].mutation();
      for (auto& field : outcome.fields)
        record.add_fields(std::move(field));
      if (outcome.decision == msg::PARKED) {
        decision_.set_parked_by(question_.conflict_id);
        *decision_.add_records() = std::move(record);
        return false;
      }
      record.set_resolved_ms(question_.now_ms);
      const optional_body result = outcome.mutation ? after(winner_, *outcome.mutation) : winner_;
      if (result)
        record.set_result_body(*result);
      *decision_.add_records() = std::move(record);
    }
    change(entry, std::move(outcome.mutation));
    return true;
  }

  // Edits that were made on top of the head are never dropped: they go on, on the winner.
  void settle_later(const msg::OutboxEntry& entry) {
    const auto& mutation = entry.mutation();
    const optional_body base = kept_body(question_);
    mine_ = after(mine_, mutation);
    const optional_body before = winner_;
    auto rebased = has_verdict(question_) ? std::nullopt // The verdict was about all of it.
                                          : rebase(mutation, winner_, mine_);
    const optional_body rebased_body = rebased ? after(winner_, *rebased) : winner_;
    auto fields = replaced_fields(base, theirs_, before, rebased_body);
    const bool replaces = rebased && !is_increments_only(*rebased) &&
                          (!fields.empty() || before.has_value() != rebased_body.has_value());
    if (replaces) {
      auto record = make_record(question_, mutation, base, rebased_body, before);
      record.set_conflict_id(question_.conflict_id + entry.local_seq());
      record.set_decision(msg::TOOK_CLIENT);
      record.set_resolved_ms(question_.now_ms);
      for (auto& field : fields)
        record.add_fields(std::move(field));
      *decision_.add_records() = std::move(record);
    }
    change(entry, std::move(rebased));
  }

  void change(const msg::OutboxEntry& entry, std::optional<msg::Mutation> mutation) {
    auto& change = *decision_.add_entries();
    change.set_local_seq(entry.local_seq());
    if (!mutation)
      return;
    winner_ = after(winner_, *mutation);
    *change.mutable_mutation() = std::move(*mutation);
  }

  void stand_on_theirs() {
    if (theirs_)
      decision_.set_kept_body(*theirs_);
    if (!question_.theirs)
      return;
    *decision_.mutable_base() = question_.theirs->stamp();
    decision_.set_kept_version(question_.theirs->version());
    decision_.set_kept_last_modified_ms(question_.theirs->last_modified_ms());
  }

  const conflict_question& question_;
  msg::LaneDecision decision_;
  const optional_body theirs_;
  optional_body mine_;
  optional_body winner_; // theirs, with the replacements so far
};

} // namespace

std::string_view to_string(conflict_strategy strategy) {
  for (const auto& [value, name] : strategy_names)
    if (value == strategy)
      return name;
  return "merge";
}

std::optional<conflict_strategy> conflict_strategy_from(std::string_view name) {
  for (const auto& [value, known] : strategy_names)
    if (known == name)
      return value;
  return std::nullopt;
}

conflict_sides sides_of(const conflict_question& question) {
  conflict_sides sides{kept_body(question), kept_body(question), theirs_body(question)};
  for (const auto& entry : question.lane.entries)
    sides.mine = after(sides.mine, entry.mutation());
  return sides;
}

msg::LaneDecision decide(const conflict_question& question) {
  return decision_builder{question}.build();
}

} // namespace syncline::core
