#include "core/sync/conflict.hpp"

#include "core/sync/server_apply.hpp"
#include "tests/core/sync/sync_builders.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

using namespace syncline;
using core::conflict_question;
using core::conflict_strategy;
using core::item_view;
using core::prefer_side;
using core::verdict;
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

using changes = std::vector<msg::Mutation>;
using strategy = conflict_strategy;

const std::optional<item_view> nothing;
constexpr std::uint64_t conflict_id = 1'000;

// My changes were made on `kept`; the server has `theirs`.
conflict_question ask(const std::optional<item_view>& kept, const changes& mine,
                      const std::optional<item_view>& theirs, strategy by = strategy::merge,
                      prefer_side prefer = prefer_side::server) {
  conflict_question question;
  question.collection = "notes";
  question.id = "n1";
  question.lane = test::lane_on(kept, mine);
  question.lane.record.set_revision(7);
  if (theirs)
    question.theirs = core::to_message("n1", *theirs);
  question.policy = {by, prefer};
  question.conflict_id = conflict_id;
  question.now_ms = 5'000;
  return question;
}

optional_text theirs_of(const conflict_question& question) {
  if (!question.theirs || question.theirs->deleted())
    return std::nullopt;
  return question.theirs->body();
}

// What stands in the end: the decided mutations, one after the other, on theirs.
optional_text result_of(const conflict_question& question, const msg::LaneDecision& decision) {
  auto body = theirs_of(question);
  for (const auto& change : decision.entries())
    if (change.has_mutation())
      body = test::applied(body, change.mutation());
  return body;
}

// "body | decision reason fields, ..." of everything recorded.
std::string decided(const conflict_question& question) {
  const auto decision = core::decide(question);
  std::string text = result_of(question, decision).value_or("nothing") + " |";
  for (const auto& record : decision.records()) {
    text += " " + msg::ConflictDecision_Name(record.decision()) + " " +
            msg::ConflictReason_Name(record.reason());
    for (const auto& field : record.fields())
      text += " " + field;
  }
  return text;
}

const auto base = row(5, R"({"a":1,"b":1,"n":10})");
const auto edited = row(9, R"({"a":2,"b":1,"n":20})");

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_conflict)

BOOST_AUTO_TEST_CASE(edits_of_different_fields_are_merged_and_recorded) {
  BOOST_TEST(decided(ask(base, {patch(R"({"b":3})")}, edited)) ==
             R"({"a":2,"b":3,"n":20} | MERGED EDIT_EDIT)");
  BOOST_TEST(decided(ask(base, {put(R"({"a":1,"b":3,"n":10})")}, edited)) ==
             R"({"a":2,"b":3,"n":20} | MERGED EDIT_EDIT)");
}

BOOST_AUTO_TEST_CASE(a_field_that_both_changed_follows_prefer_and_is_named) {
  BOOST_TEST(decided(ask(base, {patch(R"({"a":3,"b":3})")}, edited)) ==
             R"({"a":2,"b":3,"n":20} | MERGED EDIT_EDIT a)");
  BOOST_TEST(decided(ask(base, {patch(R"({"a":3,"b":3})")}, edited, strategy::merge,
                         prefer_side::client)) == R"({"a":3,"b":3,"n":20} | MERGED EDIT_EDIT a)");
  BOOST_TEST(decided(ask(base, {patch(R"({"a":3})")}, edited)) ==
             R"({"a":2,"b":1,"n":20} | MERGED EDIT_EDIT a)"); // all of mine lost: recorded too
}

BOOST_AUTO_TEST_CASE(the_named_side_wins_edit_against_edit) {
  const changes mine{patch(R"({"a":3,"b":3})")};
  BOOST_TEST(decided(ask(base, mine, edited, strategy::server_wins)) ==
             R"({"a":2,"b":1,"n":20} | TOOK_SERVER EDIT_EDIT)");
  BOOST_TEST(decided(ask(base, mine, edited, strategy::client_wins)) ==
             R"({"a":3,"b":3,"n":20} | TOOK_CLIENT EDIT_EDIT)");
  BOOST_TEST(decided(ask(base, {put(R"({"c":1})")}, edited, strategy::client_wins)) ==
             R"({"c":1} | TOOK_CLIENT EDIT_EDIT)");
}

