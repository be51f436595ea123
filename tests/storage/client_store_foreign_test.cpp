// A server that is none of ours: it names the items itself, and knows a batch by its key alone.

#include "tests/storage/client_device.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

/// A device of a foreign server, which the test plays.
struct foreign : device {
  foreign() : device{100, {"items", "other"}, true} {}

  static msg::Item item(const std::string& id, std::uint64_t version, const std::string& body) {
    msg::Item made;
    made.set_id(id);
    made.set_version(version);
    made.set_body(body);
    made.mutable_stamp()->set_start(1);
    made.mutable_stamp()->set_seq(version);
    return made;
  }

  static msg::Item gone(const std::string& id) {
    auto made = item(id, 0, "");
    made.set_deleted(true);
    made.mutable_stamp()->set_seq(std::uint64_t{1} << 62);
    return made;
  }

  /// As the poll actor gets it: with the server's names.
  msg::DeltaPage page(const std::vector<msg::Item>& items, const std::string& next,
                      bool has_more = false) {
    msg::DeltaPage made;
    made.set_collection("items");
    made.set_phase(msg::Cursor::CHANGES);
    made.set_prev_cursor(look().pull_state("items")->cursor().token());
    made.set_next_cursor(next);
    made.set_has_more(has_more);
    for (const auto& one : items)
      *(one.deleted() ? made.add_deleted() : made.add_items()) = one;
    return made;
  }

  msg::DeltaPage localised(msg::DeltaPage made) {
    BOOST_REQUIRE(look().localise(made).has_value());
    return made;
  }

  void pull(const std::vector<msg::Item>& items, const std::string& next, bool has_more = false) {
    const auto applied = apply(localised(page(items, next, has_more)), 0);
    BOOST_TEST(!applied.superseded());
  }

  /// The server takes all of it and calls what is new `srv-` and its name here.
  static msg::BatchResponse accept(const msg::BatchRequest& batch) {
    msg::BatchResponse response;
    for (const auto& mutation : batch.mutations()) {
      auto& result = *response.add_results();
      result.set_mutation_id(mutation.mutation_id());
      result.set_status(msg::SYNCED);
      const auto base = mutation.base().seq() >> 62 == 0 ? mutation.base().seq() : 0;
      result.set_version(mutation.kind() == msg::CREATE ? 1 : base + 1);
      result.mutable_stamp()->set_start(1);
      result.mutable_stamp()->set_seq(result.version());
      if (mutation.kind() != msg::CREATE)
        *result.mutable_previous_stamp() = mutation.base();
      result.set_server_id(mutation.kind() == msg::CREATE ? "srv-" + mutation.id() : "");
    }
    return response;
  }

  msg::BatchRequest halved(std::uint32_t limit) {
    msg::TakeOutboxBatch command;
    command.set_item_limit(limit);
    command.set_byte_limit(1u << 20);
    command.set_now_ms(now_ms);
    command.set_divide(true);
    return run(&client_transaction::take_batch, command).request();
  }

