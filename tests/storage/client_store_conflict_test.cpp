// What met what: decisions that pages and answers need, and how they are stored.

#include "tests/storage/client_device.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

/// A server with one item that a client has pulled and another one goes on changing.
struct two_writers {
  explicit two_writers(core::conflict_strategy strategy = core::conflict_strategy::merge) {
    client.policy.strategy = strategy;
    sent(server.store(), other, creating("d", R"({"g":1,"h":1})"));
    client.pull_all(server.store());
  }
  void theirs(const std::string& patch) {
    sent(server.store(), other, patching("d", patch, stamp()));
  }
  void theirs_deletes() {
    sent(server.store(), other, deleting("d", stamp()));
  }
  [[nodiscard]] msg::Stamp stamp() {
    return server.store().get("default", "items", "d").value()->stamp();
  }
  void finish() {
    client.sync(server.store());
    BOOST_TEST(client.is_settled());
    BOOST_TEST(client.inconsistency() == "");
    const auto there = shown(server.store(), "d");
    BOOST_TEST(client.shown("d") == (there == "(nothing)" ? "-" : there));
  }

  test_server server;
  sender other{"other"};
  device client;
};

void discard_first(device& client) {
  msg::ManageOutbox discard;
  discard.set_action(msg::ManageOutbox::DISCARD);
  discard.set_local_seq(client.outbox()[0].local_seq());
  client.run(&client_transaction::manage_outbox, discard);
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_store_conflict)

BOOST_AUTO_TEST_CASE(a_page_that_meets_a_queued_edit_is_decided_in_its_own_transaction) {
  two_writers world;
  world.client.patch("d", R"({"g":2})");
  world.theirs(R"({"h":2})");
  msg::ApplyRemoteChanges changes;
  *changes.mutable_page() = std::get<delta_answer>(world.client.ask(world.server.store())).page;
  changes.set_request_start(world.server.store().start());
  const auto before = world.client.image().transaction;
  BOOST_TEST(world.client.run(&client_transaction::apply_remote, changes).stale());
  BOOST_TEST(world.client.shown("d") == R"({"g":2,"h":1})"); // Nothing of the page was applied.
  BOOST_TEST(world.client.image().transaction == before + 1);
  world.client.pull_all(world.server.store());
  BOOST_TEST(world.client.shown("d") == R"({"g":2,"h":2})");
  world.finish();
  BOOST_TEST(shown(world.server.store(), "d") == R"({"g":2,"h":2})");
}

BOOST_AUTO_TEST_CASE(a_decision_about_a_lane_that_moved_is_stale) {
  two_writers world;
  world.client.patch("d", R"({"g":2})");
  world.theirs(R"({"g":3})");
  msg::ApplyRemoteChanges changes;
  *changes.mutable_page() = std::get<delta_answer>(world.client.ask(world.server.store())).page;
  changes.set_request_start(world.server.store().start());
  core::conflict_question question;
  question.collection = "items";
  question.id = "d";
  question.lane = world.client.look().lane("items", "d").value();
  question.theirs = changes.page().items(0);
  question.conflict_id = 7;
  *changes.add_decisions() = core::decide(question);
  auto other_row = changes;
  other_row.mutable_decisions(0)->mutable_theirs_read()->set_seq(99);
  BOOST_TEST(world.client.run(&client_transaction::apply_remote, other_row).stale());
  world.client.patch("d", R"({"g":4})");
  BOOST_TEST(world.client.run(&client_transaction::apply_remote, changes).stale());
  BOOST_TEST(world.client.conflicts().empty());
  world.finish();
}

BOOST_AUTO_TEST_CASE(a_resolution_of_a_lane_that_moved_is_stale) {
  two_writers world;
  world.client.patch("d", R"({"g":2})");
  world.theirs(R"({"g":3})");
  const auto batch = world.client.take().request();
  world.client.answer(batch, output_of(world.server.store(), input_of(batch)));
  BOOST_TEST(world.client.events().conflicts.lanes_size() == 1);
  core::conflict_question question;
  question.collection = "items";
  question.id = "d";
  question.lane = world.client.look().lane("items", "d").value();
  question.theirs = question.lane.record.met();
  question.conflict_id = 7;
  msg::ApplyResolution resolution;
  *resolution.mutable_decision() = core::decide(question);
  world.theirs(R"({"g":5})");
  world.client.pull_all(world.server.store()); // A later version is met, and decided by the loop.
  BOOST_TEST(world.client.run(&client_transaction::apply_resolution, resolution).stale());
  world.finish();
}

