#include "core/ot/client_session.hpp"

#include "core/ensure.hpp"
#include "core/ot/text_diff.hpp"

#include <algorithm>
#include <utility>

namespace syncline::core::ot {

namespace {

// After joins that led nowhere.
constexpr std::int64_t rest_after_joins_ms = 10'000;

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

bool passes(const std::string& code) {
  return code == "overloaded" || code == "storage";
}

std::size_t bytes_of(const operation& edit) {
  constexpr std::size_t component_bytes = 3;
  return edit.text().size() + component_bytes * edit.components().size();
}

error corrupt(const std::string& what) {
  return {"store_corrupt", "what is stored of the document does not fit together: " + what};
}

client_text stands_as(client_document& stored) {
  auto made = client_text::with(text{stored.base}, std::exchange(stored.pending, {}));
  ensure(made.has_value(), "what is pending fits its base");
  stored.base.clear(); // It is in the text from here on.
  return std::move(*made);
}

} // namespace

client_session::client_session(client_document from, client_text stands, limits how)
  : stored_{std::move(from)}, text_{std::move(stands)}, undo_{how.undo}, limits_{how} {}

client_session::client_session(client_document from, limits how)
  : stored_{std::move(from)}, text_{stands_as(stored_)}, undo_{how.undo}, limits_{how} {}

// --- What is stored

expected<client_session>
client_session::load(client_document from, std::span<const any_session_change> since, limits how) {
  auto stands = client_text::with(text{from.base}, std::exchange(from.pending, {}));
  if (!stands)
    return corrupt(stands.error().message);
  from.base.clear();
  client_session made{std::move(from), std::move(*stands), how};
  for (const auto& each : since)
    if (auto done = made.do_again(each); !done)
      return corrupt(done.error().message);
  return made;
}

expected<void> client_session::do_again(const any_session_change& change) {
  ++changes_;
  if (const auto* typed = std::get_if<session_change::typed>(&change)) {
    change_bytes_ += bytes_of(typed->edit);
    return text_.type(typed->edit);
  }
  if (const auto* received = std::get_if<session_change::received>(&change)) {
    change_bytes_ += bytes_of(received->edit);
    if (auto done = text_.receive(received->edit, {}); !done)
      return done.error();
    stored_.revision = received->revision;
    stored_.start = received->start;
    return {};
  }
  if (const auto* frozen = std::get_if<session_change::frozen>(&change)) {
    if (text_.outstanding() || !text_.has_typed())
      return fail("store_corrupt", "an operation was sent that nobody typed");
    text_.freeze(frozen->components);
    stored_.seq = frozen->seq;
    stored_.nonce = frozen->nonce;
    return {};
  }
  if (!text_.outstanding())
    return fail("store_corrupt", "an operation was acknowledged that nobody sent");
  text_.acknowledge();
  const auto& acknowledged = std::get<session_change::acknowledged>(change);
  stored_.revision = acknowledged.revision;
  stored_.start = acknowledged.start;
  return {};
}

client_document client_session::to_store() const {
  client_document made = stored_;
  made.base = text_.base().to_string();
  made.pending = {text_.outstanding(), text_.buffer()};
  return made;
}

unstored_changes client_session::take_unstored() {
  if (changes_ > limits_.changes_max ||
      change_bytes_ > text_.base().bytes() + limits_.change_bytes_max)
    store_whole();
  is_urgent_ = false;
  return std::exchange(unstored_, {});
}

void client_session::store_whole() {
  unstored_ = {true, {}};
  is_urgent_ = true;
  changes_ = 0;
  change_bytes_ = 0;
}

void client_session::note(any_session_change change, std::size_t bytes, bool urgent) {
  is_urgent_ = is_urgent_ || urgent;
  if (unstored_.whole)
    return;
  unstored_.changes.push_back(std::move(change));
  ++changes_;
  change_bytes_ += bytes;
}

// --- The editor

expected<void> client_session::edit(const operation& typed, std::int64_t now_ms) {
  auto inverse = shown().invert(typed);
  if (!inverse)
    return inverse.error();
  undo_.edited(std::move(*inverse), now_ms);
  note_typed(typed);
  return {};
}

void client_session::note_typed(const operation& done) {
  ensure(text_.type(done).has_value(), "the operation fits the text");
  note(session_change::typed{done}, bytes_of(done), true);
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
  (undo_.*report)(shown().invert(*edit).value());
  note_typed(*edit);
  return edit;
}

// --- The connection

client_effects client_session::connected() {
  joins_ = 0;
  return join_again(stored_.epoch.empty());
}

void client_session::disconnected() {
  phase_ = phase::disconnected;
}

client_effects client_session::join_again(bool whole) {
  client_effects effects;
  phase_ = phase::joining;
  wants_whole_ = whole;
  ++attempt_;
  if (++joins_ > limits_.joins_max)
    effects.reconnect_after_ms = rest_after_joins_ms; // We and the server do not agree.
  else
    effects.join = true;
  return effects;
}

join_request client_session::join_message() const {
  join_request made;
  made.client = stored_.client;
  made.start = stored_.start;
  if (!wants_whole_)
    made.revision = stored_.revision;
  if (text_.outstanding())
    made.pending = operation_identity{stored_.client, stored_.seq, stored_.nonce};
  return made;
}

bool client_session::to_send(std::uint64_t nonce) {
  if (phase_ != phase::joined || text_.outstanding() || !text_.has_typed())
    return false;
  text_.freeze(limits_.components_max);
  stored_.nonce = nonce;
  ++stored_.seq;
  note(session_change::frozen{stored_.seq, nonce, limits_.components_max}, 0, true);
  return true;
}

std::optional<logged_operation> client_session::operation_message() const {
  if (phase_ != phase::joined || !text_.outstanding())
    return std::nullopt;
  return logged_operation{stored_.revision,
                          *text_.outstanding(),
                          {stored_.client, stored_.seq, stored_.nonce},
                          stored_.start};
}

client_effects client_session::on_joined(std::uint64_t revision, const std::string& epoch,
                                         std::uint64_t attempt) {
  if (phase_ != phase::joining || wants_whole_ || attempt != attempt_)
    return {};
  if (revision != stored_.revision || epoch != stored_.epoch)
    return join_again(true);
  phase_ = phase::joined;
  resync_reason_.clear();
  client_effects effects;
  effects.send = text_.outstanding().has_value(); // It may not have arrived.
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
  if (text_.outstanding() && said.pending != "not" && !said.pending.empty()) {
    if (said.pending == "unknown")
      effects.reports.push_back({"outcome_unknown", std::string{text_.outstanding()->text()}});
    text_.acknowledge();
  }
  if (lost_history)
    if (auto common = text_.base().to_string(); lacks_part(common, said.text))
      effects.reports.push_back({"server_restored", std::move(common)});
  effects.shown = text_.merge_onto_base(said.text);
  stored_.revision = said.revision;
  stored_.epoch = said.epoch;
  stored_.start = said.start;
  stored_.seq = said.seq;
  undo_.pass(*effects.shown);
  resync_reason_.clear();
  phase_ = phase::joined;
  store_whole();
  return effects;
}

bool client_session::is_outstanding(std::uint64_t seq, std::uint64_t nonce) const {
  return text_.outstanding() && (nonce != 0 ? nonce == stored_.nonce : seq == stored_.seq);
}

client_effects client_session::on_operation(const logged_operation& said) {
  if (phase_ != phase::joined || said.revision <= stored_.revision)
    return {};
  if (said.revision != stored_.revision + 1)
    return join_again(false);
  if (said.author.nonce != 0 && is_outstanding(0, said.author.nonce)) {
    acknowledge(said.revision, said.start);
    return {};
  }
  auto shown = text_.receive(said.edit, said.author.client);
  if (!shown) // This is not the text that the server has.
    return join_again(true);
  client_effects effects;
  undo_.pass(*shown);
  stored_.revision = said.revision;
  stored_.start = said.start;
  joins_ = 0;
  note(session_change::received{said.revision, said.start, said.edit}, bytes_of(said.edit), false);
  effects.shown = std::move(*shown);
  return effects;
}

void client_session::acknowledge(std::uint64_t revision, std::uint64_t start) {
  text_.acknowledge();
  stored_.revision = revision;
  stored_.start = start;
  joins_ = 0;
  note(session_change::acknowledged{revision, start}, 0, false);
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
  if (phase_ == phase::disconnected)
    return {};
  client_effects effects;
  if (code == "not_found") {
    phase_ = phase::disconnected;
    effects.deleted = true;
    return effects;
  }
  if (phase_ == phase::joining && seq == 0 && nonce == 0)
    return on_join_refused(code, retry_after_ms);
  const bool is_about_it = nonce != 0 ? is_outstanding(0, nonce) : is_outstanding(seq, 0);
  if (phase_ != phase::joined || !is_about_it || (seq != 0 && seq != stored_.seq))
    return {}; // While it joins, the answer says what became of it.
  if (passes(code)) {
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

// Nothing was lost by it, and nothing is told but where it lasts: the next connection asks again.
client_effects client_session::on_join_refused(const std::string& code,
                                               std::int64_t retry_after_ms) const {
  client_effects effects;
  effects.reconnect_after_ms =
    passes(code) && retry_after_ms > 0 ? retry_after_ms : rest_after_joins_ms;
  return effects;
}

// The nonce stays: it is what the operation is known by.
client_effects client_session::under_new_id(const std::string& client, bool whole) {
  stored_.client = client;
  stored_.seq = text_.outstanding() ? 1 : 0;
  store_whole();
  return join_again(whole);
}

// What the server refused for good leaves the text; what was typed behind it stays.
client_effects client_session::take_back(const std::string& code) {
  client_effects effects;
  effects.reports.push_back({code, std::string{text_.outstanding()->text()}});
  effects.shown = text_.take_back();
  --stored_.seq;                    // It is free again.
  undo_ = undo_stack{limits_.undo}; // It may hold the inverse of what has just been undone.
  store_whole();
  return effects;
}

} // namespace syncline::core::ot
