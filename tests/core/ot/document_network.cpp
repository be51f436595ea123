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

} // namespace

document_network::document_network(std::uint64_t seed, document_faults faults, int clients)
  : random_{seed}, faults_{faults} {
  load_server(false);
  for (int i = 0; i < clients; ++i) {
    auto made = std::make_unique<client>();
    made->stored.client = "c" + std::to_string(++next_client_);
    made->session.emplace(made->stored);
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
      server_->trim(server_->durable_revision() -
                    random_.below(server_->durable_revision() - server_->log_begin() + 1));
      commit(); // Which trims what is stored.
    }
    return;
  case 6:
    if (faults_.crashes && random_.one_in(4)) {
      break_connection(who);
      who.session.emplace(who.stored);
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
      who.stored = any().stored;
      who.session.emplace(who.stored);
    } else if (!late_.empty()) {
      static_cast<void>(
        server_->submit(late_.back().author, late_.back().revision, late_.back().edit));
      late_.pop_back();
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
  who.is_connected = who.is_joined = false;
  for (auto& each : who.sent)
    if (auto* operation = std::get_if<ot::logged_operation>(&each); operation && random_.one_in(2))
      late_.push_back(std::move(*operation));
  who.sent.clear();
  who.said.clear();
  who.waiting_join.reset();
  who.session->disconnected();
}

void document_network::connect(client& who) {
  if (who.is_connected)
    return;
  who.is_connected = true;
  who.named = {};
  store_and_send(who, who.session->connected());
}

void document_network::store_and_send(client& who, const ot::client_effects& effects) {
  reports_ += effects.reports.size();
  const bool froze = who.session->to_send(++next_nonce_);
  who.stored = who.session->to_store();
  if (!who.is_connected)
    return;
  if (effects.join)
    who.sent.emplace_back(
      join_sent{who.session->join_message(), who.stored.epoch, who.session->attempt()});
  if (effects.send || effects.send_again_after_ms || froze)
    if (auto message = who.session->operation_message())
      who.sent.emplace_back(std::move(*message));
}

void document_network::deliver_to_client(client& who) {
  if (who.said.empty())
    return;
  const auto message = std::move(who.said.front());
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
  else if (const auto* nack = std::get_if<nack_said>(&message))
    effects = session.on_nack(nack->author.seq, nack->author.nonce, nack->code, 10,
                              "c" + std::to_string(++next_client_));
  else if (const auto* resync = std::get_if<resync_said>(&message))
    effects = session.on_resync(resync->reason, resync->attempt);
  store_and_send(who, effects);
  check_base(who);
}

// --- The server

void document_network::check_base(const client& who) {
  const auto known = texts_.find(who.stored.revision);
  if (who.session->is_joined() && (known == texts_.end() || known->second != who.stored.base))
    was_wrong_ = true;
}

void document_network::load_server(bool new_epoch) {
  ++start_;
  if (new_epoch)
    epoch_ = std::to_string(start_);
  server_.emplace(durable_, start_, ot::server_document::limits{});
  late_.clear();
  texts_.erase(texts_.upper_bound(durable_.revision), texts_.end());
  texts_[durable_.revision] = durable_.text;
  for (auto& each : clients_)
    break_connection(*each);
}

void document_network::deliver_to_server(client& who) {
  if (who.sent.empty())
    return;
  const auto message = std::move(who.sent.front());
  who.sent.pop_front();
  if (const auto* join = std::get_if<join_sent>(&message))
    on_join(who, *join);
  else
    on_operation(who, std::get<ot::logged_operation>(message));
}

void document_network::on_join(client& who, const join_sent& join) {
  who.is_joined = false;
  who.waiting_join.reset();
  if (join.request.revision && join.epoch != epoch_) {
    who.said.emplace_back(resync_said{"epoch", join.attempt});
    return;
  }
  const auto answer = server_->join(join.request);
  if (std::holds_alternative<ot::server_document::not_yet>(answer)) {
    who.waiting_join = join;
    return;
  }
  if (const auto* over = std::get_if<ot::server_document::start_over>(&answer)) {
    who.said.emplace_back(resync_said{over->reason, join.attempt});
    return;
  }
  who.is_joined = true;
  who.named = join.request.pending.value_or(ot::operation_identity{});
  if (const auto* whole = std::get_if<ot::server_document::whole_text>(&answer)) {
    who.told = whole->revision;
    who.said.emplace_back(ot::snapshot_message{whole->text, whole->revision, epoch_,
                                               server_->start_of(whole->revision), whole->seq,
                                               whole->pending, join.attempt});
  } else {
    who.told = std::get<ot::server_document::rest>(answer).revision;
    who.said.emplace_back(joined_said{who.told, epoch_, join.attempt});
  }
  tell_all();
}

void document_network::on_operation(client& who, const ot::logged_operation& sent) {
  if (!who.is_joined)
    return; // It belongs to what the client was before its join.
  const auto outcome = server_->submit(sent.author, sent.revision, sent.edit);
  if (const auto* refused = std::get_if<core::error>(&outcome)) {
    who.said.emplace_back(nack_said{sent.author, refused->code});
    return;
  }
  who.named = sent.author;
  if (const auto* known = std::get_if<ot::server_document::repeated>(&outcome);
      known && known->durable && known->revision <= who.told)
    who.said.emplace_back(ack_said{
      known->revision, sent.author,
      known->revision > server_->log_begin() ? server_->logged(known->revision).start : 0});
}

// Some of what was accepted, as a group commit takes it; more may have come meanwhile.
void document_network::commit() {
  auto waiting = server_->revision() - server_->durable_revision();
  if (faults_.restarts)
    waiting -= random_.below(waiting + 1);
  for (; waiting > 0; --waiting) {
    const auto& next = server_->logged(durable_.revision + 1);
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
  server_->committed(durable_.revision);
  while (durable_.revision - durable_.log.size() < server_->log_begin())
    durable_.log.pop_front();
  tell_all();
  for (auto& each : clients_)
    if (const auto join = std::exchange(each->waiting_join, std::nullopt))
      on_join(*each, *join);
}

void document_network::tell_all() {
  for (auto& each : clients_)
    while (each->is_joined && each->told < server_->durable_revision()) {
      if (each->told < server_->log_begin()) { // It was trimmed under a slow reader.
        each->is_joined = false;
        each->said.emplace_back(resync_said{"too_old", each->session->attempt()});
        break;
      }
      const auto& next = server_->logged(++each->told);
      if (next.author == each->named)
        each->said.emplace_back(ack_said{next.revision, next.author, next.start});
      else
        each->said.emplace_back(next);
    }
}

} // namespace syncline::tests
