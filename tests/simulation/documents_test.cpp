// Shared texts while everything fails: promises 11 and 12.

#include "tests/simulation/text_world.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

using namespace syncline;
using namespace syncline::tests;

namespace {

std::uint64_t seeds() {
  const char* wanted = std::getenv("SYNCLINE_TEXT_SEEDS");
  return wanted ? static_cast<std::uint64_t>(std::atoll(wanted)) : 60;
}

// Half of the runs have each of the faults that `may` names.
text_faults chosen(std::uint64_t seed, const text_faults& may) {
  random_edits random{seed * 13 + 1};
  const auto flip = [&](bool is_possible) { return is_possible && random.one_in(2); };
  text_faults made;
  made.removes = may.removes;
  made.undoes = may.undoes;
  made.cuts = flip(may.cuts);
  made.crashes = flip(may.crashes);
  made.trims = flip(may.trims);
  made.restores = may.restores;
  made.copies = may.copies;
  made.disk_full = flip(may.disk_full);
  return made;
}

template <class Look>
void play(const text_faults& may, std::uint64_t offset, const Look& look) {
  std::map<std::string, std::uint64_t> counted;
  std::size_t typed = 0;
  for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
    text_world texts{seed + offset, chosen(seed + offset, may), 2 + static_cast<int>(seed % 3)};
    for (int i = 0; i < texts.world().clients(); ++i)
      texts.show(i);
    for (int i = 0; i < 60; ++i)
      texts.act();
    texts.heal();
    const auto disagreement = texts.disagreement();
    BOOST_REQUIRE_MESSAGE(disagreement.empty(), "seed " << seed + offset << ": " << disagreement);
    look(seed + offset, texts);
    typed += texts.promised();
    for (const auto& [what, count] : texts.world().counts().all())
      counted[what] += count;
  }
  for (const auto& [what, count] : counted)
    BOOST_TEST_MESSAGE("  " << what << ": " << count);
  BOOST_TEST(typed > seeds() * 20);
}

constexpr text_faults all_but_history{.removes = false,
                                      .undoes = false,
                                      .cuts = true,
                                      .crashes = true,
                                      .trims = true,
                                      .restores = false,
                                      .copies = false,
                                      .disk_full = true};

} // namespace

BOOST_AUTO_TEST_SUITE(simulated_documents)

BOOST_AUTO_TEST_CASE(nothing_typed_is_lost_or_doubled) {
  play(all_but_history, 0, [](std::uint64_t seed, text_world& texts) {
    const auto wrong = texts.lost_or_doubled();
    BOOST_REQUIRE_MESSAGE(wrong.empty(), "seed " << seed << ": " << wrong);
  });
}

BOOST_AUTO_TEST_CASE(nothing_is_doubled_whatever_is_removed) {
  auto may = all_but_history;
  may.removes = true;
  play(may, 10'000, [](std::uint64_t seed, text_world& texts) {
    const auto wrong = texts.lost_or_doubled();
    BOOST_REQUIRE_MESSAGE(wrong.empty(), "seed " << seed << ": " << wrong);
  });
}

// What two have removed at once, and both undo, is there twice: each undoes what he has done.
BOOST_AUTO_TEST_CASE(all_agree_whatever_is_removed_and_undone) {
  auto may = all_but_history;
  may.removes = may.undoes = true;
  play(may, 40'000, [](std::uint64_t, text_world&) {});
}

// What a restored server has lost is in the text again, or is kept for somebody.
BOOST_AUTO_TEST_CASE(nothing_typed_is_lost_with_a_server_that_was_restored) {
  auto may = all_but_history;
  may.restores = true;
  play(may, 20'000, [](std::uint64_t seed, text_world& texts) {
    const auto wrong = texts.lost_or_doubled();
    BOOST_REQUIRE_MESSAGE(wrong.empty(), "seed " << seed << ": " << wrong);
  });
}

BOOST_AUTO_TEST_CASE(all_agree_after_stores_were_copied_and_rolled_back) {
  auto may = all_but_history;
  may.copies = may.restores = true;
  play(may, 30'000, [](std::uint64_t, text_world&) {});
}

BOOST_AUTO_TEST_SUITE_END()
