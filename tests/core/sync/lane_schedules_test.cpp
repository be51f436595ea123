// The schedules of RELIABILITY.md section 5 as far as one lane sees them.

#include "core/sync/conflict.hpp"
#include "core/sync/lane.hpp"
#include "core/sync/server_apply.hpp"
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
using test::add;
using test::create;
using test::patch;
using test::row;
using test::sent_lane_on;
using test::synced;
using test::tombstone;

namespace {

const std::optional<item_view> nothing;

std::string seen(const core::lane& lane, const std::optional<item_view>& base) {
  const auto item = core::visible(lane, base);
  return item.exists ? item.body : "nothing";
}

/// One item at the server, its row at a client, and that client's lane; others add 1 to `n`, this
/// client 100.
struct world {
  std::string server_body = R"({"n":0})";
  item_view server = row(1, server_body);
  std::string base_body = server_body;
  item_view base = row(1, base_body);
  std::uint64_t seq = 1;
  std::int64_t others = 0;
  std::int64_t mine = 0;
  core::lane lane;
  std::optional<msg::MutationResult> result; ///< the answer under way

  world() = default;
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  msg::MutationResult apply_at_server(const msg::Mutation& change) {
    const auto verdict = core::judge(server, change, {{1, seq + 1}, 0, 0, 0});
    if (verdict.header) {
      ++seq;
      server_body = verdict.body;
      server = {*verdict.header, server_body};
    }
    return verdict.result;
  }

  void others_write() {
    others += 1;
    auto change = test::plus(patch(R"({"g":)" + std::to_string(others) + "}"), "n", 1);
    *change.mutable_base() = core::to_message(server.header.stamp);
    RC_ASSERT(apply_at_server(change).status() == msg::SYNCED);
  }

  void write(bool with_patch) {
    mine += 100;
    auto change = add("n", 100);
    if (with_patch)
      change.set_patch(R"({"h":)" + std::to_string(mine) + "}");
    core::begin_on(lane, base);
    test::push(lane, change);
  }

  void send() {
    if (result || lane.entries.empty() || lane.record.undecided())
      return;
    auto& head = lane.entries.front();
    head.set_state(msg::SENT);
    *head.mutable_mutation()->mutable_base() = lane.record.base();
    result = apply_at_server(head.mutation());
  }

  void answer_arrives() {
    if (!result)
      return;
    core::answer(lane, *result, base, nullptr, 0);
    result.reset();
    if (lane.record.undecided())
      decide_against(core::met_version(lane, "n1", base));
  }

  void page_arrives() {
    const auto met = meet(lane, server, {seq});
    base_body = server_body;
    base = {server.header, base_body};
    if (met == encounter::decide)
      decide_against(core::to_message("n1", base));
    settle(lane, base, seq);
    core::clear_if_idle(lane);
  }

  // Applies the decision as the store does.
  void decide_against(const std::optional<msg::Item>& theirs) {
    core::conflict_question question;
    question.lane = lane;
    question.theirs = theirs;
    question.policy.prefer =
      *rc::gen::element(core::prefer_side::server, core::prefer_side::client);
    const auto decision = core::decide(question);
    std::vector<msg::OutboxEntry> left;
    for (int i = 0; i < decision.entries_size(); ++i) {
      auto& entry = lane.entries[static_cast<std::size_t>(i)];
      RC_ASSERT(entry.local_seq() == decision.entries(i).local_seq());
      if (!decision.entries(i).has_mutation())
        continue;
      entry.set_state(msg::QUEUED);
      *entry.mutable_mutation() = decision.entries(i).mutation();
      left.push_back(entry);
    }
    lane.entries = left;
    auto& record = lane.record;
    record.clear_entries();
    for (const auto& entry : left)
      record.add_entries(entry.local_seq());
    record.set_undecided(false);
    record.set_met_is_set(false);
    record.clear_met();
    record.set_kept_body(decision.kept_body());
    *record.mutable_base() = decision.base();
  }