BOOST_AUTO_TEST_CASE(nothing_of_an_undecided_lane_is_sent) {
  two_writers world;
  world.client.patch("d", R"({"g":2})");
  world.client.put("e", "{}");
  world.theirs(R"({"g":3})");
  const auto batch = world.client.take().request();
  world.client.answer(batch, output_of(world.server.store(), input_of(batch)));
  world.client.patch("d", R"({"h":7})");
  BOOST_TEST(world.client.shown("d") == R"({"g":2,"h":7})");
  world.client.put("f", "{}");
  const auto next = world.client.take().request();
  BOOST_TEST(next.mutations_size() == 1); // Other lanes go on.
  BOOST_TEST(next.mutations(0).id() == "f");
  world.client.open(world.client.image());
  BOOST_TEST(world.client.look().undecided()->size() == 1U); // Taken up after a restart.
  world.client.resolve_undecided();
  world.finish();
  BOOST_TEST(shown(world.server.store(), "d") == R"({"g":3,"h":7})");
}

BOOST_AUTO_TEST_CASE(m9_an_increment_between_hides_nobodys_change) {
  two_writers world;
  world.client.add("d", "n", 1); // Queued on the version that was pulled.
  world.theirs(R"({"g":2})");
  world.client.push_all(world.server.store()); // Applied on theirs; the answer says so.
  world.client.patch("d", R"({"g":9})");       // Made without having seen it.
  world.client.push_all(world.server.store());
  world.finish();
  BOOST_TEST(!world.client.conflicts().empty());
  BOOST_TEST(shown(world.server.store(), "d") == R"({"g":2,"h":1,"n":1})");
}

BOOST_AUTO_TEST_CASE(m10_an_edit_behind_a_creation_that_fails_is_compared_with_what_came) {
  test_server server;
  sender other{"other"};
  device client;
  client.pull_all(server.store());
  client.create("d", R"({"g":1})");
  const auto batch = client.take().request();
  sent(server.store(), other, creating("d", R"({"g":5,"theirs":1})"));
  client.pull_all(server.store()); // Brings another's item under the creation in flight.
  client.patch("d", R"({"g":2})"); // On what the user sees.
  msg::BatchResponse response;
  auto& result = *response.add_results();
  result.set_mutation_id(batch.mutations(0).mutation_id());
  result.set_status(msg::FAILED);
  client.answer(batch, response);
  BOOST_TEST(client.look().undecided()->size() == 1U); // Not sent before it was compared.
  BOOST_TEST(client.take().request().mutations_size() == 0);
  client.resolve_undecided();
  client.sync(server.store());
  BOOST_TEST(client.counts().outbox == 0U);
  BOOST_TEST(shown(server.store(), "d").find(R"("theirs":1)") != std::string::npos);
  BOOST_TEST(client.conflicts().size() == 1U);
}

BOOST_AUTO_TEST_CASE(m11_an_acknowledged_change_that_was_set_back_is_a_conflict_of_the_next) {
  two_writers world;
  world.client.patch("d", R"({"g":2})");
  world.client.push_all(world.server.store());
  world.theirs(R"({"g":1})"); // Back to what the first edit was made on.
  world.client.patch("d", R"({"g":3})");
  world.client.push_all(world.server.store());
  world.finish();
  BOOST_REQUIRE(!world.client.conflicts().empty());
  BOOST_TEST(world.client.conflicts()[0].base_body() == R"({"g":2,"h":1})");
  BOOST_TEST(shown(world.server.store(), "d") == R"({"g":1,"h":1})");
}

BOOST_AUTO_TEST_CASE(m14_the_increments_of_an_update_that_loses_are_sent_alone) {
  for (const bool by_page : {false, true}) {
    two_writers world{core::conflict_strategy::server_wins};
    world.client.patch("d", R"({"h":2})");
    world.client.add("d", "g", 10); // One entry.
    world.theirs(R"({"h":3})");
    if (by_page)
      world.client.pull_all(world.server.store());
    world.client.push_all(world.server.store());
    world.finish();
    BOOST_TEST(shown(world.server.store(), "d") == R"({"g":11,"h":3})");
  }
}

BOOST_AUTO_TEST_CASE(later_edits_of_a_lane_whose_head_lost_go_on) {
  two_writers world{core::conflict_strategy::server_wins};
  world.client.patch("d", R"({"g":2})");
  world.client.take();
  world.client.patch("d", R"({"later":1})");
  world.theirs(R"({"g":3})");
  world.client.push_all(world.server.store());
  world.finish();
  BOOST_TEST(shown(world.server.store(), "d") == R"({"g":3,"h":1,"later":1})");
}

