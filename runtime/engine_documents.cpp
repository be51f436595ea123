// Shared texts: what a handle does, and what the runtime does without one.

#include "core/data/utf8.hpp"
#include "core/ot/text_diff.hpp"
#include "runtime/convert.hpp"
#include "runtime/engine.hpp"
#include "runtime/text_hub.hpp"

#include <utility>

namespace syncline {

namespace text_ask = actors::client::text_ask;

/// One handle.
struct document::state {
  std::shared_ptr<text_hub> hub;
  std::string id;
  text_units units = text_units::utf16;

  [[nodiscard]] result<text_hub::answer> ask(actors::client::any_text_ask what,
                                             std::optional<std::uint64_t> version = {},
                                             std::chrono::milliseconds timeout = {}) const {
    actors::document_question question;
    question.id = id;
    question.units = to_core(units);
    question.seen = version;
    question.what = std::move(what);
    auto answered = hub->ask(std::move(question), timeout);
    if (!answered)
      return to_public(answered.error());
    return std::move(*answered);
  }

  [[nodiscard]] result<edit_result> edit(const text_edit& what,
                                         std::optional<std::uint64_t> version, bool is_patient) {
    auto edit = to_operation(what, units);
    if (!edit)
      return to_public(edit.error());
    const auto answered = ask(text_ask::edit{std::move(*edit), is_patient}, version);
    if (!answered)
      return answered.error();
    return edit_result{answered->version, to_public(answered->changes)};
  }

