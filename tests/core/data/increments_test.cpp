#include "core/data/increments.hpp"

#include "core/data/json.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace syncline;
using core::add_increments;
using core::apply_increments;

namespace {

using increment_list = google::protobuf::RepeatedPtrField<msg::Increment>;

constexpr auto int64_max = std::numeric_limits<std::int64_t>::max();
constexpr auto int64_min = std::numeric_limits<std::int64_t>::min();
constexpr auto double_max = std::numeric_limits<double>::max();

void add(increment_list& list, const std::string& field, std::int64_t amount) {
  auto& increment = *list.Add();
  increment.set_field(field);
  increment.set_integer(amount);
}

void add(increment_list& list, const std::string& field, double amount) {
  auto& increment = *list.Add();
  increment.set_field(field);
  increment.set_real(amount);
}

template <class Amount>
increment_list one(const std::string& field, Amount amount) {
  increment_list list;
  add(list, field, amount);
  return list;
}

increment_list integers(const std::vector<std::pair<int, std::int32_t>>& entries) {
  increment_list list;
  for (const auto& [field, amount] : entries)
    add(list, "f" + std::to_string(field), std::int64_t{amount});
  return list;
}

template <class T>
std::string code_of(const core::expected<T>& result) {
  return result ? "" : result.error().code;
}

std::string fields_of(const increment_list& list) {
  std::string names;
  for (const auto& increment : list)
    names += increment.field() + " ";
  return names;
}

auto entries() {
  return rc::gen::container<std::vector<std::pair<int, std::int32_t>>>(
    rc::gen::pair(rc::gen::inRange(0, 25), rc::gen::arbitrary<std::int32_t>()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_increments)

BOOST_AUTO_TEST_CASE(adds_integers_as_integers_and_all_else_as_doubles) {
  const std::int64_t two = 2;
  BOOST_TEST(apply_increments(R"({"n":40,"a":"x"})", one("n", two)).value() ==
             R"({"n":42,"a":"x"})");
  BOOST_TEST(apply_increments(R"({"n":40})", one("n", 0.5)).value() == R"({"n":40.5})");
  BOOST_TEST(apply_increments(R"({"n":40.5})", one("n", two)).value() == R"({"n":42.5})");
  BOOST_TEST(apply_increments(R"({"n":1})", one("n", 1.0)).value() == R"({"n":2.0})");
  BOOST_TEST(apply_increments(R"({"a":1})", one("n", two)).value() == R"({"a":1,"n":2})");
  BOOST_TEST(apply_increments(R"({})", one("n", 1.5)).value() == R"({"n":1.5})");
  BOOST_TEST(apply_increments(R"({"n":9007199254740993})", one("n", two)).value() ==
             R"({"n":9007199254740995})");
  BOOST_TEST(apply_increments(R"({"n":1})", increment_list{}).value() == R"({"n":1})");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_number_and_what_has_no_body) {
  for (const char* value : {"\"1\"", "null", "true", "[]", "{}"})
    BOOST_TEST(code_of(apply_increments(std::string{"{\"n\":"} + value + "}",
                                        one("n", std::int64_t{1}))) == "not_a_number");
  BOOST_TEST(code_of(apply_increments("[]", one("n", 1.0))) == "not_an_object");
  BOOST_TEST(code_of(apply_increments("{", one("n", 1.0))) == "bad_json");
  BOOST_TEST(code_of(apply_increments("{}", one("version", 1.0))) == "reserved_name");
  BOOST_TEST(code_of(apply_increments("{}", one("\xFF", 1.0))) == "bad_utf8");
  increment_list nothing;
  nothing.Add()->set_field("n");
  BOOST_TEST(code_of(apply_increments("{}", nothing)) == "bad_increment");
  increment_list sums;
  BOOST_TEST(code_of(add_increments(sums, nothing)) == "bad_increment");
}

BOOST_AUTO_TEST_CASE(refuses_sums_beyond_int64_and_beyond_a_finite_double) {
  const auto body = [](const std::string& number) { return "{\"n\":" + number + "}"; };
  const std::int64_t up = 1;
  const std::int64_t down = -1;
  BOOST_TEST(code_of(apply_increments(body("9223372036854775807"), one("n", up))) ==
             "number_overflow");
  BOOST_TEST(code_of(apply_increments(body("-9223372036854775808"), one("n", down))) ==
             "number_overflow");
  BOOST_TEST(code_of(apply_increments(body("18446744073709551615"), one("n", down))) ==
             "number_overflow");
  BOOST_TEST(apply_increments(body("9223372036854775808"), one("n", down)).value() ==
             body("9223372036854775807"));
  BOOST_TEST(code_of(apply_increments(body("1.5e308"), one("n", 1.5e308))) == "number_overflow");
  for (const double amount :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    BOOST_TEST(code_of(apply_increments("{}", one("n", amount))) == "number_overflow");
    increment_list sums;
    BOOST_TEST(code_of(add_increments(sums, one("n", amount))) == "number_overflow");
  }
}

BOOST_AUTO_TEST_CASE(a_failed_addition_changes_nothing) {
  increment_list sums = one("a", int64_max);
  add(sums, "b", double_max);
  increment_list more = one("c", std::int64_t{1});
  add(more, "a", std::int64_t{1});
  BOOST_TEST(code_of(add_increments(sums, more)) == "number_overflow");
  BOOST_TEST(fields_of(sums) == "a b ");
  BOOST_TEST(sums.Get(0).integer() == int64_max);
  BOOST_TEST(code_of(add_increments(sums, one("b", double_max))) == "number_overflow");
  BOOST_TEST(code_of(add_increments(sums, one("a", int64_min))) == "");
  BOOST_TEST(sums.Get(0).integer() == -1);
}

BOOST_AUTO_TEST_CASE(sums_by_field_in_order_and_keeps_an_amount_of_zero) {
  increment_list sums = one("a", std::int64_t{1});
  increment_list more = one("b", std::int64_t{2});
  add(more, "a", 0.5);
  add(more, "c", std::int64_t{3});
  add(more, "c", std::int64_t{-3});
  BOOST_TEST(code_of(add_increments(sums, more)) == "");
  BOOST_TEST(fields_of(sums) == "a b c ");
  BOOST_TEST(sums.Get(0).real() == 1.5);
  BOOST_TEST(sums.Get(1).integer() == 2);
  BOOST_TEST((sums.Get(2).amount_case() == msg::Increment::kInteger));
  BOOST_TEST(apply_increments("{}", sums).value() == R"({"a":1.5,"b":2,"c":0})");
}

BOOST_AUTO_TEST_CASE(integer_sums_do_not_depend_on_order_or_grouping) {
  BOOST_TEST(rc::check("shuffled, summed first, or one by one", [] {
    const std::string body = R"({"f0":5,"f1":-7,"other":[1]})";
    const auto all = *entries();
    auto reversed = all;
    std::reverse(reversed.begin(), reversed.end());
    const auto direct = core::parse_json(*apply_increments(body, integers(all)));
    const auto backwards = core::parse_json(*apply_increments(body, integers(reversed)));
    increment_list sums;
    std::string stepwise = body;
    for (const auto& entry : all) {
      RC_ASSERT(add_increments(sums, integers({entry})).has_value());
      stepwise = *apply_increments(stepwise, integers({entry}));
    }
    const auto summed = core::parse_json(*apply_increments(body, sums));
    return *direct == *backwards && *direct == *summed && *direct == *core::parse_json(stepwise);
  }));
}

BOOST_AUTO_TEST_CASE(adding_two_lists_is_applying_one_after_the_other) {
  BOOST_TEST(rc::check("apply(apply(b, x), y) == apply(b, x + y)", [] {
    const auto first = integers(*entries());
    const auto second = integers(*entries());
    increment_list both = first;
    RC_ASSERT(add_increments(both, second).has_value());
    const auto apart = apply_increments(*apply_increments(R"({"f3":1})", first), second);
    const auto together = apply_increments(R"({"f3":1})", both);
    return *core::parse_json(*apart) == *core::parse_json(*together);
  }));
}

BOOST_AUTO_TEST_CASE(a_patch_takes_away_the_increments_of_its_fields) {
  increment_list list;
  for (const char* field : {"a", "b", "c", "d", "e"})
    add(list, field, std::int64_t{1});
  core::drop_increments_touched_by(list, *core::parse_json(R"({"d":null,"a":{"b":1},"x":1})"));
  BOOST_TEST(fields_of(list) == "b c e ");
  core::drop_increments_touched_by(list, *core::parse_json("{}"));
  BOOST_TEST(fields_of(list) == "b c e ");
  core::drop_increments_touched_by(list, *core::parse_json(R"({"b":1,"c":1,"e":1})"));
  BOOST_TEST(list.empty());
}

BOOST_AUTO_TEST_SUITE_END()