BOOST_AUTO_TEST_CASE(an_edit_of_a_deleted_item_brings_it_back_unless_the_server_wins) {
  const changes mine{plus(patch(R"({"b":3})"), "n", 1)};
  for (const auto& gone : {nothing, std::optional{tombstone(9)}}) {
    BOOST_TEST(decided(ask(base, mine, gone)) ==
               R"({"a":1,"b":3,"n":11} | TOOK_CLIENT EDIT_DELETE)");
    BOOST_TEST(decided(ask(base, mine, gone, strategy::client_wins)) ==
               R"({"a":1,"b":3,"n":11} | TOOK_CLIENT EDIT_DELETE)");
    BOOST_TEST(decided(ask(base, mine, gone, strategy::server_wins)) ==
               "nothing | TOOK_SERVER EDIT_DELETE");
  }
  const auto decision = core::decide(ask(base, {add("n", 1)}, tombstone(9)));
  BOOST_TEST((decision.entries(0).mutation().kind() == msg::CREATE));
  BOOST_TEST(decision.entries(0).mutation().increments().empty());
}

BOOST_AUTO_TEST_CASE(a_deletion_of_an_edited_item_leaves_it_unless_the_client_wins) {
  BOOST_TEST(decided(ask(base, {remove()}, edited)) ==
             R"({"a":2,"b":1,"n":20} | TOOK_SERVER DELETE_EDIT)");
  BOOST_TEST(decided(ask(base, {remove()}, edited, strategy::server_wins)) ==
             R"({"a":2,"b":1,"n":20} | TOOK_SERVER DELETE_EDIT)");
  BOOST_TEST(decided(ask(base, {remove()}, edited, strategy::client_wins)) ==
             "nothing | TOOK_CLIENT DELETE_EDIT");
}

BOOST_AUTO_TEST_CASE(two_creations_of_one_id_are_merged_without_a_base) {
  const auto theirs = row(9, R"({"a":1,"t":1})");
  const changes mine{create(R"({"a":2,"m":1})")};
  BOOST_TEST(decided(ask(nothing, mine, theirs)) ==
             R"({"a":1,"t":1,"m":1} | MERGED CREATE_CREATE a)");
  BOOST_TEST(decided(ask(nothing, mine, theirs, strategy::merge, prefer_side::client)) ==
             R"({"a":2,"t":1,"m":1} | MERGED CREATE_CREATE a)");
  BOOST_TEST(decided(ask(nothing, mine, theirs, strategy::server_wins)) ==
             R"({"a":1,"t":1} | TOOK_SERVER CREATE_CREATE)");
  BOOST_TEST(decided(ask(nothing, mine, theirs, strategy::client_wins)) ==
             R"({"a":2,"m":1} | TOOK_CLIENT CREATE_CREATE)");
  for (const auto by : {strategy::merge, strategy::client_wins}) {
    const auto decision = core::decide(ask(nothing, mine, theirs, by));
    BOOST_TEST((decision.entries(0).mutation().kind() == msg::UPDATE)); // never a second CREATE
  }
}

// `server_wins` recorded, and `manual` parked, what nobody had lost.
BOOST_AUTO_TEST_CASE(sides_that_came_to_the_same_are_no_conflict_under_any_strategy) {
  for (const auto by : {strategy::server_wins, strategy::client_wins, strategy::last_write_wins,
                        strategy::merge, strategy::manual, strategy::custom}) {
    BOOST_TEST(decided(ask(nothing, {create(R"({"b":1.0,"a":1})")}, row(9, R"({"a":1,"b":1})"),
                           by)) == R"({"a":1,"b":1} |)");
    BOOST_TEST(decided(ask(base, {patch(R"({"a":2,"n":20})")}, edited, by)) ==
               R"({"a":2,"b":1,"n":20} |)");
    BOOST_TEST(decided(ask(base, {remove()}, tombstone(9), by)) == "nothing |");
    BOOST_TEST(decided(ask(base, {remove()}, nothing, by)) == "nothing |");
  }
}

BOOST_AUTO_TEST_CASE(an_equal_result_by_increments_is_not_taken_for_the_same_change) {
  const auto theirs = row(9, R"({"n":11})");
  const auto mine = changes{plus(patch(R"({"x":null})"), "n", 1)};
  for (const auto by : {strategy::server_wins, strategy::client_wins, strategy::merge})
    BOOST_TEST(decided(ask(row(5, R"({"n":10})"), mine, theirs, by)).starts_with(R"({"n":12} |)"));
}

