// Batches out, answers in: against answers of a real server's store, and against made-up ones.

#include "tests/storage/client_device.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

msg::ErrorReply refusing(const std::string& code, std::uint64_t expected = 0) {
  msg::ErrorReply reply;
  reply.set_code(code);
  reply.set_expected(expected);
  return reply;
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_store_push)

BOOST_AUTO_TEST_CASE(a_batch_is_creations_then_updates_then_deletions_with_dense_ids) {
  test_server server;
  device client;
  for (const char* id : {"a", "b", "c"})
    client.put(id, R"({"n":0})");
  client.sync(server.store());
  client.remove("a");
  client.add("b", "n", 1);
  client.put("new", "{}");
  client.remove("c");
  const auto batch = client.take().request();
  names order;
  for (const auto& mutation : batch.mutations())
    order.push_back(mutation.id());
  BOOST_TEST(order == (names{"new", "b", "a", "c"}), boost::test_tools::per_element());
  for (int i = 0; i < batch.mutations_size(); ++i)
    BOOST_TEST(batch.mutations(i).mutation_id() == static_cast<std::uint64_t>(4 + i));
  BOOST_TEST(batch.acked_through() == 3U);
  BOOST_TEST(batch.start() == server.store().start());
  BOOST_TEST(batch.seen().seq() == 3U);
  BOOST_TEST(batch.mutations(2).payload_hash() == payload_hash(batch.mutations(2)));
}

BOOST_AUTO_TEST_CASE(a_batch_keeps_its_limits_and_is_given_out_until_it_is_answered) {
  device client;
  for (int i = 0; i < 10; ++i)
    client.put("id" + std::to_string(i), R"({"t":")" + std::string(100, 'x') + R"("})");
  BOOST_TEST(client.take(4).request().mutations_size() == 4);
  BOOST_TEST(client.take(100).request().mutations_size() == 4); // Only one batch is in flight.
  BOOST_TEST(client.take(2).request().mutations_size() == 2);   // Smaller, after a failure.
  BOOST_TEST(client.take(0).request().mutations_size() == 1);
  BOOST_TEST(client.take(4, 1).request().mutations_size() == 1);
  const auto half = client.take(2).request();
  client.answer(half, answer_all(half, msg::SYNCED));
  const auto rest = client.take(100).request();
  BOOST_TEST(rest.mutations_size() == 2);
  BOOST_TEST(rest.mutations(0).mutation_id() == 3U);
  client.answer(rest, answer_all(rest, msg::SYNCED, 3));
  BOOST_TEST(client.take(100, 700).request().mutations_size() < 6);
}

BOOST_AUTO_TEST_CASE(batches_are_frozen_behind_the_one_that_is_on_its_way) {
  device client;
  for (int i = 0; i < 9; ++i)
    client.put("id" + std::to_string(i), "{}");
  const auto first = client.take(4).request();
  client.patch("id0", R"({"second":1})"); // Its first edit is on its way.
  const auto ahead = client.take_ahead(4, 2, 3);
  BOOST_REQUIRE(ahead.request().mutations_size() == 3);
  BOOST_TEST(ahead.request().mutations(0).mutation_id() == 5U);
  BOOST_REQUIRE(ahead.following_size() == 1);
  const auto& last = ahead.following(0);
  BOOST_TEST(last.mutations_size() == 2);
  BOOST_TEST(last.client() == first.client());
  BOOST_TEST(last.start() == first.start());
  BOOST_TEST(ahead.more());
  BOOST_TEST(client.take_ahead(9, 2).request().mutations().empty());
  BOOST_TEST(client.take(100).request().mutations_size() == 9); // From the oldest on.

  BOOST_TEST(client.answer(last, answer_all(last, msg::SYNCED, 8)).superseded());
  BOOST_TEST(!client.answer(first, answer_all(first, msg::SYNCED, 1)).superseded());
  const auto then = client.take_ahead(9, 1);
  BOOST_REQUIRE(then.request().mutations_size() == 1);
  BOOST_TEST(then.request().mutations(0).id() == "id0");
  BOOST_TEST(then.request().mutations(0).mutation_id() == 10U);
  BOOST_TEST(!then.more());
}

