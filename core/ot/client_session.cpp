#include "core/ot/client_session.hpp"

#include "core/ensure.hpp"
#include "core/ot/text_diff.hpp"
#include "core/ot/transform.hpp"

#include <algorithm>
#include <utility>

namespace syncline::core::ot {

namespace {

operation nothing_on(std::uint64_t length) {
  operation made;
  made.retain(static_cast<std::uint32_t>(length));
  return made;
}

operation composed(const operation& first, const operation& second) {
  operation made;
  ensure(compose(first, second, made).has_value(), "the second follows the first");
  return made;
}

void apply(text& on, const operation& edit) {
  ensure(on.apply(edit).has_value(), "the operation fits the text");
}

// Whether the second text lacks anything of the first.
bool lacks_part(const std::string& before, const std::string& after) {
  const auto changes = difference(before, after);
  return std::any_of(changes.components().begin(), changes.components().end(),
                     [](const auto& each) { return each.what == step::remove; });
}

bool means_wrong_text(const std::string& code) {
  return code == "revision_in_future" || code == "revision_too_old" || code == "in_flight" ||
         code == "base_length_mismatch" || code == "splits_surrogate_pair";
}

} // namespace

client_session::client_session(client_document from)
  : stored_{std::move(from)}, base_{stored_.base}, shown_{stored_.base} {
  if (stored_.outstanding)
    apply(shown_, *stored_.outstanding);
  if (stored_.buffer.components().empty())
    stored_.buffer = nothing_on(shown_.length());
  apply(shown_, stored_.buffer);
  stored_.base.clear(); // It is in `base_` from here on.
}

client_document client_session::to_store() const {
  client_document made = stored_;
  made.base = base_.to_string();
  return made;
}

// --- The editor

expected<void> client_session::edit(const operation& typed, std::int64_t now_ms) {
  auto inverse = shown_.invert(typed);
  if (!inverse)
    return inverse.error();
  undo_.edited(std::move(*inverse), now_ms);
  note_edit(typed);
  return {};
}

// It stands on top of all that is pending: it is composed, not transformed.
void client_session::note_edit(const operation& done) {
  apply(shown_, done);
  stored_.buffer = composed(stored_.buffer, done);
}

std::optional<operation> client_session::undo() {
  return take(undo_.take_undo(), &undo_stack::undone);
}

std::optional<operation> client_session::redo() {
  return take(undo_.take_redo(), &undo_stack::redone);
}

std::optional<operation> client_session::take(std::optional<operation> edit,
                                              void (undo_stack::*report)(operation)) {
  if (!edit)
    return std::nullopt;
  (undo_.*report)(shown_.invert(*edit).value());
  note_edit(*edit);
  return edit;
}

// --- The connection

client_effects client_session::connected() {
  return join_again(stored_.epoch.empty());
}

void client_session::disconnected() {
  phase_ = phase::disconnected;
}

client_effects client_session::join_again(bool whole) {
  phase_ = phase::joining;
  wants_whole_ = whole;
  ++attempt_;
  client_effects effects;
  effects.join = true;
  return effects;
}

join_request client_session::join_message() const {
  join_request made;
  made.client = stored_.client;
  made.start = stored_.start;
  if (!wants_whole_)
    made.revision = stored_.revision;
  if (stored_.outstanding)
    made.pending = operation_identity{stored_.client, stored_.seq, stored_.nonce};
  return made;
}

bool client_session::to_send(std::uint64_t nonce) {
  if (phase_ != phase::joined || stored_.outstanding || stored_.buffer.is_noop())
    return false;
  const auto target = stored_.buffer.target_length();
  stored_.outstanding = std::exchange(stored_.buffer, nothing_on(target));
  stored_.nonce = nonce;
  ++stored_.seq;
  return true;
}

std::optional<logged_operation> client_session::operation_message() const {
  if (phase_ != phase::joined || !stored_.outstanding)
    return std::nullopt;
  return logged_operation{stored_.revision,
                          *stored_.outstanding,
                          {stored_.client, stored_.seq, stored_.nonce},
                          stored_.start};
}

client_effects client_session::on_joined(std::uint64_t revision, const std::string& epoch,
                                         std::uint64_t attempt) {
  if (phase_ != phase::joining || attempt != attempt_)
    return {};
  if (revision != stored_.revision || epoch != stored_.epoch)
    return join_again(true);
  phase_ = phase::joined;
  resync_reason_.clear();
  client_effects effects;
  effects.send = stored_.outstanding.has_value(); // It may not have arrived.
  return effects;
}

client_effects client_session::on_resync(const std::string& reason, std::uint64_t attempt) {
  if (phase_ == phase::disconnected || (phase_ == phase::joining && attempt != attempt_))
    return {};
  resync_reason_ = reason;
  return join_again(true);
}

// What was typed here is moved over what changed there, of which nobody has the operations.
client_effects client_session::on_snapshot(const snapshot_message& said) {
  if (phase_ != phase::joining || !wants_whole_ || said.attempt != attempt_)
    return {};
  client_effects effects;
  const bool lost_history =
    resync_reason_ == "restored" || (!stored_.epoch.empty() && stored_.epoch != said.epoch);
  const bool is_there = stored_.outstanding && said.pending != "not" && !said.pending.empty();
  if (is_there)
    apply(base_, *stored_.outstanding);
  const auto common = base_.to_string();
  const auto mine = is_there || !stored_.outstanding
                      ? stored_.buffer
                      : composed(*stored_.outstanding, stored_.buffer);
  if (is_there && said.pending == "unknown")
    effects.reports.push_back({"outcome_unknown", std::string{stored_.outstanding->text()}});
  if (lost_history && lacks_part(common, said.text))
    effects.reports.push_back({"server_restored", common});
  auto merged = merge_onto(common, said.text, mine);
  ensure(merged.has_value(), "what is pending fits its base");
  base_ = text{said.text};
  apply(shown_, merged->theirs);
  stored_.revision = said.revision;
  stored_.epoch = said.epoch;
  stored_.start = said.start;
  stored_.seq = said.seq;
  stored_.outstanding.reset();
  stored_.buffer = std::move(merged->mine);
  undo_.pass(merged->theirs);
  effects.shown = std::move(merged->theirs);
  resync_reason_.clear();
  phase_ = phase::joined;
  return effects;
}

bool client_session::is_outstanding(std::uint64_t seq, std::uint64_t nonce) const {
  return stored_.outstanding && (nonce != 0 ? nonce == stored_.nonce : seq == stored_.seq);
}

client_effects client_session::on_operation(const logged_operation& said) {
  if (phase_ != phase::joined || said.revision <= stored_.revision)
    return {};
  if (said.revision != stored_.revision + 1 || said.edit.base_length() != base_.length())
    return join_again(said.revision == stored_.revision + 1);
  if (said.author.nonce != 0 && is_outstanding(0, said.author.nonce)) {
    acknowledge(said.revision, said.start);
    return {};
  }
  if (!base_.apply(said.edit)) // It cuts a character: this is not the text that the server has.
    return join_again(true);
  client_effects effects;
  operation next;
  operation over_outstanding = said.edit;
  operation over_all;
  if (stored_.outstanding) {
    ensure(transform(*stored_.outstanding, said.edit, tie::a, next, over_outstanding).has_value(),
           "both are for the base");
    std::swap(*stored_.outstanding, next);
  }
  ensure(transform(stored_.buffer, over_outstanding, tie::a, next, over_all).has_value(),
         "both are for the text behind the outstanding one");
  std::swap(stored_.buffer, next);
  apply(shown_, over_all);
  undo_.pass(over_all);
  stored_.revision = said.revision;
  stored_.start = said.start;
  effects.shown = std::move(over_all);
  return effects;
}

void client_session::acknowledge(std::uint64_t revision, std::uint64_t start) {
  apply(base_, *stored_.outstanding);
  stored_.outstanding.reset();
  stored_.revision = revision;
  stored_.start = start;
}

client_effects client_session::on_ack(std::uint64_t revision, std::uint64_t seq,
                                      std::uint64_t nonce, std::uint64_t start) {
  if (phase_ != phase::joined || revision <= stored_.revision)
    return {};
  if (revision != stored_.revision + 1 || !is_outstanding(seq, nonce))
    return join_again(false);
  acknowledge(revision, start);
  return {};
}

client_effects client_session::on_nack(std::uint64_t seq, std::uint64_t nonce,
                                       const std::string& code, std::int64_t retry_after_ms,
                                       const std::string& new_client) {
  const bool is_about_it = nonce != 0 ? is_outstanding(0, nonce) : is_outstanding(seq, 0);
  if (phase_ != phase::joined || !is_about_it || (seq != 0 && seq != stored_.seq))
    return {}; // While it joins, the answer says what became of it.
  client_effects effects;
  if (code == "overloaded" || code == "storage") {
    effects.send_again_after_ms = retry_after_ms;
    return effects;
  }
  if (code == "seq_reused" || code == "seq_out_of_order")
    return under_new_id(new_client, false);
  if (code == "outcome_unknown") {
    effects = take_back(code);
    auto joins = under_new_id(new_client, true);
    joins.shown = std::move(effects.shown);
    joins.reports = std::move(effects.reports);
    return joins;
  }
  if (means_wrong_text(code))
    return join_again(true);
  return take_back(code);
}

// The nonce stays: it is what the operation is known by.
client_effects client_session::under_new_id(const std::string& client, bool whole) {
  stored_.client = client;
  stored_.seq = stored_.outstanding ? 1 : 0;
  return join_again(whole);
}

// What the server refused for good leaves the text; what was typed behind it stays.
client_effects client_session::take_back(const std::string& code) {
  client_effects effects;
  effects.reports.push_back({code, std::string{stored_.outstanding->text()}});
  const auto inverse = base_.invert(*stored_.outstanding).value();
  operation buffer;
  operation shown;
  ensure(transform(stored_.buffer, inverse, tie::a, buffer, shown).has_value(),
         "both are for the text behind the outstanding one");
  stored_.buffer = std::move(buffer);
  stored_.outstanding.reset();
  --stored_.seq; // It is free again.
  apply(shown_, shown);
  undo_ = undo_stack{}; // It may hold the inverse of what has just been undone.
  effects.shown = std::move(shown);
  return effects;
}

} // namespace syncline::core::ot
