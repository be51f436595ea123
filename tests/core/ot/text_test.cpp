// The text store against a plain string.

#include "core/ot/text.hpp"

#include "core/ot/utf16.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

BOOST_AUTO_TEST_SUITE(text_store)

BOOST_AUTO_TEST_CASE(edits_do_what_they_do_to_a_plain_string) {
  for (int seed = 0; seed < random_cases() / 4; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    text one{random.document()};
    auto model = to_utf16(one.to_string());
    for (std::size_t i = 0; i < 4; ++i) {
      const auto made = random.one_in(2) ? random.operation(model) : random.keystroke(model);
      HOLDS(one.apply(made).has_value());
      model = applied(model, made);
      HOLDS(to_utf16(one.to_string()) == model);
      HOLDS(one.length() == model.size());
      HOLDS(one.bytes() == one.to_string().size());
    }
  }
}

// Long enough for many pages, which are made and emptied again.
BOOST_AUTO_TEST_CASE(a_long_text_keeps_its_order_while_it_grows_and_shrinks) {
  random_edits random{7};
  text one;
  std::u16string model;
  const int seed = 7;
  for (int round = 0; round < 3'000; ++round) {
    operation made;
    const auto at = random.place(model);
    const bool grows = round < 1'500;
    made.retain(static_cast<std::uint32_t>(at));
    auto end = at;
    if (grows)
      made.insert(random.text(random.one_in(20) ? 9'000 : 300));
    else
      end = std::min(model.size(), at + random.below(random.one_in(20) ? 20'000 : 900));
    while (!is_between_characters(model, end))
      ++end;
    made.remove(static_cast<std::uint32_t>(end - at));
    made.retain(static_cast<std::uint32_t>(model.size() - end));
    HOLDS(one.apply(made).has_value());
    model = applied(model, made);
    HOLDS(one.length() == model.size());
    if (round % 100 == 0)
      HOLDS(to_utf16(one.to_string()) == model);
  }
  HOLDS(to_utf16(one.to_string()) == model);
}

BOOST_AUTO_TEST_CASE(offsets_of_bytes_and_of_units_are_one_place) {
  for (int seed = 0; seed < random_cases() / 10; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const text one{random.document()};
    const auto whole = one.to_string();
    const auto model = to_utf16(whole);
    const auto position = random.below(model.size() + 1);
    const auto byte = one.byte_at(position);
    HOLDS(byte.has_value() == is_between_characters(model, position));
    if (!byte)
      continue;
    HOLDS(to_utf16(whole.substr(0, *byte)) == model.substr(0, position));
    HOLDS(one.units_at(*byte).value() == position);
    const auto units = random.place(model.substr(position));
    HOLDS(to_utf16(one.slice(position, units).value()) == model.substr(position, units));
  }
}

BOOST_AUTO_TEST_CASE(what_cuts_a_pair_changes_nothing) {
  text one{"a😀b"};
  for (const auto& [before, removed] : {std::pair{2U, 0U}, {0U, 2U}, {2U, 1U}}) {
    operation cut;
    cut.retain(before);
    cut.insert("x");
    cut.remove(removed);
    BOOST_TEST(complete(cut, one.length()).has_value());
    const auto refused = one.apply(cut);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().code == "splits_surrogate_pair");
    BOOST_TEST(one.invert(cut).error().code == "splits_surrogate_pair");
    BOOST_TEST(one.to_string() == "a😀b");
  }
  BOOST_TEST(one.slice(2, 1).error().code == "splits_surrogate_pair");
  BOOST_TEST(one.slice(0, 2).error().code == "splits_surrogate_pair");
  BOOST_TEST(one.slice(0, 5).error().code == "bad_length");
  BOOST_TEST(one.units_at(2).error().code == "splits_character");
  BOOST_TEST(one.units_at(99).error().code == "bad_length");
  BOOST_TEST(one.byte_at(5).error().code == "bad_length");
}

BOOST_AUTO_TEST_CASE(an_operation_for_another_length_changes_nothing) {
  text one{"abc"};
  operation wrong;
  wrong.retain(2);
  wrong.insert("x");
  const auto refused = one.apply(wrong);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == "base_length_mismatch");
  BOOST_TEST(one.to_string() == "abc");
}

BOOST_AUTO_TEST_CASE(utf16_is_counted_as_browsers_do) {
  for (int seed = 0; seed < 2'000; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto utf8 = random.text(random.below(100));
    const auto model = to_utf16(utf8);
    HOLDS(utf16_length(utf8) == model.size());
    for (std::size_t units = 0; units <= model.size(); ++units) {
      const auto byte = byte_offset(utf8, units);
      HOLDS(byte.has_value() == is_between_characters(model, units));
      if (byte)
        HOLDS(to_utf16(utf8.substr(0, *byte)) == model.substr(0, units));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