  void push() {
    const auto batch = take().request();
    BOOST_REQUIRE(batch.mutations_size() > 0);
    answer(batch, accept(batch));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(client_store_foreign, foreign)

BOOST_AUTO_TEST_CASE(an_item_keeps_its_name_here_and_is_sent_under_the_name_there) {
  put("a", R"({"n":1})");
  const auto created = take().request();
  BOOST_TEST(created.mutations(0).server_id() == "");
  answer(created, accept(created));
  put("a", R"({"n":2})");
  const auto updated = take().request();
  BOOST_TEST(updated.mutations(0).id() == "a");
  BOOST_TEST(updated.mutations(0).server_id() == "srv-a");
  BOOST_TEST(updated.mutations(0).base().seq() == 1U);
  answer(updated, accept(updated));
  pull({item("srv-a", 2, R"({"n":2})")}, "c1");
  BOOST_TEST(all().size() == 1U);
  BOOST_TEST(shown("a") == R"({"n":2})");
  BOOST_TEST(is_settled());
  pull({gone("srv-a")}, "c2");
  BOOST_TEST(all().empty());
  BOOST_TEST(inconsistency() == "");
}

// Our own server does, also to those who speak its plain routes.
BOOST_AUTO_TEST_CASE(a_server_may_keep_the_name_that_we_gave) {
  put("a", R"({"n":1})");
  const auto batch = take().request();
  auto response = accept(batch);
  response.mutable_results(0)->set_server_id("a");
  answer(batch, response);
  pull({item("a", 1, R"({"n":1})")}, "c1");
  BOOST_TEST(all().size() == 1U);
  BOOST_TEST(is_settled());
}

BOOST_AUTO_TEST_CASE(a_name_of_theirs_is_taken_over) {
  pull({item("x", 3, "{}")}, "c1");
  BOOST_TEST(shown("x") == "{}");
  patch("x", R"({"a":1})");
  const auto batch = take().request();
  BOOST_TEST(batch.mutations(0).id() == "x");
  BOOST_TEST(batch.mutations(0).server_id() == "");
  BOOST_TEST(batch.mutations(0).base().seq() == 3U);
}

BOOST_AUTO_TEST_CASE(an_old_page_takes_nothing_back) {
  pull({item("x", 3, R"({"n":3})")}, "c1");
  put("x", R"({"n":4})");
  push();
  pull({item("x", 3, R"({"n":3})")}, "c2"); // Asked for before.
  BOOST_TEST(shown("x") == R"({"n":4})");
  BOOST_TEST(!is_settled());
  pull({item("x", 4, R"({"n":4})")}, "c3");
  BOOST_TEST(is_settled());
}

BOOST_AUTO_TEST_CASE(a_page_that_is_faster_than_the_answer_brings_no_second_item) {
  put("a", R"({"n":1})");
  const auto batch = take().request();
  pull({item("srv-a", 1, R"({"n":1})")}, "c1");
  BOOST_TEST(all().size() == 2U); // Nobody can know yet.
  patch("srv-a", R"({"edited":1})");
  answer(batch, accept(batch));
  BOOST_TEST(all().size() == 1U);
  BOOST_TEST(shown("a") == R"({"n":1,"edited":1})");
  const auto edit = take().request();
  BOOST_REQUIRE(edit.mutations_size() == 1);
  BOOST_TEST(edit.mutations(0).id() == "a");
  BOOST_TEST(edit.mutations(0).server_id() == "srv-a");
  answer(edit, accept(edit));
  pull({item("srv-a", 2, R"({"n":1,"edited":1})")}, "c2");
  BOOST_TEST(is_settled());
  BOOST_TEST(inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(both_names_in_one_batch_become_one) {
  put("a", R"({"n":1})");
  const auto lost = take().request();
  pull({item("srv-a", 1, R"({"n":1})")}, "c1");
  patch("srv-a", R"({"edited":1})");
  const auto again = take().request(); // As it was: the edit waits for its answer.
  BOOST_TEST(again.mutations_size() == 1);
  BOOST_TEST(again.idempotency_key() == lost.idempotency_key());
}

BOOST_AUTO_TEST_CASE(a_page_that_was_named_before_an_answer_is_asked_for_again) {
  put("a", "{}");
  const auto batch = take().request();
  const auto early = localised(page({item("srv-a", 1, "{}")}, "c1"));
  BOOST_TEST(early.items(0).id() == "srv-a");
  answer(batch, accept(batch));
  BOOST_TEST(apply(early, 0).superseded());
  BOOST_TEST(all().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_here_is_changed_on_the_way) {
  put("same", R"({"mine":1})");
  pull({item("same", 1, R"({"theirs":1})")}, "c1");
  BOOST_TEST(shown("same") == R"({"mine":1})");
  BOOST_TEST(shown("server:same") == R"({"theirs":1})");
  push(); // Ours is srv-same there.
  patch("server:same", R"({"b":2})");
  const auto batch = take().request();
  BOOST_TEST(batch.mutations(0).server_id() == "same");
  answer(batch, accept(batch));
  pull({item("same", 2, R"({"theirs":1,"b":2})"), item("srv-same", 1, R"({"mine":1})")}, "c2");
  BOOST_TEST(all().size() == 2U);
  BOOST_TEST(is_settled());
  pull({gone("same")}, "c3");
  BOOST_TEST(shown("same") == R"({"mine":1})");
  BOOST_TEST(all().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_batch_that_may_have_arrived_is_sent_again_as_it_was) {
  for (int i = 0; i < 6; ++i)
    put("id" + std::to_string(i), "{}");
  const auto first = take(4).request();
  put("later", "{}");
  BOOST_TEST(first.mutations_size() == 4);
  BOOST_TEST(first.idempotency_key().size() == 32U);
  open(image()); // A crash.
  const auto again = take(100).request();
  BOOST_TEST(again.SerializeAsString() == first.SerializeAsString());
  BOOST_TEST(take(2).request().SerializeAsString() == first.SerializeAsString()); // Other options.
  const auto half = halved(2); // It was refused as a whole.
  BOOST_TEST(half.mutations_size() == 2);
  BOOST_TEST(half.idempotency_key() != first.idempotency_key());
  BOOST_TEST(take(100).request().SerializeAsString() == half.SerializeAsString());
  answer(half, accept(half));
  BOOST_TEST(take(100).request().mutations_size() == 2); // The other half.
  push();
  BOOST_TEST(take(100).request().mutations_size() == 3);
}

BOOST_AUTO_TEST_CASE(a_batch_is_of_one_collection) {
  put("a", "{}");
  msg::Mutation elsewhere;
  elsewhere.set_kind(msg::CREATE);
  elsewhere.set_collection("other");
  elsewhere.set_id("b");
  elsewhere.set_body("{}");
  BOOST_TEST(write(elsewhere) == "");
  put("c", "{}");
  const auto batch = take().request();
  BOOST_TEST(batch.mutations_size() == 2);
  answer(batch, accept(batch));
  BOOST_TEST(take().request().mutations(0).collection() == "other");
}

BOOST_AUTO_TEST_CASE(a_retry_of_what_was_refused_has_another_key) {
  put("a", "{}");
  const auto batch = take().request();
  msg::BatchResponse response;
  auto& result = *response.add_results();
  result.set_mutation_id(batch.mutations(0).mutation_id());
  result.set_status(msg::FAILED);
  result.mutable_error()->set_code("busy");
  result.mutable_error()->set_retryable(true);
  answer(batch, response);
  now_ms += 60'000;
  msg::TakeOutboxBatch command;
  command.set_item_limit(100);
  command.set_byte_limit(1u << 20);
  command.set_now_ms(now_ms);
  const auto again = run(&client_transaction::take_batch, command).request();
  BOOST_REQUIRE(again.mutations_size() == 1);
  BOOST_TEST(again.idempotency_key() != batch.idempotency_key());
}

BOOST_AUTO_TEST_CASE(after_a_walk_from_the_beginning_what_it_has_not_met_is_gone) {
  pull({item("a", 1, "{}"), item("b", 1, "{}"), item("c", 1, "{}"), item("d", 1, "{}")}, "c1");
  put("mine", "{}");
  patch("d", R"({"waits":1})");
  msg::ResetCursor reset;
  reset.set_collection("items");
  reset.set_reason("floor");
  reset.set_token("c1");
  run(&client_transaction::reset_cursor, reset);
  BOOST_TEST(all().size() == 5U);
  pull({item("a", 1, "{}")}, "w1", true);
  BOOST_TEST(all().size() == 5U); // The walk has not ended.
  open(image());
  const auto last = localised(page({item("c", 2, "{}"), item("e", 1, "{}")}, "w2"));
  BOOST_REQUIRE(last.deleted_size() == 2);
  BOOST_TEST(last.deleted(0).id() == "b");
  BOOST_TEST(last.deleted(1).id() == "d");
  apply(last, 0); // `d` was edited here and is gone there: a decision is needed.
  resolve_undecided();
  BOOST_TEST(shown("a") == "{}");
  BOOST_TEST(shown("b") == "-");
  BOOST_TEST(shown("c") == "{}");
  BOOST_TEST(shown("e") == "{}");
  BOOST_TEST(shown("mine") == "{}");
  BOOST_TEST(conflicts().size() == 1U);
  BOOST_TEST(inconsistency() == "");
  pull({}, "w3");
  BOOST_TEST(shown("a") == "{}"); // The marks are gone, and nothing is swept any more.
}

BOOST_AUTO_TEST_CASE(a_server_that_lost_history_costs_no_row_its_only_copy) {
  pull({item("a", 5, R"({"n":5})"), item("b", 1, "{}")}, "c1");
  msg::ResetCursor reset;
  reset.set_collection("items");
  reset.set_reason("ahead");
  reset.set_token("c1");
  run(&client_transaction::reset_cursor, reset);
  put("waits", "{}");
  BOOST_TEST(take().blocked_by_restore());
  pull({item("a", 2, R"({"n":2})")}, "w1"); // An older version, and no `b`.
  BOOST_TEST(shown("a") == R"({"n":2})");
  BOOST_TEST(shown("b") == "-");
  BOOST_TEST(conflicts().size() == 2U); // Both can be offered again.
}

BOOST_AUTO_TEST_CASE(what_was_deleted_and_made_again_is_not_met_by_its_old_tombstone) {
  put("a", R"({"n":1})");
  push();
  pull({item("srv-a", 1, R"({"n":1})")}, "c1");
  pull({gone("srv-a")}, "c2");
  put("a", R"({"n":2})");
  const auto batch = take().request();
  auto response = accept(batch);
  response.mutable_results(0)->set_server_id("srv-2");
  answer(batch, response);
  pull({gone("srv-a"), item("srv-2", 1, R"({"n":2})")}, "c3"); // Looks back.
  BOOST_TEST(shown("a") == R"({"n":2})");
  BOOST_TEST(is_settled());
}

BOOST_AUTO_TEST_CASE(what_the_server_never_had_is_gone_once_that_is_said) {
  put("a", "{}");
  push();
  remove("a");
  const auto batch = take().request();
  auto response = accept(batch);
  response.mutable_results(0)->set_not_found(true);
  answer(batch, response);
  BOOST_TEST(shown("a") == "-");
  BOOST_TEST(is_settled()); // No page will speak of it.
}

// The page of a deletion comes between a batch and its answer, which knows nothing of it.
BOOST_AUTO_TEST_CASE(an_answer_brings_nothing_back_that_a_page_has_taken_away) {
  pull({item("u", 1, "{}"), item("d", 1, "{}"), item("c", 1, "{}")}, "c1");
  put("made", "{}");
  patch("u", R"({"n":1})");
  remove("d");
  patch("c", R"({"n":1})");
  const auto batch = take().request();
  BOOST_REQUIRE(batch.mutations_size() == 4);
  pull({gone("u"), gone("d"), gone("c"), gone("srv-made")}, "c2");
  auto response = accept(batch);
  for (int i = 0; i < batch.mutations_size(); ++i)
    if (batch.mutations(i).id() == "c") {
      auto& refused = *response.mutable_results(i);
      refused.set_status(msg::CONFLICT);
      *refused.mutable_server_item() = item("c", 5, R"({"old":1})");
    }
  answer(batch, response);
  resolve_undecided();
  BOOST_TEST(shown("u") == "-");
  BOOST_TEST(shown("d") == "-");
  BOOST_TEST(shown("made") == "-");
  BOOST_TEST(!look().base("items", "c")->has_value());
  BOOST_TEST(counts().acknowledged == 0U);
  BOOST_TEST(inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(what_is_deleted_and_made_again_before_the_pull_is_seen) {
  pull({item("x", 3, R"({"n":3})")}, "c1");
  remove("x");
  const auto deletion = take().request();
  put("x", R"({"n":4})");
  answer(deletion, accept(deletion));
  const auto creation = take().request();
  auto response = accept(creation);
  response.mutable_results(0)->set_server_id("srv-2");
  answer(creation, response);
  BOOST_TEST(shown("x") == R"({"n":4})");
  pull({gone("x"), item("srv-2", 1, R"({"n":4})")}, "c2");
  BOOST_TEST(shown("x") == R"({"n":4})");
  BOOST_TEST(all().size() == 1U);
  BOOST_TEST(is_settled());
}

BOOST_AUTO_TEST_CASE(a_walk_that_met_an_item_under_its_other_name_keeps_it) {
  pull({item("a", 1, "{}")}, "c1");
  put("mine", "{}");
  const auto batch = take().request();
  msg::ResetCursor reset;
  reset.set_collection("items");
  reset.set_reason("floor");
  reset.set_token("c1");
  run(&client_transaction::reset_cursor, reset);
  pull({item("srv-mine", 1, "{}")}, "w1", true);
  answer(batch, accept(batch));
  pull({item("a", 1, "{}")}, "w2");
  BOOST_TEST(shown("mine") == "{}");
  BOOST_TEST(all().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_collection_that_comes_back_has_no_second_names) {
  pull({item("x", 1, "{}")}, "c1");
  patch("x", R"({"n":1})");
  msg::DropCollection drop;
  drop.set_collection("items");
  run(&client_transaction::drop_collection, drop);
  msg::AddCollection add;
  add.set_collection("items");
  run(&client_transaction::add_collection, add);
  pull({item("x", 1, "{}")}, "d1");
  BOOST_TEST(all().size() == 1U);
  BOOST_TEST(shown("x") == R"({"n":1})");
}

BOOST_AUTO_TEST_SUITE_END()
