#include "core/data/json_value.hpp"

#include "core/ensure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace syncline::core {

namespace {

constexpr double two_to_63 = 9223372036854775808.0;

template <class T, class Variant>
auto& require(Variant& state, const char* what) {
  auto* found = std::get_if<T>(&state);
  ensure(found != nullptr, what);
  return *found;
}

// Comparing as doubles would call 2^53 and 2^53 + 1 equal, so the real is turned into an integer
// where that loses nothing, and is unequal to every integer elsewhere.
bool integer_equals_real(const json_value& integer, double real) {
  if (real != std::trunc(real))
    return false;
  if (integer.kind() == json_kind::integer)
    return real >= -two_to_63 && real < two_to_63 &&
           static_cast<std::int64_t>(real) == integer.as_integer();
  return real >= two_to_63 && real < 2 * two_to_63 &&
         static_cast<std::uint64_t>(real) == integer.as_unsigned_integer();
}

bool numbers_equal(const json_value& left, const json_value& right) {
  const bool left_real = left.kind() == json_kind::real;
  const bool right_real = right.kind() == json_kind::real;
  if (left_real && right_real)
    return left.as_real() == right.as_real();
  if (left_real)
    return integer_equals_real(right, left.as_real());
  if (right_real)
    return integer_equals_real(left, right.as_real());
  if (left.kind() != right.kind())
    return false;
  return left.kind() == json_kind::integer
           ? left.as_integer() == right.as_integer()
           : left.as_unsigned_integer() == right.as_unsigned_integer();
}

bool objects_equal(const json_value::object_type& left, const json_value::object_type& right) {
  if (left.size() != right.size())
    return false;
  // Most objects that are compared come from one writer and have one order.
  std::size_t same = 0;
  while (same < left.size() && left[same].first == right[same].first) {
    if (!(left[same].second == right[same].second))
      return false;
    ++same;
  }
  if (same == left.size())
    return true;
  const member_index index{right};
  for (std::size_t i = same; i < left.size(); ++i) {
    const json_value* other = index.find(left[i].first);
    if (other == nullptr || !(left[i].second == *other))
      return false;
  }
  return true;
}

} // namespace

json_value::json_value(state value) : state_{std::move(value)} {}

json_value json_value::null() {
  return json_value{};
}

json_value json_value::boolean(bool value) {
  return json_value{state{std::in_place_type<bool>, value}};
}

json_value json_value::integer(std::int64_t value) {
  return json_value{state{std::in_place_type<std::int64_t>, value}};
}

json_value json_value::unsigned_integer(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return integer(static_cast<std::int64_t>(value));
  return json_value{state{std::in_place_type<std::uint64_t>, value}};
}

json_value json_value::real(double value) {
  ensure(std::isfinite(value), "a JSON number is finite");
  return json_value{state{std::in_place_type<double>, value}};
}

json_value json_value::string(std::string utf8) {
  return json_value{state{std::in_place_type<std::string>, std::move(utf8)}};
}

json_value json_value::array(array_type items) {
  return json_value{state{std::in_place_type<array_type>, std::move(items)}};
}

json_value json_value::object(object_type members) {
  return json_value{state{std::in_place_type<object_type>, std::move(members)}};
}

json_kind json_value::kind() const noexcept {
  return static_cast<json_kind>(state_.index());
}

bool json_value::is_null() const noexcept {
  return kind() == json_kind::null;
}

bool json_value::is_object() const noexcept {
  return kind() == json_kind::object;
}

bool json_value::is_number() const noexcept {
  return kind() == json_kind::integer || kind() == json_kind::unsigned_integer ||
         kind() == json_kind::real;
}

bool json_value::as_boolean() const {
  return require<bool>(state_, "the JSON value is a boolean");
}

std::int64_t json_value::as_integer() const {
  return require<std::int64_t>(state_, "the JSON value is an int64");
}

std::uint64_t json_value::as_unsigned_integer() const {
  return require<std::uint64_t>(state_, "the JSON value is an integer above int64");
}

double json_value::as_real() const {
  return require<double>(state_, "the JSON value is a real");
}

const std::string& json_value::as_string() const {
  return require<std::string>(state_, "the JSON value is a string");
}

double json_value::number_as_double() const {
  if (kind() == json_kind::integer)
    return static_cast<double>(as_integer());
  if (kind() == json_kind::unsigned_integer)
    return static_cast<double>(as_unsigned_integer());
  return as_real();
}

json_value::array_type& json_value::items() {
  return require<array_type>(state_, "the JSON value is an array");
}

const json_value::array_type& json_value::items() const {
  return require<array_type>(state_, "the JSON value is an array");
}

json_value::object_type& json_value::members() {
  return require<object_type>(state_, "the JSON value is an object");
}

const json_value::object_type& json_value::members() const {
  return require<object_type>(state_, "the JSON value is an object");
}

const json_value* json_value::find(std::string_view name) const {
  const auto* members = std::get_if<object_type>(&state_);
  if (members == nullptr)
    return nullptr;
  const auto found = std::find_if(members->begin(), members->end(),
                                  [name](const member& entry) { return entry.first == name; });
  return found == members->end() ? nullptr : &found->second;
}

json_value* json_value::find(std::string_view name) {
  return const_cast<json_value*>(std::as_const(*this).find(name));
}

void json_value::set(std::string name, json_value value) {
  object_type& entries = members();
  if (json_value* known = find(name))
    *known = std::move(value);
  else
    entries.emplace_back(std::move(name), std::move(value));
}

bool json_value::erase(std::string_view name) {
  return std::erase_if(members(), [name](const member& entry) { return entry.first == name; }) > 0;
}

bool operator==(const json_value& left, const json_value& right) {
  if (left.is_number() && right.is_number())
    return numbers_equal(left, right);
  if (left.kind() != right.kind())
    return false;
  switch (left.kind()) {
  case json_kind::boolean:
    return left.as_boolean() == right.as_boolean();
  case json_kind::string:
    return left.as_string() == right.as_string();
  case json_kind::array:
    return left.items() == right.items();
  case json_kind::object:
    return objects_equal(left.members(), right.members());
  default:
    return true; // Two nulls: numbers were compared above.
  }
}

member_index::member_index(const json_value::object_type& members)
  : members_{&members}, size_{members.size()} {
  if (size_ <= small_object_members_max)
    return;
  ensure(size_ <= std::numeric_limits<std::uint32_t>::max(), "an object has under 2^32 members");
  sorted_.resize(size_);
  for (std::size_t i = 0; i < size_; ++i)
    sorted_[i] = static_cast<std::uint32_t>(i);
  std::sort(sorted_.begin(), sorted_.end(), [&members](std::uint32_t left, std::uint32_t right) {
    return members[left].first < members[right].first;
  });
}

std::optional<std::size_t> member_index::position(std::string_view name) const {
  const json_value::object_type& members = *members_;
  if (sorted_.empty()) {
    for (std::size_t i = 0; i < size_; ++i)
      if (members[i].first == name)
        return i;
    return std::nullopt;
  }
  const auto found = std::lower_bound(
    sorted_.begin(), sorted_.end(), name,
    [&members](std::uint32_t at, std::string_view wanted) { return members[at].first < wanted; });
  if (found == sorted_.end() || members[*found].first != name)
    return std::nullopt;
  return *found;
}

const json_value* member_index::find(std::string_view name) const {
  const std::optional<std::size_t> at = position(name);
  return at ? &(*members_)[*at].second : nullptr;
}

} // namespace syncline::core
