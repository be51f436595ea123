#include "core/data/json_value.hpp"

#include "core/ensure.hpp"
#include "json_generator.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace syncline;
using core::json_kind;
using core::json_value;
using core::member_index;

namespace {

json_value shuffled(const json_value& object) {
  auto members = object.members();
  std::reverse(members.begin(), members.end());
  return json_value::object(std::move(members));
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_json_value)

BOOST_AUTO_TEST_CASE(each_integer_has_one_kind) {
  constexpr auto int64_max = std::numeric_limits<std::int64_t>::max();
  BOOST_TEST((json_value::unsigned_integer(7).kind() == json_kind::integer));
  BOOST_TEST((json_value::unsigned_integer(std::uint64_t{int64_max}).kind() == json_kind::integer));
  BOOST_TEST((json_value::unsigned_integer(std::uint64_t{int64_max} + 1).kind() ==
              json_kind::unsigned_integer));
}

BOOST_AUTO_TEST_CASE(numbers_are_equal_by_exact_value) {
  const auto integer = [](std::int64_t value) { return json_value::integer(value); };
  const auto real = [](double value) { return json_value::real(value); };
  BOOST_TEST((integer(1) == real(1.0)));
  BOOST_TEST((real(-0.0) == integer(0)));
  BOOST_TEST(!(integer(1) == real(1.5)));
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  BOOST_TEST(!(integer(odd) == real(9007199254740992.0)));
  BOOST_TEST((integer(odd - 1) == real(9007199254740992.0)));
  BOOST_TEST(!(integer(std::numeric_limits<std::int64_t>::max()) == real(9223372036854775808.0)));
  BOOST_TEST((integer(std::numeric_limits<std::int64_t>::min()) == real(-9223372036854775808.0)));
  const auto two_to_63 = json_value::unsigned_integer(std::uint64_t{1} << 63);
  BOOST_TEST((two_to_63 == real(9223372036854775808.0)));
  BOOST_TEST(!(two_to_63 == real(18446744073709551616.0)));
  BOOST_TEST(!(two_to_63 == integer(std::numeric_limits<std::int64_t>::min())));
  BOOST_TEST(!(integer(1) == json_value::boolean(true)));
  BOOST_TEST(!(integer(0) == json_value::null()));
}

BOOST_AUTO_TEST_CASE(objects_are_equal_whatever_their_order_and_arrays_are_not) {
  BOOST_TEST(rc::check("reversed members", [] {
    const json_value object = *test::objects();
    return shuffled(object) == object && object == shuffled(object);
  }));
  BOOST_TEST(rc::check("one member less or another value", [] {
    const json_value object = *test::objects();
    RC_PRE(!object.members().empty());
    json_value less = object;
    less.members().pop_back();
    json_value other = shuffled(object);
    other.members().front().second = json_value::string("another value");
    return !(less == object) && !(other == object);
  }));
  const auto one = json_value::integer(1);
  const auto two = json_value::integer(2);
  BOOST_TEST(!(json_value::array({one, two}) == json_value::array({two, one})));
}

BOOST_AUTO_TEST_CASE(set_replaces_in_place_and_erase_removes) {
  auto object = json_value::object();
  object.set("a", json_value::integer(1));
  object.set("b", json_value::integer(2));
  object.set("a", json_value::integer(3));
  BOOST_TEST(object.members().size() == 2u);
  BOOST_TEST(object.members()[0].first == "a");
  BOOST_TEST(object.find("a")->as_integer() == 3);
  BOOST_TEST(object.erase("a"));
  BOOST_TEST(!object.erase("a"));
  BOOST_TEST(object.find("a") == nullptr);
  BOOST_TEST(json_value::integer(1).find("a") == nullptr);
}

BOOST_AUTO_TEST_CASE(asking_for_the_wrong_kind_is_a_broken_invariant) {
  const auto one = json_value::integer(1);
  BOOST_CHECK_THROW(static_cast<void>(one.as_string()), core::broken_invariant);
  BOOST_CHECK_THROW(static_cast<void>(one.members()), core::broken_invariant);
  BOOST_CHECK_THROW(static_cast<void>(one.as_real()), core::broken_invariant);
}

BOOST_AUTO_TEST_CASE(an_index_finds_the_members_that_were_there_when_it_was_made) {
  for (const std::size_t count : {0u, 1u, 16u, 17u, 500u}) {
    json_value::object_type members;
    for (std::size_t i = 0; i < count; ++i)
      members.emplace_back("name" + std::to_string(i * 37 % count), json_value::integer(1));
    const member_index index{members};
    members.emplace_back("later", json_value::null());
    for (std::size_t i = 0; i < count; ++i)
      BOOST_TEST((index.position(members[i].first) == i));
    BOOST_TEST((index.find("later") == nullptr));
    BOOST_TEST((index.find("") == nullptr));
  }
}

BOOST_AUTO_TEST_SUITE_END()
