// Undo takes back one's own edits and nothing of others.

#include "core/ot/undo_stack.hpp"

#include "core/ot/text.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

/// A text, its user, and the others.
struct undo_fixture {
  void user(std::uint64_t before, std::string_view inserted, std::uint64_t removed,
            std::int64_t at_ms) {
    const auto edit = made(before, inserted, removed);
    undo.edited(shown.invert(edit).value(), at_ms);
    BOOST_TEST(shown.apply(edit).has_value());
  }
  void others(std::uint64_t before, std::string_view inserted, std::uint64_t removed) {
    const auto edit = made(before, inserted, removed);
    undo.pass(edit);
    BOOST_TEST(shown.apply(edit).has_value());
  }
  std::string undone() {
    if (auto edit = undo.take_undo()) {
      undo.undone(shown.invert(*edit).value());
      BOOST_TEST(shown.apply(*edit).has_value());
    }
    return shown.to_string();
  }
  std::string redone() {
    if (auto edit = undo.take_redo()) {
      undo.redone(shown.invert(*edit).value());
      BOOST_TEST(shown.apply(*edit).has_value());
    }
    return shown.to_string();
  }
  operation made(std::uint64_t before, std::string_view inserted, std::uint64_t removed) const {
    operation edit;
    edit.retain(static_cast<std::uint32_t>(before));
    edit.insert(inserted);
    edit.remove(static_cast<std::uint32_t>(removed));
    BOOST_TEST(complete(edit, shown.length()).has_value());
    return edit;
  }

  text shown;
  undo_stack undo;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(undo_stacks, undo_fixture)

BOOST_AUTO_TEST_CASE(edits_within_half_a_second_are_one_group) {
  user(0, "a", 0, 1'000);
  user(1, "b", 0, 1'499);
  user(2, "c", 0, 1'900);
  user(3, "d", 0, 2'400); // After a pause.
  BOOST_TEST(undo.undo_depth() == 2U);
  BOOST_TEST(undone() == "abc");
  BOOST_TEST(undone() == "");
  BOOST_TEST(undone() == "");
  BOOST_TEST(redone() == "abc");
  BOOST_TEST(redone() == "abcd");
  BOOST_TEST(redone() == "abcd");
}

BOOST_AUTO_TEST_CASE(what_others_wrote_stays) {
  user(0, "mine", 0, 0);
  others(4, " theirs", 0);
  others(2, "-", 0);
  BOOST_TEST(shown.to_string() == "mi-ne theirs");
  BOOST_TEST(undone() == "- theirs");
}

BOOST_AUTO_TEST_CASE(what_was_removed_comes_back_among_what_others_wrote) {
  user(0, "hello world", 0, 0);
  user(0, "", 6, 10'000);
  others(5, "!", 0);
  BOOST_TEST(shown.to_string() == "world!");
  BOOST_TEST(undone() == "hello world!");
  BOOST_TEST(redone() == "world!");
}

BOOST_AUTO_TEST_CASE(what_others_have_removed_is_passed_over) {
  user(0, "one", 0, 0);
  user(3, "two", 0, 10'000);
  others(3, "", 3);
  BOOST_TEST(undone() == "");
}

BOOST_AUTO_TEST_CASE(a_new_edit_ends_what_could_be_redone) {
  user(0, "a", 0, 0);
  undone();
  user(0, "b", 0, 10);
  BOOST_TEST(undo.redo_depth() == 0U);
  BOOST_TEST(redone() == "b");
  BOOST_TEST(undone() == "");
}

BOOST_AUTO_TEST_CASE(the_oldest_are_forgotten) {
  for (int i = 0; i < 300; ++i)
    user(0, "x", 0, i * 1'000);
  BOOST_TEST(undo.undo_depth() == 200U);
}

// All of one's own is undone: what is left is what the others alone would have made.
BOOST_AUTO_TEST_CASE(with_all_undone_only_the_others_edits_are_left) {
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    shown = text{};
    undo = undo_stack{};
    std::size_t theirs = 0; // letters
    for (int step = 0; step < 20; ++step) {
      const auto model = to_utf16(shown.to_string());
      const auto at = random.place(model);
      if (random.one_in(2))
        user(at, "mine", 0, step * 1'000);
      else
        others(at, "t", 0), ++theirs;
    }
    while (undo.undo_depth() > 0)
      undone();
    HOLDS(shown.to_string() == std::string(theirs, 't'));
    while (undo.redo_depth() > 0)
      redone();
    HOLDS(shown.length() == theirs + 4 * undo.undo_depth());
  }
}

BOOST_AUTO_TEST_CASE(the_oldest_are_forgotten_where_they_hold_too_much_text) {
  undo = undo_stack{{.group_ms = 0, .groups_max = 10, .bytes_max = 8}};
  shown = text{"0123456789"};
  for (std::int64_t i = 0; i < 3; ++i)
    user(0, "", 3, i);
  BOOST_TEST(undo.undo_depth() == 2U);
  BOOST_TEST(undone() == "6789");
  user(0, "", 4, 10); // Longer than all that may be kept: it can be taken back all the same.
  BOOST_TEST(undone() == "6789");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
