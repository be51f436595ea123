// Edits queued behind the head that met the conflict: they go on, on the winner.

#include "core/data/merge_patch.hpp"
#include "core/sync/conflict.hpp"
#include "core/sync/server_apply.hpp"
#include "tests/core/sync/sync_builders.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace syncline;
using core::conflict_question;
using core::conflict_strategy;
using core::item_view;
using test::add;
using test::create;
using test::optional_text;
using test::patch;
using test::plus;
using test::put;
using test::remove;
using test::row;
using test::tombstone;

namespace {

using strategy = conflict_strategy;

const std::optional<item_view> nothing;

conflict_question ask(const std::optional<item_view>& kept, const std::vector<msg::Mutation>& mine,
                      const std::optional<item_view>& theirs, strategy by) {
  conflict_question question;
  question.lane = test::lane_on(kept, mine);
  if (theirs)
    question.theirs = core::to_message("n1", *theirs);
  question.policy.strategy = by;
  question.conflict_id = 1'000;
  return question;
}

optional_text theirs_of(const conflict_question& question) {
  if (!question.theirs || question.theirs->deleted())
    return std::nullopt;
  return question.theirs->body();
}

optional_text result_of(const conflict_question& question, const msg::LaneDecision& decision) {
  auto body = theirs_of(question);
  for (const auto& change : decision.entries())
    if (change.has_mutation())
      body = test::applied(body, change.mutation());
  return body;
}

std::string decided(const conflict_question& question) {
  const auto decision = core::decide(question);
  std::string text = result_of(question, decision).value_or("nothing") + " |";
  for (const auto& record : decision.records()) {
    text += " " + msg::ConflictDecision_Name(record.decision());
    for (const auto& field : record.fields())
      text += " " + field;
  }
  return text;
}

// A random question; the texts belong to it.
struct scene {
  std::string kept_body;
  std::string theirs_body;
  std::vector<msg::Mutation> mine;
  conflict_question question;
};

scene any_scene() {
  scene made;
  made.kept_body = test::any_body();
  made.theirs_body = test::any_body();
  const bool has_kept = *rc::gen::inRange(0, 4) > 0;
  optional_text body;
  std::optional<item_view> kept;
  if (has_kept) {
    kept = row(5, made.kept_body);
    body = made.kept_body;
  }
  for (int left = *rc::gen::inRange(1, 4); left > 0; --left) {
    made.mine.push_back(test::any_change(body));
    body = test::applied(body, made.mine.back());
  }
  std::optional<item_view> theirs;
  switch (*rc::gen::inRange(0, 6)) {
  case 0:
    break;
  case 1:
    theirs = tombstone(9);
    break;
  default:
    theirs = row(9, made.theirs_body);
  }
  const auto by = *rc::gen::element(strategy::server_wins, strategy::client_wins,
                                    strategy::last_write_wins, strategy::merge);
  made.question = ask(kept, made.mine, theirs, by);
  made.question.policy.prefer =
    *rc::gen::element(core::prefer_side::server, core::prefer_side::client);
  made.question.writer_tag = *rc::gen::inRange<std::uint64_t>(0, 2);
  return made;
}

// Does this later entry change the field, or take it away with the rest?
bool touches(const msg::Mutation& change, const std::string& field) {
  if (change.kind() == msg::DELETE || change.has_body())
    return true;
  return change.has_patch() && test::tree(change.patch()).find(field) != nullptr;
}

bool adds_to(const msg::Mutation& change, const std::string& field) {
  return std::any_of(change.increments().begin(), change.increments().end(),
                     [&](const auto& increment) { return increment.field() == field; });
}

const auto base = row(5, R"({"a":1,"b":1,"c":1})");
const auto edited = row(9, R"({"a":2,"b":1,"c":1})");

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_conflict_later_edits)

BOOST_AUTO_TEST_CASE(later_edits_of_other_fields_join_the_winner_without_a_record_of_their_own) {
  const std::vector<msg::Mutation> mine{patch(R"({"a":3})"), patch(R"({"b":3})"),
                                        patch(R"({"c":null})")};
  BOOST_TEST(decided(ask(base, mine, edited, strategy::server_wins)) ==
             R"({"a":2,"b":3} | TOOK_SERVER)");
  BOOST_TEST(decided(ask(base, mine, edited, strategy::merge)) == R"({"a":2,"b":3} | MERGED a)");
}

// The field that the head had replaced was recorded again with each later edit.
BOOST_AUTO_TEST_CASE(a_field_that_the_head_replaced_is_recorded_once) {
  BOOST_TEST(decided(ask(base, {patch(R"({"a":3})"), patch(R"({"b":3})"), patch(R"({"a":4})")},
                         edited, strategy::client_wins)) == R"({"a":4,"b":3,"c":1} | TOOK_CLIENT)");
}

