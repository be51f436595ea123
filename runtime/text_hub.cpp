#include "runtime/text_hub.hpp"

#include "core/data/utf8.hpp"
#include "net/protocol/document_message.hpp"
#include "runtime/convert.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace syncline {

namespace text_ask = actors::client::text_ask;
using actors::client::document_event;

void text_hub::open(send_function send, std::shared_ptr<event_pump> pump) {
  send_ = std::move(send);
  pump_ = std::move(pump);
}

core::expected<text_hub::answer> text_hub::ask(actors::document_question question,
                                               std::chrono::milliseconds timeout) const {
  const auto inside = gate_.enter();
  if (!inside || !send_)
    return core::fail("closed", "the runtime is closed");
  const auto answer = std::make_shared<std::promise<core::expected<text_hub::answer>>>();
  auto answered = answer->get_future();
  question.reply = actors::reply_once<text_hub::answer>{
    [answer](core::expected<text_hub::answer> outcome) { answer->set_value(std::move(outcome)); }};
  if (auto sent = send_(std::move(question)); !sent)
    return sent.error();
  if (timeout.count() > 0 && answered.wait_for(timeout) != std::future_status::ready)
    return core::fail("timeout", "there was no answer within " + std::to_string(timeout.count()) +
                                   " ms; it goes on");
  return answered.get();
}

core::expected<text_hub::answer> text_hub::hold(const std::string& id, core::ot::text_units units,
                                                bool again) {
  actors::document_question question;
  question.id = id;
  question.units = units;
  question.what = text_ask::hold{again};
  {
    const std::lock_guard lock{mutex_};
    ++texts_[id].holds; // Before it is asked: another handle may be let go meanwhile.
  }
  auto answered = ask(std::move(question));
  if (!answered)
    release(id);
  return answered;
}

void text_hub::release(const std::string& id) {
  {
    const std::lock_guard lock{mutex_};
    const auto found = texts_.find(id);
    if (found == texts_.end() || found->second.holds == 0)
      return;
    if (--found->second.holds != 0)
      return; // Others show it.
    if (found->second.watchers.empty())
      texts_.erase(found);
  }
  const auto inside = gate_.enter();
  if (!inside || !send_)
    return;
  actors::document_question question;
  question.id = id;
  question.what = text_ask::release{};
  static_cast<void>(send_(std::move(question))); // Where nobody is there, nobody holds it.
}

void text_hub::reopen(const actors::client::documents_actor& documents) {
  const std::lock_guard lock{mutex_};
  for (auto& [id, text] : texts_) {
    if (text.holds == 0)
      continue;
    actors::document_question question;
    question.id = id;
    question.what = text_ask::hold{};
    rt::anon_send(documents, std::move(question));
  }
}

void text_hub::notify(const std::string& id, document_event what) {
  const std::lock_guard lock{mutex_};
  const auto found = texts_.find(id);
  if (found == texts_.end() || found->second.watchers.empty())
    return;
  found->second.has_changed |= what == document_event::changed;
  found->second.has_moved |= what == document_event::carets;
  if (!std::exchange(found->second.is_told, true))
    pump_->post([hub = shared_from_this(), id] { hub->look(id); });
}

// On the callback thread. What comes meanwhile is told by another task.
void text_hub::look(const std::string& id) {
  std::vector<std::shared_ptr<watcher>> watchers;
  bool has_changed = false;
  bool has_moved = false;
  {
    const std::lock_guard lock{mutex_};
    const auto found = texts_.find(id);
    if (found == texts_.end())
      return;
    watchers = found->second.watchers;
    found->second.is_told = false;
    has_changed = std::exchange(found->second.has_changed, false);
    has_moved = std::exchange(found->second.has_moved, false);
  }
  for (const auto& each : watchers) {
    const std::lock_guard calling{each->calling};
    if (each->is_active && each->changed && has_changed)
      call_changed(id, *each);
    if (each->is_active && each->moved && has_moved)
      call_moved(id, *each);
  }
}

void text_hub::call_changed(const std::string& id, watcher& whom) {
  actors::document_question question;
  question.id = id;
  question.units = whom.units;
  question.seen = whom.seen;
  question.what = text_ask::changes{};
  auto answered = ask(std::move(question));
  if (!answered && answered.error().code == "stale_version") {
    actors::document_question again;
    again.id = id;
    again.units = whom.units;
    again.what = text_ask::standing{};
    answered = ask(std::move(again));
    text_change reset;
    reset.reset = true;
    reset.version = whom.seen = answered ? answered->version : 0;
    return whom.changed(reset);
  }
  if (!answered)
    return; // It is closed, or deleted: `status` says so.
  for (const auto& each : answered->changes) {
    whom.seen = each.version; // Before the call, which may throw: it is not called twice.
    if (each.is_remote && whom.is_active)
      whom.changed(to_public(each));
  }
  whom.seen = answered->version;
}

