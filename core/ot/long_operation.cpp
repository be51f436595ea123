#include "core/ot/long_operation.hpp"

#include "core/ot/transform.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace syncline::core::ot {

namespace {

constexpr std::size_t block_components = 16;
// What is rebuilt has at least so many, so that no block becomes tiny: a component of a neighbour
// that is not rebuilt must never have to move or to grow.
constexpr std::size_t region_components_min = 12;

// Calls `add` for each component, with its text.
template <class Add>
void for_each(const operation& of, const Add& add) {
  std::string_view text = of.text();
  for (const auto& each : of.components()) {
    add(each, text.substr(0, each.bytes));
    text.remove_prefix(each.bytes);
  }
}

void append(operation& to, const component& what, std::string_view text) {
  switch (what.what) {
  case step::retain:
    return to.retain(what.length);
  case step::insert:
    return to.insert(text, what.length);
  case step::remove:
    return to.remove(what.length);
  }
}

void append(operation& to, const operation& more) {
  for_each(more, [&](const auto& each, std::string_view text) { append(to, each, text); });
}

// `check_lengths` held for both operations, so one component can say it.
void retain(operation& to, std::uint64_t units) {
  to.retain(static_cast<std::uint32_t>(units));
}

std::uint64_t leading_retain(const operation& of) {
  const auto& first = of.components().front();
  return first.what == step::retain ? first.length : 0;
}

std::uint64_t trailing_retain(const operation& of) {
  const auto& last = of.components().back();
  return last.what == step::retain ? last.length : 0;
}

std::vector<operation> cut(const operation& whole) {
  std::vector<operation> blocks;
  const auto count = whole.components().size();
  const auto parts = std::max<std::size_t>(1, count / block_components);
  blocks.resize(parts);
  std::size_t index = 0;
  for_each(whole, [&](const auto& each, std::string_view text) {
    append(blocks[index++ * parts / count], each, text);
  });
  return blocks;
}

} // namespace

long_operation::long_operation(const operation& from)
  : blocks_{cut(from)}, base_length_{from.base_length()}, target_length_{from.target_length()} {}

operation long_operation::to_operation() const {
  operation all;
  for (const auto& each : blocks_)
    append(all, each);
  return all;
}

// The blocks that hold or touch the range of the base text, and one more on either side: its first
// and last components may come to stand beside others, and then have to be joined with them.
long_operation::region long_operation::around(std::uint64_t from, std::uint64_t to) const {
  region found;
  std::uint64_t end = 0;
  std::size_t first = 0;
  for (; first + 1 < blocks_.size(); ++first) {
    if (end + blocks_[first].base_length() >= from)
      break;
    end += blocks_[first].base_length();
  }
  std::size_t last = first;
  for (; last + 1 < blocks_.size(); ++last) {
    end += blocks_[last].base_length();
    if (end > to)
      break;
  }
  found.begin = first - std::min<std::size_t>(first, 1);
  found.end = std::min(last + 2, blocks_.size());
  std::size_t components = 0;
  for (auto i = found.begin; i < found.end; ++i)
    components += blocks_[i].components().size();
  while (components < region_components_min && (found.begin > 0 || found.end < blocks_.size()))
    components += blocks_[found.begin > 0 ? --found.begin : found.end++].components().size();
  for (std::size_t i = 0; i < found.end; ++i) {
    auto& base = i < found.begin ? found.base_before : found.base;
    auto& target = i < found.begin ? found.target_before : found.target;
    base += blocks_[i].base_length();
    target += blocks_[i].target_length();
  }
  return found;
}

void long_operation::replace(const region& old, const operation& with) {
  auto made = cut(with);
  const auto kept = std::min(made.size(), old.end - old.begin);
  const auto at = [this](std::size_t index) {
    return blocks_.begin() + static_cast<std::ptrdiff_t>(index);
  };
  std::move(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(kept), at(old.begin));
  if (kept < made.size())
    blocks_.insert(at(old.end),
                   std::make_move_iterator(made.begin() + static_cast<std::ptrdiff_t>(kept)),
                   std::make_move_iterator(made.end()));
  else
    blocks_.erase(at(old.begin + kept), at(old.end));
}

expected<void> long_operation::pass_over(const operation& other, operation& other_prime) {
  other_prime.clear();
  if (other.base_length() != base_length_)
    return fail("base_length_mismatch",
                "the operation is for a text of " + std::to_string(other.base_length()) +
                  " UTF-16 code units, this one for " + std::to_string(base_length_));
  if (auto good = check_lengths(base_length_, target_length_); !good)
    return good;
  if (auto good = check_lengths(other.base_length(), other.target_length()); !good)
    return good;
  if (other.is_noop()) {
    retain(other_prime, target_length_);
    return {};
  }
  const auto from = leading_retain(other);
  const auto to = base_length_ - trailing_retain(other);
  const auto near = around(from, to);
  before_.clear();
  for (auto i = near.begin; i < near.end; ++i)
    append(before_, blocks_[i]);
  edit_.clear();
  retain(edit_, from - near.base_before);
  const auto begin = other.components().begin() + (from != 0 ? 1 : 0);
  const auto end = other.components().end() - (to != base_length_ ? 1 : 0);
  std::string_view text = other.text();
  for (auto each = begin; each != end; ++each) {
    append(edit_, *each, text.substr(0, each->bytes));
    text.remove_prefix(each->bytes);
  }
  retain(edit_, near.base_before + near.base - to);
  if (auto done = transform(before_, edit_, tie::a, after_, edit_after_); !done)
    return done;
  retain(other_prime, near.target_before);
  append(other_prime, edit_after_);
  retain(other_prime, target_length_ - near.target_before - near.target);
  replace(near, after_);
  base_length_ = other.target_length();
  target_length_ = other_prime.target_length();
  return {};
}

} // namespace syncline::core::ot