  void step(int what) {
    switch (what) {
    case 0:
      others_write();
      break;
    case 1:
    case 2:
      write(what == 2);
      break;
    case 3:
      send();
      break;
    case 4:
      answer_arrives();
      break;
    default:
      page_arrives();
    }
    // The user sees his own writes at once, and nothing twice. What others wrote while he did not
    // look may be missing; a row that came before the answer may hold what is in flight as well.
    const auto shown = test::tree(core::visible(lane, base).body).find("n")->as_integer();
    RC_ASSERT(shown >= mine);
    RC_ASSERT((result || shown <= mine + others));
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_lane_schedules)

BOOST_AUTO_TEST_CASE(m1_a_small_page_that_passed_my_change_without_it_does_not_show_the_old_item) {
  const auto base = row(1, R"({"d":"old"})");
  auto lane = sent_lane_on(base, {patch(R"({"d":"mine"})")});
  answer(lane, synced(3, 1), base, nullptr, 0);
  // Another made it 7; a page ends at 4 below the head, so nothing is passed for good.
  BOOST_TEST(settle(lane, base, 0).empty());
  BOOST_TEST(seen(lane, base) == R"({"d":"mine"})");
  const auto theirs = row(7, R"({"d":"theirs"})");
  BOOST_TEST((settle(lane, theirs, 0) == std::vector<std::uint64_t>{1}));
  BOOST_TEST(seen(lane, theirs) == R"({"d":"theirs"})");
}

BOOST_AUTO_TEST_CASE(m2_an_increment_that_the_row_already_holds_is_never_shown_twice) {
  const auto base = row(1, R"({"n":1})");
  auto lane = sent_lane_on(base, {add("n", 1)});
  answer(lane, synced(5, 4), base, nullptr, 0);
  // The first walk is under way and has not reached the key.
  BOOST_TEST(settle(lane, nothing, 0).empty());
  BOOST_TEST(seen(lane, base) == R"({"n":2})");
  const auto holds_it = row(5, R"({"n":8})");
  BOOST_TEST(seen(lane, holds_it) == R"({"n":8})"); // before it is settled too
  settle(lane, holds_it, 0);
  BOOST_TEST(seen(lane, holds_it) == R"({"n":8})");
}

BOOST_AUTO_TEST_CASE(m9_a_patch_behind_an_increment_never_takes_a_base_that_others_wrote_below) {
  const auto base = row(1, R"({"g":1,"n":0})");
  auto lane = sent_lane_on(base, {add("n", 1), patch(R"({"g":3})")});
  // Another wrote g: 2 as seq 2; my increment came on top of it.
  answer(lane, synced(3, 2), base, nullptr, 0);
  BOOST_TEST((core::from_message(lane.record.base()) == core::stamp{1, 1}));
  BOOST_TEST(lane.record.kept_body() == R"({"g":1,"n":0})");
  // Sent so, the patch meets its conflict at the server.
  auto frozen = lane.entries.front().mutation();
  *frozen.mutable_base() = lane.record.base();
  const auto verdict = core::judge(row(3, R"({"g":2,"n":1})"), frozen, {{1, 4}, 0, 0, 0});
  BOOST_TEST((verdict.result.status() == msg::CONFLICT));
  // A page that brings the row is met as another version too.
  BOOST_TEST((meet(lane, row(3, R"({"g":2,"n":1})"), {3}) == encounter::decide));
}

BOOST_AUTO_TEST_CASE(m10_an_edit_behind_a_failed_create_is_compared_with_anothers_item) {
  auto lane = sent_lane_on(nothing, {create(R"({"g":1})"), patch(R"({"g":2})")});
  const auto theirs = row(4, R"({"g":"theirs"})");
  BOOST_TEST((meet(lane, theirs, {4}) == encounter::wait));
  const auto effect = answer(lane, test::failed("quota"), theirs, nullptr, 0);
  BOOST_TEST((effect.fate == entry_fate::quarantined));
  BOOST_TEST(lane.record.undecided());
  BOOST_TEST(core::met_version(lane, "n1", theirs)->body() == R"({"g":"theirs"})");
}

BOOST_AUTO_TEST_CASE(m10_increments_behind_a_failed_create_move_to_anothers_item) {
  auto lane = sent_lane_on(nothing, {create(R"({"g":1})"), add("n", 1)});
  const auto theirs = row(4, R"({"n":5})");
  answer(lane, test::failed("quota"), theirs, nullptr, 0);
  BOOST_TEST(!lane.record.undecided());
  BOOST_TEST(lane.record.base().seq() == 4u);
  BOOST_TEST(seen(lane, theirs) == R"({"n":6})");
}

// A version that an earlier, discarded conflict had met hid the row that matters now.
BOOST_AUTO_TEST_CASE(the_rest_of_a_failed_head_meets_the_base_row_and_nothing_remembered) {
  auto lane = sent_lane_on(row(2, R"({"g":1})"), {add("g", 1), patch(R"({"g":2})")});
  lane.record.set_met_is_set(true);
  const auto theirs = row(4, R"({"g":4})");
  answer(lane, test::failed("not_a_number"), theirs, nullptr, 0);
  BOOST_TEST(lane.record.undecided());
  const auto met = core::met_version(lane, "n1", theirs);
  BOOST_REQUIRE(met.has_value());
  BOOST_TEST(met->body() == R"({"g":4})");
}

BOOST_AUTO_TEST_CASE(m11_what_others_set_back_is_compared_with_what_i_had_set) {
  const auto base = row(1, R"({"g":1})");
  auto lane = sent_lane_on(base, {patch(R"({"g":2})"), patch(R"({"g":3})")});
  answer(lane, synced(2, 1), base, nullptr, 0);
  BOOST_TEST(lane.record.kept_body() == R"({"g":2})");
  const auto theirs = row(3, R"({"g":1})");
  BOOST_TEST((meet(lane, theirs, {3}) == encounter::decide));
  core::conflict_question question;
  question.lane = lane;
  question.theirs = core::to_message("n1", theirs);
  const auto decision = core::decide(question);
  BOOST_TEST(decision.records_size() == 1);
  BOOST_TEST(decision.records(0).fields_size() == 1); // g clashed, seen and recorded
  BOOST_TEST(decision.records(0).base_body() == R"({"g":2})");
}

BOOST_AUTO_TEST_CASE(m13_a_late_conflict_answer_does_not_bring_a_deleted_item_back) {
  const auto base = row(1, R"({"g":1})");
  auto lane = sent_lane_on(base, {patch(R"({"h":2})")});
  BOOST_TEST((meet(lane, tombstone(9), {9}) == encounter::wait));
  // The base row is gone; the refusal was read at seq 5. Until it is decided the user sees his own.
  answer(lane, test::conflict(row(5, R"({"g":5})")), nothing, nullptr, 0);
  BOOST_TEST(seen(lane, nothing) == R"({"g":1,"h":2})");
  core::conflict_question question;
  question.policy.strategy = core::conflict_strategy::server_wins;
  question.lane = lane;
  question.theirs = core::met_version(lane, "n1", nothing);
  const auto decision = core::decide(question);
  BOOST_TEST((decision.entries_size() == 1 && !decision.entries(0).has_mutation()));
  lane.entries.clear();
  lane.record.clear_entries();
  core::clear_if_idle(lane);
  BOOST_TEST(seen(lane, nothing) == "nothing");
}

BOOST_AUTO_TEST_CASE(m13_a_lane_whose_item_is_not_in_base_shows_the_winner_that_it_stands_on) {
  // Decided on an item of seq 11 that no page has brought yet: the lane keeps it itself.
  auto lane = test::lane_on(row(11, R"({"g":11})"), {patch(R"({"h":2})")});
  BOOST_TEST(seen(lane, nothing) == R"({"g":11,"h":2})");
  BOOST_TEST(seen(lane, row(3, R"({"g":3})")) == R"({"g":11,"h":2})");
  BOOST_TEST(seen(lane, row(12, R"({"g":12})")) == R"({"g":12,"h":2})");
}

// One client against a server where others write too: whatever the order of pages and answers, all
// of its increments count once, there and in what the user sees in the end.
BOOST_AUTO_TEST_CASE(increments_and_edits_count_once_whatever_pages_and_answers_do) {
  BOOST_TEST(rc::check("a lane against a server", [] {
    world world;
    for (int left = *rc::gen::inRange(0, 40); left > 0; --left)
      world.step(*rc::gen::inRange(0, 6));
    for (int i = 0; i < 200 && !world.lane.is_idle(); ++i)
      for (const int what : {3, 4, 5})
        world.step(what);
    world.page_arrives();
    RC_ASSERT(world.lane.is_idle());
    RC_ASSERT(test::tree(world.server_body).find("n")->as_integer() == world.mine + world.others);
    RC_ASSERT(core::visible(world.lane, world.base).body == world.server_body);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
