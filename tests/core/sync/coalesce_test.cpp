// The rules by which two waiting mutations of one item become one (DESIGN.md section 4).

#include "core/sync/mutation.hpp"
#include "tests/core/sync/sync_builders.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <limits>
#include <string>

using namespace syncline;
using core::coalesce;
using core::coalesced;
using test::add;
using test::create;
using test::patch;
using test::plus;
using test::put;
using test::remove;

namespace {

constexpr auto int64_max = std::numeric_limits<std::int64_t>::max();

std::string shown(const msg::Mutation& mutation) {
  std::string text = msg::MutationKind_Name(mutation.kind());
  if (mutation.has_body())
    text += " body " + mutation.body();
  if (mutation.has_patch())
    text += " patch " + mutation.patch();
  for (const auto& increment : mutation.increments())
    text += " " + increment.field() + "+" + std::to_string(increment.integer());
  return text;
}

std::string folded(msg::Mutation into, const msg::Mutation& next) {
  const std::string before = into.SerializeAsString();
  const auto outcome = coalesce(into, next);
  if (!outcome)
    return outcome.error().code;
  if (*outcome == coalesced::merged)
    return shown(into);
  BOOST_TEST((into.SerializeAsString() == before));
  return *outcome == coalesced::cancelled ? "cancelled" : "separate";
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_coalesce)

// Two copies of a store folded different edits into the same waiting increment; both were sent
// under its nonce, and the second passed for the first.
BOOST_AUTO_TEST_CASE(increments_that_become_more_take_the_later_nonce) {
  const auto nonce_of = [](msg::Mutation into, msg::Mutation next) {
    into.set_nonce(1);
    next.set_nonce(2);
    BOOST_TEST((*coalesce(into, next) == coalesced::merged));
    return into.nonce();
  };
  BOOST_TEST(nonce_of(add("n", 1), put(R"({"a":1})")) == 2u);
  BOOST_TEST(nonce_of(add("n", 1), patch(R"({"a":1})")) == 2u);
  BOOST_TEST(nonce_of(add("n", 1), remove()) == 2u);
  BOOST_TEST(nonce_of(add("n", 1), add("n", 1)) == 1u);
  BOOST_TEST(nonce_of(create("{}"), add("n", 1)) == 1u);
  BOOST_TEST(nonce_of(patch(R"({"a":1})"), put("{}")) == 1u);
}

BOOST_AUTO_TEST_CASE(pairs_become_what_the_design_says) {
  BOOST_TEST(folded(create(R"({"a":1})"), patch(R"({"b":2})")) == R"(CREATE body {"a":1,"b":2})");
  BOOST_TEST(folded(create(R"({"a":1})"), put(R"({"b":2})")) == R"(CREATE body {"b":2})");
  BOOST_TEST(folded(create(R"({"n":1})"), add("n", 2)) == R"(CREATE body {"n":3})");
  BOOST_TEST(folded(patch(R"({"a":1})"), patch(R"({"b":2})")) == R"(UPDATE patch {"a":1,"b":2})");
  BOOST_TEST(folded(put(R"({"a":1})"), put(R"({"b":2})")) == R"(UPDATE body {"b":2})");
  BOOST_TEST(folded(patch(R"({"a":1})"), put(R"({"b":2})")) == R"(UPDATE body {"b":2})");
  BOOST_TEST(folded(put(R"({"a":1})"), patch(R"({"a":null})")) == "UPDATE body {}");
  BOOST_TEST(folded(create("{}"), remove()) == "cancelled");
  BOOST_TEST(folded(patch(R"({"a":1})"), remove()) == "DELETE");
  BOOST_TEST(folded(plus(put("{}"), "n", 1), remove()) == "DELETE");
  BOOST_TEST(folded(add("n", 1), remove()) == "DELETE");
  BOOST_TEST(folded(remove(), create(R"({"a":1})")) == R"(UPDATE body {"a":1})");
  BOOST_TEST(folded(patch("{}"), create(R"({"a":1})")) == R"(CREATE body {"a":1})");
}

BOOST_AUTO_TEST_CASE(increments_add_up_until_a_later_edit_sets_their_field) {
  BOOST_TEST(folded(add("n", 1), add("n", 2)) == "UPDATE n+3");
  BOOST_TEST(folded(add("n", 1), add("m", 2)) == "UPDATE n+1 m+2");
  BOOST_TEST(folded(add("n", 1), patch(R"({"a":1})")) == R"(UPDATE patch {"a":1} n+1)");
  BOOST_TEST(folded(add("n", 1), patch(R"({"n":7})")) == R"(UPDATE patch {"n":7})");
  BOOST_TEST(folded(add("n", 1), plus(patch(R"({"n":null})"), "n", 2)) ==
             R"(UPDATE patch {"n":null} n+2)");
  BOOST_TEST(folded(plus(patch(R"({"n":7})"), "n", 1), add("n", 1)) ==
             R"(UPDATE patch {"n":7} n+2)");
  BOOST_TEST(folded(add("n", 1), plus(put(R"({"n":7})"), "n", 2)) == R"(UPDATE body {"n":7} n+2)");
}

// Found by reading M14: folded into the body, it was lost where the body lost a conflict.
BOOST_AUTO_TEST_CASE(an_increment_behind_a_whole_body_stays_an_increment) {
  BOOST_TEST(folded(put(R"({"n":7})"), add("n", 1)) == R"(UPDATE body {"n":7} n+1)");
  BOOST_TEST(folded(plus(put(R"({"n":7})"), "n", 1), add("n", 1)) == R"(UPDATE body {"n":7} n+2)");
  BOOST_TEST(folded(plus(put(R"({"n":7})"), "n", 1), plus(patch(R"({"a":1})"), "m", 3)) ==
             R"(UPDATE body {"n":7,"a":1} n+1 m+3)");
  BOOST_TEST(folded(plus(put(R"({"n":7})"), "n", 1), patch(R"({"n":2})")) ==
             R"(UPDATE body {"n":2})");
}

// Refused as an error, the user's second write could not be made at all.
BOOST_AUTO_TEST_CASE(two_patches_that_no_single_patch_can_say_stay_two) {
  BOOST_TEST(folded(patch(R"({"a":null})"), patch(R"({"a":{"b":1}})")) == "separate");
  BOOST_TEST(folded(patch(R"({"a":1})"), patch(R"({"a":{}})")) == "separate");
  const std::string half(600'000, 'x');
  BOOST_TEST(folded(patch("{\"a\":\"" + half + "\"}"), patch("{\"b\":\"" + half + "\"}")) ==
             "separate");
  BOOST_TEST(folded(put("{\"a\":\"" + half + "\"}"), patch("{\"b\":\"" + half + "\"}")) ==
             "separate");
}

BOOST_AUTO_TEST_CASE(increments_that_overflow_together_stay_two) {
  BOOST_TEST(folded(add("n", int64_max), add("n", 1)) == "separate");
  BOOST_TEST(folded(plus(patch(R"({"a":1})"), "n", int64_max), plus(patch(R"({"a":2})"), "n", 1)) ==
             "separate");
}

BOOST_AUTO_TEST_CASE(an_update_behind_a_deletion_stays_apart) {
  BOOST_TEST(folded(remove(), patch("{}")) == "separate");
  BOOST_TEST(folded(remove(), add("n", 1)) == "separate");
}

BOOST_AUTO_TEST_CASE(nothing_crosses_the_edge_of_an_atomic_group) {
  for (const auto& next : {patch("{}"), remove(), add("n", 1), create("{}")})
    for (const auto& first : {patch("{}"), remove(), add("n", 1), create("{}")}) {
      auto grouped_first = first;
      grouped_first.set_group(5);
      auto grouped_next = next;
      grouped_next.set_group(5);
      BOOST_TEST(folded(grouped_first, next) == "separate");
      BOOST_TEST(folded(first, grouped_next) == "separate");
      BOOST_TEST(folded(grouped_first, grouped_next) == "separate");
    }
}

BOOST_AUTO_TEST_CASE(a_skip_takes_nothing_in) {
  BOOST_TEST(folded(test::mutation(msg::SKIP), create("{}")) == "separate");
  BOOST_TEST(folded(test::mutation(msg::SKIP), remove()) == "separate");
}

BOOST_AUTO_TEST_CASE(nonce_and_base_of_the_first_stay_and_the_time_is_the_last_ones) {
  for (const auto& next : {patch("{}"), put("{}"), add("n", 1), remove()}) {
    auto into = patch(R"({"a":1})");
    into.set_nonce(11);
    *into.mutable_base() = core::to_message(core::stamp{2, 3});
    auto later = next;
    later.set_nonce(22);
    *later.mutable_base() = core::to_message(core::stamp{2, 9});
    later.mutable_client_time()->set_wall_ms(77);
    const auto outcome = coalesce(into, later);
    BOOST_TEST((*outcome == coalesced::merged));
    BOOST_TEST(into.nonce() == 11u);
    BOOST_TEST((core::from_message(into.base()) == core::stamp{2, 3}));
    BOOST_TEST(into.client_time().wall_ms() == 77);
  }
}

BOOST_AUTO_TEST_CASE(one_merged_mutation_has_the_effect_of_both_in_order) {
  int merged_count = 0;
  BOOST_TEST(rc::check("apply(b, x + y) == apply(apply(b, x), y)", [&] {
    const test::optional_text base =
      *rc::gen::inRange(0, 4) == 0 ? test::optional_text{} : test::any_body();
    const auto first = test::any_change(base);
    const auto between = core::apply_mutation(base, first);
    RC_PRE(between.has_value());
    const auto second = test::any_change(*between);
    const auto after = core::apply_mutation(*between, second);
    RC_PRE(after.has_value());
    auto merged = first;
    const auto outcome = coalesce(merged, second);
    RC_ASSERT(outcome.has_value());
    if (*outcome == coalesced::cancelled) {
      RC_ASSERT(test::same_json(base, *after));
      return;
    }
    if (*outcome == coalesced::separate) {
      RC_ASSERT(merged.SerializeAsString() == first.SerializeAsString());
      RC_ASSERT(((first.has_patch() && second.has_patch()) || first.kind() == msg::DELETE));
      return;
    }
    ++merged_count;
    RC_ASSERT(core::validate_mutation(merged).has_value());
    const auto together = core::apply_mutation(base, merged);
    RC_ASSERT(together.has_value());
    RC_ASSERT(test::same_json(*together, *after));
  }));
  BOOST_TEST(merged_count > 30);
}

BOOST_AUTO_TEST_CASE(merged_updates_have_the_effect_of_both_on_any_other_item_too) {
  BOOST_TEST(rc::check("a queued update may meet a winner it was not made on", [] {
    const test::optional_text base = test::any_body();
    const auto first = test::any_change(base, false);
    const auto between = core::apply_mutation(base, first);
    RC_PRE(between.has_value());
    const auto second = test::any_change(*between, false);
    auto merged = first;
    const auto outcome = coalesce(merged, second);
    RC_PRE((outcome.has_value() && *outcome == coalesced::merged));
    const test::optional_text other = test::any_body();
    const auto one = core::apply_mutation(other, first);
    RC_PRE(one.has_value());
    const auto both = core::apply_mutation(*one, second);
    RC_PRE(both.has_value());
    const auto together = core::apply_mutation(other, merged);
    RC_ASSERT(together.has_value());
    RC_ASSERT(test::same_json(*together, *both));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
