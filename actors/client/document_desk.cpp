#include "actors/client/document_desk.hpp"

#include "core/ot/transform.hpp"

#include <iterator>
#include <utility>

namespace syncline::actors::client {

namespace ot = core::ot;

bool document_desk::takes(const any_text_ask& asked) {
  return std::holds_alternative<text_ask::read>(asked) ||
         std::holds_alternative<text_ask::changes>(asked) ||
         std::holds_alternative<text_ask::edit>(asked) ||
         std::holds_alternative<text_ask::undo>(asked) ||
         std::holds_alternative<text_ask::redo>(asked) ||
         std::holds_alternative<text_ask::select>(asked) ||
         std::holds_alternative<text_ask::carets>(asked);
}

core::expected<document_answer> document_desk::answer(any_text_ask& asked, std::int64_t now_ms) {
  if (auto* typed = std::get_if<text_ask::edit>(&asked))
    return edit(std::move(typed->what), now_ms);
  if (const auto* selected = std::get_if<text_ask::select>(&asked))
    return select(*selected);
  if (std::holds_alternative<text_ask::changes>(asked))
    return changes();
  if (std::holds_alternative<text_ask::undo>(asked))
    return take(&ot::client_session::undo);
  if (std::holds_alternative<text_ask::redo>(asked))
    return take(&ot::client_session::redo);
  return std::holds_alternative<text_ask::carets>(asked) ? carets() : read();
}

document_answer document_desk::nothing_yet() const {
  document_answer made;
  made.version = session_.history().version();
  return made;
}

std::uint64_t document_desk::length() const {
  return units_ == ot::text_units::utf8 ? session_.shown().bytes() : session_.shown().length();
}

core::expected<document_desk::missed_changes> document_desk::missed() const {
  return session_.history().after(seen_.value_or(session_.history().version()), units_);
}

document_answer document_desk::read() const {
  auto made = nothing_yet();
  made.text = session_.shown().to_string();
  return made;
}

core::expected<document_answer> document_desk::changes() const {
  const auto after = missed();
  if (!after)
    return after.error();
  auto made = nothing_yet();
  for (const auto* each : *after)
    made.changes.push_back({each->version,
                            units_ == ot::text_units::utf8 ? *each->bytes : each->edit,
                            each->is_remote, each->author});
  return made;
}

core::expected<document_answer> document_desk::edit(ot::operation what, std::int64_t now_ms) {
  const auto after = missed();
  if (!after)
    return after.error();
  const auto base = after->empty()                   ? length()
                    : units_ == ot::text_units::utf8 ? after->front()->bytes->base_length()
                                                     : after->front()->edit.base_length();
  if (auto whole = ot::complete(what, base); !whole)
    return whole.error();
  auto met = ot::meet(std::move(what), *after, units_);
  if (!met)
    return met.error();
  auto edit = units_ == ot::text_units::utf8 ? ot::in_units(met->edit, session_.shown())
                                             : core::expected<ot::operation>{std::move(met->edit)};
  if (!edit)
    return edit.error();
  document_answer made;
  for (std::size_t i = 0; i < after->size(); ++i)
    made.changes.push_back({(*after)[i]->version, std::move(met->missed[i]), (*after)[i]->is_remote,
                            (*after)[i]->author});
  if (edit->target_length() > ot::server_document::limits{}.text_max)
    return core::fail("too_large", "a text has at most 10,000,000 UTF-16 code units; divide it");
  if (!edit->is_noop())
    if (auto done = session_.edit(*edit, now_ms); !done)
      return done.error();
  made.version = session_.history().version();
  return made;
}

core::expected<document_answer>
document_desk::take(std::optional<ot::operation> (ot::client_session::*back)()) {
  auto made = changes();
  if (!made)
    return made.error();
  // What it does is told behind what was missed, which may be forgotten now.
  seen_ = session_.history().version();
  made->done = (session_.*back)().has_value();
  auto own = changes();
  if (!own)
    return own.error();
  made->version = own->version;
  std::move(own->changes.begin(), own->changes.end(), std::back_inserter(made->changes));
  return made;
}

// Where it is by now, in UTF-16.
core::expected<ot::selection> document_desk::in_shown(ot::selection at) const {
  const auto after = missed();
  if (!after)
    return after.error();
  for (const auto* each : *after)
    at = ot::transform_selection(units_ == ot::text_units::utf8 ? *each->bytes : each->edit, at,
                                 ot::bias::left);
  if (at.anchor > length() || at.head > length())
    return core::fail("bad_length",
                      "the selection ends beyond the text, which has " + std::to_string(length()));
  if (units_ == ot::text_units::utf16)
    return at;
  const auto anchor = session_.shown().units_at(at.anchor);
  const auto head = session_.shown().units_at(at.head);
  if (!anchor || !head)
    return anchor ? head.error() : anchor.error();
  return ot::selection{*anchor, *head};
}

core::expected<document_answer> document_desk::select(const text_ask::select& what) {
  std::optional<ot::selection> now;
  if (what.at) {
    const auto at = in_shown(*what.at);
    if (!at)
      return at.error();
    now = *at;
  }
  board_.select(now);
  return nothing_yet();
}

core::expected<document_answer> document_desk::carets() const {
  auto made = nothing_yet();
  made.carets = board_.others();
  if (units_ == ot::text_units::utf16)
    return made;
  const auto& shown = session_.shown();
  for (auto& each : made.carets) {
    const auto anchor = shown.byte_at(each.at.anchor);
    const auto head = shown.byte_at(each.at.head);
    if (!anchor || !head) // Somebody is said to be inside a character.
      each.at = {0, 0};
    else
      each.at = {*anchor, *head};
  }
  return made;
}

} // namespace syncline::actors::client
