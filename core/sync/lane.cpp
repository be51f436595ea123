#include "core/sync/lane.hpp"

#include "core/sync/backoff.hpp"
#include "core/sync/mutation.hpp"

#include <algorithm>

namespace syncline::core {

namespace {

constexpr std::uint32_t retryable_attempts_max = 8;

stamp lane_base(const lane& lane) {
  return from_message(lane.record.base());
}

bool is_living(const std::optional<item_view>& row) {
  return row && !row->header.deleted;
}

// A row, or a tombstone, at the stamp of a change or later has that change in it.
bool shows(const std::optional<item_view>& row, const msg::Stamp& change) {
  return row && row->header.stamp.seq >= change.seq();
}

void touch(lane& lane) {
  lane.record.set_revision(lane.record.revision() + 1);
}

void stand_on(lane& lane, const std::optional<item_view>& row) {
  auto& record = lane.record;
  record.clear_kept_body();
  record.clear_base();
  record.set_kept_version(0);
  record.set_kept_last_modified_ms(0);
  if (!row)
    return;
  *record.mutable_base() = to_message(row->header.stamp);
  record.set_kept_version(row->header.version);
  record.set_kept_last_modified_ms(row->header.last_modified_ms);
  if (!row->header.deleted)
    record.set_kept_body(row->body.data(), row->body.size());
}

// The version that the visible item starts from: the base row, unless the lane stands on a later
// one (its own acknowledged chain, or a winner that the pulled state does not hold yet).
visible_item starting_version(const lane& lane, const std::optional<item_view>& base) {
  visible_item start;
  const auto& record = lane.record;
  const bool kept_is_later = !lane_base(lane).is_none() &&
                             (!is_living(base) || base->header.stamp.seq < lane_base(lane).seq);
  if (!lane.is_idle() && (kept_is_later || record.parked_by() != 0)) {
    start.exists = record.has_kept_body();
    start.body = record.kept_body();
    start.header.stamp = lane_base(lane);
    start.header.version = record.kept_version();
    start.header.last_modified_ms = record.kept_last_modified_ms();
  } else if (is_living(base)) {
    start.exists = true;
    start.body = std::string{base->body};
    start.header = base->header;
  }
  return start;
}

void apply_visibly(visible_item& item, const msg::Mutation& mutation) {
  if (mutation.kind() == msg::SKIP)
    return;
  auto body = apply_mutation(
    item.exists ? std::optional<std::string_view>{item.body} : std::nullopt, mutation);
  if (!body)
    return; // The server will refuse it for the same reason; until then it shows no effect.
  item.exists = body->has_value();
  item.body = std::move(*body).value_or(std::string{});
}

sync_status status_of(const lane& lane) {
  const auto& record = lane.record;
  if (record.parked_by() != 0) {
    const bool deletes = std::any_of(lane.entries.begin(), lane.entries.end(), [](const auto& e) {
      return e.mutation().kind() == msg::DELETE;
    });
    const bool met_nothing = record.met_is_set() && (!record.has_met() || record.met().deleted());
    return deletes || met_nothing ? sync_status::delete_conflict : sync_status::conflict;
  }
  if (!record.quarantined().empty())
    return sync_status::failed;
  return lane.is_idle() ? sync_status::synced : sync_status::pending;
}

} // namespace

std::string_view to_string(sync_status status) {
  switch (status) {
  case sync_status::synced:
    return "SYNCED";
  case sync_status::pending:
    return "PENDING";
  case sync_status::failed:
    return "FAILED";
  case sync_status::conflict:
    return "CONFLICT";
  case sync_status::delete_conflict:
    return "DELETE_CONFLICT";
  }
  return "SYNCED";
}

void begin_on(lane& lane, const std::optional<item_view>& base) {
  if (lane.is_idle())
    stand_on(lane, base);
}

void forget_conflict(lane& lane) {
  auto& record = lane.record;
  record.set_undecided(false);
  record.set_parked_by(0);
  record.set_met_is_set(false);
  record.clear_met();
}

void clear_if_idle(lane& lane) {
  if (!lane.is_idle())
    return;
  stand_on(lane, std::nullopt);
  forget_conflict(lane);
}

visible_item visible(const lane& lane, const std::optional<item_view>& base) {
  visible_item item = starting_version(lane, base);
  for (const auto& effect : lane.record.acknowledged())
    if (effect.stamp().seq() > item.header.stamp.seq || item.header.stamp.is_none())
      apply_visibly(item, effect.mutation());
  for (const auto& entry : lane.entries)
    apply_visibly(item, entry.mutation());
  item.status = status_of(lane);
  return item;
}

std::vector<std::uint64_t> settle(lane& lane, const std::optional<item_view>& base,
                                  std::uint64_t passed_seq) {
  std::vector<std::uint64_t> settled;
  auto& effects = *lane.record.mutable_acknowledged();
  const auto shown = [&](const msg::AcknowledgedEffect& effect) {
    return effect.stamp().seq() <= passed_seq || shows(base, effect.stamp());
  };
  for (const auto& effect : effects)
    if (shown(effect))
      settled.push_back(effect.local_seq());
  if (settled.empty())
    return settled;
  effects.erase(std::remove_if(effects.begin(), effects.end(), shown), effects.end());
  touch(lane);
  return settled;
}

namespace {

// A lane that waits for a decision remembers the latest version that it met.
void remember_met(lane& lane, const std::optional<item_view>& row, const meeting& where) {
  auto& record = lane.record;
  const std::uint64_t known_seq = record.met_is_set() ? record.met().stamp().seq() : 0;
  const std::uint64_t row_seq = row ? row->header.stamp.seq : where.head_seq;
  if (!where.restoring && row_seq < known_seq)
    return;
  record.set_met_is_set(true);
  record.clear_met();
  if (row)
    fill_message(*record.mutable_met(), "", *row);
  touch(lane);
}

bool adds_up_only(const lane& lane) {
  return std::all_of(lane.entries.begin(), lane.entries.end(), [](const msg::OutboxEntry& entry) {
    return is_increments_only(entry.mutation()) && entry.state() == msg::QUEUED;
  });
}

} // namespace

bool is_new_here(const msg::Lane& record) {
  return record.acknowledged().empty() && !record.undecided() && record.parked_by() == 0 &&
         !record.has_kept_body();
}

encounter meet(lane& lane, const std::optional<item_view>& row, const meeting& where) {
  if (lane.entries.empty())
    return encounter::agrees;
  if (lane.has_sent())
    return encounter::wait;
  if (lane.record.undecided() || lane.record.parked_by() != 0) {
    remember_met(lane, row, where);
    return encounter::agrees;
  }
  const stamp made_on = lane_base(lane);
  const bool row_lives = is_living(row);
  if (!row_lives && !lane.record.has_kept_body())
    return encounter::agrees; // Made on nothing, and there is nothing.
  if (row_lives && row->header.stamp == made_on)
    return encounter::agrees;
  // A page read before our own acknowledged change says nothing against it.
  const std::uint64_t said_at =
    row ? std::max(row->header.stamp.seq, where.head_seq) : where.head_seq;
  if (!where.restoring && said_at < made_on.seq)
    return encounter::agrees;
  if (row_lives && adds_up_only(lane)) {
    stand_on(lane, row);
    touch(lane);
    return encounter::moved;
  }
  // For a lane that the decision parks: a tombstone that it met stands in no row.
  lane.record.set_met_is_set(false);
  remember_met(lane, row, where);
  return encounter::decide;
}

namespace {

void advance_base(lane& lane, const msg::Mutation& mutation, const msg::MutationResult& result) {
  auto& record = lane.record;
  const auto previous = from_message(result.previous_stamp());
  if (mutation.kind() == msg::UPDATE && previous != lane_base(lane))
    return; // Others' changes lay between: the next mutation meets its conflict.
  if (mutation.kind() == msg::CREATE && !previous.is_none() &&
      previous != from_message(result.stamp()))
    return; // It had been created before, by a copy of this store, and has changed since.
  std::optional<std::string_view> kept;
  if (record.has_kept_body())
    kept = record.kept_body();
  auto body = apply_mutation(kept, mutation);
  if (!body)
    return;
  if (*body)
    record.set_kept_body(std::move(**body));
  else
    record.clear_kept_body();
  *record.mutable_base() = result.stamp();
  record.set_kept_version(result.version());
  record.set_kept_last_modified_ms(result.last_modified_ms());
}

} // namespace

void compare_rest(lane& lane, const std::optional<item_view>& base) {
  if (lane.entries.empty() || lane.record.undecided() || lane.record.parked_by() != 0)
    return;
  if (!is_living(base) || base->header.stamp == lane_base(lane) ||
      base->header.stamp.seq < lane_base(lane).seq)
    return; // What the base row does not hold, the server will say.
  if (adds_up_only(lane)) {
    stand_on(lane, base);
    return;
  }
  lane.record.set_undecided(true);
  lane.record.set_met_is_set(false); // It meets the base row.
  lane.record.clear_met();
}

namespace {

void refuse_head(lane& lane, const msg::MutationResult& result) {
  auto& head = lane.entries.front();
  head.set_state(msg::REFUSED);
  head.mutable_mutation()->set_mutation_id(0);
  head.mutable_mutation()->clear_formers();
  lane.record.set_undecided(true);
  lane.record.set_met_is_set(true);
  lane.record.clear_met();
  if (result.has_server_item())
    *lane.record.mutable_met() = result.server_item();
}

void requeue_head(lane& lane, const msg::Error& error, std::int64_t now_ms) {
  auto& head = lane.entries.front();
  head.set_state(msg::QUEUED);
  head.mutable_mutation()->set_mutation_id(0);
  head.mutable_mutation()->clear_formers();
  head.set_attempts(head.attempts() + 1);
  *head.mutable_last_error() = error;
  head.set_not_before_ms(now_ms + backoff_bound_ms(head.attempts()));
}

msg::OutboxEntry take_head(lane& lane) {
  auto head = std::move(lane.entries.front());
  lane.entries.erase(lane.entries.begin());
  lane.record.mutable_entries()->erase(lane.record.entries().begin());
  return head;
}

// The effect takes the mutation over: the entry is gone.
void acknowledge_head(lane& lane, const msg::MutationResult& result,
                      const std::optional<item_view>& base, const msg::Mutation* original) {
  auto head = take_head(lane);
  if (original)
    *head.mutable_mutation() = *original;
  advance_base(lane, head.mutation(), result);
  // Where nothing was left to change, no page ever has this answer's stamp: what the item has
  // become is in the page of its last change, if it has had any.
  const auto& shown_at = result.not_found() ? result.previous_stamp() : result.stamp();
  if (shown_at.seq() == 0 || shows(base, shown_at))
    return; // A page was faster than the answer.
  auto& effect = *lane.record.add_acknowledged();
  effect.mutable_mutation()->Swap(head.mutable_mutation());
  *effect.mutable_stamp() = shown_at;
  effect.set_version(result.version());
  effect.set_last_modified_ms(result.last_modified_ms());
  effect.set_local_seq(head.local_seq());
}

} // namespace

answer_effect answer(lane& lane, const msg::MutationResult& result,
                     const std::optional<item_view>& base, const msg::Mutation* original,
                     std::int64_t now_ms) {
  answer_effect effect;
  effect.local_seq = lane.entries.front().local_seq();
  effect.error = result.error();
  touch(lane);
  switch (result.status()) {
  case msg::SYNCED:
    effect.fate = entry_fate::acknowledged;
    acknowledge_head(lane, result, base, original);
    break;
  case msg::CONFLICT:
  case msg::DELETE_CONFLICT:
    effect.fate = entry_fate::refused;
    if (original)
      *lane.entries.front().mutable_mutation() = *original;
    refuse_head(lane, result);
    return effect;
  case msg::SKIPPED:
    if (lane.entries.front().mutation().kind() == msg::SKIP) {
      effect.fate = entry_fate::skipped;
      take_head(lane);
      break;
    }
    effect.error.set_code("bad_answer");
    effect.error.set_message("the server says that it skipped a change which was no SKIP; retry "
                             "or discard it");
    [[fallthrough]];
  default:
    if (result.error().retryable() && !original &&
        lane.entries.front().attempts() + 1 < retryable_attempts_max) {
      effect.fate = entry_fate::requeued;
      requeue_head(lane, result.error(), now_ms);
      return effect;
    }
    effect.fate = entry_fate::quarantined;
    if (result.status() == msg::OUTCOME_UNKNOWN && effect.error.code().empty())
      effect.error.set_code("outcome_unknown");
    effect.entry = take_head(lane);
    break;
  }
  compare_rest(lane, base);
  return effect;
}

std::optional<msg::Item> met_version(const lane& lane, std::string_view id,
                                     const std::optional<item_view>& base) {
  const auto& record = lane.record;
  const bool row_is_later =
    is_living(base) && (!record.met_is_set() || !record.has_met() ||
                        base->header.stamp.seq >= record.met().stamp().seq());
  // Without a met version only a base row can have made the lane undecided.
  if (row_is_later && (record.has_met() || !record.met_is_set()))
    return to_message(id, *base);
  if (!record.has_met())
    return std::nullopt;
  msg::Item met = record.met();
  met.set_id(id.data(), id.size());
  return met;
}

} // namespace syncline::core
