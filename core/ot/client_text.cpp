#include "core/ot/client_text.hpp"

#include "core/ensure.hpp"
#include "core/ot/text_diff.hpp"
#include "core/ot/transform.hpp"

#include <utility>

namespace syncline::core::ot {

namespace {

// Above it they are composed, for each takes more memory than what it does.
constexpr std::size_t typed_max = 4'096;

operation nothing_on(std::uint64_t length) {
  operation made;
  made.retain(static_cast<std::uint32_t>(length));
  return made;
}

void apply(text& on, const operation& edit) {
  ensure(on.apply(edit).has_value(), "the operation fits the text");
}

void append(operation& to, component_reader& from) {
  const auto units = from.left();
  if (from.is(step::retain))
    to.retain(units);
  else if (from.is(step::insert))
    to.insert(from.text(), units);
  else
    to.remove(units);
  from.skip();
}

} // namespace

client_text::client_text(text base)
  : base_{std::move(base)}, shown_{base_}, buffer_{nothing_on(shown_.length())} {}

expected<client_text> client_text::with(text base, pending on_it) {
  client_text made{std::move(base)};
  if (on_it.outstanding) {
    if (auto done = made.shown_.apply(*on_it.outstanding); !done)
      return done.error();
    made.outstanding_ = std::move(on_it.outstanding);
  }
  made.buffer_ = nothing_on(made.shown_.length());
  if (on_it.buffer.components().empty())
    return made;
  if (auto done = made.shown_.apply(on_it.buffer); !done)
    return done.error();
  made.buffer_ = std::move(on_it.buffer);
  return made;
}

const operation& client_text::buffer() const {
  if (typed_.empty())
    return buffer_;
  typed_.insert(typed_.begin(), std::move(buffer_));
  buffer_ = compose_all(typed_).value();
  typed_.clear();
  return buffer_;
}

expected<void> client_text::type(const operation& edit) {
  if (auto done = shown_.check(edit); !done)
    return done.error();
  history_.note(edit, shown_, false);
  apply(shown_, edit);
  typed_.push_back(edit);
  if (typed_.size() >= typed_max)
    static_cast<void>(buffer());
  return {};
}

void client_text::freeze(std::size_t components_max) {
  ensure(!outstanding_ && has_typed(), "something was typed, and nothing is on its way");
  auto parts = split_after(buffer(), components_max);
  outstanding_ = std::move(parts.first);
  buffer_ = std::move(parts.second);
}

void client_text::acknowledge() {
  apply(base_, *outstanding_);
  outstanding_.reset();
}

void client_text::show(const operation& remote, const std::string& author) {
  if (remote.is_noop())
    return;
  history_.note(remote, shown_, true, author);
  apply(shown_, remote);
}

expected<operation> client_text::receive(const operation& committed, const std::string& author) {
  if (auto done = base_.apply(committed); !done)
    return done.error();
  operation next;
  operation over_outstanding = committed;
  if (outstanding_) {
    ensure(transform(*outstanding_, committed, tie::a, next, over_outstanding).has_value(),
           "both are for the base");
    std::swap(*outstanding_, next);
  }
  operation over_all;
  ensure(transform(buffer(), over_outstanding, tie::a, next, over_all).has_value(),
         "both are for the text behind the outstanding one");
  std::swap(buffer_, next);
  show(over_all, author);
  return over_all;
}

operation client_text::take_back() {
  const auto inverse = base_.invert(*outstanding_).value();
  operation next;
  operation over_all;
  ensure(transform(buffer(), inverse, tie::a, next, over_all).has_value(),
         "both are for the text behind the outstanding one");
  buffer_ = std::move(next);
  outstanding_.reset();
  show(over_all);
  return over_all;
}

operation client_text::merge_onto_base(const std::string& utf8) {
  operation mine = buffer();
  if (outstanding_)
    ensure(compose(*outstanding_, buffer(), mine).has_value(), "what was typed follows it");
  auto merged = merge_onto(base_.to_string(), utf8, mine);
  ensure(merged.has_value(), "what is pending fits its base");
  base_ = text{utf8};
  outstanding_.reset();
  buffer_ = std::move(merged->mine);
  show(merged->theirs);
  return std::move(merged->theirs);
}

operation_parts split_after(const operation& whole, std::size_t components) {
  operation_parts made;
  component_reader from{whole};
  for (std::size_t i = 0; i < components && !from.is_at_end(); ++i)
    append(made.first, from);
  // The rest of the text is left alone by the first; the second leaves alone what it made.
  made.second.retain(static_cast<std::uint32_t>(made.first.target_length()));
  made.first.retain(static_cast<std::uint32_t>(whole.base_length() - made.first.base_length()));
  while (!from.is_at_end())
    append(made.second, from);
  return made;
}

} // namespace syncline::core::ot
