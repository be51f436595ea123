// What a host asks of a document.

#include "actors/client/document_desk.hpp"
#include "actors/client/document_state.hpp"

namespace syncline::actors::client {

namespace ot = core::ot;

// --- The host

void document_state::on_question(document_question& asked) {
  ++asked_;
  if (asked.units == ot::text_units::utf8 && !std::exchange(keeps_bytes_, true))
    session_->history().keep_bytes();
  if (failure_)
    load(session_->history().version() + 1); // It may have passed.
  if (std::holds_alternative<text_ask::release>(asked.what))
    on_released();
  if (failure_)
    asked.reply.deliver(*failure_);
  else if (!is_alive() && !revives(asked))
    shelf_.when_stored(*session_, std::move(asked.reply),
                       core::fail("not_found", "the text '" + id_ + "' was deleted"));
  else
    answer(asked);
  follow();
  go_on();
}

bool document_state::revives(const document_question& asked) {
  const auto* hold = std::get_if<text_ask::hold>(&asked.what);
  if (!hold || !hold->again || shelf_.state() != msg::DELETED_ELSEWHERE)
    return false;
  become_empty(msg::CREATING);
  return true;
}

void document_state::answer(document_question& asked) {
  if (document_desk::takes(asked.what)) {
    document_desk desk{*session_, board_, asked.units, asked.seen};
    auto made = desk.answer(asked.what, around_.world.wall_ms());
    const auto* select = std::get_if<text_ask::select>(&asked.what);
    if (select && made)
      on_selected(*select);
    if (made && waits_for_store(asked.what))
      shelf_.when_stored(*session_, std::move(asked.reply), std::move(made));
    else
      asked.reply.deliver(std::move(made));
  } else if (std::holds_alternative<text_ask::settle>(asked.what)) {
    on_settle(asked.reply);
  } else if (std::holds_alternative<text_ask::keep>(asked.what)) {
    shelf_.when_stored(*session_, std::move(asked.reply), document_answer{});
  } else if (std::holds_alternative<text_ask::remove>(asked.what)) {
    on_remove(asked.reply);
  } else {
    if (const auto* hold = std::get_if<text_ask::hold>(&asked.what))
      on_held(*hold);
    document_answer made_here;
    made_here.version = session_->history().version();
    made_here.standing = standing();
    asked.reply.deliver(std::move(made_here));
  }
}

bool document_state::waits_for_store(const any_text_ask& what) {
  const auto* edit = std::get_if<text_ask::edit>(&what);
  return (edit && edit->is_patient) || std::holds_alternative<text_ask::undo>(what) ||
         std::holds_alternative<text_ask::redo>(what);
}

// Where the server's text has never been here, the server may have deleted it.
void document_state::on_held(const text_ask::hold& how) {
  is_held_ = true;
  if (how.again && !session_->has_server_text() && shelf_.state() == msg::KEPT)
    shelf_.set_state(msg::CREATING);
}

void document_state::on_released() {
  is_held_ = false;
  board_.select(std::nullopt);
  show_caret();
}

void document_state::on_selected(const text_ask::select& what) {
  shown_name_ = what.name;
  shown_colour_ = what.colour;
  if (!std::exchange(is_show_armed_, true))
    rt::delayed_send(self_, document_actor{self_}, options_.caret_pause, msg::DocumentShow{});
}

void document_state::on_settle(const reply_once<document_answer>& reply) {
  if (options_.dial)
    settles_.push_back(reply);
  else
    reply.deliver(core::fail("no_server", "no server was named, so the text stays here"));
}

document_standing document_state::standing() const {
  document_standing made;
  made.state = !options_.dial          ? "local"
               : paused_               ? "paused"
               : session_->is_joined() ? "live"
               : line_.is_open()       ? "joining"
               : line_.is_up()         ? "connecting"
                                       : "waiting";
  made.client = session_->client();
  made.revision = session_->revision();
  made.has_server_text = session_->has_server_text();
  made.is_synchronized = session_->is_synchronized();
  made.length = session_->shown().length();
  made.bytes = session_->shown().bytes();
  made.last_error = last_error_;
  return made;
}

// --- Deletion

void document_state::become_empty(msg::ClientDocumentState state) {
  drop_line();
  const auto version = session_->history().version() + 1;
  begin_anew();
  begin_at(version);
  shelf_.set_state(state);
  tell(document_event::changed);
}

// Somebody else has deleted it: the text is the user's from now on.
void document_state::on_deleted() {
  count("document deleted elsewhere");
  if (auto text = session_->shown().to_string(); !text.empty())
    shelf_.report({{"not_found", std::move(text)}});
  is_held_ = false;
  become_empty(msg::DELETED_ELSEWHERE);
  refuse_to_settle({"not_found", "the text '" + id_ +
                                   "' was deleted by somebody else; what it was "
                                   "is kept under 'conflicts'"});
  go_on();
}

void document_state::on_remove(const reply_once<document_answer>& reply) {
  is_held_ = false;
  refuse_to_settle({"not_found", "the text '" + id_ + "' was deleted"});
  become_empty(msg::REMOVING);
  shelf_.when_stored(*session_, reply, document_answer{});
}

} // namespace syncline::actors::client
