#pragma once
// Random JSON for properties. Names come from a small set, so that two objects share some.

#include "core/data/json.hpp"

#include <rapidcheck.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <utility>

namespace syncline::core {

/// How rapidcheck shows a counterexample.
inline void showValue(const json_value& value, std::ostream& out) {
  out << to_text(value);
}

} // namespace syncline::core

namespace syncline::test {

inline double any_real() {
  const double real = *rc::gen::arbitrary<double>();
  return std::isfinite(real) ? real : 0.5;
}

inline std::string any_text() {
  return *rc::gen::elementOf(std::vector<std::string>{"", "a", "b", "é", "\"", "\\", "\n\t\x01",
                                                      "\xF0\x9D\x84\x9E", std::string(1, '\0'),
                                                      "a/b", std::string(70, 'x')});
}

inline core::json_value any_scalar(bool with_null) {
  using core::json_value;
  switch (*rc::gen::inRange(with_null ? 0 : 1, 7)) {
  case 0:
    return json_value::null();
  case 1:
    return json_value::boolean(*rc::gen::arbitrary<bool>());
  case 2:
    return json_value::integer(*rc::gen::inRange<std::int64_t>(0, 3));
  case 3:
    return json_value::integer(*rc::gen::arbitrary<std::int64_t>());
  case 4:
    return json_value::unsigned_integer(std::numeric_limits<std::uint64_t>::max() -
                                        *rc::gen::inRange<std::uint64_t>(0, 3));
  case 5:
    return json_value::real(any_real());
  default:
    return json_value::string(any_text());
  }
}

inline core::json_value any_object_value(int depth, bool with_null);

inline core::json_value any_value(int depth, bool with_null) {
  const int kind = depth > 0 ? *rc::gen::inRange(0, 5) : 0;
  if (kind >= 3)
    return any_object_value(depth - 1, with_null);
  if (kind < 2)
    return any_scalar(with_null);
  core::json_value::array_type items;
  for (int left = *rc::gen::inRange(0, 3); left > 0; --left)
    items.push_back(any_value(depth - 1, true));
  return core::json_value::array(std::move(items));
}

inline core::json_value any_object_value(int depth, bool with_null) {
  auto object = core::json_value::object();
  // Now and then above the size from which objects are searched by an index.
  const bool large = *rc::gen::inRange(0, 12) == 0;
  const int count = large ? *rc::gen::inRange(15, 40) : *rc::gen::inRange(0, 5);
  const int names = large ? 60 : 5;
  for (int left = count; left > 0; --left) {
    const int name = *rc::gen::inRange(0, names);
    object.set(name == 0 ? std::string{"a\"é"} : "m" + std::to_string(name),
               any_value(large ? 0 : depth, with_null));
  }
  return object;
}

/// An object. Without nulls it has them inside arrays only, where a merge patch can express them.
inline rc::Gen<core::json_value> objects(bool with_null = true) {
  return rc::gen::exec([with_null] { return any_object_value(3, with_null); });
}

inline rc::Gen<core::json_value> values() {
  return rc::gen::exec([] { return any_value(3, true); });
}

} // namespace syncline::test