BOOST_AUTO_TEST_CASE(answers_are_taken_by_id_and_what_is_missing_is_sent_again) {
  device client; // C4
  for (const char* id : {"a", "b", "c"})
    client.put(id, "{}");
  const auto batch = client.take().request();
  auto response = answer_all(batch, msg::SYNCED);
  response.mutable_results()->SwapElements(0, 1);
  response.mutable_results(2)->set_mutation_id(77);
  const auto applied = client.answer(batch, response);
  BOOST_TEST(applied.processed() == 2U);
  const auto again = client.take().request();
  BOOST_TEST(again.mutations_size() == 1);
  BOOST_TEST(again.mutations(0).SerializeAsString() == batch.mutations(2).SerializeAsString());
  BOOST_TEST(again.acked_through() == 2U);
  // The same answer once more comes too late.
  BOOST_TEST(client.answer(batch, response).superseded());
  BOOST_TEST(client.inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_longer_asked_for_changes_nothing) {
  device client;
  client.put("a", "{}");
  const auto batch = client.take().request();
  auto other = batch;
  other.set_client("other");
  BOOST_TEST(client.answer(other, answer_all(batch, msg::SYNCED)).superseded());
  other = batch;
  other.set_start(5);
  BOOST_TEST(client.answer(other, answer_all(batch, msg::SYNCED)).superseded());
  other = batch;
  other.mutable_mutations(0)->set_mutation_id(2);
  BOOST_TEST(client.answer(other, answer_all(other, msg::SYNCED)).superseded());
  BOOST_TEST(client.answer(other, refusing("mutation_gap", 9)).superseded());
  BOOST_TEST(client.outbox().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_accepted_write_stays_visible_until_it_is_pulled) {
  test_server server;
  device client;
  client.put("a", R"({"n":1})");
  client.push_all(server.store());
  BOOST_TEST(client.shown("a") == R"({"n":1})");
  BOOST_TEST(client.status("a") == "PENDING");
  BOOST_TEST(client.counts().outbox == 0U);
  BOOST_TEST(client.counts().acknowledged == 1U);
  client.open(client.image());
  BOOST_TEST(client.shown("a") == R"({"n":1})");
  client.pull_all(server.store());
  BOOST_TEST(client.status("a") == "SYNCED");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(an_answer_that_was_lost_is_given_again) {
  test_server server; // B3
  device client;
  client.put("a", R"({"n":0})");
  client.sync(server.store());
  for (int i = 0; i < 3; ++i)
    client.add("a", "n", 1);
  const auto known = client.push_unheard(server.store());
  client.push_unheard(server.store());
  client.add("a", "n", 1);
  client.sync(server.store());
  BOOST_TEST(client.shown("a") == R"({"n":4})");
  BOOST_TEST(shown(server.store(), "a") == R"({"n":4})");
}

BOOST_AUTO_TEST_CASE(edits_and_deletions_during_the_flight_follow_their_creation) {
  test_server server; // C5, C6
  for (const bool deletes : {false, true}) {
    device client{deletes ? 7U : 8U};
    const std::string id = deletes ? "d" : "e";
    client.put(id, R"({"n":0})");
    client.push_unheard(server.store());
    if (deletes)
      client.remove(id);
    else
      client.patch(id, R"({"n":1})");
    client.sync(server.store());
    BOOST_TEST(shown(server.store(), id) == (deletes ? "-" : R"({"n":1})"));
    BOOST_TEST(client.shown(id) == (deletes ? "-" : R"({"n":1})"));
    BOOST_TEST(client.conflicts().empty());
    BOOST_TEST(client.is_settled());
  }
}

BOOST_AUTO_TEST_CASE(one_bad_write_does_not_hold_up_the_others) {
  device client; // C2
  for (int i = 0; i < 5; ++i)
    client.put("id" + std::to_string(i), "{}");
  client.patch("id2", R"({"later":1})");
  const auto batch = client.take().request();
  client.patch("id2", R"({"later":2})");
  auto response = answer_all(batch, msg::SYNCED);
  response.mutable_results(2)->set_status(msg::FAILED);
  response.mutable_results(2)->mutable_error()->set_code("too_deep");
  const auto applied = client.answer(batch, response);
  BOOST_TEST(applied.processed() == 4U);
  BOOST_TEST(applied.failed() == 1U);
  BOOST_TEST(client.counts().quarantined == 1U);
  BOOST_TEST(client.quarantine()[0].error().code() == "too_deep");
  const auto next = client.take().request(); // Its lane goes on.
  BOOST_TEST(next.mutations_size() == 1);
  BOOST_TEST(next.mutations(0).id() == "id2");
  BOOST_TEST(client.inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(what_failed_may_be_tried_again_edited_or_dropped) {
  test_server server;
  device client;
  for (const char* id : {"retried", "edited", "dropped"})
    client.put(id, "{}");
  const auto batch = client.take().request();
  client.answer(batch, answer_all(batch, msg::FAILED));
  BOOST_TEST(client.counts().quarantined == 3U);
  BOOST_TEST(client.shown("retried") == "-"); // Rolled back.
  const auto records = client.quarantine();
  BOOST_TEST(client.manage(msg::ManageOutbox::RETRY, records[0].entry().local_seq()) == "");
  auto mutation = mutation_of(msg::CREATE, "another item");
  mutation.set_body(R"({"edited":1})");
  BOOST_TEST(client.manage(msg::ManageOutbox::EDIT, records[1].entry().local_seq(), mutation) ==
             "");
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, records[2].entry().local_seq()) == "");
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, records[2].entry().local_seq()) ==
             "not_found");
  BOOST_TEST(client.manage(msg::ManageOutbox::RETRY, 12345) == "not_found");
  BOOST_TEST(client.counts().quarantined == 0U);
  const auto again = client.take().request();
  BOOST_TEST(again.mutations_size() == 2);
  BOOST_TEST(again.mutations(0).mutation_id() == 4U);
  BOOST_TEST(again.mutations(0).nonce() != batch.mutations(0).nonce());
  BOOST_TEST(client.shown("edited") == R"({"edited":1})");
  BOOST_TEST(client.shown("another item") == "-");
  BOOST_TEST(client.inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(an_edit_of_the_quarantine_that_makes_no_sense_leaves_it_alone) {
  device client;
  client.put("a", "{}");
  const auto batch = client.take().request();
  client.answer(batch, answer_all(batch, msg::FAILED));
  const auto local_seq = client.quarantine()[0].entry().local_seq();
  BOOST_TEST(client.manage(msg::ManageOutbox::EDIT, local_seq, creating("a", "[]")) ==
             "not_an_object");
  BOOST_TEST(client.manage(msg::ManageOutbox::EDIT, local_seq, patching("a", "{}", {})) ==
             "not_found");
  BOOST_TEST(client.counts().quarantined == 1U);
  BOOST_TEST(client.counts().outbox == 0U);
}

BOOST_AUTO_TEST_CASE(what_waits_may_be_dropped_but_not_what_is_on_its_way) {
  device client;
  client.put("a", "{}");
  const auto batch = client.take().request();
  client.patch("a", R"({"n":1})");
  const auto entries = client.outbox();
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, entries[0].local_seq()) == "already_sent");
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, entries[1].local_seq()) == "");
  BOOST_TEST(client.shown("a") == "{}");
  client.write_group({creating("g1"), creating("g2")});
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, client.outbox()[1].local_seq()) ==
             "bad_group");
  BOOST_TEST(client.inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(a_failure_that_may_pass_is_tried_again_later) {
  device client;
  client.put("a", "{}");
  for (int attempt = 1; attempt <= 8; ++attempt) {
    const auto batch = client.take().request();
    BOOST_REQUIRE(batch.mutations_size() == 1);
    BOOST_TEST(batch.mutations(0).mutation_id() == static_cast<std::uint64_t>(attempt));
    auto response = answer_all(batch, msg::FAILED);
    response.mutable_results(0)->mutable_error()->set_retryable(true);
    client.answer(batch, response);
    const auto waiting = client.take();
    BOOST_TEST(waiting.request().mutations_size() == 0);
    if (attempt < 8)
      BOOST_TEST(waiting.wait_until_ms() > client.now_ms);
    client.now_ms = std::max(client.now_ms, waiting.wait_until_ms());
  }
  BOOST_TEST(client.counts().quarantined == 1U); // Not for ever.
}

BOOST_AUTO_TEST_CASE(a_poison_is_sent_as_skip_and_its_lane_goes_on) {
  test_server server; // C1
  device client;
  for (const char* id : {"a", "b", "c"})
    client.put(id, "{}");
  client.pull_all(server.store());
  client.take();
  client.poison(2);
  client.poison(2); // Twice is once.
  client.poison(99);
  BOOST_TEST(client.counts().quarantined == 1U);
  BOOST_TEST(client.status("b") == "-"); // Shown as it was before.
  const auto seq = client.quarantine()[0].entry().local_seq();
  BOOST_TEST(client.manage(msg::ManageOutbox::RETRY, seq) == "awaits_server");
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, seq) == "awaits_server");
  client.put("b", R"({"again":1})");
  client.push(server.store());
  BOOST_TEST(shown(server.store(), "b") == "(nothing)");
  BOOST_TEST(shown(server.store(), "c") == "{}");
  BOOST_TEST(!client.quarantine()[0].awaits_skip());
  client.sync(server.store());
  BOOST_TEST(shown(server.store(), "b") == R"({"again":1})");
  BOOST_TEST(client.status("b") == "FAILED"); // Something of it is in quarantine.
  BOOST_TEST(client.manage(msg::ManageOutbox::DISCARD, seq) == "");
  BOOST_TEST(client.status("b") == "SYNCED");
  BOOST_TEST(client.inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(a_poison_that_was_applied_after_all_leaves_the_quarantine) {
  test_server server;
  device client;
  client.put("a", R"({"n":1})");
  client.pull_all(server.store());
  client.push_unheard(server.store()); // Applied, and then the connection gave 500.
  client.poison(1);
  BOOST_TEST(client.counts().quarantined == 1U);
  client.push(server.store());
  BOOST_TEST(client.counts().quarantined == 0U);
  BOOST_TEST(client.shown("a") == R"({"n":1})");
  client.sync(server.store());
  BOOST_TEST(client.is_settled());
  BOOST_TEST(client.status("a") == "SYNCED");
}

BOOST_AUTO_TEST_CASE(a_poison_that_had_met_a_conflict_is_decided) {
  test_server server;
  device client;
  sender other{"other"};
  client.pull_all(server.store());
  client.put("a", R"({"mine":1})");
  sent(server.store(), other, creating("a", R"({"theirs":1})"));
  client.push_unheard(server.store());
  client.poison(1);
  client.sync(server.store());
  BOOST_TEST(client.counts().quarantined == 0U);
  BOOST_TEST(client.is_settled());
  BOOST_TEST(client.shown("a") == R"({"theirs":1,"mine":1})");
  BOOST_TEST(shown(server.store(), "a") == R"({"theirs":1,"mine":1})");
}

BOOST_AUTO_TEST_CASE(the_first_batch_learns_the_start_of_the_server) {
  test_server server;
  device client;
  client.put("a", "{}");
  BOOST_TEST(client.push(server.store())); // Refused: it names no start.
  BOOST_TEST(shown(server.store(), "a") == "(nothing)");
  BOOST_TEST(client.state().known_start() == server.store().start());
  BOOST_TEST(client.push(server.store()));
  BOOST_TEST(shown(server.store(), "a") == "{}");
  server.restart();
  client.patch("a", R"({"n":1})");
  client.push_all(server.store());
  BOOST_TEST(shown(server.store(), "a") == R"({"n":1})");
}

BOOST_AUTO_TEST_CASE(m3_a_server_that_lost_history_is_given_a_new_client) {
  test_server server;
  device client;
  client.sync(server.store());
  client.put("pad", "{}");
  client.sync(server.store());
  const auto former = client.state().client();
  client.put("a", "{}");
  const auto batch = client.take().request();
  // The server lost exactly what it had answered: it expects 1, the client sends 2.
  client.answer(batch, refusing("mutation_gap", 1));
  BOOST_TEST(client.state().client() != former);
  const auto renamed = client.take().request();
  BOOST_TEST(renamed.mutations(0).mutation_id() == 1U);
  BOOST_TEST(renamed.mutations(0).formers(0).client() == former);
  BOOST_TEST(renamed.mutations(0).formers(0).mutation_id() == 2U);
  BOOST_TEST(renamed.mutations(0).nonce() == batch.mutations(0).nonce());
  BOOST_TEST(renamed.acked_through() == 0U);
  BOOST_TEST(client.answer(batch, answer_all(batch, msg::SYNCED)).superseded());
  client.push_all(server.store());
  BOOST_TEST(shown(server.store(), "a") == "{}");
}

BOOST_AUTO_TEST_CASE(a_refusal_that_is_no_reason_to_renumber_is_an_error) {
  device client;
  client.put("a", "{}");
  const auto batch = client.take().request();
  msg::ApplyBatchRefusal command;
  command.set_client(batch.client());
  command.set_first_mutation_id(1);
  for (const auto& refusal :
       {refusing("mutation_gap", 1), refusing("bad_batch"), refusing("anything")}) {
    *command.mutable_refusal() = refusal;
    BOOST_TEST(!client.attempt(&client_transaction::apply_refusal, command).has_value());
  }
  BOOST_TEST(client.state().client() == batch.client());
}

BOOST_AUTO_TEST_CASE(a24_two_copies_of_a_store_lose_and_double_nothing) {
  test_server server;
  device one{1};
  one.put("n", R"({"n":0})");
  one.sync(server.store());
  one.put("shared", R"({"by":"both"})");
  one.take(); // Both copies hold the same frozen entry.
  device two{2};
  two.open(one.image());
  one.add("n", "n", 1);
  two.add("n", "n", 10);
  one.put("one", "{}");
  two.put("two", "{}");
  for (int i = 0; i < 6; ++i) {
    one.push(server.store());
    two.push(server.store());
  }
  one.sync(server.store());
  two.sync(server.store());
  one.sync(server.store());
  BOOST_TEST(one.state().client() != two.state().client());
  BOOST_TEST(shown(server.store(), "n") == R"({"n":11})");
  for (const char* id : {"one", "two", "shared"})
    BOOST_TEST(shown(server.store(), id) != "(nothing)");
  BOOST_TEST((one.all() == two.all()));
  BOOST_TEST(one.quarantine().empty());
  BOOST_TEST(two.quarantine().empty());
}

BOOST_AUTO_TEST_CASE(m12_a_copy_whose_answer_was_forgotten_does_not_apply_it_again) {
  test_server server;
  device one{1};
  one.put("n", R"({"n":0})");
  one.sync(server.store());
  one.add("n", "n", 1);
  one.take();
  device two{2};
  two.open(one.image());
  one.push_all(server.store());
  one.put("later", "{}");
  one.push_all(server.store()); // Acknowledges what both copies hold.
  two.sync(server.store());
  BOOST_TEST(shown(server.store(), "n") == R"({"n":1})");
  BOOST_REQUIRE(two.quarantine().size() == 1U);
  BOOST_TEST(two.quarantine()[0].error().code() == "outcome_unknown");
}

BOOST_AUTO_TEST_CASE(a_store_put_back_to_an_old_copy_goes_on_under_a_new_id) {
  test_server server; // A23
  device client;
  client.put("n", R"({"n":0})");
  client.sync(server.store());
  const auto old = client.image();
  const auto former = client.state().client();
  client.add("n", "n", 1);
  client.put("x", R"({"lost here":1})");
  client.sync(server.store());
  client.open(old);
  client.put("y", "{}");
  client.sync(server.store());
  BOOST_TEST(client.state().client() != former);
  BOOST_TEST(shown(server.store(), "y") == "{}");
  BOOST_TEST(client.shown("n") == R"({"n":1})");
  BOOST_TEST(client.shown("x") == R"({"lost here":1})");
}

BOOST_AUTO_TEST_CASE(the_stages_of_a_write_are_told) {
  test_server server;
  device client;
  client.pull_all(server.store());
  client.put("a", "{}");
  const auto stage = [&] {
    BOOST_REQUIRE(client.events().advanced.steps_size() == 1);
    return client.events().advanced.steps(0).stage();
  };
  const auto batch = client.take().request();
  BOOST_TEST(stage() == msg::MutationsAdvanced::SENT);
  client.answer(batch, output_of(server.store(), input_of(batch)));
  BOOST_TEST(stage() == msg::MutationsAdvanced::ACCEPTED);
  client.pull(server.store());
  BOOST_TEST(stage() == msg::MutationsAdvanced::VISIBLE);
  BOOST_TEST(client.events().changed.remote_changes() == 1u);
}

// Found by seed 154 of the simulation: over a live stream no page came that was as late as the
// answer, for nothing of the item's collection had changed by then.
BOOST_AUTO_TEST_CASE(a_deletion_of_what_is_gone_waits_for_no_page_but_its_own) {
  for (const bool is_pulled_first : {true, false}) {
    test_server server;
    device client{100, {"items", "notes"}};
    device other{200, {"items", "notes"}};
    client.put("a", "{}");
    client.sync(server.store());
    other.sync(server.store());
    client.remove("a");
    BOOST_TEST(client.take().request().mutations_size() == 1); // On its way.
    other.remove("a");
    other.push_all(server.store());
    if (is_pulled_first)
      client.pull(server.store());
    auto elsewhere = mutation_of(msg::CREATE, "n");
    elsewhere.set_collection("notes");
    elsewhere.set_body("{}");
    BOOST_TEST(other.write(elsewhere) == "");
    other.push_all(server.store());
    BOOST_TEST(client.push(server.store())); // The same batch.
    BOOST_TEST(client.shown("a") == "-");
    BOOST_TEST(client.is_settled() == is_pulled_first);
    client.pull(server.store());
    BOOST_TEST(client.is_settled());
    BOOST_TEST(client.inconsistency() == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
