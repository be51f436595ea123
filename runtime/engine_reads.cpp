// What the engine tells: snapshots, changes, the outbox, conflicts.

#include "actors/seams_system.hpp"
#include "runtime/change_reader.hpp"
#include "runtime/convert.hpp"
#include "runtime/engine.hpp"

namespace syncline {

namespace {

template <class Public, class Message>
result<std::vector<Public>> convert_all(const core::expected<std::vector<Message>>& from) {
  if (!from)
    return to_public(from.error());
  std::vector<Public> out;
  out.reserve(from->size());
  for (const auto& one : *from)
    out.push_back(to_public(one));
  return out;
}

} // namespace

result<snapshot> engine::take_snapshot() {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  auto view = opened_.store->snapshot();
  if (!view)
    return to_public(view.error());
  return snapshot{std::make_unique<snapshot::state>(std::move(*view))};
}

result<subscription> engine::on_change(event_pump::callback callback,
                                       std::optional<std::uint64_t> after_seq) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  if (how_.poll_events)
    return error{"bad_options", "with options::poll_events changes are taken with take_changes"};
  if (!callback)
    return error{"bad_options", "the callback is empty"};
  if (!after_seq) {
    const auto view = opened_.store->snapshot();
    const auto counters = view ? view->outbox_state() : view.error();
    if (!counters)
      return to_public(counters.error());
    after_seq = counters->next_local_seq();
  }
  return subscription{pump_->subscribe(std::move(callback), *after_seq)};
}

result<change_page> engine::changes(std::uint64_t after_seq, std::size_t limit) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  return read_changes(*opened_.store, how_.changes_kept, after_seq, limit);
}

int engine::event_fd() const {
  return pump_->descriptor();
}

result<std::vector<change>> engine::take_changes(std::size_t limit) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  return pump_->take(limit);
}

result<std::vector<outbox_entry>> engine::outbox(std::size_t limit) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  if (!view)
    return to_public(view.error());
  auto waiting = convert_all<outbox_entry>(view->outbox(limit));
  if (!waiting)
    return waiting;
  auto refused = convert_all<outbox_entry>(view->quarantine());
  if (!refused)
    return refused;
  for (auto& one : *refused)
    if (waiting->size() < limit)
      waiting->push_back(std::move(one));
  return waiting;
}

result<std::vector<conflict_record>> engine::conflicts() {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  if (!view)
    return to_public(view.error());
  return convert_all<conflict_record>(view->conflicts());
}

result<std::optional<conflict_record>> engine::conflict(std::uint64_t conflict_id) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  const auto found = view ? view->conflict(conflict_id) : view.error();
  if (!found)
    return to_public(found.error());
  std::optional<conflict_record> out;
  if (*found)
    out = to_public(**found);
  return out;
}

namespace {

result<void> check_choice(conflict_choice choice, const std::string& body) {
  if (choice == conflict_choice::body && body.empty())
    return error{"bad_body", "the choice 'body' needs a body, which is one JSON object"};
  if (choice != conflict_choice::body && !body.empty())
    return error{"bad_body", "a body is given, but the choice is not 'body'"};
  return {};
}

msg::ResolveConflict::Choice to_message(conflict_choice choice) {
  switch (choice) {
  case conflict_choice::theirs:
    return msg::ResolveConflict::THEIRS;
  case conflict_choice::body:
    return msg::ResolveConflict::BODY;
  case conflict_choice::remove:
    return msg::ResolveConflict::REMOVE;
  default:
    return msg::ResolveConflict::MINE;
  }
}

} // namespace

result<void> engine::resolve_conflict(std::uint64_t conflict_id, conflict_choice choice,
                                      std::string body) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (auto checked = check_choice(choice, body); !checked)
    return checked;
  const auto view = opened_.store->snapshot();
  const auto found = view ? view->conflict(conflict_id) : view.error();
  if (found && *found && (*found)->document())
    return put_away(conflict_id, choice);
  msg::ResolveConflict command;
  command.set_conflict_id(conflict_id);
  command.set_choice(to_message(choice));
  command.set_body(std::move(body));
  const auto done =
    host_->ask<msg::Done>(&actors::client::client_actors::conflict, std::move(command));
  if (!done)
    return to_public(done.error());
  return {};
}

// What is told about a text is read, not decided.
result<void> engine::put_away(std::uint64_t report_id, conflict_choice choice) {
  if (choice != conflict_choice::theirs)
    return error{"bad_choice", "a report about a text can only be put away, with 'theirs'; what it "
                               "keeps can be typed into the text again"};
  msg::CloseReport command;
  command.set_conflict_id(report_id);
  const auto done = host_->ask<msg::Done>(&actors::client::client_actors::storage, command);
  return done ? result<void>{} : result<void>{to_public(done.error())};
}

result<std::uint64_t> engine::manage_outbox(msg::ManageOutbox::Action action, std::uint64_t seq,
                                            std::optional<operation> replacement) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  msg::ManageOutbox command;
  command.set_action(action);
  command.set_local_seq(seq);
  command.set_now_ms(actors::system_wall_ms());
  if (replacement) {
    const bool is_put = replacement->kind == operation_kind::put;
    *command.mutable_mutation() =
      std::move(*syncline::to_message(std::move(*replacement)).mutable_mutation());
    // Storage makes an update of a creation where the item is there by now: what `put` means.
    if (is_put)
      command.mutable_mutation()->set_kind(msg::CREATE);
  }
  const auto written =
    host_->ask<msg::LocalWritten>(&actors::client::client_actors::storage, std::move(command));
  if (!written)
    return to_public(written.error());
  return written->local_seqs().empty() ? std::uint64_t{0} : written->local_seqs(0);
}

} // namespace syncline
