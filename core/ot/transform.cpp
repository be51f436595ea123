#include "core/ot/transform.hpp"

#include "core/ot/utf16.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace syncline::core::ot {

namespace {

error lengths_differ(std::uint64_t first, std::uint64_t second) {
  return fail("base_length_mismatch",
              "one operation leaves or expects a text of " + std::to_string(first) +
                " UTF-16 code units, the other one expects " + std::to_string(second));
}

expected<void> check_both(const operation& a, const operation& b) {
  auto good = check_lengths(a.base_length(), a.target_length());
  return good ? check_lengths(b.base_length(), b.target_length()) : good;
}

// Bytes of the first `units` of a text; nullopt inside a surrogate pair.
std::optional<std::uint32_t> bytes_of(std::string_view text, std::uint32_t left,
                                      std::uint32_t units) {
  if (text.size() == left || units == left) // One byte a unit, or all of it.
    return units == left ? static_cast<std::uint32_t>(text.size()) : units;
  const auto bytes = byte_offset(text, units);
  if (!bytes)
    return std::nullopt;
  return static_cast<std::uint32_t>(*bytes);
}

} // namespace

expected<void> transform(const operation& a, const operation& b, tie first, operation& a_prime,
                         operation& b_prime) {
  a_prime.clear();
  b_prime.clear();
  if (a.base_length() != b.base_length())
    return lengths_differ(a.base_length(), b.base_length());
  if (auto good = check_both(a, b); !good)
    return good;
  component_reader left{a};
  component_reader right{b};
  for (;;) {
    const bool left_inserts = left.is(step::insert);
    const bool right_inserts = right.is(step::insert);
    if (left_inserts && (first == tie::a || !right_inserts)) {
      a_prime.insert(left.text(), left.left());
      b_prime.retain(left.left());
      left.skip();
      continue;
    }
    if (right_inserts) {
      b_prime.insert(right.text(), right.left());
      a_prime.retain(right.left());
      right.skip();
      continue;
    }
    if (left.is_at_end())
      return {};
    const auto units = std::min(left.left(), right.left());
    const bool left_removes = left.is(step::remove);
    const bool right_removes = right.is(step::remove);
    if (!left_removes && !right_removes) {
      a_prime.retain(units);
      b_prime.retain(units);
    } else if (!right_removes) {
      a_prime.remove(units);
    } else if (!left_removes) {
      b_prime.remove(units);
    }
    left.skip(units);
    right.skip(units);
  }
}

expected<void> compose(const operation& a, const operation& b, operation& composed) {
  composed.clear();
  if (a.target_length() != b.base_length())
    return lengths_differ(a.target_length(), b.base_length());
  if (auto good = check_both(a, b); !good)
    return good;
  component_reader earlier{a};
  component_reader later{b};
  for (;;) {
    if (earlier.is(step::remove)) {
      composed.remove(earlier.left());
      earlier.skip();
      continue;
    }
    if (later.is(step::insert)) {
      composed.insert(later.text(), later.left());
      later.skip();
      continue;
    }
    if (earlier.is_at_end())
      return {};
    const auto units = std::min(earlier.left(), later.left());
    const bool stays = later.is(step::retain);
    if (earlier.is(step::insert)) {
      const auto bytes = bytes_of(earlier.text(), earlier.left(), units);
      if (!bytes)
        return fail("splits_surrogate_pair",
                    "the second operation cuts a surrogate pair that the first one inserts");
      if (stays)
        composed.insert(earlier.text().substr(0, *bytes), units);
      earlier.skip(units, *bytes);
    } else {
      if (stays)
        composed.retain(units);
      else
        composed.remove(units);
      earlier.skip(units);
    }
    later.skip(units);
  }
}

expected<operation> compose_all(std::span<const operation> all) {
  if (all.size() == 1)
    return all.front();
  auto first = compose_all(all.first(all.size() / 2));
  if (!first)
    return first;
  auto second = compose_all(all.subspan(all.size() / 2));
  if (!second)
    return second;
  operation composed;
  if (auto done = compose(*first, *second, composed); !done)
    return done.error();
  return composed;
}

std::uint64_t transform_position(const operation& over, std::uint64_t position, bias side) {
  std::uint64_t before = 0; // How far the components have come in the text before and after.
  std::uint64_t after = 0;
  for (const auto& each : over.components()) {
    if (each.what == step::insert) {
      if (before == position && side == bias::left)
        return after;
      after += each.length;
      continue;
    }
    const bool stays = each.what == step::retain;
    // An insert at the very place may still follow.
    if (before + each.length > position)
      return after + (stays ? position - before : 0);
    before += each.length;
    after += stays ? each.length : 0;
  }
  return after + (position - before);
}

std::uint64_t position_before(const operation& over, std::uint64_t position) {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (const auto& each : over.components()) {
    if (each.what == step::remove) {
      before += each.length;
      continue;
    }
    const bool was_there = each.what == step::retain;
    if (after + each.length >= position)
      return before + (was_there ? position - after : 0);
    after += each.length;
    before += was_there ? each.length : 0;
  }
  return before;
}

selection transform_selection(const operation& over, const selection& from, bias side) {
  return {transform_position(over, from.anchor, side), transform_position(over, from.head, side)};
}

} // namespace syncline::core::ot
