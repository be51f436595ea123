// The canonical form of operations.

#include "core/ot/operation.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

BOOST_AUTO_TEST_SUITE(operation_form)

BOOST_AUTO_TEST_CASE(neighbours_of_one_kind_are_one_and_empty_ones_none) {
  operation built;
  built.retain(1);
  built.retain(0);
  built.retain(2);
  built.insert("a");
  built.insert("");
  built.insert("bé😀");
  built.remove(0);
  built.retain(4);
  const std::vector<component> expected{
    {step::retain, 3, 0}, {step::insert, 5, 8}, {step::retain, 4, 0}};
  BOOST_TEST((built.components() == expected));
  BOOST_TEST(built.text() == "abé😀");
  BOOST_TEST(built.base_length() == 7U);
  BOOST_TEST(built.target_length() == 12U);
}

BOOST_AUTO_TEST_CASE(an_insert_stands_before_the_removal_at_its_place) {
  operation one;
  one.insert("x");
  one.remove(2);
  one.insert("y");
  one.remove(1);
  operation other;
  other.remove(3);
  other.insert("xy");
  BOOST_TEST((one == other));
  const std::vector<component> expected{{step::insert, 2, 2}, {step::remove, 3, 0}};
  BOOST_TEST((one.components() == expected));
}

BOOST_AUTO_TEST_CASE(what_is_cleared_is_as_new) {
  operation one;
  one.insert("x");
  one.remove(2);
  one.clear();
  BOOST_TEST((one == operation{}));
  BOOST_TEST(one.is_noop());
  one.retain(5);
  BOOST_TEST(one.is_noop());
  one.remove(1);
  BOOST_TEST(!one.is_noop());
}

BOOST_AUTO_TEST_CASE(the_trailing_retain_is_added_where_it_is_missing) {
  operation sloppy;
  sloppy.insert("x");
  BOOST_TEST(complete(sloppy, 4).has_value());
  BOOST_TEST(sloppy.base_length() == 4U);
  BOOST_TEST(sloppy.target_length() == 5U);
  BOOST_TEST(complete(sloppy, 4).has_value());
  BOOST_TEST(sloppy.components().size() == 2U);
  const auto refused = complete(sloppy, 3);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == "base_length_mismatch");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
