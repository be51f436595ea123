// The schedules on which a model of an earlier text of this protocol broke its promises.

#include "tests/simulation/schedule.hpp"

namespace syncline::tests {

BOOST_AUTO_TEST_SUITE(known_schedules)

BOOST_AUTO_TEST_CASE(M1_an_acknowledged_change_stays_visible_when_the_cursor_passes_it) {
  schedule s;
  s.create(1, "d", R"({"v":"old"})");
  s.push(1);
  s.sync_all();
  s.create(1, "a", "{}");
  s.push(1); // 2
  s.patch(0, "d", R"({"v":"mine"})");
  s.push(0); // 3
  for (const char* id : {"e", "f", "g"})
    s.create(1, id, "{}");
  s.push(1); // 4-6
  s.pull(1);
  s.patch(1, "d", R"({"w":"theirs"})");
  s.push(1);          // 7: the entry of seq 3 leaves the change index
  s.pull_pages(0, 2); // a (2) and one of 4-6: past 3, without d
  BOOST_TEST(s.visible(0, "d") == R"({"v":"mine"})");
  s.expect_agreement();
  BOOST_TEST(s.visible(0, "d") == R"({"v":"mine","w":"theirs"})");
}

BOOST_AUTO_TEST_CASE(M2_an_acknowledged_increment_is_shown_once_whatever_the_walk_has_reached) {
  schedule s;
  for (const char* id : {"a", "b", "p", "q"})
    s.create(1, id, R"({"n":0})");
  s.push(1);
  s.pull_pages(0, 1); // The walk has noted its head and stands at "a".
  s.create(0, "m", R"({"n":0})");
  s.push(0);
  s.increment(0, "m", 1);
  s.push(0);
  BOOST_TEST(s.visible(0, "m") == R"({"n":1})");
  for (int page = 0; page < 6; ++page) {
    s.pull_pages(0, 1);
    BOOST_TEST(s.visible(0, "m") == R"({"n":1})");
  }
  s.expect_agreement();
}

BOOST_AUTO_TEST_CASE(M3_a_server_that_lost_exactly_one_mutation_does_not_stop_the_outbox) {
  schedule s;
  const auto empty = s.back_up();
  s.create(0, "a", R"({"v":1})");
  s.push(0);
  s.restore_by_hand(empty);
  s.create(0, "b", R"({"v":2})");
  s.sync(0);
  s.expect_agreement();
  BOOST_TEST(s.at_server("b") == R"({"v":2})");
  // The first one was acknowledged and lost: it is offered again, not forgotten.
  BOOST_TEST(s.conflicts_for(0, msg::SERVER_RESTORED) == 1u);
}

BOOST_AUTO_TEST_CASE(M4_an_item_born_and_deleted_during_the_walk_is_no_ghost) {
  schedule s;
  s.create(1, "a", "{}");
  s.push(1);
  s.pull_pages(0, 1); // Notes head 1.
  s.create(1, "c", "{}");
  s.push(1);          // 2
  s.pull_pages(0, 1); // Shows c.
  s.remove(1, "c");
  s.push(1); // 3
  s.expect_agreement();
  BOOST_TEST(s.visible(0, "c") == "none");
}

BOOST_AUTO_TEST_CASE(M5_a_cursor_of_a_start_that_reached_further_is_refused) {
  schedule s;
  s.create(1, "a", "{}");
  s.push(1);
  const auto early = s.back_up();
  for (const char* id : {"b", "c", "d"})
    s.create(1, id, "{}");
  s.push(1);
  s.pull(0); // Cursor 4 of the first start.
  s.restore_by_hand(early);
  s->add_client({});
  for (const char* id : {"p", "q", "r", "s", "t"})
    s.create(2, id, "{}");
  s.sync(2); // The head is beyond 4 again.
  s.pull(0);
  BOOST_TEST(s->counts().of("410 start") > 0u);
  s.expect_agreement();
  BOOST_TEST(s.visible(0, "b") == "none");
  BOOST_TEST(s.conflicts_for(0, msg::SERVER_RESTORED) == 3u);
}

BOOST_AUTO_TEST_CASE(M6_what_an_answer_showed_counts_as_seen) {
  schedule s;
  const auto empty = s.back_up();
  s.pull(0); // A cursor at 0.
  s.create(0, "a", "{}");
  s.push(0); // The answer of seq 1 was taken; the cursor is still at 0.
  s.restore_by_hand(empty);
  s.pull(0);
  BOOST_TEST(s->counts().of("410 start") + s->counts().of("410 ahead") > 0u);
  s.expect_agreement();
  BOOST_TEST(s.visible(0, "a") == "none");
  BOOST_TEST(s.conflicts_for(0, msg::SERVER_RESTORED) == 1u);
}

BOOST_AUTO_TEST_CASE(M7_a_copy_that_was_delayed_over_a_restore_takes_no_effect) {
  schedule s;
  const auto empty = s.back_up();
  s.create(1, "c", R"({"v":"theirs"})");
  s.push(1);
  s.create(0, "c", R"({"v":"mine","w":1})");
  exchange_fate late_copy;
  late_copy.duplicate_after_ms = 50'000;
  s.push(0); // Learns the start.
  s.restore_by_hand(empty);
  s.create(0, "x", "{}");
  s.push_with(0, late_copy); // A batch of the start before, copied.
  s.restore_by_hand(empty);
  s.expect_agreement();
  const auto before = s.at_server("x");
  s->run_for(60'000); // The copy arrives.
  BOOST_TEST(s.at_server("x") == before);
  s.expect_agreement();
}

BOOST_AUTO_TEST_CASE(M8_an_item_made_again_by_another_is_not_the_one_that_was_patched) {
  schedule s;
  const auto empty = s.back_up();
  s.create(0, "d", R"({"v":"first"})");
  s.sync(0);
  s.patch(0, "d", R"({"v":"patched"})");
  s.restore_by_hand(empty);
  s.create(1, "d", R"({"v":"another"})"); // Version 1 again.
  s.push(1);
  s.sync(0);
  BOOST_TEST(s.conflicts(0).size() > 0u);
  s.expect_agreement();
  BOOST_TEST(s.at_server("d") == R"({"v":"another"})");
}

BOOST_AUTO_TEST_CASE(M9_an_increment_over_anothers_change_does_not_hide_it_from_the_next_patch) {
  schedule s;
  s.create(0, "d", R"({"g":1,"n":0})");
  s.sync_all();
  s.increment(0, "d", 1);
  s.push_with(0, lost_request()); // Frozen, so that the patch is an entry of its own.
  s.patch(1, "d", R"({"g":2})");
  s.push(1);
  s.patch(0, "d", R"({"g":3})");
  s.sync(0);
  s.expect_agreement();
  // Both changed g: the server's value stands, and mine is on record.
  BOOST_TEST(s.at_server("d") == R"({"g":2,"n":1})");
  BOOST_TEST(s.conflicts_for(0, msg::EDIT_EDIT) == 1u);
}

BOOST_AUTO_TEST_CASE(M10_an_edit_behind_a_failed_creation_meets_the_item_of_another) {
  schedule s;
  s.create(0, "d", R"({"g":"mine"})");
  s.push_with(0, lost_request());
  s.create(1, "d", R"({"g":"theirs","h":1})");
  s.push(1);
  s.pull(0);
  s.patch(0, "d", R"({"g":"later"})");
  s.expect_agreement();
  BOOST_TEST(s.conflicts(0).size() > 0u);
  // The later edit goes on, on the winner, and what it replaced is on record.
  BOOST_TEST(s.at_server("d").find("\"h\":1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(M11_a_value_set_back_by_another_is_a_conflict_not_the_old_base) {
  schedule s;
  s.create(0, "d", R"({"g":1})");
  s.sync_all();
  s.patch(0, "d", R"({"g":2})");
  s.push(0);
  s.pull(1);
  s.patch(1, "d", R"({"g":1})");
  s.push(1);
  s.patch(0, "d", R"({"g":3})"); // Still on top of my own 2: no page has come.
  s.sync(0);
  s.expect_agreement();
  BOOST_TEST(s.conflicts_for(0, msg::EDIT_EDIT) == 1u);
  BOOST_TEST(s.at_server("d") == R"({"g":1})");
}

BOOST_AUTO_TEST_CASE(M12_a_copied_store_does_not_apply_again_what_its_twin_was_answered) {
  schedule s;
  s->server().allow_cloned_increments();
  s.create(0, "d", R"({"n":0})");
  s.sync(0);
  s.increment(0, "d", 1);
  s.push_with(0, lost_request()); // Frozen and unanswered in both copies.
  s->client(1).die();
  s->client(1).copy_from(s->client(0));
  s->client(1).start();
  s->run_for(1);
  s.push(1); // The twin is answered,
  s.increment(1, "d", 10);
  s.push(1); // and has told the server to forget the answer.
  s.push(0);
  BOOST_TEST(s->counts().of("result OUTCOME_UNKNOWN") == 1u);
  s.expect_agreement();
  BOOST_TEST(s.at_server("d") == R"({"n":11})");
  BOOST_TEST(s->client(0).store().snapshot()->quarantine()->size() == 1u);
}

BOOST_AUTO_TEST_CASE(M13_a_late_conflict_does_not_bring_back_what_was_deleted) {
  schedule s;
  s.create(1, "d", R"({"v":"theirs"})");
  s.push(1);
  s.create(0, "d", R"({"v":"mine"})");
  exchange_fate slow;
  slow.reply_delay_ms = 5'000;
  s.push_with(0, slow); // CONFLICT is on its way.
  s.remove(1, "d");
  s.push(1);
  s.pull(0); // The deletion is faster.
  s->run_for(10'000);
  BOOST_TEST(s.visible(0, "d") != R"({"v":"theirs"})");
  s.expect_agreement();
}

BOOST_AUTO_TEST_CASE(M14_the_increment_of_an_update_that_lost_is_sent_on_alone) {
  schedule s{{core::conflict_strategy::server_wins, core::prefer_side::server}};
  s.create(0, "d", R"({"g":1,"n":0})");
  s.sync_all();
  s.patch_and_increment(0, "d", R"({"g":2})", 5);
  s.patch(1, "d", R"({"g":3})");
  s.push(1);
  s.expect_agreement();
  BOOST_TEST(s.at_server("d") == R"({"g":3,"n":5})");
  BOOST_TEST(s.conflicts_for(0, msg::EDIT_EDIT) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