BOOST_AUTO_TEST_CASE(a_later_edit_that_replaces_a_field_of_the_winner_is_recorded) {
  BOOST_TEST(
    decided(ask(base, {patch(R"({"b":3})"), patch(R"({"a":4})")}, edited, strategy::server_wins)) ==
    R"({"a":4,"b":1,"c":1} | TOOK_SERVER TOOK_CLIENT a)");
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), patch(R"({"a":null})")}, edited,
                         strategy::server_wins)) == R"({"b":1,"c":1} | TOOK_SERVER TOOK_CLIENT a)");
  const auto decision = core::decide(
    ask(base, {patch(R"({"b":3})"), patch(R"({"a":4})")}, edited, strategy::server_wins));
  const auto& record = decision.records(1);
  BOOST_TEST(record.conflict_id() != decision.records(0).conflict_id());
  BOOST_TEST(record.theirs_body() == edited.body);
  BOOST_TEST(record.mine_body() == R"({"a":4,"b":1,"c":1})");
}

// Only fields that the winner still has were looked at.
BOOST_AUTO_TEST_CASE(a_later_edit_that_brings_back_what_the_winner_removed_is_recorded) {
  const auto removed = row(9, R"({"b":1,"c":1})");
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), patch(R"({"a":4})")}, removed,
                         strategy::server_wins)) ==
             R"({"b":1,"c":1,"a":4} | TOOK_SERVER TOOK_CLIENT a)");
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), patch(R"({"new":4})")}, removed,
                         strategy::server_wins)) == R"({"b":1,"c":1,"new":4} | TOOK_SERVER)");
}

BOOST_AUTO_TEST_CASE(a_later_whole_body_replaces_the_winner_and_says_which_fields) {
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), put(R"({"z":1})")}, edited,
                         strategy::server_wins)) == R"({"z":1} | TOOK_SERVER TOOK_CLIENT a)");
}

BOOST_AUTO_TEST_CASE(later_increments_go_on_alone_and_are_no_conflict) {
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), add("a", 10)}, edited,
                         strategy::server_wins)) == R"({"a":12,"b":1,"c":1} | TOOK_SERVER)");
}

BOOST_AUTO_TEST_CASE(a_later_deletion_deletes_the_winner_and_is_recorded) {
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), remove()}, edited, strategy::merge)) ==
             "nothing | MERGED TOOK_CLIENT");
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})"), remove()}, tombstone(9),
                         strategy::server_wins)) == "nothing | TOOK_SERVER");
  const auto decision =
    core::decide(ask(base, {patch(R"({"b":3})"), remove()}, tombstone(9), strategy::server_wins));
  BOOST_TEST(!decision.entries(1).has_mutation()); // there is nothing left to delete
}

BOOST_AUTO_TEST_CASE(a_later_edit_of_an_item_that_stays_deleted_brings_it_back_whole) {
  const std::vector<msg::Mutation> mine{patch(R"({"b":3})"), plus(patch(R"({"c":3})"), "n", 1),
                                        add("n", 1)};
  const auto question = ask(base, mine, tombstone(9), strategy::server_wins);
  BOOST_TEST(decided(question) == R"({"a":1,"b":3,"c":3,"n":2} | TOOK_SERVER TOOK_CLIENT)");
  const auto decision = core::decide(question);
  BOOST_TEST(!decision.entries(0).has_mutation());
  BOOST_TEST((decision.entries(1).mutation().kind() == msg::CREATE));
  BOOST_TEST(core::is_increments_only(decision.entries(2).mutation()));
}

BOOST_AUTO_TEST_CASE(a_later_creation_on_a_winner_that_lives_becomes_an_update) {
  const auto question = ask(base, {remove(), create(R"({"z":1})")}, edited, strategy::merge);
  BOOST_TEST(decided(question) == R"({"z":1} | TOOK_SERVER TOOK_CLIENT a)");
  BOOST_TEST((core::decide(question).entries(1).mutation().kind() == msg::UPDATE));
}

BOOST_AUTO_TEST_CASE(the_same_question_always_has_the_same_answer) {
  BOOST_TEST(rc::check("decide(q) == decide(q)", [] {
    const auto any = any_scene();
    return core::decide(any.question).SerializeAsString() ==
           core::decide(any.question).SerializeAsString();
  }));
}

BOOST_AUTO_TEST_CASE(every_entry_is_named_once_in_order_and_the_rest_stands_on_theirs) {
  BOOST_TEST(rc::check("entries of a decision", [] {
    const auto any = any_scene();
    const auto decision = core::decide(any.question);
    const auto& entries = any.question.lane.entries;
    RC_ASSERT(decision.entries_size() == static_cast<int>(entries.size()));
    for (int i = 0; i < decision.entries_size(); ++i)
      RC_ASSERT(decision.entries(i).local_seq() ==
                entries[static_cast<std::size_t>(i)].local_seq());
    const auto theirs = theirs_of(any.question);
    RC_ASSERT(decision.has_kept_body() == theirs.has_value());
    RC_ASSERT((!theirs || decision.kept_body() == *theirs));
  }));
}

