#include "tests/core/ot/document_network.hpp"

#include "core/ensure.hpp"

#include <algorithm>

namespace syncline::tests {

namespace ot = core::ot;

namespace {

// One of many thousands, each of which is inserted once: three bytes of UTF-8.
std::string unique_character(std::size_t number) {
  const auto character = 0x4E00U + static_cast<unsigned>(number);
  std::string utf8;
  utf8 += static_cast<char>(0xE0U | (character >> 12U));
  utf8 += static_cast<char>(0x80U | ((character >> 6U) & 0x3FU));
  utf8 += static_cast<char>(0x80U | (character & 0x3FU));
  return utf8;
}

// So that a run meets them: what is stored as a whole, and what is sent in parts.
ot::client_session::limits small_limits() {
  ot::client_session::limits how;
  how.components_max = 4;
  how.changes_max = 24;
  how.change_bytes_max = 400;
  return how;
}

} // namespace

document_network::document_network(std::uint64_t seed, document_faults faults, int clients)
  : random_{seed}, faults_{faults} {
  load_server(false);
  for (int i = 0; i < clients; ++i) {
    auto made = std::make_unique<client>();
    made->stored.client = "c" + std::to_string(++next_client_);
    load(*made);
    clients_.push_back(std::move(made));
  }
}

document_network::client& document_network::any() {
  return *clients_[random_.below(clients_.size())];
}

void document_network::act() {
  now_ms_ += 200;
  auto& who = any();
  switch (random_.below(16)) {
  case 0:
  case 1:
  case 2:
    return type(who);
  case 3:
    if (random_.one_in(4))
      return break_connection(who);
    return connect(who);
  case 4:
    if (faults_.restarts && random_.one_in(8))
      load_server(false);
    return;
  case 5:
    if (faults_.trims && random_.one_in(8)) {
      const auto& document = room_->document();
      room_->trim(document.durable_revision() -
                  random_.below(document.durable_revision() - document.log_begin() + 1));
      commit(); // Which trims what is stored.
    }
    return;
  case 6:
    if (faults_.crashes && random_.one_in(4)) {
      break_connection(who);
      load(who);
    }
    return;
  case 7:
    if (faults_.restores && random_.one_in(6)) {
      if (!backup_ || random_.one_in(2)) {
        backup_ = durable_;
        return;
      }
      durable_ = *backup_;
      load_server(random_.one_in(3));
    } else if (faults_.copies && random_.one_in(12)) {
      break_connection(who);
      const auto& other = any();
      who.since = other.since;
      who.stored = other.stored;
      load(who);
    } else if (!late_.empty()) {
      deliver_late();
    }
    return;
  case 8:
  case 9:
    return commit();
  case 10:
  case 11:
  case 12:
    return deliver_to_server(who);
  default:
    return deliver_to_client(who);
  }
}

void document_network::heal() {
  faults_ = {};
  for (int round = 0; round < 2'000; ++round) {
    bool is_quiet = true;
    for (auto& each : clients_) {
      if (!each->is_connected)
        connect(*each);
      is_quiet = is_quiet && each->sent.empty() && each->said.empty();
      deliver_to_server(*each);
      commit();
      deliver_to_client(*each);
    }
    if (is_quiet && all_agree())
      return;
  }
}

bool document_network::all_agree() const {
  return std::all_of(clients_.begin(), clients_.end(), [&](const auto& each) {
    return each->session->is_synchronized() && each->session->shown().to_string() == server_text();
  });
}

bool document_network::has_each_insert_once() const {
  const auto text = to_utf16(server_text());
  return std::all_of(inserted_.begin(), inserted_.end(), [&](char16_t each) {
    return std::count(text.begin(), text.end(), each) == 1;
  });
}

// --- Clients

void document_network::type(client& who) {
  const auto shown = to_utf16(who.session->shown().to_string());
  if (faults_.removes && random_.one_in(5)) {
    static_cast<void>(random_.one_in(2) ? who.session->undo() : who.session->redo());
  } else {
    ot::operation edit;
    const auto at = random_.below(shown.size() + 1);
    const auto removed = faults_.removes && random_.one_in(3)
                           ? random_.below(std::min<std::size_t>(4, shown.size() - at + 1))
                           : 0;
    const auto character = unique_character(inserted_.size() % 20'000);
    inserted_ += to_utf16(character);
    edit.retain(static_cast<std::uint32_t>(at));
    edit.insert(character);
    edit.remove(static_cast<std::uint32_t>(removed));
    edit.retain(static_cast<std::uint32_t>(shown.size() - at - removed));
    core::ensure(who.session->edit(edit, now_ms_).has_value(), "it fits what is shown");
  }
  store_and_send(who, {});
}

void document_network::break_connection(client& who) {
  if (!who.is_connected)
    return;
  who.is_connected = false;
  auto* operation =
    who.sent.empty() ? nullptr : std::get_if<ot::logged_operation>(&who.sent.front());
  if (operation && random_.one_in(2))
    late_.push_back({who.connection, std::move(*operation)}); // The server has not noticed.
  else
    room_->close(who.connection);
  who.sent.clear();
  who.said.clear();
  who.session->disconnected();
}

// What nothing depends on is stored when it suits, and may be lost.
void document_network::store(client& who) {
  if (!who.session->has_urgent() && !random_.one_in(3))
    return;
  auto unstored = who.session->take_unstored();
  if (unstored.whole) {
    who.stored = who.session->to_store();
    who.since.clear();
  }
  std::move(unstored.changes.begin(), unstored.changes.end(), std::back_inserter(who.since));
  const auto loaded = ot::client_session::load(who.stored, who.since, small_limits());
  if (!loaded || loaded->to_store().pending.buffer != who.session->to_store().pending.buffer ||
      loaded->shown().to_string() != who.session->shown().to_string() ||
      loaded->revision() != who.session->revision())
    was_wrong_ = true;
}

void document_network::load(client& who) {
  auto loaded = ot::client_session::load(who.stored, who.since, small_limits());
  core::ensure(loaded.has_value(), "what was stored fits together");
  who.session.emplace(std::move(*loaded));
}

void document_network::connect(client& who) {
  if (who.is_connected)
    return;
  who.is_connected = true;
  who.connection = ++last_connection_;
  room_->open(who.connection);
  store_and_send(who, who.session->connected());
}

void document_network::store_and_send(client& who, const ot::client_effects& effects) {
  reports_ += effects.reports.size();
  const bool froze = who.session->to_send(++next_nonce_);
  store(who);
  if (!who.is_connected)
    return;
  if (effects.join)
    who.sent.emplace_back(
      join_sent{who.session->join_message(), who.session->epoch(), who.session->attempt()});
  if (effects.send || effects.send_again_after_ms || froze)
    if (auto message = who.session->operation_message())
      who.sent.emplace_back(std::move(*message));
}

void document_network::deliver_to_client(client& who) {
  if (who.said.empty())
    return;
  const auto message = who.said.front();
  if (!faults_.doubles || !random_.one_in(8))
    who.said.pop_front();
  auto& session = *who.session;
  ot::client_effects effects;
  if (const auto* snapshot = std::get_if<ot::snapshot_message>(&message))
    effects = session.on_snapshot(*snapshot);
  else if (const auto* joined = std::get_if<joined_said>(&message))
    effects = session.on_joined(joined->revision, joined->epoch, joined->attempt);
  else if (const auto* operation = std::get_if<ot::logged_operation>(&message))
    effects = session.on_operation(*operation);
  else if (const auto* ack = std::get_if<ack_said>(&message))
    effects = session.on_ack(ack->revision, ack->author.seq, ack->author.nonce, ack->start);
  else if (const auto* resync = std::get_if<resync_said>(&message))
    effects = session.on_resync(resync->reason, resync->attempt);
  if (const auto* nack = std::get_if<nack_said>(&message)) {
    ++nacks_;
    effects = session.on_nack(nack->author.seq, nack->author.nonce, nack->code, 10,
                              "c" + std::to_string(++next_client_));
  }
  store_and_send(who, effects);
  check_base(who);
}

// --- The server

void document_network::check_base(const client& who) {
  const auto known = texts_.find(who.session->revision());
  if (who.session->is_joined() &&
      (known == texts_.end() || known->second != who.session->parts().base().to_string()))
    was_wrong_ = true;
}

void document_network::load_server(bool new_epoch) {
  ++start_;
  if (new_epoch)
    epoch_ = std::to_string(start_);
  for (auto& each : clients_)
    break_connection(*each);
  ot::document_room::limits how;
  if (faults_.overloads)
    how.uncommitted_max = 2;
  room_.emplace(ot::server_document{durable_, start_, {}}, epoch_, how);
  late_.clear();
  texts_.erase(texts_.upper_bound(durable_.revision), texts_.end());
  texts_[durable_.revision] = durable_.text;
}

void document_network::deliver_to_server(client& who) {
  if (who.sent.empty())
    return;
  const auto message = who.sent.front();
  if (!faults_.doubles || !random_.one_in(8))
    who.sent.pop_front();
  std::vector<ot::outgoing> out;
  if (const auto* join = std::get_if<join_sent>(&message)) {
    room_->on_join(who.connection, {join->request, join->epoch, join->attempt}, out);
  } else {
    const auto& sent = std::get<ot::logged_operation>(message);
    room_->on_operation(who.connection, sent.author, sent.revision, sent.edit, out);
  }
  while (room_->flush(out)) {
  }
  say(out);
}

void document_network::deliver_late() {
  const auto late = std::move(late_.back());
  late_.pop_back();
  std::vector<ot::outgoing> unheard;
  room_->on_operation(late.connection, late.sent.author, late.sent.revision, late.sent.edit,
                      unheard);
  room_->close(late.connection);
}

// Some of what was accepted, as a group commit takes it; more may have come meanwhile.
void document_network::commit() {
  auto waiting = room_->document().revision() - room_->document().durable_revision();
  if (faults_.restarts)
    waiting -= random_.below(waiting + 1);
  for (; waiting > 0; --waiting) {
    const auto& next = room_->document().logged(durable_.revision + 1);
    ot::text then{durable_.text};
    core::ensure(then.apply(next.edit).has_value(), "the log fits the text");
    durable_.text = texts_[next.revision] = then.to_string();
    durable_.revision = next.revision;
    durable_.log.push_back(next);
    if (durable_.lives.empty() || durable_.lives.back().start != next.start)
      durable_.lives.push_back({next.revision, next.start});
    if (next.author.seq != 0)
      durable_.clients[next.author.client] = {next.author.seq, next.author.nonce, next.revision};
  }
  std::vector<ot::outgoing> out;
  room_->committed(durable_.revision, out);
  while (durable_.revision - durable_.log.size() < room_->document().log_begin())
    durable_.log.pop_front();
  while (room_->flush(out)) {
  }
  say(out);
}

document_network::to_client document_network::as_frame(const ot::said& what) const {
  if (const auto* snapshot = std::get_if<ot::say::snapshot>(&what))
    return ot::snapshot_message{
      snapshot->whole.text, snapshot->whole.revision, epoch_,
      snapshot->start,      snapshot->whole.seq,      snapshot->whole.pending,
      *snapshot->attempt};
  if (const auto* joined = std::get_if<ot::say::joined>(&what))
    return joined_said{joined->revision, epoch_, *joined->attempt};
  if (const auto* edit = std::get_if<ot::say::edit>(&what))
    return room_->document().logged(edit->revision);
  if (const auto* ack = std::get_if<ot::say::ack>(&what))
    return ack_said{ack->revision, ack->author, ack->start};
  if (const auto* nack = std::get_if<ot::say::nack>(&what))
    return nack_said{{"", nack->seq, nack->nonce}, nack->why.code};
  const auto& resync = std::get<ot::say::resync>(what);
  return resync_said{resync.reason, *resync.attempt};
}

void document_network::say(const std::vector<ot::outgoing>& out) {
  for (const auto& each : out)
    for (auto& who : clients_)
      if (who->is_connected && who->connection == each.to)
        who->said.push_back(as_frame(each.what));
}

} // namespace syncline::tests
