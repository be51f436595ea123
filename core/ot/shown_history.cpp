#include "core/ot/shown_history.hpp"

#include "core/ensure.hpp"
#include "core/ot/transform.hpp"
#include "core/ot/utf16.hpp"

#include <utility>

namespace syncline::core::ot {

namespace {

const operation& in(text_units units, const shown_change& change) {
  return units == text_units::utf8 ? *change.bytes : change.edit;
}

std::size_t bytes_of(const shown_change& change) {
  return change.edit.text().size() + change.author.size() +
         change.edit.components().size() * sizeof(component);
}

// Counts what is kept and removed in the other units: `at` says where a place of one text is.
template <class At>
expected<operation> recounted(const operation& edit, const At& at) {
  operation made;
  std::uint64_t before = 0;       // of the edit's own units
  std::uint64_t before_other = 0; // of the others
  for (component_reader from{edit}; !from.is_at_end(); from.skip()) {
    if (from.is(step::insert)) {
      made.insert(from.text(), at.inserted(from));
      continue;
    }
    before += from.left();
    const auto end = at(before);
    if (!end)
      return end.error();
    const auto length = static_cast<std::uint32_t>(*end - std::exchange(before_other, *end));
    if (from.is(step::retain))
      made.retain(length);
    else
      made.remove(length);
  }
  return made;
}

struct byte_places {
  const text& on;
  expected<std::uint64_t> operator()(std::uint64_t units) const {
    return on.byte_at(units);
  }
  [[nodiscard]] std::uint32_t inserted(const component_reader& from) const {
    return static_cast<std::uint32_t>(from.text().size());
  }
};

struct unit_places {
  const text& on;
  expected<std::uint64_t> operator()(std::uint64_t bytes) const {
    return on.units_at(bytes);
  }
  [[nodiscard]] std::uint32_t inserted(const component_reader& from) const {
    return static_cast<std::uint32_t>(utf16_length(from.text()));
  }
};

} // namespace

operation in_bytes(const operation& edit, const text& on) {
  auto made = recounted(edit, byte_places{on});
  ensure(made.has_value(), "the edit fits the text");
  return std::move(*made);
}

expected<operation> in_units(const operation& bytes, const text& on) {
  return recounted(bytes, unit_places{on});
}

void shown_history::begin_at(std::uint64_t version) {
  changes_.clear();
  bytes_ = 0;
  version_ = version;
}

void shown_history::note(const operation& edit, const text& on, bool is_remote,
                         const std::string& author) {
  shown_change made{++version_, edit, std::nullopt, is_remote, author};
  if (keeps_bytes_)
    made.bytes = in_bytes(edit, on);
  bytes_ += bytes_of(made);
  changes_.push_back(std::move(made));
  // The last one stays, however long it is: who has made it is told of it.
  while (changes_.size() > 1 &&
         (changes_.size() > limits_.changes_max || bytes_ > limits_.bytes_max)) {
    bytes_ -= bytes_of(changes_.front());
    changes_.pop_front();
  }
}

expected<std::vector<const shown_change*>> shown_history::after(std::uint64_t version,
                                                                text_units units) const {
  std::vector<const shown_change*> made;
  const auto missed = version_ - version;
  bool is_known = version <= version_ && missed <= changes_.size();
  for (auto i = is_known ? changes_.size() - missed : changes_.size(); i < changes_.size(); ++i) {
    made.push_back(&changes_[i]);
    is_known = is_known && (units == text_units::utf16 || changes_[i].bytes);
  }
  if (!is_known)
    return fail("stale_version", "the changes after version " + std::to_string(version) +
                                   " of the text are not known any more, it is at " +
                                   std::to_string(version_) + ": read the text anew");
  return made;
}

expected<met_edit> meet(operation edit, const std::vector<const shown_change*>& changes,
                        text_units units) {
  met_edit made;
  operation next;
  for (const auto* each : changes) {
    operation missed;
    if (auto done = transform(edit, in(units, *each), tie::a, next, missed); !done)
      return done.error();
    std::swap(edit, next);
    made.missed.push_back(std::move(missed));
  }
  made.edit = std::move(edit);
  return made;
}

} // namespace syncline::core::ot