// A decision that the server could not accept would be made again and again.
BOOST_AUTO_TEST_CASE(the_server_accepts_what_was_decided_one_after_the_other) {
  BOOST_TEST(rc::check("judge(theirs, decided) is SYNCED, or FAILED for good", [] {
    const auto any = any_scene();
    const auto decision = core::decide(any.question);
    std::string body = any.question.theirs ? any.question.theirs->body() : "";
    std::optional<item_view> current;
    if (any.question.theirs)
      current = item_view{core::header_of(*any.question.theirs), body};
    std::uint64_t seq = 20;
    for (const auto& change : decision.entries()) {
      if (!change.has_mutation())
        continue;
      auto sent = change.mutation();
      if (current)
        *sent.mutable_base() = core::to_message(current->header.stamp);
      const auto verdict = core::judge(current, sent, {{1, ++seq}, 0, 0, 0});
      RC_ASSERT((verdict.result.status() == msg::SYNCED || verdict.result.status() == msg::FAILED));
      if (!verdict.header)
        continue;
      body = verdict.body;
      current = item_view{*verdict.header, body};
    }
    const auto expected = result_of(any.question, decision);
    const bool lives = current && !current->header.deleted;
    RC_ASSERT(lives == expected.has_value());
    RC_ASSERT((!lives || test::same_json(body, expected)));
  }));
}

BOOST_AUTO_TEST_CASE(no_later_edit_is_ever_dropped) {
  BOOST_TEST(rc::check("each field set by a later patch is in the result", [] {
    const auto any = any_scene();
    const auto decision = core::decide(any.question);
    // Leading increments are passed; the head is the first other edit.
    std::size_t head = 0;
    while (theirs_of(any.question) && head < any.mine.size() &&
           core::is_increments_only(any.mine[head]))
      ++head;
    const auto result = result_of(any.question, decision);
    for (std::size_t i = head + 1; i < any.mine.size(); ++i) {
      if (any.mine[i].kind() == msg::DELETE && i + 1 == any.mine.size())
        RC_ASSERT(!result.has_value());
      if (!any.mine[i].has_patch())
        continue;
      const auto set = test::tree(any.mine[i].patch());
      for (const auto& [name, value] : set.members()) {
        const auto& field = name;
        const bool later = std::any_of(
          any.mine.begin() + static_cast<std::ptrdiff_t>(i) + 1, any.mine.end(),
          [&](const auto& change) { return touches(change, field) || adds_to(change, field); });
        if (later || adds_to(any.mine[i], field))
          continue;
        RC_ASSERT(result.has_value());
        const auto tree = test::tree(*result);
        const auto* found = tree.find(field);
        if (value.is_null()) {
          RC_ASSERT(found == nullptr);
          continue;
        }
        RC_ASSERT(found != nullptr);
        RC_ASSERT(core::apply_merge_patch(*found, value) == *found);
      }
    }
  }));
}

BOOST_AUTO_TEST_CASE(increments_add_up_under_every_strategy_while_nobody_sets_their_field) {
  BOOST_TEST(rc::check("result.n == theirs.n + mine", [] {
    const auto number = [](std::int64_t n) { return "{\"n\":" + std::to_string(n) + "}"; };
    const auto kept_n = *rc::gen::inRange<std::int64_t>(-9, 10);
    const auto theirs_n = *rc::gen::inRange<std::int64_t>(-9, 10);
    const auto kept = number(kept_n);
    const auto theirs = number(theirs_n);
    std::vector<msg::Mutation> mine;
    std::int64_t sum = 0;
    for (int left = *rc::gen::inRange(1, 5); left > 0; --left) {
      const std::int64_t amount = *rc::gen::inRange(-3, 4);
      sum += amount;
      auto change = add("n", amount);
      if (*rc::gen::arbitrary<bool>())
        change.set_patch(R"({"a":)" + std::to_string(left) + "}");
      mine.push_back(change);
    }
    const auto by = *rc::gen::element(strategy::server_wins, strategy::client_wins,
                                      strategy::last_write_wins, strategy::merge);
    const auto question = ask(row(5, kept), mine, row(9, theirs), by);
    const auto result = result_of(question, core::decide(question));
    return result && test::tree(*result).find("n")->as_integer() == theirs_n + sum;
  }));
}

BOOST_AUTO_TEST_CASE(whatever_of_mine_is_not_in_the_result_is_in_a_record) {
  BOOST_TEST(rc::check("no record: mine is all there, or both were the same", [] {
    const auto any = any_scene();
    const auto decision = core::decide(any.question);
    for (const auto& record : decision.records()) {
      RC_ASSERT((record.decision() != msg::UNDECIDED && record.decision() != msg::EQUAL));
      RC_ASSERT(!record.mine_mutations().empty());
      RC_ASSERT((record.has_mine_body() || record.mine_mutations(0).kind() == msg::DELETE));
    }
    if (!decision.records().empty())
      return;
    // Nothing was lost: the first edit that is no increment is what theirs is already.
    optional_text body;
    if (any.question.lane.record.has_kept_body())
      body = any.question.lane.record.kept_body();
    auto theirs = theirs_of(any.question);
    for (const auto& change : any.mine) {
      if (theirs && core::is_increments_only(change)) {
        body = test::applied(body, change);
        theirs = test::applied(theirs, change);
        continue;
      }
      const auto set = core::apply_without_increments(body, change);
      RC_ASSERT(set.has_value());
      RC_ASSERT(test::same_json(*set, theirs));
      return;
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