void text_hub::call_moved(const std::string& id, watcher& whom) {
  actors::document_question question;
  question.id = id;
  question.units = whom.units;
  question.what = text_ask::carets{};
  if (const auto answered = ask(std::move(question)))
    whom.moved(to_public(answered->carets));
}

core::expected<std::function<void()>>
text_hub::watch(const std::string& id, core::ot::text_units units, std::uint64_t version,
                remote_callback changed, presence_callback moved) {
  const auto inside = gate_.enter();
  if (!inside || !pump_)
    return core::fail("closed", "the runtime is closed");
  if (pump_->descriptor() >= 0)
    return core::fail("bad_options", "a runtime that was opened with options::poll_events has no "
                                     "thread for callbacks; ask for `changes` instead");
  const auto made = std::make_shared<watcher>();
  made->units = units;
  made->seen = version;
  made->changed = std::move(changed);
  made->moved = std::move(moved);
  {
    const std::lock_guard lock{mutex_};
    texts_[id].watchers.push_back(made);
  }
  // What has happened between the version and now is told, too.
  notify(id, made->changed ? document_event::changed : document_event::carets);
  return std::function<void()>{[hub = shared_from_this(), id, made] {
    {
      const std::lock_guard calling{made->calling};
      made->is_active = false;
    }
    const std::lock_guard lock{hub->mutex_};
    const auto found = hub->texts_.find(id);
    if (found == hub->texts_.end())
      return;
    std::erase(found->second.watchers, made);
    if (found->second.holds == 0 && found->second.watchers.empty())
      hub->texts_.erase(found);
  }};
}

// --- Conversions

core::ot::text_units to_core(text_units units) {
  return units == text_units::utf8 ? core::ot::text_units::utf8 : core::ot::text_units::utf16;
}

core::expected<core::ot::operation> to_operation(const text_edit& edit, text_units units) {
  core::ot::operation made;
  for (const auto& each : edit.steps) {
    const auto length = each.what == text_step::kind::insert ? each.text.size() : each.length;
    if (length > core::ot::length_max)
      return core::fail("too_large", "a step of an edit is longer than 2^30");
    const auto units_of_step = static_cast<std::uint32_t>(length);
    if (each.what == text_step::kind::retain) {
      made.retain(units_of_step);
    } else if (each.what == text_step::kind::remove) {
      made.remove(units_of_step);
    } else if (!core::is_valid_utf8(each.text)) {
      return core::fail("bad_utf8", "the text of an insert is no UTF-8");
    } else if (units == text_units::utf8) {
      made.insert(each.text, units_of_step);
    } else {
      made.insert(each.text);
    }
    if (auto fits = core::ot::check_lengths(made.base_length(), made.target_length()); !fits)
      return fits.error();
  }
  return made;
}

text_change to_public(const actors::client::document_answer::change& change) {
  text_change made;
  made.version = change.version;
  made.remote = change.is_remote;
  made.author = change.author;
  for (core::ot::component_reader from{change.edit}; !from.is_at_end(); from.skip()) {
    text_step step;
    step.length = from.left();
    if (from.is(core::ot::step::insert)) {
      step.what = text_step::kind::insert;
      step.text = from.text();
    } else if (from.is(core::ot::step::remove)) {
      step.what = text_step::kind::remove;
    }
    made.edit.steps.push_back(std::move(step));
  }
  return made;
}

std::vector<text_change>
to_public(const std::vector<actors::client::document_answer::change>& changes) {
  std::vector<text_change> made;
  made.reserve(changes.size());
  for (const auto& each : changes)
    made.push_back(to_public(each));
  return made;
}

core::expected<void> check_caret_names(const std::string& name, const std::string& colour) {
  for (const auto* each : {&name, &colour}) {
    if (!core::is_valid_utf8(*each))
      return core::fail("bad_utf8", "the name or colour of a caret is no UTF-8");
    if (!net::is_document_name(*each))
      return core::fail("too_large", "the name and the colour of a caret have at most 128 bytes, "
                                     "none of them zero");
  }
  return {};
}

std::vector<text_caret> to_public(const std::vector<core::ot::caret>& carets) {
  std::vector<text_caret> made;
  made.reserve(carets.size());
  for (const auto& each : carets)
    made.push_back({each.client, {each.at.anchor, each.at.head}, each.name, each.colour});
  return made;
}

} // namespace syncline