BOOST_AUTO_TEST_CASE(an_edit_against_a_deletion_is_kept_or_dropped_by_strategy) {
  using strategy = core::conflict_strategy;
  for (const bool by_page : {false, true})
    for (const auto& [chosen, result] :
         std::map<strategy, std::string>{{strategy::merge, R"({"g":2,"h":1})"},
                                         {strategy::client_wins, R"({"g":2,"h":1})"},
                                         {strategy::server_wins, "-"}}) {
      two_writers world{chosen};
      world.client.patch("d", R"({"g":2})");
      world.theirs_deletes();
      if (by_page)
        world.client.pull_all(world.server.store());
      world.client.push_all(world.server.store());
      world.finish();
      BOOST_TEST(world.client.shown("d") == result);
      BOOST_TEST(world.client.conflicts().size() == 1U);
      BOOST_TEST(world.client.conflicts()[0].reason() == msg::EDIT_DELETE);
    }
}

BOOST_AUTO_TEST_CASE(a_deletion_against_an_edit_is_kept_or_dropped_by_strategy) {
  using strategy = core::conflict_strategy;
  for (const bool by_page : {false, true})
    for (const auto& [chosen, result] :
         std::map<strategy, std::string>{{strategy::merge, R"({"g":2,"h":1})"},
                                         {strategy::client_wins, "-"},
                                         {strategy::server_wins, R"({"g":2,"h":1})"}}) {
      two_writers world{chosen};
      world.client.remove("d");
      world.theirs(R"({"g":2})");
      if (by_page)
        world.client.pull_all(world.server.store());
      world.client.push_all(world.server.store());
      world.finish();
      BOOST_TEST(world.client.shown("d") == result);
      BOOST_TEST(world.client.conflicts()[0].reason() == msg::DELETE_EDIT);
    }
}

BOOST_AUTO_TEST_CASE(a_parked_lane_shows_the_users_version_until_he_decides) {
  for (const bool by_page : {false, true}) {
    two_writers world{core::conflict_strategy::manual};
    world.client.patch("d", R"({"g":2})");
    world.theirs(R"({"g":3})");
    if (by_page)
      world.client.pull_all(world.server.store());
    world.client.push_all(world.server.store());
    world.client.pull_all(world.server.store());
    BOOST_TEST(world.client.shown("d") == R"({"g":2,"h":1})");
    BOOST_TEST(world.client.status("d") == "CONFLICT");
    BOOST_TEST(world.client.take().request().mutations_size() == 0);
    world.client.patch("d", R"({"later":1})"); // Joins it.
    BOOST_TEST(world.client.status("d") == "CONFLICT");
    world.client.open(world.client.image());
    world.theirs(R"({"h":5})");
    world.client.pull_all(world.server.store());
    BOOST_TEST(world.client.shown("d") == R"({"g":2,"h":1,"later":1})");
    BOOST_REQUIRE(world.client.conflicts().size() == 1U);
    const auto id = world.client.conflicts()[0].conflict_id();
    BOOST_TEST(world.client.conflicts()[0].resolved_ms() == 0);
    BOOST_TEST(world.client.decide(id, {core::verdict::kind::body, R"({"decided":1})"}) == "");
    BOOST_TEST(world.client.shown("d") == R"({"decided":1})");
    BOOST_TEST(world.client.conflicts()[0].decision() == msg::USER_DECIDED);
    world.finish();
    BOOST_TEST(shown(world.server.store(), "d") == R"({"decided":1})");
  }
}

BOOST_AUTO_TEST_CASE(a_parked_edit_of_a_deleted_item_says_delete_conflict) {
  for (const bool by_page : {false, true}) {
    two_writers world{core::conflict_strategy::manual};
    world.client.patch("d", R"({"g":2})");
    world.theirs_deletes();
    if (by_page)
      world.client.pull_all(world.server.store());
    world.client.push_all(world.server.store());
    BOOST_TEST(world.client.status("d") == "DELETE_CONFLICT");
    BOOST_TEST(world.client.shown("d") == R"({"g":2,"h":1})");
    const auto id = world.client.conflicts()[0].conflict_id();
    BOOST_TEST(world.client.decide(id, {core::verdict::kind::remove, {}}) == "");
    world.finish();
    BOOST_TEST(world.client.shown("d") == "-");
  }
}