  [[nodiscard]] result<undo_result> take_back(actors::client::any_text_ask what,
                                              std::optional<std::uint64_t> version) {
    const auto answered = ask(std::move(what), version);
    if (!answered)
      return answered.error();
    return undo_result{answered->version, answered->done, to_public(answered->changes)};
  }
};

text_edit text_edit::insert(std::uint64_t at, std::string text) {
  return replace(at, 0, std::move(text));
}

text_edit text_edit::remove(std::uint64_t at, std::uint64_t length) {
  return replace(at, length, {});
}

text_edit text_edit::replace(std::uint64_t at, std::uint64_t length, std::string text) {
  using kind = text_step::kind;
  return {{{kind::retain, at, {}}, {kind::insert, 0, std::move(text)}, {kind::remove, length, {}}}};
}

document::document(std::unique_ptr<state> owned) : state_{std::move(owned)} {}
document::document(document&&) noexcept = default;

document& document::operator=(document&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

document::~document() {
  if (state_)
    state_->hub->release(state_->id);
}

const std::string& document::id() const {
  return state_->id;
}

result<text_state> document::text() const {
  auto answered = state_->ask(text_ask::read{});
  if (!answered)
    return answered.error();
  return text_state{std::move(answered->text), answered->version};
}

result<edit_result> document::edit(const text_edit& what, std::optional<std::uint64_t> version) {
  return state_->edit(what, version, true);
}

result<edit_result> document::submit(const text_edit& what, std::optional<std::uint64_t> version) {
  return state_->edit(what, version, false);
}

result<edit_result> document::set_text(const std::string& text, const text_state& since) {
  for (const auto* each : {&text, &since.text})
    if (!core::is_valid_utf8(*each))
      return error{"bad_utf8", "the text is no UTF-8"};
  auto edit = core::ot::difference(since.text, text);
  if (state_->units == text_units::utf8)
    edit = core::ot::in_bytes(edit, core::ot::text{since.text});
  const auto answered = state_->ask(text_ask::edit{std::move(edit)}, since.version);
  if (!answered)
    return answered.error();
  return edit_result{answered->version, to_public(answered->changes)};
}

result<undo_result> document::undo(std::optional<std::uint64_t> version) {
  return state_->take_back(text_ask::undo{}, version);
}

result<undo_result> document::redo(std::optional<std::uint64_t> version) {
  return state_->take_back(text_ask::redo{}, version);
}

result<std::vector<text_change>> document::changes(std::uint64_t version) const {
  const auto answered = state_->ask(text_ask::changes{}, version);
  if (!answered)
    return answered.error();
  return to_public(answered->changes);
}

result<subscription> document::on_remote(std::function<void(const text_change&)> callback) {
  const auto now = state_->ask(text_ask::standing{});
  if (!now)
    return now.error();
  auto cancel = state_->hub->watch(state_->id, to_core(state_->units), now->version,
                                   std::move(callback), nullptr);
  if (!cancel)
    return to_public(cancel.error());
  return subscription{std::move(*cancel)};
}

result<subscription>
document::on_presence(std::function<void(const std::vector<text_caret>&)> callback) {
  auto cancel =
    state_->hub->watch(state_->id, to_core(state_->units), 0, nullptr, std::move(callback));
  if (!cancel)
    return to_public(cancel.error());
  return subscription{std::move(*cancel)};
}

result<void> document::select(std::optional<text_selection> at, std::string name,
                              std::string colour, std::optional<std::uint64_t> version) {
  if (auto fits = check_caret_names(name, colour); !fits)
    return to_public(fits.error());
  text_ask::select what;
  if (at)
    what.at = core::ot::selection{at->anchor, at->head};
  what.name = std::move(name);
  what.colour = std::move(colour);
  const auto answered = state_->ask(std::move(what), version);
  return answered ? result<void>{} : result<void>{answered.error()};
}

result<std::vector<text_caret>> document::carets() const {
  const auto answered = state_->ask(text_ask::carets{});
  if (!answered)
    return answered.error();
  return to_public(answered->carets);
}

result<document_status> document::status() const {
  const auto answered = state_->ask(text_ask::standing{});
  if (!answered)
    return answered.error();
  const auto& from = answered->standing;
  document_status made;
  made.state = from.state;
  made.client = from.client;
  made.version = answered->version;
  made.revision = from.revision;
  made.has_server_text = from.has_server_text;
  made.synchronized = from.is_synchronized;
  made.units = from.length;
  made.bytes = from.bytes;
  made.last_error = to_public(from.last_error);
  return made;
}

result<void> document::settle(std::chrono::milliseconds timeout) {
  const auto answered =
    state_->ask(text_ask::settle{}, std::nullopt, std::max(timeout, std::chrono::milliseconds{1}));
  return answered ? result<void>{} : result<void>{answered.error()};
}

// --- The engine

namespace {

bool is_there(const msg::ClientDocumentHead& head) {
  return head.state() == msg::KEPT || head.state() == msg::CREATING;
}

} // namespace

result<document> engine::open_document(std::string id, const document_options& how) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (auto valid = core::validate_item_id(id); !valid)
    return to_public(valid.error());
  const auto held = texts_->hold(id, to_core(how.units), how.create_again);
  if (!held)
    return to_public(held.error());
  auto made = std::make_unique<document::state>();
  made->hub = texts_;
  made->id = std::move(id);
  made->units = how.units;
  return document{std::move(made)};
}

result<std::vector<document_summary>> engine::documents(const std::string& after,
                                                        std::size_t limit) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  if (!view)
    return to_public(view.error());
  std::vector<document_summary> made;
  std::string last = after;
  constexpr std::size_t page_size = 1'000;
  for (bool more = true; more && made.size() < limit;) {
    const auto page = view->documents(last, page_size);
    if (!page)
      return to_public(page.error());
    for (const auto& each : *page) {
      last = each.id;
      if (is_there(each.head) && made.size() < limit)
        made.push_back(
          {each.id, each.head.revision(), each.head.pending(), each.head.changed_ms()});
    }
    more = page->size() == page_size;
  }
  return made;
}

result<std::optional<std::string>> engine::stored_text(const std::string& id) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  auto stored = view ? view->document(id) : view.error();
  if (!stored)
    return to_public(stored.error());
  if (!*stored || !is_there((*stored)->head))
    return std::optional<std::string>{};
  const auto loaded =
    core::ot::client_session::load(std::move((*stored)->whole), (*stored)->since, {});
  if (!loaded)
    return to_public(loaded.error());
  return std::optional{loaded->shown().to_string()};
}

result<void> engine::remove_document(const std::string& id) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (auto valid = core::validate_item_id(id); !valid)
    return to_public(valid.error());
  actors::document_question question;
  question.id = id;
  question.what = text_ask::remove{};
  const auto answered = texts_->ask(std::move(question));
  return answered ? result<void>{} : result<void>{to_public(answered.error())};
}

} // namespace syncline
