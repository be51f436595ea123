// The laws of the algebra, and the decisions it takes at ties.

#include "core/ot/transform.hpp"

#include "core/ot/long_operation.hpp"
#include "core/ot/text.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

operation edit(std::uint32_t before, std::string_view inserted, std::uint32_t removed,
               std::uint32_t after) {
  operation made;
  made.retain(before);
  made.insert(inserted);
  made.remove(removed);
  made.retain(after);
  return made;
}

std::string after(std::string_view on, std::initializer_list<operation> edits) {
  text made{on};
  for (const auto& each : edits)
    BOOST_TEST(made.apply(each).has_value());
  return made.to_string();
}

struct pair_of_primes {
  operation a;
  operation b;
};

pair_of_primes primes(const operation& a, const operation& b, tie first = tie::a) {
  pair_of_primes made;
  BOOST_TEST(transform(a, b, first, made.a, made.b).has_value());
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(algebra)

// TP1, and composition with what was transformed: both ways round the square are one operation.
BOOST_AUTO_TEST_CASE(both_orders_end_in_one_text) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto base = to_utf16(random.document());
    const auto a = random.operation(base);
    const auto b = random.operation(base);
    const auto first = random.one_in(2) ? tie::a : tie::b;
    pair_of_primes made;
    HOLDS(transform(a, b, first, made.a, made.b).has_value());
    const auto end = applied(applied(base, a), made.b);
    HOLDS(end == applied(applied(base, b), made.a));
    operation over_a;
    operation over_b;
    HOLDS(compose(a, made.b, over_a).has_value());
    HOLDS(compose(b, made.a, over_b).has_value());
    HOLDS(applied(base, over_a) == end);
    HOLDS(applied(base, over_b) == end);
    HOLDS(over_a.target_length() == end.size());
  }
}

BOOST_AUTO_TEST_CASE(composition_is_doing_one_after_the_other) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    auto now = to_utf16(random.document());
    const auto base = now;
    std::vector<operation> edits;
    for (std::size_t i = 0; i <= random.below(6); ++i) {
      edits.push_back(random.operation(now));
      now = applied(now, edits.back());
    }
    const auto tree = compose_all(edits);
    HOLDS(tree.has_value());
    HOLDS(applied(base, *tree) == now);
    operation fold = edits.front();
    for (std::size_t i = 1; i < edits.size(); ++i) {
      operation next;
      HOLDS(compose(fold, edits[i], next).has_value());
      fold = next;
    }
    HOLDS(applied(base, fold) == now);
    HOLDS(fold.base_length() == tree->base_length());
  }
}

BOOST_AUTO_TEST_CASE(the_inverse_undoes) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto before = random.document();
    text one{before};
    const auto made = random.operation(to_utf16(before));
    const auto inverse = one.invert(made);
    HOLDS(inverse.has_value());
    HOLDS(one.apply(made).has_value());
    const auto again = one.invert(*inverse);
    HOLDS(one.apply(*inverse).has_value());
    HOLDS(one.to_string() == before);
    HOLDS(again.has_value() && one.apply(*again).has_value());
    HOLDS(to_utf16(one.to_string()) == applied(to_utf16(before), made));
  }
}

// The text on both sides of a caret stays on that side, as far as it stays.
BOOST_AUTO_TEST_CASE(a_caret_stays_between_what_it_was_between) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto base = to_utf16(random.document());
    const auto made = random.operation(base);
    const auto caret = random.place(base);
    const auto left = transform_position(made, caret, bias::left);
    const auto right = transform_position(made, caret, bias::right);
    const auto end = applied(base, made);
    HOLDS(left <= right);
    HOLDS(right <= end.size());
    HOLDS(is_between_characters(end, left));
    HOLDS(is_between_characters(end, right));
    // A mark that is written there goes where the caret went. It is one of the private use area.
    operation mark;
    mark.retain(static_cast<std::uint32_t>(caret));
    mark.insert("\xEE\x80\x80");
    mark.retain(static_cast<std::uint32_t>(base.size() - caret));
    const auto stays_left = primes(mark, made, tie::a);
    HOLDS(applied(end, stays_left.a).find(u'\uE000') == left);
    const auto goes_right = primes(mark, made, tie::b);
    HOLDS(applied(end, goes_right.a).find(u'\uE000') == right);
  }
}

BOOST_AUTO_TEST_CASE(the_incoming_insert_goes_first_at_a_tie) {
  const auto a = edit(1, "A", 0, 1);
  const auto b = edit(1, "B", 0, 1);
  BOOST_TEST(after("xy", {b, primes(a, b, tie::a).a}) == "xABy");
  BOOST_TEST(after("xy", {b, primes(a, b, tie::b).a}) == "xBAy");
}

BOOST_AUTO_TEST_CASE(what_both_remove_is_removed_once) {
  const auto a = edit(1, "", 3, 1);
  const auto b = edit(2, "", 3, 0);
  const auto made = primes(a, b);
  BOOST_TEST(after("abcde", {b, made.a}) == "a");
  BOOST_TEST(after("abcde", {a, made.b}) == "a");
}

// Deletion against retention, which published samples get wrong.
BOOST_AUTO_TEST_CASE(what_one_inserts_into_anothers_removal_stays) {
  const auto removal = edit(1, "", 3, 1);
  const auto insert = edit(2, "XY", 0, 3);
  BOOST_TEST(after("abcde", {insert, primes(removal, insert).a}) == "aXYe");
  BOOST_TEST(after("abcde", {removal, primes(removal, insert).b}) == "aXYe");
}

BOOST_AUTO_TEST_CASE(operations_on_different_texts_do_not_meet) {
  operation out;
  operation other;
  const auto refused = transform(edit(1, "a", 0, 0), edit(2, "b", 0, 0), tie::a, out, other);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == "base_length_mismatch");
  const auto unfit = compose(edit(1, "a", 0, 0), edit(1, "b", 0, 0), out);
  BOOST_REQUIRE(!unfit.has_value());
  BOOST_TEST(unfit.error().code == "base_length_mismatch");
}

// Each length alone is one that a component can say; their sum wrapped round, and what was made of
// the two said that it is for a short text.
BOOST_AUTO_TEST_CASE(lengths_that_wrap_round_wrote_behind_the_text) {
  operation huge;
  huge.retain(length_max);
  huge.retain(length_max);
  huge.retain(length_max);
  huge.retain(length_max);
  huge.insert("x");
  BOOST_TEST(huge.components().front().length == 0U); // The sum of the four.
  operation out;
  operation other;
  BOOST_TEST(transform(huge, huge, tie::a, out, other).error().code == "too_large");
  operation follows;
  follows.remove(length_max);
  follows.remove(length_max);
  follows.remove(length_max);
  follows.remove(length_max);
  follows.remove(1);
  BOOST_TEST(compose(huge, follows, out).error().code == "too_large");
  long_operation blocks{huge};
  BOOST_TEST(blocks.pass_over(huge, out).error().code == "too_large");
}

BOOST_AUTO_TEST_CASE(no_composition_cuts_a_pair_that_was_inserted) {
  operation out;
  const auto cut = compose(edit(0, "a😀", 0, 0), edit(2, "", 1, 0), out);
  BOOST_REQUIRE(!cut.has_value());
  BOOST_TEST(cut.error().code == "splits_surrogate_pair");
  BOOST_TEST(compose(edit(0, "a😀", 0, 0), edit(1, "", 2, 0), out).has_value());
  BOOST_TEST(out.text() == "a");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
