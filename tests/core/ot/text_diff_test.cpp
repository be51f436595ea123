// Differences of texts whose history nobody has.

#include "core/ot/text_diff.hpp"

#include "core/ot/text.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

std::string made(std::string_view before, const operation& edit) {
  text on{before};
  const auto done = on.apply(edit);
  BOOST_TEST(done.has_value());
  return on.to_string();
}

std::size_t changed_units(const operation& edit) {
  std::size_t count = 0;
  for (const auto& each : edit.components())
    count += each.what == step::retain ? 0 : each.length;
  return count;
}

std::string repeated(std::string_view line, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    (out += std::to_string(i)) += line;
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(text_difference)

BOOST_AUTO_TEST_CASE(it_makes_the_second_text_of_the_first) {
  for (int seed = 0; seed < random_cases() / 4; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto before = random.text(random.below(120));
    text on{before};
    for (std::size_t edits = random.below(4); edits > 0; --edits)
      HOLDS(on.apply(random.keystroke(to_utf16(on.to_string()))).has_value());
    const auto after = random.one_in(4) ? random.text(random.below(120)) : on.to_string();
    HOLDS(made(before, difference(before, after)) == after);
  }
}

BOOST_AUTO_TEST_CASE(it_is_as_small_as_the_change) {
  BOOST_TEST(difference("same", "same").is_noop());
  BOOST_TEST(changed_units(difference("one two three", "one 2 three")) == 4U);
  BOOST_TEST(changed_units(difference("a\nb\nc\nd\n", "a\nB\nc\nD\n")) == 4U);
  const auto many = repeated(" a line of the text\n", 2'000);
  auto changed = many;
  changed.insert(10'000, "new\n");
  changed.erase(30'000, 5);
  changed.replace(40, 1, "é");
  BOOST_TEST(changed_units(difference(many, changed)) == 4U + 5U + 2U);
}

// "é" and "è" share their first byte, "😀" and "😁" three of four; the end of one is that of another.
BOOST_AUTO_TEST_CASE(no_character_is_cut) {
  for (const auto& [before, after] : {std::pair{"é", "è"},
                                      {"x😀y", "x😁y"},
                                      {"aéb", "aèb"},
                                      {"é", "©"},
                                      {"", "😀"},
                                      {"😀", ""},
                                      {"😀😀", "😀"}})
    BOOST_TEST(made(before, difference(before, after)) == after);
}

BOOST_AUTO_TEST_CASE(texts_that_have_nothing_in_common_are_replaced_in_time) {
  random_edits random{3};
  std::string before;
  std::string after;
  for (int i = 0; i < 40'000; ++i) {
    before += random.text(20) + "\n";
    after += random.text(20) + "\n";
  }
  BOOST_TEST((made(before, difference(before, after)) == after));
}

// Longer than what is compared by characters as a whole.
BOOST_AUTO_TEST_CASE(one_long_line_is_taken_apart_by_words) {
  const auto line = repeated(" words without an end,", 40'000);
  auto changed = line;
  changed.insert(10'000, "new");
  changed.erase(600'000, 5);
  const auto edit = difference(line, changed);
  BOOST_TEST((made(line, edit) == changed));
  BOOST_TEST(changed_units(edit) == 8U);
}

// A merge with it brought back what one had removed, and doubled what one had put back.
BOOST_AUTO_TEST_CASE(a_line_with_thousands_of_changes_is_not_replaced_as_a_whole) {
  std::string before;
  std::string after;
  for (int i = 0; i < 4'000; ++i) {
    const auto word = "word" + std::to_string(i);
    before += word + " ";
    after += word + (i % 2 == 0 ? "! " : " ");
  }
  const auto edit = difference(before, after);
  BOOST_TEST((made(before, edit) == after));
  BOOST_TEST(changed_units(edit) == 2'000U);
}

BOOST_AUTO_TEST_CASE(what_was_typed_is_merged_into_what_others_made) {
  operation mine;
  mine.retain(6);
  mine.insert("brave ");
  mine.retain(5);
  const auto moved = merge_onto("Hello world", "Well, hello world!", mine);
  BOOST_REQUIRE(moved.has_value());
  BOOST_TEST(made("Well, hello world!", moved->mine) == "Well, hello brave world!");
  BOOST_TEST(merge_onto("other", "Hello", mine).error().code == "base_length_mismatch");
}

// Everything typed is there afterwards, whatever became of the place.
BOOST_AUTO_TEST_CASE(no_character_that_was_typed_is_lost) {
  for (int seed = 0; seed < random_cases() / 10; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto base = random.text(random.below(100));
    const auto theirs = random.text(random.below(100));
    const auto mine = random.operation(to_utf16(base));
    const auto moved = merge_onto(base, theirs, mine);
    HOLDS(moved.has_value());
    HOLDS(moved->mine.text() == mine.text());
    HOLDS(made(theirs, moved->mine) == made(made(base, mine), moved->theirs));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
