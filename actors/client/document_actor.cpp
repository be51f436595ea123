#include "actors/client/document_actor.hpp"

#include "actors/client/document_state.hpp"
#include "storage/payload_hash.hpp"

#include <algorithm>
#include <chrono>

namespace syncline::actors::client {

namespace ot = core::ot;

document_actor::behavior_type document_state::make_behavior() {
  go_on();
  return {
    [this](document_question& asked) { on_question(asked); },
    [this](const msg::SetPaused& command) { return on_set_paused(command.paused()); },
    [this](const line_opened& opened) {
      if (line_.opened(opened.number))
        on_opened();
    },
    [this](const line_alive& alive) { line_.alive(alive.number); },
    [this](const line_message& message) {
      if (line_.alive(message.number))
        on_message(message.bytes);
    },
    [this](const line_ended& ended) {
      if (line_.is(ended.number))
        on_ended(ended.why);
    },
    [this](const msg::DocumentDue& due) {
      if (line_.is_due(due.turn()) && wants_line())
        line_.connect({id_, shelf_.state() == msg::CREATING});
    },
    [this](const msg::DocumentBeat& beat) {
      if (line_.is(beat.connection()))
        on_beat();
    },
    [this](const msg::DocumentSave&) {
      is_save_armed_ = false;
      if (!failure_ && rests_at_ != asked_) // Another one may have been made in its place.
        shelf_.store(*session_);
    },
    [this](const msg::DocumentShow&) {
      is_show_armed_ = false;
      show_caret();
    },
    [this](const msg::DocumentResend& resend) {
      is_resend_armed_ = false;
      if (line_.is(resend.connection())) {
        owes_operation_ = shelf_.now(*session_);
        go_on();
      }
    },
  };
}

// --- What is stored

void document_state::send_to_storage(msg::StoreDocument& command) {
  rt::request(self_, around_.storage, rt::no_timeout, std::move(command))
    .then(
      [this](const msg::DocumentStored& stored) {
        shelf_.stored(stored.last_change());
        go_on();
      },
      [this](const caf::error& error) { on_not_stored(rt::from_caf(error)); });
}

// What is stored is what is: also after something could not be.
void document_state::load(std::uint64_t version) {
  auto loaded = shelf_.load(options_.session);
  failure_ = loaded ? std::nullopt : std::optional{loaded.error()};
  if (loaded && *loaded)
    session_.emplace(std::move(**loaded));
  else
    begin_anew();
  begin_at(version);
}

void document_state::begin_anew() {
  ot::client_document fresh;
  fresh.client = storage::new_client_id(around_.world.random(), around_.world.random());
  session_.emplace(std::move(fresh), options_.session);
  session_->store_whole();
}

void document_state::begin_at(std::uint64_t version) {
  session_->history().begin_at(version);
  if (keeps_bytes_)
    session_->history().keep_bytes();
  followed_ = version;
  board_.set_client(session_->client());
}

void document_state::on_not_stored(const core::error& why) {
  drop_line();
  load(session_->history().version() + 1);
  last_error_ = why;
  shelf_.not_stored(why);
  refuse_to_settle(why);
  tell(document_event::changed);
  if (wants_line())
    line_.wait_after_failure();
  rest();
}

// --- What follows from what has happened

void document_state::go_on() {
  if (failure_)
    return rest();
  if (session_->to_send(around_.world.random() | 1U))
    owes_operation_ = shelf_.now(*session_);
  if (shelf_.is_urgent(*session_))
    shelf_.store(*session_);
  else if (shelf_.has_unstored(*session_) && !std::exchange(is_save_armed_, true))
    rt::delayed_send(self_, document_actor{self_}, options_.save_after, msg::DocumentSave{});
  say();
  if (wants_line() && !line_.is_up() && !line_.is_waiting())
    line_.wait(0);
  settle();
  rest();
}

void document_state::say() {
  if (!line_.is_open())
    return;
  if (owes_join_ && shelf_.has_stored(*owes_join_)) {
    owes_join_.reset();
    line_.send(net::join_frame(*session_));
  }
  if (!owes_operation_ || !shelf_.has_stored(*owes_operation_))
    return;
  owes_operation_.reset();
  if (const auto sent = session_->operation_message())
    line_.send(net::operation_frame(*sent));
}

void document_state::settle() {
  if (settles_.empty() || !session_->is_joined() || session_->revision() < head_ ||
      !shelf_.is_quiet(*session_) || !session_->is_synchronized())
    return;
  if (shelf_.has_unstored(*session_))
    return shelf_.store(*session_); // What is here is to stay here.
  for (const auto& each : std::exchange(settles_, {}))
    each.deliver(document_answer{});
}

void document_state::refuse_to_settle(const core::error& why) {
  const core::expected<document_answer> refused{why};
  for (const auto& each : std::exchange(settles_, {}))
    each.deliver(refused);
}

// Nobody shows it, and there is nothing that can be done.
void document_state::rest() {
  const bool is_busy = !failure_ && !shelf_.is_quiet(*session_);
  if (is_held_ || !settles_.empty() || is_busy || rests_at_ == asked_)
    return;
  const bool can_work = !paused_ && options_.dial && !failure_;
  if (can_work && is_alive() && !session_->is_synchronized())
    return;
  if (shelf_.has_unstored(*session_) && !failure_)
    return shelf_.store(*session_);
  rests_at_ = asked_;
  msg::DocumentRests rests;
  rests.set_id(id_);
  rests.set_asked(asked_);
  rests.set_removing(shelf_.state() == msg::REMOVING);
  rt::send(self_, around_.documents, std::move(rests));
}

namespace {

// What a server asks for, within reason: it can neither silence us nor have us hurry.
std::chrono::milliseconds bounded(std::int64_t pause_ms) {
  constexpr std::int64_t least_ms = 100;
  constexpr std::int64_t most_ms = 3'600'000;
  return std::chrono::milliseconds{std::clamp(pause_ms, least_ms, most_ms)};
}

} // namespace

void document_state::take(ot::client_effects effects) {
  if (!effects.reports.empty())
    shelf_.report(std::move(effects.reports));
  if (effects.deleted)
    return on_deleted();
  if (effects.join)
    owes_join_ = shelf_.now(*session_);
  if (effects.send)
    owes_operation_ = shelf_.now(*session_);
  if (effects.send_again_after_ms && !std::exchange(is_resend_armed_, true)) {
    msg::DocumentResend resend;
    resend.set_connection(line_.number());
    rt::delayed_send(self_, document_actor{self_}, bounded(*effects.send_again_after_ms),
                     std::move(resend));
  }
  board_.set_client(session_->client());
  follow();
  if (effects.reconnect_after_ms)
    return hang_up({"overloaded", "the server does not take a join now"},
                   bounded(*effects.reconnect_after_ms).count());
  go_on();
}

// Carets move with the text, and who shows it is told.
void document_state::follow() {
  const auto& history = session_->history();
  if (history.version() == followed_)
    return;
  if (const auto changes = history.after(followed_, ot::text_units::utf16))
    for (const auto* each : *changes)
      board_.move(each->edit, each->is_remote ? each->author : session_->client());
  followed_ = history.version();
  tell(document_event::changed);
}

void document_state::tell(document_event what) const {
  if (options_.on_event)
    options_.on_event(id_, what);
}

void document_state::count(const char* what) const {
  if (options_.on_count)
    options_.on_count(what);
}

document_actor spawn_document(caf::actor_system& system, std::string id, bool paused,
                              document_surroundings around) {
  return rt::spawn<document_actor, document_state>(system, std::move(id), paused,
                                                   std::move(around));
}

} // namespace syncline::actors::client
