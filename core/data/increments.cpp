#include "core/data/increments.hpp"

#include "core/data/json.hpp"
#include "core/data/utf8.hpp"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace syncline::core {

namespace {

using increment_list = google::protobuf::RepeatedPtrField<msg::Increment>;

error overflow_of(const std::string& field) {
  return fail("number_overflow", "the sum for the field '" + field +
                                   "' leaves the range of its kind of number (int64, or a finite "
                                   "double); increment by less or store it as a double");
}

expected<void> check_increment(const msg::Increment& increment) {
  const std::string& field = increment.field();
  if (increment.amount_case() == msg::Increment::AMOUNT_NOT_SET)
    return fail("bad_increment", "the increment of the field '" + field +
                                   "' has no amount; give an integer or a real");
  if (!is_valid_utf8(field))
    return fail("bad_utf8", "the name of an incremented field is not valid UTF-8 at byte " +
                              std::to_string(first_invalid_utf8(field)) + "; encode it as UTF-8");
  if (is_reserved_name(field))
    return fail("reserved_name", "the field '" + field +
                                   "' belongs to the item itself and cannot be incremented; "
                                   "choose another field");
  return {};
}

json_value amount_of(const msg::Increment& increment) {
  return increment.amount_case() == msg::Increment::kInteger
           ? json_value::integer(increment.integer())
           : json_value::real(increment.real());
}

// The sum, or nothing where it does not fit its kind.
std::optional<json_value> sum_of(const json_value& left, const json_value& right) {
  if (left.kind() == json_kind::integer && right.kind() == json_kind::integer) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(left.as_integer(), right.as_integer(), &sum))
      return std::nullopt;
    return json_value::integer(sum);
  }
  if (left.kind() == json_kind::unsigned_integer && right.kind() == json_kind::integer) {
    // Such a field came with a body. Exact like all integers, it must come back into int64.
    std::int64_t sum = 0;
    if (__builtin_add_overflow(left.as_unsigned_integer(), right.as_integer(), &sum))
      return std::nullopt;
    return json_value::integer(sum);
  }
  const double sum = left.number_as_double() + right.number_as_double();
  if (!std::isfinite(sum))
    return std::nullopt;
  return json_value::real(sum);
}

/// The members of one object by name, those added meanwhile included.
class member_positions {
public:
  explicit member_positions(json_value::object_type& members)
    : members_{members}, known_{members} {}

  // The field's value; a missing field is added as 0.
  json_value& value_of(const std::string& field) {
    if (const auto at = known_.position(field))
      return members_[*at].second;
    const auto [added, is_new] = added_.emplace(field, members_.size());
    if (is_new)
      members_.emplace_back(field, json_value::integer(0));
    return members_[added->second].second;
  }

private:
  json_value::object_type& members_;
  member_index known_;
  std::map<std::string_view, std::size_t> added_;
};

void set_amount(msg::Increment& increment, const json_value& amount) {
  if (amount.kind() == json_kind::integer)
    increment.set_integer(amount.as_integer());
  else
    increment.set_real(amount.as_real());
}

bool has_non_finite_amount(const msg::Increment& increment) {
  return increment.amount_case() == msg::Increment::kReal && !std::isfinite(increment.real());
}

expected<void> add_to(increment_list& sums, std::map<std::string, int, std::less<>>& places,
                      const msg::Increment& increment) {
  if (increment.amount_case() == msg::Increment::AMOUNT_NOT_SET)
    return check_increment(increment);
  if (has_non_finite_amount(increment))
    return overflow_of(increment.field());
  const auto [place, is_new] = places.emplace(increment.field(), sums.size());
  if (is_new) {
    *sums.Add() = increment;
    return {};
  }
  msg::Increment& known = *sums.Mutable(place->second);
  const auto sum = sum_of(amount_of(known), amount_of(increment));
  if (!sum)
    return overflow_of(increment.field());
  set_amount(known, *sum);
  return {};
}

} // namespace

expected<std::string> apply_increments(std::string_view body, const increment_list& increments) {
  auto tree = parse_json(body);
  if (!tree)
    return tree.error();
  if (!tree->is_object())
    return fail("not_an_object", "the body to increment is not one JSON object; replace it");
  member_positions positions{tree->members()};
  for (const msg::Increment& increment : increments) {
    if (const auto good = check_increment(increment); !good)
      return good.error();
    json_value& field = positions.value_of(increment.field());
    if (!field.is_number())
      return fail("not_a_number", "the field '" + increment.field() +
                                    "' holds no number, so nothing can be added to it; set it to "
                                    "a number first");
    if (has_non_finite_amount(increment))
      return overflow_of(increment.field());
    auto sum = sum_of(field, amount_of(increment));
    if (!sum)
      return overflow_of(increment.field());
    field = *std::move(sum);
  }
  std::string text = to_text(*tree);
  if (text.size() > json_limits{}.bytes_max)
    return fail("too_large", "the incremented body would have " + std::to_string(text.size()) +
                               " bytes, more than a body may have; increment fewer fields");
  return text;
}

expected<void> add_increments(increment_list& into, const increment_list& more) {
  increment_list sums;
  std::map<std::string, int, std::less<>> places;
  for (const increment_list* list : {&std::as_const(into), &more})
    for (const msg::Increment& increment : *list)
      if (const auto added = add_to(sums, places, increment); !added)
        return added.error();
  into.Swap(&sums);
  return {};
}

void drop_increments_touched_by(increment_list& increments, const json_value& patch) {
  if (!patch.is_object())
    return;
  const member_index touched{patch.members()};
  int kept = 0;
  for (int i = 0; i < increments.size(); ++i) {
    if (touched.find(increments.Get(i).field()) != nullptr)
      continue;
    increments.SwapElements(kept, i);
    ++kept;
  }
  increments.DeleteSubrange(kept, increments.size() - kept);
}

} // namespace syncline::core
