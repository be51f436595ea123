// What a document and its server say to each other.

#include "actors/client/document_state.hpp"
#include "storage/payload_hash.hpp"

#include <variant>

namespace syncline::actors::client {

namespace ot = core::ot;

// --- The server

bool document_state::wants_line() const {
  return !paused_ && options_.dial && !failure_ && is_alive() &&
         (is_held_ || !settles_.empty() || session_->may_have_pending());
}

msg::Done document_state::on_set_paused(bool paused) {
  paused_ = paused;
  if (paused) {
    drop_line();
    refuse_to_settle({"stopped", "syncing was stopped; what was typed is kept"});
  } else if (wants_line() && !line_.is_up())
    line_.try_at_once();
  tell(document_event::standing);
  go_on();
  return {};
}

void document_state::drop_line() {
  line_.drop();
  session_->disconnected();
  owes_join_.reset();
  owes_operation_.reset();
  if (board_.forget_others())
    tell(document_event::carets);
}

void document_state::hang_up(const core::error& why, std::optional<std::int64_t> pause_ms) {
  drop_line();
  last_error_ = why;
  tell(document_event::standing);
  if (!wants_line())
    return go_on();
  if (pause_ms)
    line_.wait(*pause_ms);
  else
    line_.wait_after_failure();
}

void document_state::on_opened() {
  tell(document_event::standing);
  take(session_->connected());
}

void document_state::on_ended(const core::error& why) {
  if (why.code == "not_found")
    on_deleted();
  else
    hang_up(why);
}

void document_state::on_beat() {
  if (!line_.beat()) {
    count("document silent");
    return hang_up({"timeout", "the server was silent too long, even to a ping"});
  }
  if (board_.on_time(around_.world.wall_ms()))
    tell(document_event::carets);
  if (board_.own() && ++caret_beats_ >= caret_beats_max)
    show_caret();
}

void document_state::on_message(const std::string& bytes) {
  auto said = net::read_document_reply(bytes);
  if (!said)
    return hang_up(said.error());
  const bool was_joined = session_->is_joined();
  const auto revision = session_->revision();
  std::visit([this](const auto& each) { hear(each); }, *said);
  if (session_->revision() > revision)
    line_.brought_something();
  if (session_->is_joined() && !was_joined) {
    if (shelf_.state() == msg::CREATING)
      shelf_.set_state(msg::KEPT);
    last_error_ = {};
    count("document joined");
    tell(document_event::standing);
    show_caret();
  }
  line_.resume();
}

void document_state::hear(const ot::snapshot_message& said) {
  head_ = said.revision;
  take(session_->on_snapshot(said));
}

void document_state::hear(const net::document_joined& said) {
  head_ = said.head;
  take(session_->on_joined(said.revision, said.epoch, said.attempt));
}

void document_state::hear(const ot::logged_operation& said) {
  // Beyond any text that a server of ours holds, and what a hostile one may have us keep.
  constexpr std::uint64_t length_max = 2 * ot::server_document::limits{}.text_max;
  if (said.edit.target_length() > length_max)
    return hang_up({"too_large", "the server's text is longer than any text may be"});
  take(session_->on_operation(said));
}

void document_state::hear(const net::document_ack& said) {
  take(session_->on_ack(said.revision, said.seq, said.nonce, said.start));
}

void document_state::hear(const net::document_nack& said) {
  count("document nack");
  last_error_ = said.why;
  take(session_->on_nack(said.seq, said.nonce, said.why.code, said.retry_after_ms,
                         storage::new_client_id(around_.world.random(), around_.world.random())));
}

void document_state::hear(const net::document_resync& said) {
  count("document resync");
  take(session_->on_resync(said.reason, said.attempt));
}

void document_state::hear(const ot::presence& said) {
  if (session_->is_joined() && said.revision == session_->revision() &&
      board_.on_presence(said, session_->parts(), around_.world.wall_ms()))
    tell(document_event::carets);
}

void document_state::show_caret() {
  if (!session_->is_joined() || (!board_.own() && !is_caret_shown_))
    return;
  ot::presence shown;
  shown.client = session_->client();
  shown.revision = session_->revision();
  if (board_.own())
    shown.selected = ot::to_base(*board_.own(), session_->parts());
  shown.name = shown_name_;
  shown.colour = shown_colour_;
  is_caret_shown_ = board_.own().has_value();
  caret_beats_ = 0;
  line_.send(net::presence_frame(shown));
}

} // namespace syncline::actors::client
