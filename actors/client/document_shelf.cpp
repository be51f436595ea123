#include "actors/client/document_shelf.hpp"

#include "core/data/client_document_message.hpp"

#include <iterator>

namespace syncline::actors::client {

namespace ot = core::ot;

core::expected<std::optional<ot::client_session>>
document_shelf::load(ot::client_session::limits how) {
  const auto snapshot = store_->snapshot();
  auto stored = snapshot ? snapshot->document(id_) : snapshot.error();
  if (!stored)
    return stored.error();
  reports_.clear();
  is_news_ = false;
  is_stored_ = stored->has_value();
  last_change_ = is_stored_ ? (*stored)->head.last_change() : 0;
  state_ = is_stored_ ? (*stored)->head.state() : msg::KEPT;
  was_pending_ = is_stored_ && (*stored)->head.pending();
  if (!is_stored_)
    return std::optional<ot::client_session>{};
  auto loaded = ot::client_session::load(std::move((*stored)->whole), (*stored)->since, how);
  if (!loaded)
    return core::fail(loaded.error().code, "the text '" + id_ + "': " + loaded.error().message);
  return std::optional{std::move(*loaded)};
}

void document_shelf::report(std::vector<ot::document_report> reports) {
  std::move(reports.begin(), reports.end(), std::back_inserter(reports_));
}

// What was only looked at, and is not there, leaves no trace.
bool document_shelf::has_unstored(const ot::client_session& session) const {
  const bool is_worth_it = is_stored_ || session.has_server_text() || session.may_have_pending();
  const bool is_settled = was_pending_ && !session.may_have_pending();
  return is_news_ || !reports_.empty() || (is_worth_it && session.has_unstored()) || is_settled;
}

bool document_shelf::is_urgent(const ot::client_session& session) const {
  return has_unstored(session) &&
         (is_news_ || !reports_.empty() || !waiting_.empty() || session.has_urgent());
}

void document_shelf::when_stored(const ot::client_session& session,
                                 reply_once<document_answer> reply,
                                 core::expected<document_answer> answer) {
  const auto moment = now(session);
  if (has_stored(moment))
    return reply.deliver(std::move(answer));
  waiting_.push_back({moment, std::move(reply), std::move(answer)});
}

void document_shelf::store(ot::client_session& session) {
  if (begun_ != done_ || !has_unstored(session))
    return;
  msg::StoreDocument command;
  command.set_id(id_);
  command.set_after_change(last_change_);
  const auto unstored = session.take_unstored();
  if (unstored.whole || !is_stored_)
    ot::write_message(session.to_store(), *command.mutable_whole());
  else
    for (const auto& each : unstored.changes)
      ot::write_message(each, *command.add_changes());
  command.set_state(state_);
  was_pending_ = session.may_have_pending();
  command.set_pending(was_pending_);
  command.set_revision(session.revision());
  for (auto& each : std::exchange(reports_, {})) {
    auto& report = *command.add_reports();
    report.set_code(std::move(each.code));
    report.set_text(std::move(each.text));
  }
  is_news_ = false;
  ++begun_;
  send_(std::move(command));
}

void document_shelf::stored(std::uint64_t last_change) {
  last_change_ = last_change;
  is_stored_ = true;
  done_ = begun_;
  while (!waiting_.empty() && has_stored(waiting_.front().moment)) {
    auto& first = waiting_.front();
    first.reply.deliver(std::move(first.answer));
    waiting_.pop_front();
  }
}

void document_shelf::not_stored(const core::error& why) {
  done_ = begun_;
  for (auto& each : std::exchange(waiting_, {}))
    each.reply.deliver(why);
}

} // namespace syncline::actors::client
