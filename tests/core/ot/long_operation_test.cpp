// A long operation passes over others as `transform` would have it, to the component.

#include "core/ot/long_operation.hpp"

#include "core/ot/transform.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

BOOST_AUTO_TEST_SUITE(long_operations)

BOOST_AUTO_TEST_CASE(each_step_is_that_of_transform) {
  std::size_t longest = 0;
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    auto others_text = to_utf16(random.text(random.below(random.one_in(3) ? 3'000 : 60)));
    auto plain = random.operation(others_text);
    longest = std::max(longest, plain.components().size());
    long_operation pending{plain};
    for (std::size_t steps = 0; steps < 20; ++steps) {
      const auto other =
        random.one_in(5) ? random.operation(others_text) : random.keystroke(others_text);
      operation next;
      operation over;
      operation passed;
      HOLDS(transform(plain, other, tie::a, next, over).has_value());
      HOLDS(pending.pass_over(other, passed).has_value());
      plain = next;
      HOLDS(pending.to_operation() == plain);
      HOLDS(passed == over);
      HOLDS(pending.base_length() == plain.base_length());
      HOLDS(pending.target_length() == plain.target_length());
      others_text = applied(others_text, other);
    }
  }
  BOOST_TEST(longest > 300U); // Many blocks.
}

BOOST_AUTO_TEST_CASE(one_for_another_text_changes_nothing) {
  operation mine;
  mine.retain(3);
  mine.insert("x");
  long_operation pending{mine};
  operation other;
  other.retain(4);
  operation over;
  const auto refused = pending.pass_over(other, over);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == "base_length_mismatch");
  BOOST_TEST((pending.to_operation() == mine));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