BOOST_AUTO_TEST_CASE(the_later_writer_wins_by_time_then_counter_then_tag) {
  const auto winner = [](std::int64_t my_ms, std::uint32_t my_counter, std::uint64_t my_tag,
                         const std::optional<item_view>& met) {
    auto mine = patch(R"({"a":3})");
    mine.mutable_client_time()->set_wall_ms(my_ms);
    mine.mutable_client_time()->set_counter(my_counter);
    auto theirs = met;
    if (theirs) {
      theirs->header.writer_wall_ms = 100;
      theirs->header.writer_counter = 5;
      theirs->header.writer_tag = 50;
    }
    auto question = ask(base, {mine}, theirs, strategy::last_write_wins);
    question.writer_tag = my_tag;
    return core::decide(question).records(0).decision();
  };
  BOOST_TEST((winner(101, 0, 0, edited) == msg::TOOK_CLIENT));
  BOOST_TEST((winner(99, 9, 99, edited) == msg::TOOK_SERVER));
  BOOST_TEST((winner(100, 6, 0, edited) == msg::TOOK_CLIENT));
  BOOST_TEST((winner(100, 4, 99, edited) == msg::TOOK_SERVER));
  BOOST_TEST((winner(100, 5, 51, edited) == msg::TOOK_CLIENT));
  BOOST_TEST((winner(100, 5, 49, edited) == msg::TOOK_SERVER));
  BOOST_TEST((winner(101, 0, 0, tombstone(9)) == msg::TOOK_CLIENT));
  BOOST_TEST((winner(99, 0, 0, tombstone(9)) == msg::TOOK_SERVER));
  BOOST_TEST((winner(1, 0, 0, nothing) == msg::TOOK_CLIENT)); // nobody to be later than
}

BOOST_AUTO_TEST_CASE(m14_increments_of_an_update_that_lost_are_sent_on_alone) {
  for (const auto& head : {plus(patch(R"({"a":3})"), "n", 1), plus(put("{}"), "n", 1)}) {
    const auto question = ask(base, {head}, edited, strategy::server_wins);
    BOOST_TEST(decided(question) == R"({"a":2,"b":1,"n":21} | TOOK_SERVER EDIT_EDIT)");
    const auto left = core::decide(question).entries(0).mutation();
    BOOST_TEST(core::is_increments_only(left));
  }
  BOOST_TEST(decided(ask(base, {plus(patch(R"({"a":3})"), "n", 1)}, edited)) ==
             R"({"a":2,"b":1,"n":21} | MERGED EDIT_EDIT a)");
  // On a deleted item there is nothing to add to.
  BOOST_TEST(decided(ask(base, {plus(patch(R"({"a":3})"), "n", 1)}, tombstone(9),
                         strategy::server_wins)) == "nothing | TOOK_SERVER EDIT_DELETE");
}

BOOST_AUTO_TEST_CASE(m14_holds_for_an_increment_that_joined_a_whole_body) {
  auto head = put(R"({"n":3})");
  BOOST_TEST((*core::coalesce(head, add("n", 1)) == core::coalesced::merged));
  BOOST_TEST(decided(ask(base, {head}, edited, strategy::server_wins)) ==
             R"({"a":2,"b":1,"n":21} | TOOK_SERVER EDIT_EDIT)");
}

BOOST_AUTO_TEST_CASE(merge_adds_increments_up_and_takes_absolute_parts_by_field) {
  BOOST_TEST(decided(ask(base, {plus(patch(R"({"b":3})"), "n", 5)}, edited)) ==
             R"({"a":2,"b":3,"n":25} | MERGED EDIT_EDIT)");
}

// Increments alone never conflict, so neither a record nor a parked lane may come from them.
BOOST_AUTO_TEST_CASE(increments_before_the_first_other_edit_are_passed_and_that_edit_is_judged) {
  const changes mine{add("n", 1), patch(R"({"a":3})")};
  BOOST_TEST(decided(ask(base, mine, edited)) == R"({"a":2,"b":1,"n":21} | MERGED EDIT_EDIT a)");
  BOOST_TEST(decided(ask(base, mine, edited, strategy::server_wins)) ==
             R"({"a":2,"b":1,"n":21} | TOOK_SERVER EDIT_EDIT)");
  BOOST_TEST(decided(ask(base, mine, edited, strategy::client_wins)) ==
             R"({"a":3,"b":1,"n":21} | TOOK_CLIENT EDIT_EDIT)");
  for (const auto by : {strategy::server_wins, strategy::client_wins, strategy::manual})
    BOOST_TEST(decided(ask(base, {add("n", 1)}, edited, by)) == R"({"a":2,"b":1,"n":21} |)");
  const auto parked = core::decide(ask(base, mine, edited, strategy::manual));
  BOOST_TEST((parked.parked_by() == conflict_id && parked.entries().empty()));
}

