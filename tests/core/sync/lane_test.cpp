#include "core/sync/lane.hpp"

#include "core/sync/backoff.hpp"
#include "tests/core/sync/sync_builders.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

using namespace syncline;
using core::answer;
using core::encounter;
using core::entry_fate;
using core::item_view;
using core::meet;
using core::settle;
using core::visible;
using test::add;
using test::create;
using test::lane_on;
using test::patch;
using test::put;
using test::remove;
using test::row;
using test::sent_lane_on;
using test::synced;
using test::tombstone;

namespace {

const std::optional<item_view> nothing;

// What the user sees: "body STATUS".
std::string seen(const core::lane& lane, const std::optional<item_view>& base) {
  const auto item = visible(lane, base);
  return (item.exists ? item.body : "nothing") + " " + std::string{to_string(item.status)};
}

std::uint64_t base_seq(const core::lane& lane) {
  return lane.record.base().seq();
}

entry_fate answered(core::lane& lane, const msg::MutationResult& result,
                    const std::optional<item_view>& base) {
  return answer(lane, result, base, nullptr, 0).fate;
}

bool entries_agree(const core::lane& lane) {
  if (lane.record.entries_size() != static_cast<int>(lane.entries.size()))
    return false;
  for (int i = 0; i < lane.record.entries_size(); ++i)
    if (lane.record.entries(i) != lane.entries[static_cast<std::size_t>(i)].local_seq())
      return false;
  return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_lane)

BOOST_AUTO_TEST_CASE(an_item_without_a_lane_is_its_base_row) {
  BOOST_TEST(seen({}, nothing) == "nothing SYNCED");
  BOOST_TEST(seen({}, row(5, R"({"a":1})")) == R"({"a":1} SYNCED)");
  BOOST_TEST(seen({}, tombstone(5)) == "nothing SYNCED");
  BOOST_TEST(visible({}, row(5, "{}")).header.version == 105u);
}

BOOST_AUTO_TEST_CASE(waiting_mutations_are_applied_in_order_on_the_base_row) {
  const auto base = row(5, R"({"a":1,"n":1})");
  const auto lane = lane_on(base, {patch(R"({"a":2})"), add("n", 1), patch(R"({"b":3})")});
  BOOST_TEST(seen(lane, base) == R"({"a":2,"n":2,"b":3} PENDING)");
  BOOST_TEST((visible(lane, base).header == base.header));
  BOOST_TEST(seen(lane_on(base, {remove()}), base) == "nothing PENDING");
  BOOST_TEST(seen(lane_on(nothing, {create("{}")}), nothing) == "{} PENDING");
  BOOST_TEST(seen(lane_on(base, {remove(), create(R"({"c":1})")}), base) == R"({"c":1} PENDING)");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_applied_shows_no_effect_and_hides_nothing_else) {
  const auto base = row(5, R"({"a":"x"})");
  const auto lane = lane_on(base, {patch(R"({"b":1})"), add("a", 1), patch(R"({"c":1})")});
  BOOST_TEST(seen(lane, base) == R"({"a":"x","b":1,"c":1} PENDING)");
}

BOOST_AUTO_TEST_CASE(a_skip_shows_no_effect) {
  const auto base = row(5, R"({"a":1})");
  BOOST_TEST(seen(lane_on(base, {test::mutation(msg::SKIP)}), base) == R"({"a":1} PENDING)");
}

BOOST_AUTO_TEST_CASE(the_status_names_what_is_wrong) {
  const auto base = row(5, R"({"a":1})");
  auto lane = lane_on(base, {patch(R"({"a":2})")});
  lane.record.add_quarantined(9);
  BOOST_TEST(seen(lane, base) == R"({"a":2} FAILED)");
  core::lane only_quarantined;
  only_quarantined.record.add_quarantined(9);
  BOOST_TEST(seen(only_quarantined, base) == R"({"a":1} FAILED)");
  lane.record.set_parked_by(3);
  BOOST_TEST(seen(lane, base) == R"({"a":2} CONFLICT)");
  test::push(lane, remove());
  BOOST_TEST(seen(lane, base) == "nothing DELETE_CONFLICT");
}

BOOST_AUTO_TEST_CASE(a_parked_lane_goes_on_showing_the_users_own_version) {
  const auto base = row(5, R"({"a":1})");
  auto lane = lane_on(base, {patch(R"({"b":2})")});
  lane.record.set_parked_by(3);
  const auto theirs = row(9, R"({"a":7})");
  BOOST_TEST((meet(lane, theirs, {9}) == encounter::agrees));
  BOOST_TEST(seen(lane, theirs) == R"({"a":1,"b":2} CONFLICT)");
  test::push(lane, patch(R"({"c":3})"));
  BOOST_TEST(seen(lane, theirs) == R"({"a":1,"b":2,"c":3} CONFLICT)");
}

BOOST_AUTO_TEST_CASE(a_new_lane_stands_on_the_base_row_and_a_used_one_stays_where_it_is) {
  core::lane lane;
  core::begin_on(lane, row(5, "{}"));
  BOOST_TEST(base_seq(lane) == 5u);
  core::begin_on(lane, row(6, R"({"a":1})"));
  BOOST_TEST(base_seq(lane) == 6u);
  BOOST_TEST(lane.record.kept_body() == R"({"a":1})");
  BOOST_TEST(lane.record.kept_version() == 106u);
  test::push(lane, patch("{}"));
  core::begin_on(lane, row(7, "{}"));
  BOOST_TEST(base_seq(lane) == 6u);
  core::lane empty;
  core::begin_on(empty, nothing);
  BOOST_TEST((!empty.record.has_base() && !empty.record.has_kept_body()));
  core::begin_on(empty, tombstone(8));
  BOOST_TEST((base_seq(empty) == 8u && !empty.record.has_kept_body()));
}

BOOST_AUTO_TEST_CASE(an_idle_lane_forgets_what_only_mattered_while_something_waited) {
  auto lane = lane_on(row(5, "{}"), {patch("{}")});
  lane.record.set_undecided(true);
  core::clear_if_idle(lane);
  BOOST_TEST((lane.record.undecided() && base_seq(lane) == 5u));
  lane.entries.clear();
  lane.record.clear_entries();
  lane.record.set_parked_by(1);
  lane.record.set_met_is_set(true);
  lane.record.mutable_met();
  lane.record.add_quarantined(4);
  core::clear_if_idle(lane);
  const auto& record = lane.record;
  BOOST_TEST((!record.undecided() && record.parked_by() == 0 && !record.met_is_set() &&
              !record.has_met() && !record.has_base() && !record.has_kept_body()));
  BOOST_TEST(record.quarantined_size() == 1);
}

BOOST_AUTO_TEST_CASE(p14_a_rolled_back_write_leaves_the_confirmed_value_and_the_later_writes) {
  BOOST_TEST(rc::check("base + (three stacked entries - any one) == base + the other two", [] {
    const test::optional_text confirmed = test::any_body();
    const auto base = row(5, *confirmed);
    std::vector<msg::Mutation> changes;
    test::optional_text body = confirmed;
    for (int i = 0; i < 3; ++i) {
      changes.push_back(test::any_change(body));
      body = test::applied(body, changes.back());
    }
    auto lane = lane_on(base, changes);
    const bool gone_is_sent = *rc::gen::arbitrary<bool>();
    if (gone_is_sent)
      lane.entries.front().set_state(msg::SENT);
    RC_ASSERT(visible(lane, base).exists == body.has_value());
    RC_ASSERT((!body || test::same_json(visible(lane, base).body, body)));
    const auto gone = *rc::gen::inRange<std::size_t>(0, gone_is_sent ? 1 : 3);
    if (gone_is_sent) {
      RC_ASSERT(answered(lane, test::failed("bad_mutation"), base) == entry_fate::quarantined);
    } else {
      lane.entries.erase(lane.entries.begin() + static_cast<std::ptrdiff_t>(gone));
      lane.record.mutable_entries()->erase(lane.record.entries().begin() +
                                           static_cast<std::ptrdiff_t>(gone));
    }
    RC_ASSERT(entries_agree(lane));
    test::optional_text others = confirmed;
    for (std::size_t i = 0; i < 3; ++i)
      if (i != gone)
        others = test::applied(others, changes[i]);
    const auto item = visible(lane, base);
    RC_ASSERT(item.exists == others.has_value());
    RC_ASSERT((!others || test::same_json(item.body, others)));
  }));
}

BOOST_AUTO_TEST_CASE(an_acknowledged_effect_stays_visible_until_a_row_or_a_page_shows_it) {
  const auto base = row(1, R"({"a":1})");
  auto lane = sent_lane_on(base, {patch(R"({"a":2})")});
  BOOST_TEST((answered(lane, synced(3, 1), base) == entry_fate::acknowledged));
  BOOST_TEST(lane.entries.empty());
  BOOST_TEST(!lane.is_idle());
  BOOST_TEST(seen(lane, base) == R"({"a":2} PENDING)");
  auto by_page = lane;
  BOOST_TEST(settle(by_page, base, 2).empty());
  BOOST_TEST((settle(by_page, base, 3) == std::vector<std::uint64_t>{1}));
  BOOST_TEST(by_page.is_idle());
  auto by_row = lane;
  BOOST_TEST(settle(by_row, row(2, R"({"a":9})"), 0).empty());
  BOOST_TEST((settle(by_row, row(3, R"({"a":2})"), 0) == std::vector<std::uint64_t>{1}));
  auto by_later_row = lane;
  BOOST_TEST((settle(by_later_row, row(4, R"({"a":9})"), 0) == std::vector<std::uint64_t>{1}));
  BOOST_TEST(settle(lane, nothing, 0).empty());
}

// Only living rows counted: the deleted item stayed visible until a page reached the head.
BOOST_AUTO_TEST_CASE(a_tombstone_at_the_acknowledged_stamp_or_later_settles_the_effect) {
  const auto base = row(1, R"({"a":1})");
  auto lane = sent_lane_on(base, {patch(R"({"a":2})")});
  answered(lane, synced(3, 1), base);
  auto earlier = lane;
  BOOST_TEST(settle(earlier, tombstone(2), 0).empty());
  BOOST_TEST((settle(lane, tombstone(9), 0) == std::vector<std::uint64_t>{1}));
  BOOST_TEST(seen(lane, nothing) == "nothing SYNCED");
}

BOOST_AUTO_TEST_CASE(settling_drops_what_is_shown_and_keeps_the_rest) {
  const auto base = row(1, R"({"n":0})");
  auto lane = sent_lane_on(base, {add("n", 1), add("n", 10), add("n", 100)});
  for (std::uint64_t seq = 3; seq <= 5; ++seq) {
    answered(lane, synced(seq, seq == 3 ? 1 : seq - 1), base);
    if (!lane.entries.empty())
      lane.entries.front().set_state(msg::SENT);
  }
  BOOST_TEST(seen(lane, base) == R"({"n":111} PENDING)");
  const auto revision = lane.record.revision();
  BOOST_TEST((settle(lane, row(4, R"({"n":11})"), 0) == std::vector<std::uint64_t>{1, 2}));
  BOOST_TEST(lane.record.revision() > revision);
  BOOST_TEST(seen(lane, row(4, R"({"n":11})")) == R"({"n":111} PENDING)");
}

BOOST_AUTO_TEST_CASE(meeting_an_empty_or_an_agreeing_lane_needs_nothing) {
  core::lane empty;
  BOOST_TEST((meet(empty, row(9, "{}"), {9}) == encounter::agrees));
  const auto base = row(5, R"({"a":1})");
  auto lane = lane_on(base, {patch(R"({"a":2})")});
  BOOST_TEST((meet(lane, base, {9}) == encounter::agrees));
  auto created = lane_on(nothing, {create("{}")});
  BOOST_TEST((meet(created, nothing, {9}) == encounter::agrees));
  BOOST_TEST((meet(created, tombstone(8), {9}) == encounter::agrees));
}

BOOST_AUTO_TEST_CASE(a_lane_in_flight_waits_for_its_answer) {
  auto lane = sent_lane_on(row(5, R"({"a":1})"), {patch(R"({"a":2})"), add("n", 1)});
  for (const auto& met : {std::optional{row(9, "{}")}, std::optional{tombstone(9)}, nothing})
    BOOST_TEST((meet(lane, met, {9}) == encounter::wait));
  BOOST_TEST(base_seq(lane) == 5u);
}

BOOST_AUTO_TEST_CASE(another_version_under_queued_edits_is_to_be_decided_newer_or_older) {
  const auto base = row(5, R"({"a":1})");
  for (const auto& met :
       {std::optional{row(9, R"({"a":1})")}, std::optional{row(3, "{}")},
        std::optional{row(5, R"({"a":1})", 2)}, std::optional{tombstone(9)}, nothing})
    for (const auto& edit : {patch(R"({"a":2})"), put("{}"), remove()}) {
      auto lane = lane_on(base, {edit});
      BOOST_TEST((meet(lane, met, {9}) == encounter::decide));
      BOOST_TEST(base_seq(lane) == 5u);
    }
  auto created = lane_on(nothing, {create("{}")});
  BOOST_TEST((meet(created, row(9, "{}"), {9}) == encounter::decide));
}

BOOST_AUTO_TEST_CASE(a_page_read_before_our_own_change_says_nothing_against_it) {
  auto lane = lane_on(row(5, R"({"a":1})"), {patch(R"({"a":2})")});
  BOOST_TEST((meet(lane, row(3, "{}"), {4}) == encounter::agrees));
  BOOST_TEST((meet(lane, tombstone(3), {4}) == encounter::agrees));
  BOOST_TEST((meet(lane, nothing, {4}) == encounter::agrees));
  auto restoring = lane;
  BOOST_TEST((meet(restoring, row(3, "{}"), {4, true}) == encounter::decide));
  restoring = lane;
  BOOST_TEST((meet(restoring, nothing, {4, true}) == encounter::decide));
}

// It counted by the head of its page alone, as absence does.
BOOST_AUTO_TEST_CASE(a_tombstone_counts_by_its_own_stamp_where_no_head_is_known) {
  auto lane = lane_on(row(5, R"({"a":1})"), {patch(R"({"a":2})")});
  BOOST_TEST((meet(lane, tombstone(9), {}) == encounter::decide));
  auto of_a_row = lane_on(row(5, R"({"a":1})"), {patch(R"({"a":2})")});
  BOOST_TEST((meet(of_a_row, row(9, "{}"), {}) == encounter::decide));
}

BOOST_AUTO_TEST_CASE(a_lane_of_increments_alone_moves_to_the_row_and_is_decided_where_it_is_gone) {
  auto lane = lane_on(row(5, R"({"n":1})"), {add("n", 1), add("n", 1)});
  BOOST_TEST((meet(lane, row(9, R"({"n":7})"), {9}) == encounter::moved));
  BOOST_TEST(base_seq(lane) == 9u);
  BOOST_TEST(lane.record.kept_body() == R"({"n":7})");
  BOOST_TEST(seen(lane, row(9, R"({"n":7})")) == R"({"n":9} PENDING)");
  BOOST_TEST((meet(lane, tombstone(10), {10}) == encounter::decide));
  auto mixed = lane_on(row(5, R"({"n":1})"), {add("n", 1), patch(R"({"a":1})")});
  BOOST_TEST((meet(mixed, row(9, R"({"n":7})"), {9}) == encounter::decide));
}

BOOST_AUTO_TEST_CASE(an_undecided_lane_remembers_the_latest_version_that_it_met) {
  auto lane = sent_lane_on(row(5, "{}"), {patch(R"({"a":2})")});
  answered(lane, test::conflict(row(7, R"({"a":7})")), row(5, "{}"));
  const auto met = [&] { return core::met_version(lane, "n1", nothing); };
  BOOST_TEST((meet(lane, row(9, R"({"a":9})"), {9}) == encounter::agrees));
  BOOST_TEST(met()->body() == R"({"a":9})");
  BOOST_TEST(met()->id() == "n1");
  BOOST_TEST((meet(lane, row(8, R"({"a":8})"), {8}) == encounter::agrees)); // a late page
  BOOST_TEST(met()->body() == R"({"a":9})");
  meet(lane, tombstone(11), {12});
  BOOST_TEST(met()->deleted());
  meet(lane, nothing, {10});
  BOOST_TEST(met().has_value());
  meet(lane, nothing, {13});
  BOOST_TEST(!met().has_value());
  meet(lane, row(2, R"({"a":2})"), {2, true}); // a restored server: older counts
  BOOST_TEST(met()->body() == R"({"a":2})");
}

// The tombstone stands in no row: the parked lane said CONFLICT.
BOOST_AUTO_TEST_CASE(a_lane_parked_over_a_deletion_that_a_page_brought_is_a_delete_conflict) {
  auto lane = lane_on(row(5, R"({"a":1})"), {patch(R"({"a":2})")});
  BOOST_TEST((meet(lane, tombstone(9), {9}) == encounter::decide));
  lane.record.set_parked_by(3);
  BOOST_TEST(seen(lane, nothing) == R"({"a":2} DELETE_CONFLICT)");
  const auto met = core::met_version(lane, "n1", nothing);
  BOOST_REQUIRE(met.has_value());
  BOOST_TEST(met->stamp().seq() == 9u);
  auto edited = lane_on(row(5, R"({"a":1})"), {patch(R"({"a":2})")});
  meet(edited, row(9, R"({"a":9})"), {9});
  edited.record.set_parked_by(3);
  BOOST_TEST(seen(edited, row(9, R"({"a":9})")) == R"({"a":2} CONFLICT)");
}

BOOST_AUTO_TEST_CASE(the_met_version_is_what_the_refusal_brought_or_a_later_row) {
  auto lane = sent_lane_on(row(5, "{}"), {patch(R"({"a":2})")});
  answered(lane, test::conflict(row(7, R"({"a":7})")), row(5, "{}"));
  BOOST_TEST(core::met_version(lane, "n1", row(5, "{}"))->stamp().seq() == 7u);
  BOOST_TEST(core::met_version(lane, "n1", row(9, "{}"))->stamp().seq() == 9u);
  BOOST_TEST(core::met_version(lane, "n1", nothing)->stamp().seq() == 7u);
  auto unknown = sent_lane_on(row(5, "{}"), {patch(R"({"a":2})")});
  msg::MutationResult never_there;
  never_there.set_status(msg::DELETE_CONFLICT);
  answered(unknown, never_there, row(5, "{}"));
  BOOST_TEST(!core::met_version(unknown, "n1", row(5, "{}")).has_value());
}

BOOST_AUTO_TEST_CASE(a_synced_answer_moves_the_kept_body_and_stamp_on) {
  const auto base = row(5, R"({"a":1})");
  auto lane = sent_lane_on(base, {patch(R"({"a":2})"), patch(R"({"b":3})")});
  BOOST_TEST((answered(lane, synced(8, 5), base) == entry_fate::acknowledged));
  BOOST_TEST(base_seq(lane) == 8u);
  BOOST_TEST(lane.record.kept_body() == R"({"a":2})");
  BOOST_TEST(lane.record.kept_version() == 108u);
  BOOST_TEST(lane.record.kept_last_modified_ms() == 8000);
  BOOST_TEST(!lane.record.undecided());
  BOOST_TEST(entries_agree(lane));
  BOOST_TEST(lane.entries.size() == 1u);
  BOOST_TEST(seen(lane, base) == R"({"a":2,"b":3} PENDING)");
  // The row of our own change agrees with the lane.
  BOOST_TEST((meet(lane, row(8, R"({"a":2})"), {8}) == encounter::agrees));
}

BOOST_AUTO_TEST_CASE(deletions_and_creations_move_the_lane_on_too) {
  const auto base = row(5, R"({"a":1})");
  auto lane = sent_lane_on(base, {remove(), create(R"({"b":1})"), patch(R"({"c":1})")});
  answered(lane, synced(8, 5), base);
  BOOST_TEST((base_seq(lane) == 8u && !lane.record.has_kept_body()));
  BOOST_TEST(seen(lane, base) == R"({"b":1,"c":1} PENDING)");
  lane.entries.front().set_state(msg::SENT);
  answered(lane, synced(9, 0), base);
  BOOST_TEST((base_seq(lane) == 9u && lane.record.kept_body() == R"({"b":1})"));
  BOOST_TEST(seen(lane, base) == R"({"b":1,"c":1} PENDING)");
}

// The server says that a copy of this store had created it: what it became is not what we hold.
BOOST_AUTO_TEST_CASE(a_repeated_creation_of_what_has_changed_does_not_move_the_lane_on) {
  auto lane = sent_lane_on(nothing, {create(R"({"b":1})"), patch(R"({"c":1})")});
  answered(lane, synced(9, 4), nothing);
  BOOST_TEST(base_seq(lane) == 0u);
  BOOST_TEST(!lane.record.has_kept_body());
  BOOST_TEST((meet(lane, row(9, R"({"b":7})"), {9}) == encounter::decide));
  auto same = sent_lane_on(nothing, {create(R"({"b":1})"), patch(R"({"c":1})")});
  answered(same, synced(9, 9), nothing); // Created by another with equal content.
  BOOST_TEST(base_seq(same) == 9u);
}

BOOST_AUTO_TEST_CASE(a_page_that_was_faster_than_the_answer_leaves_no_effect_behind) {
  const auto base = row(8, R"({"n":2})");
  auto lane = sent_lane_on(row(5, R"({"n":1})"), {add("n", 1)});
  answered(lane, synced(8, 5), base);
  BOOST_TEST(lane.is_idle());
  BOOST_TEST(seen(lane, base) == R"({"n":2} SYNCED)");
}

BOOST_AUTO_TEST_CASE(a_refused_head_waits_for_the_decision_under_no_id) {
  auto lane = sent_lane_on(row(5, "{}"), {patch(R"({"a":2})"), add("n", 1)});
  lane.entries.front().mutable_mutation()->add_formers()->set_client("former");
  const auto revision = lane.record.revision();
  auto effect = answer(lane, test::conflict(row(7, R"({"a":7})")), row(5, "{}"), nullptr, 0);
  BOOST_TEST((effect.fate == entry_fate::refused));
  BOOST_TEST(effect.local_seq == lane.entries.front().local_seq());
  const auto& head = lane.entries.front();
  BOOST_TEST((head.state() == msg::REFUSED && head.mutation().mutation_id() == 0));
  BOOST_TEST(head.mutation().formers().empty());
  BOOST_TEST(lane.record.undecided());
  BOOST_TEST(lane.record.revision() > revision);
  BOOST_TEST(!lane.has_sent());
  BOOST_TEST(lane.entries.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_retryable_failure_is_queued_again_with_backoff_and_then_quarantined) {
  auto lane = sent_lane_on(row(5, "{}"), {patch(R"({"a":2})")});
  const std::int64_t now_ms = 1'000'000;
  for (std::uint32_t attempt = 1; attempt <= 7; ++attempt) {
    lane.entries.front().set_state(msg::SENT);
    const auto effect = answer(lane, test::failed("busy", true), row(5, "{}"), nullptr, now_ms);
    BOOST_TEST((effect.fate == entry_fate::requeued));
    const auto& head = lane.entries.front();
    BOOST_TEST((head.state() == msg::QUEUED && head.attempts() == attempt));
    BOOST_TEST(head.mutation().mutation_id() == 0u); // a retry is a new entry with a new id
    BOOST_TEST(head.last_error().code() == "busy");
    BOOST_TEST(head.not_before_ms() == now_ms + core::backoff_bound_ms(attempt));
  }
  lane.entries.front().set_state(msg::SENT);
  const auto effect = answer(lane, test::failed("busy", true), row(5, "{}"), nullptr, now_ms);
  BOOST_TEST((effect.fate == entry_fate::quarantined));
  BOOST_TEST(effect.error.code() == "busy");
  BOOST_TEST(lane.entries.empty());
}

BOOST_AUTO_TEST_CASE(a_permanent_failure_leaves_the_lane_and_the_rest_goes_on) {
  const auto base = row(5, R"({"a":1})");
  auto lane = sent_lane_on(base, {add("a", 1), patch(R"({"b":1})")});
  const auto effect = answer(lane, test::failed("not_a_number"), base, nullptr, 0);
  BOOST_TEST((effect.fate == entry_fate::quarantined));
  BOOST_TEST(effect.entry.local_seq() == 1u);
  BOOST_TEST((lane.entries.size() == 1u && entries_agree(lane)));
  BOOST_TEST(!lane.record.undecided());
  BOOST_TEST(base_seq(lane) == 5u);
}

BOOST_AUTO_TEST_CASE(an_unknown_outcome_or_status_is_quarantined_never_dropped) {
  for (const auto status : {msg::OUTCOME_UNKNOWN, msg::MUTATION_STATUS_UNSPECIFIED, msg::FAILED}) {
    auto lane = sent_lane_on(row(5, "{}"), {patch("{}")});
    msg::MutationResult result;
    result.set_status(status);
    const auto effect = answer(lane, result, row(5, "{}"), nullptr, 0);
    BOOST_TEST((effect.fate == entry_fate::quarantined));
    BOOST_TEST((status != msg::OUTCOME_UNKNOWN || effect.error.code() == "outcome_unknown"));
  }
}

// A broken server that says SKIPPED to a real change made it vanish.
BOOST_AUTO_TEST_CASE(a_real_change_that_is_answered_skipped_is_quarantined) {
  auto lane = sent_lane_on(row(5, "{}"), {patch("{}")});
  msg::MutationResult result;
  result.set_status(msg::SKIPPED);
  const auto effect = answer(lane, result, row(5, "{}"), nullptr, 0);
  BOOST_TEST((effect.fate == entry_fate::quarantined));
  BOOST_TEST(effect.error.code() == "bad_answer");
}

BOOST_AUTO_TEST_CASE(a_skip_is_over_when_the_server_had_not_applied_its_mutation) {
  auto lane = sent_lane_on(row(5, "{}"), {test::mutation(msg::SKIP), patch(R"({"a":1})")});
  const auto original = patch(R"({"z":1})");
  msg::MutationResult result;
  result.set_status(msg::SKIPPED);
  BOOST_TEST((answer(lane, result, row(5, "{}"), &original, 0).fate == entry_fate::skipped));
  BOOST_TEST(lane.entries.size() == 1u);
  BOOST_TEST(seen(lane, row(5, "{}")) == R"({"a":1} PENDING)");
}

BOOST_AUTO_TEST_CASE(the_stored_result_of_a_skipped_mutation_is_taken_as_its_own) {
  const auto base = row(5, R"({"a":1})");
  const auto original = patch(R"({"z":1})");
  auto applied = sent_lane_on(base, {test::mutation(msg::SKIP)});
  BOOST_TEST((answer(applied, synced(8, 5), base, &original, 0).fate == entry_fate::acknowledged));
  BOOST_TEST(seen(applied, base) == R"({"a":1,"z":1} PENDING)");
  BOOST_TEST(base_seq(applied) == 8u);
  auto refused = sent_lane_on(base, {test::mutation(msg::SKIP)});
  answer(refused, test::conflict(row(7, "{}")), base, &original, 0);
  BOOST_TEST((refused.entries.front().mutation().kind() == msg::UPDATE));
  BOOST_TEST(refused.entries.front().mutation().patch() == R"({"z":1})");
  auto failing = sent_lane_on(base, {test::mutation(msg::SKIP)});
  const auto again = answer(failing, test::failed("busy", true), base, &original, 0);
  BOOST_TEST((again.fate == entry_fate::quarantined));
}

BOOST_AUTO_TEST_SUITE_END()