BOOST_AUTO_TEST_CASE(conflicts_are_kept_for_their_time_and_open_ones_longer) {
  two_writers world;
  world.client.patch("d", R"({"g":2})");
  world.theirs(R"({"g":3})");
  world.finish();
  world.client.policy.strategy = core::conflict_strategy::manual;
  world.client.patch("d", R"({"g":4})");
  world.theirs(R"({"g":5})");
  world.client.pull_all(world.server.store());
  BOOST_TEST(world.client.conflicts().size() == 2U);
  const auto trim = [&] {
    const auto transaction = world.client.store().begin();
    transaction->trim_conflicts();
    transaction->commit();
  };
  trim();
  BOOST_TEST(world.client.conflicts().size() == 2U);
  world.client.now_ms += 31LL * 24 * 3600 * 1000;
  trim();
  BOOST_REQUIRE(world.client.conflicts().size() == 1U);
  BOOST_TEST(world.client.conflicts()[0].resolved_ms() == 0);
}

BOOST_AUTO_TEST_CASE(dropping_the_refused_head_of_a_lane_frees_the_rest) {
  two_writers world{core::conflict_strategy::manual};
  world.client.patch("d", R"({"g":2})");
  world.theirs(R"({"g":3})");
  world.client.push_all(world.server.store());
  discard_first(world.client);
  BOOST_TEST(world.client.status("d") == "SYNCED");
  BOOST_TEST(world.client.inconsistency() == "");
  world.client.policy.strategy = core::conflict_strategy::merge;
  world.client.patch("d", R"({"h":8})");
  world.finish();
  BOOST_TEST(shown(world.server.store(), "d") == R"({"g":3,"h":8})");
}

// It was listed as open for ever, and each decision about it was a new write.
BOOST_AUTO_TEST_CASE(a_conflict_stayed_open_although_nothing_waited_for_it) {
  for (const bool discards : {false, true}) {
    two_writers world{core::conflict_strategy::manual};
    world.client.patch("d", R"({"g":2})");
    world.theirs(R"({"g":3})");
    world.client.push_all(world.server.store());
    BOOST_REQUIRE(world.client.conflicts().size() == 1U);
    const auto conflict = world.client.conflicts()[0].conflict_id();
    BOOST_TEST(world.client.conflicts()[0].resolved_ms() == 0);
    if (discards) {
      discard_first(world.client);
    } else {
      world.client.policy.strategy = core::conflict_strategy::server_wins;
      world.theirs(R"({"g":4})");
      world.client.pull_all(world.server.store());
      BOOST_TEST(world.client.decide(conflict, {core::verdict::kind::body, R"({"g":5})"}) == "");
    }
    BOOST_TEST(world.client.conflicts()[0].resolved_ms() != 0);
    BOOST_TEST(
      (world.client.conflicts()[0].decision() == (discards ? msg::SUPERSEDED : msg::USER_DECIDED)));
  }
}

// Likewise: that of a row which a restored server had lost.
BOOST_AUTO_TEST_CASE(a_late_decision_closes_its_conflict) {
  two_writers world{core::conflict_strategy::manual};
  world.client.patch("d", R"({"g":2})");
  world.theirs(R"({"g":3})");
  world.client.push_all(world.server.store());
  msg::WriteLocal decision;
  auto& operation = *decision.add_operations();
  *operation.mutable_mutation() = creating("d", R"({"n":"chosen"})");
  operation.set_upsert(true);
  operation.set_closes_conflict(world.client.conflicts()[0].conflict_id());
  BOOST_TEST(world.client.write(decision) == "");
  for (const auto& record : world.client.conflicts())
    BOOST_TEST(record.resolved_ms() != 0);
}

// Deciding an old conflict wrote over later edits that no server had seen, and they were nowhere.
BOOST_AUTO_TEST_CASE(a_late_decision_keeps_the_later_edits_that_it_overwrites) {
  device client;
  BOOST_TEST(client.put("a", R"({"n":"later"})") == "");
  msg::WriteLocal decision;
  auto& operation = *decision.add_operations();
  *operation.mutable_mutation() = creating("a", R"({"n":"chosen"})");
  operation.set_upsert(true);
  operation.set_closes_conflict(77); // Which is no longer kept.
  BOOST_TEST(client.write(decision) == "");
  BOOST_TEST(client.shown("a") == R"({"n":"chosen"})");
  BOOST_REQUIRE(client.conflicts().size() == 1U);
  BOOST_TEST(client.conflicts()[0].mine_body() == R"({"n":"later"})");
  BOOST_TEST(client.conflicts()[0].resolved_ms() != 0);
}

BOOST_AUTO_TEST_SUITE_END()
