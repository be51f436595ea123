// Several who show one text edit it, each in what he has seen of it.

#include "core/ot/shown_history.hpp"

#include "core/ot/transform.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

/// A text that is shown, and what was done to it.
struct shown_text {
  explicit shown_text(std::string_view utf8, shown_history::limits how = {})
    : now{utf8}, history{how} {
    history.keep_bytes();
  }
  void take(const operation& edit, bool is_remote) {
    history.note(edit, now, is_remote);
    BOOST_REQUIRE(now.apply(edit).has_value());
  }
  text now;
  shown_history history;
};

/// An edit of bytes, done to bytes.
std::string done_to_bytes(const std::string& before, const operation& bytes) {
  std::string after;
  std::size_t at = 0;
  for (component_reader from{bytes}; !from.is_at_end(); from.skip()) {
    if (from.is(step::insert)) {
      after += from.text();
      continue;
    }
    if (from.is(step::retain))
      after += before.substr(at, from.left());
    at += from.left();
  }
  return after;
}

} // namespace

BOOST_AUTO_TEST_SUITE(shown_histories)

BOOST_AUTO_TEST_CASE(an_edit_in_bytes_is_the_same_edit) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto before = random.document();
    const auto edit = random.operation(to_utf16(before));
    const text on{before};
    const auto bytes = in_bytes(edit, on);
    auto after = on;
    HOLDS(after.apply(edit).has_value());
    HOLDS(done_to_bytes(before, bytes) == after.to_string());
    HOLDS(in_units(bytes, on).value() == edit);
  }
}

// Two widgets, one of which lags behind: what each shows is the text, whatever they count in.
BOOST_AUTO_TEST_CASE(who_has_not_seen_everything_may_edit_all_the_same) {
  for (int seed = 0; seed < random_cases() / 10; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    shown_text shown{random.document()};
    const auto units = seed % 2 == 0 ? text_units::utf16 : text_units::utf8;
    auto widget = shown.now;
    std::uint64_t seen = 0;
    for (int step = 0; step < 20; ++step) {
      if (!random.one_in(3)) {
        shown.take(random.operation(to_utf16(shown.now.to_string())), true);
        continue;
      }
      const auto typed = random.operation(to_utf16(widget.to_string()));
      const auto missed = shown.history.after(seen, units).value();
      auto met =
        meet(units == text_units::utf8 ? in_bytes(typed, widget) : typed, missed, units).value();
      HOLDS(widget.apply(typed).has_value());
      for (const auto& each : met.missed) {
        const auto edit = units == text_units::utf8 ? in_units(each, widget).value() : each;
        HOLDS(widget.apply(edit).has_value());
      }
      shown.take(units == text_units::utf8 ? in_units(met.edit, shown.now).value() : met.edit,
                 false);
      HOLDS(widget.to_string() == shown.now.to_string());
      seen = shown.history.version();
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_known_any_more_is_said_to_be) {
  constexpr std::size_t each_bytes = 2 * sizeof(component);
  shown_text shown{"", {.changes_max = 2, .bytes_max = 2 * each_bytes + 6}};
  const auto insert = [&](std::string_view what) {
    operation edit;
    edit.insert(what);
    BOOST_TEST(complete(edit, shown.now.length()).has_value());
    shown.take(edit, true);
  };
  insert("a");
  insert("b");
  insert("c");
  BOOST_TEST(shown.history.version() == 3U);
  BOOST_TEST(shown.history.after(3, text_units::utf8)->empty());
  BOOST_TEST(shown.history.after(1, text_units::utf8)->size() == 2U);
  BOOST_TEST(shown.history.after(0, text_units::utf16).error().code == "stale_version");
  BOOST_TEST(shown.history.after(4, text_units::utf16).error().code == "stale_version");
  insert("defghijklmnopqrstuvwxyz, and more than that");
  BOOST_TEST(shown.history.after(2, text_units::utf16).error().code == "stale_version");
  BOOST_TEST(shown.history.after(3, text_units::utf16)->size() == 1U);
  shown.history.begin_at(100);
  insert("x");
  BOOST_TEST(shown.history.after(100, text_units::utf16)->size() == 1U);
  BOOST_TEST(shown.history.after(4, text_units::utf16).error().code == "stale_version");
}

BOOST_AUTO_TEST_CASE(bytes_are_known_from_when_somebody_counts_them) {
  shown_history history;
  operation edit;
  edit.insert("ä");
  history.note(edit, text{}, true);
  history.keep_bytes();
  operation next;
  next.retain(1);
  next.remove(0);
  next.insert("b");
  history.note(next, text{"ä"}, true);
  BOOST_TEST(history.after(0, text_units::utf8).error().code == "stale_version");
  BOOST_TEST(history.after(0, text_units::utf16)->size() == 2U);
  BOOST_TEST(history.after(1, text_units::utf8)->front()->bytes->base_length() == 2U);
}

BOOST_AUTO_TEST_CASE(bytes_inside_a_character_are_refused) {
  operation edit;
  edit.retain(1);
  edit.insert("x");
  edit.retain(1);
  BOOST_TEST(in_units(edit, text{"ä"}).error().code == "splits_character");
  edit.retain(1);
  BOOST_TEST(in_units(edit, text{"ä"}).error().code == "splits_character");
  operation beyond;
  beyond.retain(3);
  BOOST_TEST(in_units(beyond, text{"ä"}).error().code == "bad_length");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