BOOST_AUTO_TEST_CASE(a_creation_has_no_base_even_where_its_lane_keeps_one) {
  BOOST_TEST(decided(ask(row(5, R"({"a":1})"), {create(R"({"a":1,"m":1})")},
                         row(9, R"({"a":2})"))) == R"({"a":2,"m":1} | MERGED CREATE_CREATE a)");
}

BOOST_AUTO_TEST_CASE(nulls_in_bodies_are_merged_as_values) {
  const auto with_null = row(5, R"({"a":{"x":1},"b":1})");
  const auto theirs = row(9, R"({"a":{"x":1},"b":2})");
  // No merge patch can say {"x":null}: the body goes as a whole, on the stamp that was met.
  const auto question = ask(with_null, {put(R"({"a":{"x":null},"b":1})")}, theirs);
  BOOST_TEST(decided(question) == R"({"a":{"x":null},"b":2} | MERGED EDIT_EDIT)");
  BOOST_TEST(core::decide(question).entries(0).mutation().has_body());
  BOOST_TEST(decided(ask(row(5, R"({"a":null})"), {patch(R"({"a":1})")},
                         row(9, R"({"a":null,"b":null})"))) ==
             R"({"a":1,"b":null} | MERGED EDIT_EDIT)");
  BOOST_TEST(decided(ask(row(5, R"({"a":1})"), {patch(R"({"a":null})")},
                         row(9, R"({"a":1,"b":1})"))) == R"({"b":1} | MERGED EDIT_EDIT)");
}

