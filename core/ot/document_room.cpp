#include "core/ot/document_room.hpp"

#include "core/ensure.hpp"

#include <algorithm>
#include <utility>

namespace syncline::core::ot {

namespace {

bool is_same(const operation_identity& one, const operation_identity& other) {
  if (one.nonce != 0 || other.nonce != 0)
    return one.nonce == other.nonce;
  return one.seq != 0 && !one.client.empty() && one.seq == other.seq && one.client == other.client;
}

} // namespace

document_room::document_room(server_document document, std::string epoch, limits how)
  : document_{std::move(document)}, epoch_{std::move(epoch)}, limits_{how},
    carets_at_{document_.durable_revision()} {}

document_room::member* document_room::find(connection_id who) {
  const auto found = members_.find(who);
  return found == members_.end() ? nullptr : &found->second;
}

// --- Connections

void document_room::open(connection_id who) {
  ensure(members_.try_emplace(who).second, "a connection is opened once");
}

void document_room::close(connection_id who) {
  members_.erase(who);
  end_caret(who);
}

void document_room::on_silence(connection_id who) {
  if (auto* whom = find(who); whom && whom->at == stage::fresh)
    whom->at = stage::plain; // The text follows with the stream.
}

void document_room::set_writable(connection_id who, bool is_writable) {
  if (auto* whom = find(who))
    whom->is_writable = is_writable;
}

void document_room::become_plain(connection_id who, member& whom, std::vector<outgoing>& out) {
  server_document::whole_text whole = document_.durable_whole();
  operation insert;
  insert.insert(whole.text);
  whom.at = stage::plain;
  whom.sent = whom.named = whole.revision;
  whom.bridge = plain_bridge{whole.revision, std::move(insert)};
  out.push_back({who, say::whole_insert{std::move(whole.text), whole.revision}});
}

// --- Messages

void document_room::on_join(connection_id who, const join_message& asked,
                            std::vector<outgoing>& out) {
  auto* asking = find(who);
  if (!asking || (asking->attempt && asked.attempt && *asked.attempt < *asking->attempt))
    return;
  asking->at = stage::joining;
  asking->attempt = asked.attempt;
  asking->waiting.reset();
  asking->bridge = {};
  asking->unnamed.clear(); // The answer says what there is.
  asking->client = asked.request.client;
  if (asked.request.revision && !asked.epoch.empty() && asked.epoch != epoch_)
    out.push_back({who, say::resync{"epoch", asked.attempt}});
  else
    answer_join(who, *asking, asked, out);
}

void document_room::answer_join(connection_id who, member& asking, const join_message& asked,
                                std::vector<outgoing>& out) {
  auto answer = document_.join(asked.request);
  if (std::holds_alternative<server_document::not_yet>(answer)) {
    asking.waiting = asked;
    return;
  }
  if (const auto* over = std::get_if<server_document::start_over>(&answer)) {
    out.push_back({who, say::resync{over->reason, asked.attempt}});
    return;
  }
  asking.at = stage::joined;
  asking.mine = asked.request.pending.value_or(operation_identity{});
  asking.carets.clear();
  if (auto* whole = std::get_if<server_document::whole_text>(&answer)) {
    asking.sent = asking.named = whole->revision;
    const auto start = document_.start_of(whole->revision);
    out.push_back({who, say::snapshot{std::move(*whole), start, asked.attempt}});
    return;
  }
  asking.sent = asking.named = std::get<server_document::rest>(answer).revision;
  out.push_back({who, say::joined{asking.sent, document_.start_of(asking.sent), asked.attempt}});
}

bool document_room::on_operation(connection_id who, const operation_identity& author,
                                 std::uint64_t revision, operation edit,
                                 std::vector<outgoing>& out) {
  auto* from = find(who);
  if (!from || from->at == stage::joining)
    return false; // It belongs to what the client was before its join.
  if (from->at == stage::fresh)
    from->at = stage::plain;
  if (from->at == stage::plain && from->bridge.is_new())
    become_plain(who, *from, out);
  // Before anything is made of it.
  if (edit.components().size() > limits_.text.components_max) {
    refuse(who, author, fail("too_large", "an operation has too many components; send it in parts"),
           out);
    return false;
  }
  if (document_.revision() - document_.durable_revision() >= limits_.uncommitted_max ||
      uncommitted_bytes_ > limits_.uncommitted_bytes_max) {
    refuse(who, author, fail("overloaded", "too much waits to be stored; send it again"), out);
    return false;
  }
  const auto bytes = edit.text().size();
  const bool is_taken = from->at == stage::plain
                          ? take_plain(who, *from, author, revision, std::move(edit), out)
                          : take_joined(who, *from, author, revision, std::move(edit), out);
  if (is_taken)
    uncommitted_bytes_ += bytes;
  return is_taken;
}

bool document_room::take_plain(connection_id who, member& from, const operation_identity& author,
                               std::uint64_t revision, operation edit, std::vector<outgoing>& out) {
  // It has no numbers, since it need not wait for its acks, but may have a nonce.
  const operation_identity identity{author.client, 0, author.nonce};
  if (const auto known = document_.find_repeated(identity)) {
    answer_repeated(who, from, identity, *known, out);
    return false;
  }
  auto moved = from.bridge.to_head(std::move(edit), revision, document_);
  if (!moved) {
    refuse(who, {}, moved.error(), out);
    return false;
  }
  const auto done = document_.submit(identity, document_.revision(), std::move(*moved));
  if (const auto* refused = std::get_if<error>(&done)) {
    refuse(who, {}, *refused, out);
    return false;
  }
  from.named = std::max(from.named, revision);
  from.bridge.accepted(document_.revision());
  return true;
}

bool document_room::take_joined(connection_id who, member& from, const operation_identity& author,
                                std::uint64_t revision, operation edit,
                                std::vector<outgoing>& out) {
  auto identity = author;
  if (identity.client.empty())
    identity.client = from.client;
  if (identity.client.empty())
    identity.seq = 0; // A number of nobody tells nothing.
  const auto done = document_.submit(identity, revision, std::move(edit));
  if (const auto* refused = std::get_if<error>(&done)) {
    refuse(who, author, *refused, out);
    return false;
  }
  from.mine = identity;
  from.named = std::max(from.named, revision);
  if (const auto* known = std::get_if<server_document::repeated>(&done)) {
    answer_repeated(who, from, identity, *known, out);
    return false;
  }
  if (identity.nonce == 0 && identity.seq == 0)
    from.unnamed.insert(document_.revision());
  return true;
}

// Now, if its revision has gone by; otherwise the stream will say it.
void document_room::answer_repeated(connection_id who, member& to, const operation_identity& author,
                                    const server_document::repeated& known,
                                    std::vector<outgoing>& out) const {
  if (known.revision <= to.sent)
    out.push_back({who, say::ack{known.revision, author, document_.start_of(known.revision)}});
  else
    to.unnamed.insert(known.revision);
}

void document_room::refuse(connection_id who, const operation_identity& author, error why,
                           std::vector<outgoing>& out) {
  const auto* from = find(who);
  if (!from)
    return;
  if (from->at == stage::plain || from->at == stage::fresh) {
    out.push_back({who, say::close{why.code}});
    return;
  }
  const bool is_for_now = why.code == "overloaded" || why.code == "storage";
  out.push_back({who, say::nack{author.seq, author.nonce, std::move(why),
                                is_for_now ? limits_.retry_after_ms : 0}});
}

// --- The store

std::optional<std::uint64_t> document_room::older_needed(const join_message& asked,
                                                         std::uint64_t stored_begin) const {
  if (asked.request.revision)
    return older_needed(*asked.request.revision, stored_begin);
  // Whether it was committed, perhaps only the log knows.
  if (asked.request.pending && !document_.find_repeated(*asked.request.pending))
    return older_needed(stored_begin, stored_begin);
  return std::nullopt;
}

std::optional<std::uint64_t> document_room::older_needed(std::uint64_t revision,
                                                         std::uint64_t stored_begin) const {
  const bool is_stored = revision >= stored_begin && revision < document_.log_begin();
  return is_stored ? std::optional{revision} : std::nullopt;
}

void document_room::committed(std::uint64_t revision, std::vector<outgoing>& out) {
  document_.committed(revision);
  if (revision == document_.revision())
    uncommitted_bytes_ = 0;
  move_carets();
  for (auto& [who, each] : members_)
    if (const auto waiting = std::exchange(each.waiting, std::nullopt))
      answer_join(who, each, *waiting, out);
}

std::uint64_t document_room::needed_from() const {
  auto lowest = std::min(document_.durable_revision(), carets_at_);
  for (const auto& [who, each] : members_)
    if (each.at == stage::joined || each.at == stage::plain)
      lowest = std::min({lowest, each.named, each.sent});
  return lowest;
}

void document_room::trim(std::uint64_t revision) {
  const auto lowest = std::min(revision, needed_from());
  if (lowest > document_.log_begin())
    document_.trim(lowest);
}

// --- Carets

namespace {

// One's own insert is before one's caret, those of others are behind it.
selection moved(const selection& caret, const logged_operation& over, const std::string& client) {
  const bool is_own = !client.empty() && over.author.client == client;
  return transform_selection(over.edit, caret, is_own ? bias::right : bias::left);
}

} // namespace

void document_room::on_presence(connection_id who, presence shown, std::int64_t now_ms) {
  auto* from = find(who);
  if (!from || from->at != stage::joined || shown.revision > document_.durable_revision() ||
      shown.revision < document_.log_begin() ||
      document_.durable_revision() - shown.revision > limits_.presence_reach)
    return; // It is not said twice: where it is now comes with the next one.
  from->named = std::max(from->named, shown.revision);
  if (!shown.selected)
    return end_caret(who);
  for (auto at = shown.revision; at < document_.durable_revision(); ++at)
    shown.selected = moved(*shown.selected, document_.logged(at + 1), shown.client);
  const auto length = document_.durable_length();
  shown.selected->anchor = std::min(shown.selected->anchor, length);
  shown.selected->head = std::min(shown.selected->head, length);
  shown.revision = document_.durable_revision();
  carets_[who] = {std::move(shown), ++last_caret_, now_ms + limits_.presence_lives_ms};
}

// Those who were told of it are told that it is gone.
void document_room::end_caret(connection_id of) {
  if (const auto found = carets_.find(of); found != carets_.end() && found->second.shown.selected) {
    found->second.shown.selected.reset();
    found->second.number = ++last_caret_;
  }
}

void document_room::move_carets() {
  for (; carets_at_ < document_.durable_revision(); ++carets_at_)
    for (auto& [of, each] : carets_) {
      if (each.shown.selected)
        each.shown.selected =
          moved(*each.shown.selected, document_.logged(carets_at_ + 1), each.shown.client);
      each.shown.revision = carets_at_ + 1;
    }
}

void document_room::on_time(std::int64_t now_ms) {
  for (const auto& [of, each] : carets_)
    if (each.until_ms <= now_ms)
      end_caret(of);
}

void document_room::send_carets(connection_id who, member& to, std::vector<outgoing>& out) {
  for (const auto& [of, each] : carets_) {
    auto& latest = to.carets[of];
    const bool was_told = latest != 0;
    if (of == who || latest == each.number)
      continue;
    latest = each.number;
    if (was_told || each.shown.selected)
      out.push_back({who, each.shown});
  }
}

// --- The streams

void document_room::send_next(connection_id who, member& to, std::vector<outgoing>& out) {
  const auto revision = ++to.sent;
  const auto& logged = document_.logged(revision);
  const bool is_mine =
    to.unnamed.erase(revision) != 0 ||
    (to.at == stage::plain ? to.bridge.is_own(revision) : is_same(logged.author, to.mine));
  if (is_mine)
    out.push_back({who, say::ack{revision, logged.author, logged.start}});
  else
    out.push_back({who, say::edit{revision}});
}

void document_room::forget_ended_carets() {
  for (auto of = carets_.begin(); of != carets_.end();) {
    if (of->second.shown.selected) {
      ++of;
      continue;
    }
    for (auto& [who, each] : members_)
      each.carets.erase(of->first);
    of = carets_.erase(of);
  }
}

bool document_room::flush(std::vector<outgoing>& out, bool with_carets) {
  bool is_more = false;
  bool everybody_knows = true;
  for (auto& [who, each] : members_) {
    const bool is_reader = each.at == stage::joined || each.at == stage::plain;
    if (is_reader && each.is_writable && each.at == stage::plain && each.bridge.is_new())
      become_plain(who, each, out);
    if (is_reader && each.is_writable)
      for (std::size_t count = 0; count < limits_.slice && each.sent < document_.durable_revision();
           ++count)
        send_next(who, each, out);
    const bool is_behind = each.sent < document_.durable_revision();
    is_more = is_more || (is_reader && each.is_writable && is_behind);
    // Where somebody is, is said in the text that his reader has.
    if (with_carets && each.at == stage::joined && each.is_writable && !is_behind)
      send_carets(who, each, out);
    else
      everybody_knows = everybody_knows && each.at != stage::joined;
  }
  if (everybody_knows)
    forget_ended_carets();
  return is_more;
}

} // namespace syncline::core::ot