BOOST_AUTO_TEST_CASE(a_merge_that_would_be_too_large_keeps_theirs_and_records_mine) {
  const std::string half(600'000, 'x');
  const auto theirs_body = "{\"t\":\"" + half + "\"}";
  const auto decision = core::decide(
    ask(row(5, "{}"), {plus(patch("{\"m\":\"" + half + "\"}"), "n", 1)}, row(9, theirs_body)));
  BOOST_TEST((decision.records(0).decision() == msg::TOOK_SERVER));
  BOOST_TEST(decision.records(0).mine_body().size() > half.size());
  BOOST_TEST(core::is_increments_only(decision.entries(0).mutation()));
}

BOOST_AUTO_TEST_CASE(a_record_holds_base_mine_theirs_and_what_came_of_it) {
  const auto decision = core::decide(ask(base, {patch(R"({"b":3})")}, edited));
  const auto& record = decision.records(0);
  BOOST_TEST(record.conflict_id() == conflict_id);
  BOOST_TEST((record.collection() == "notes" && record.id() == "n1"));
  BOOST_TEST(record.base_body() == base.body);
  BOOST_TEST(record.mine_body() == R"({"a":1,"b":3,"n":10})");
  BOOST_TEST(record.theirs_body() == edited.body);
  BOOST_TEST((core::from_message(record.theirs_stamp()) == edited.header.stamp));
  BOOST_TEST(record.theirs_version() == edited.header.version);
  BOOST_TEST(record.result_body() == R"({"a":2,"b":3,"n":20})");
  BOOST_TEST(record.strategy() == "merge");
  BOOST_TEST((record.recorded_ms() == 5'000 && record.resolved_ms() == 5'000));
  BOOST_TEST(record.mine_mutations(0).patch() == R"({"b":3})");
  const auto deleted = core::decide(ask(base, {remove()}, edited)).records(0);
  BOOST_TEST(!deleted.has_mine_body());
  BOOST_TEST(!core::decide(ask(base, {patch("{}")}, tombstone(9))).records(0).has_theirs_body());
}

BOOST_AUTO_TEST_CASE(a_decision_names_what_it_read_and_what_the_rest_stands_on) {
  const auto decision = core::decide(ask(base, {patch(R"({"b":3})")}, edited));
  BOOST_TEST(decision.lane_revision() == 7u);
  BOOST_TEST((core::from_message(decision.theirs_read()) == edited.header.stamp));
  BOOST_TEST((core::from_message(decision.base()) == edited.header.stamp));
  BOOST_TEST(decision.kept_body() == edited.body);
  BOOST_TEST(decision.kept_version() == edited.header.version);
  BOOST_TEST(decision.kept_last_modified_ms() == edited.header.last_modified_ms);
  const auto gone = core::decide(ask(base, {patch(R"({"b":3})")}, tombstone(9)));
  BOOST_TEST((!gone.has_kept_body() && gone.base().seq() == 9));
  const auto unknown = core::decide(ask(base, {patch(R"({"b":3})")}, nothing));
  BOOST_TEST((!unknown.has_kept_body() && !unknown.has_base() && !unknown.has_theirs_read()));
}

BOOST_AUTO_TEST_CASE(manual_and_an_unanswered_custom_park_the_lane_as_it_is) {
  for (const auto by : {strategy::manual, strategy::custom}) {
    const auto decision =
      core::decide(ask(base, {patch(R"({"a":3})"), patch(R"({"b":3})")}, edited, by));
    BOOST_TEST(decision.parked_by() == conflict_id);
    BOOST_TEST((decision.entries().empty() && decision.records_size() == 1));
    BOOST_TEST((decision.records(0).decision() == msg::PARKED));
    BOOST_TEST(decision.records(0).resolved_ms() == 0);
    BOOST_TEST(!decision.records(0).has_result_body());
  }
}

BOOST_AUTO_TEST_CASE(a_verdict_is_about_all_that_waits) {
  const auto said = [](verdict word, const std::optional<item_view>& theirs) {
    auto question = ask(base, {patch(R"({"a":3})"), patch(R"({"b":3})")}, theirs, strategy::custom);
    question.said = std::move(word);
    return question;
  };
  const verdict body{verdict::kind::body, R"({"x":1})"};
  BOOST_TEST(decided(said(body, edited)) == R"({"x":1} | USER_DECIDED EDIT_EDIT)");
  BOOST_TEST(decided(said(body, tombstone(9))) == R"({"x":1} | USER_DECIDED EDIT_DELETE)");
  BOOST_TEST(decided(said({verdict::kind::body, std::string{edited.body}}, edited)) ==
             R"({"a":2,"b":1,"n":20} | TOOK_SERVER EDIT_EDIT)");
  const verdict gone{verdict::kind::remove, ""};
  BOOST_TEST(decided(said(gone, edited)) == "nothing | DELETED EDIT_EDIT");
  BOOST_TEST(decided(said(gone, tombstone(9))) == "nothing | DELETED EDIT_DELETE");
  BOOST_TEST(core::decide(said({}, edited)).parked_by() == conflict_id); // keep both
}

// Only the head's side was recorded; the later edits went without a trace.
BOOST_AUTO_TEST_CASE(the_record_of_a_verdict_has_all_that_it_replaced) {
  auto question =
    ask(base, {patch(R"({"a":3})"), patch(R"({"b":3})"), add("n", 1)}, edited, strategy::custom);
  question.said = verdict{verdict::kind::body, std::string{edited.body}};
  const auto decision = core::decide(question);
  const auto& record = decision.records(0);
  BOOST_TEST(record.mine_body() == R"({"a":3,"b":3,"n":11})");
  BOOST_TEST(record.mine_mutations_size() == 3);
  BOOST_TEST(decision.entries_size() == 3);
}

// Head and server both without the item counted as "equal", and the word of the user was lost.
BOOST_AUTO_TEST_CASE(a_verdict_counts_where_the_head_deletes_what_is_gone) {
  auto question = ask(base, {remove(), create(R"({"a":1})")}, tombstone(9), strategy::manual);
  question.said = verdict{verdict::kind::body, R"({"a":1})"};
  BOOST_TEST(decided(question) == R"({"a":1} | USER_DECIDED EDIT_DELETE)");
}

BOOST_AUTO_TEST_CASE(the_three_sides_for_a_host_function_take_all_that_waits) {
  const auto sides = core::sides_of(ask(base, {patch(R"({"a":3})"), patch(R"({"b":3})")}, edited));
  BOOST_TEST(*sides.base == base.body);
  BOOST_TEST(*sides.mine == R"({"a":3,"b":3,"n":10})");
  BOOST_TEST(*sides.theirs == edited.body);
  const auto gone = core::sides_of(ask(nothing, {create("{}"), remove()}, tombstone(9)));
  BOOST_TEST((!gone.base && !gone.mine && !gone.theirs));
}

BOOST_AUTO_TEST_CASE(strategies_have_the_names_of_the_settings) {
  for (const auto by : {strategy::server_wins, strategy::client_wins, strategy::last_write_wins,
                        strategy::merge, strategy::manual, strategy::custom})
    BOOST_TEST((core::conflict_strategy_from(to_string(by)) == by));
  BOOST_TEST(to_string(strategy::last_write_wins) == "last_write_wins");
  BOOST_TEST(!core::conflict_strategy_from("newest").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
