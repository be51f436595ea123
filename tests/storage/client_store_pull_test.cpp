// Pages in: walks, changes, what stays visible how long, and collections that come and go.

#include "tests/storage/client_device.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

msg::Stamp stamp_of(test_server& server, const std::string& id) {
  return server.store().get("default", "items", id).value()->stamp();
}

void fill(test_server& server, sender& from, const names& ids) {
  for (const auto& id : ids)
    sent(server.store(), from, creating(id, R"({"n":0})"));
}

msg::ClientCursor cursor_of(const device& client, const std::string& collection = "items") {
  return client.look().pull_state(collection)->cursor();
}

void drop(device& client, const std::string& collection) {
  msg::DropCollection command;
  command.set_collection(collection);
  client.run(&client_transaction::drop_collection, command);
}

std::string join(device& client, const std::string& collection) {
  msg::AddCollection command;
  command.set_collection(collection);
  const auto added = client.attempt(&client_transaction::add_collection, command);
  return added ? "" : added.error().code;
}

std::string keys_of(const std::map<std::string, std::string>& items) {
  std::string keys;
  for (const auto& [key, value] : items)
    keys += key;
  return keys;
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_store_pull)

BOOST_AUTO_TEST_CASE(a_walk_goes_on_from_each_page_after_a_restart) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "b", "c", "d", "e"});
  device client;
  BOOST_TEST(cursor_of(client).walking());
  std::string seen;
  while (client.pull(server.store(), 2)) {
    BOOST_TEST(cursor_of(client).walking());
    BOOST_TEST(keys_of(client.all()).starts_with(seen));
    seen = keys_of(client.all());
    client.open(client.image());
  }
  BOOST_TEST(keys_of(client.all()) == "abcde");
  BOOST_TEST(!cursor_of(client).walking());
  BOOST_TEST(cursor_of(client).seq() == 5U);
  BOOST_TEST(client.status("a") == "SYNCED");
}

BOOST_AUTO_TEST_CASE(a_page_applies_only_where_the_cursor_stands) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "b", "c"});
  device client;
  const auto first = client.ask(server.store(), 1);
  BOOST_TEST(!client.apply(first).superseded());
  const auto second = client.ask(server.store(), 1);
  BOOST_TEST(!client.apply(second).superseded());
  BOOST_TEST(client.apply(first).superseded());
  BOOST_TEST(client.apply(second).superseded()); // A duplicate.
  const auto third = std::get<delta_answer>(client.ask(server.store(), 1)).page;
  BOOST_TEST(client.apply(third, server.store().start() + 1).superseded()); // Of another start.
  auto elsewhere = third;
  elsewhere.set_collection("notes");
  BOOST_TEST(client.apply(elsewhere, server.store().start()).superseded());
  BOOST_TEST(keys_of(client.all()) == "ab");
  BOOST_TEST(!client.apply(third, server.store().start()).superseded());
  BOOST_TEST(keys_of(client.all()) == "abc");
}

BOOST_AUTO_TEST_CASE(a_page_and_its_cursor_are_one_transaction) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a"});
  device client;
  msg::ApplyRemoteChanges changes;
  *changes.mutable_page() = std::get<delta_answer>(client.ask(server.store())).page;
  client.kv().fail_next_commit("disk_full");
  BOOST_CHECK_THROW(static_cast<void>(client.attempt(&client_transaction::apply_remote, changes)),
                    kv_error);
  BOOST_TEST(client.all().empty());
  BOOST_TEST(cursor_of(client).token() == "");
  BOOST_TEST(client.state().known_start() == 0U);
  client.pull_all(server.store());
  BOOST_TEST(keys_of(client.all()) == "a");
}

BOOST_AUTO_TEST_CASE(a_page_with_an_impossible_id_is_an_error_not_a_crash) {
  test_server server;
  device client;
  for (const auto& id : {std::string(10'000, 'i'), std::string{}, std::string{"a\0b", 3}})
    for (const bool deleted : {false, true}) {
      msg::ApplyRemoteChanges changes;
      *changes.mutable_page() = std::get<delta_answer>(client.ask(server.store())).page;
      auto& item =
        deleted ? *changes.mutable_page()->add_deleted() : *changes.mutable_page()->add_items();
      item.set_id(id);
      item.set_deleted(deleted);
      const auto applied = client.attempt(&client_transaction::apply_remote, changes);
      BOOST_REQUIRE(!applied.has_value());
      BOOST_TEST(applied.error().code == "bad_page");
    }
  BOOST_TEST(cursor_of(client).token() == "");
}

BOOST_AUTO_TEST_CASE(what_a_walk_lacks_within_its_range_is_gone_and_nothing_else) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "b", "c", "d", "e"});
  device client;
  client.pull_all(server.store());
  client.put("b2", R"({"mine":1})");
  for (const char* id : {"b", "e"})
    sent(server.store(), other, deleting(id, stamp_of(server, id)));
  trim_options options;
  options.tombstones_kept_ms = 0;
  BOOST_TEST(server.store().trim(noon_ms + 1000, options).value() >= 2U);
  // Below the floor: the collection is walked again, and keeps what waits.
  BOOST_TEST(client.apply(client.ask(server.store())).superseded());
  BOOST_TEST(!client.state().restoring());
  BOOST_TEST(keys_of(client.all()) == "abb2cde"); // Nothing goes before a page says so.
  client.pull(server.store(), 2);                 // (, c]
  BOOST_TEST(keys_of(client.all()) == "ab2cde");
  client.pull_all(server.store(), 2);
  BOOST_TEST(keys_of(client.all()) == "ab2cd");
  BOOST_TEST(client.counts().conflicts == 0U);
  BOOST_TEST(client.status("b2") == "PENDING");
  client.sync(server.store());
  BOOST_TEST(shown(server.store(), "b2") == R"({"mine":1})");
}

BOOST_AUTO_TEST_CASE(m1_a_small_page_that_passes_an_acknowledged_seq_does_not_hide_it) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "d"}); // 1, 2
  device client;
  client.pull_all(server.store());
  client.patch("d", R"({"mine":1})");
  client.push_all(server.store());                                                      // 3
  fill(server, other, {"x"});                                                           // 4
  sent(server.store(), other, patching("d", R"({"theirs":1})", stamp_of(server, "d"))); // 5
  BOOST_TEST(client.pull(server.store(), 1)); // Passes 3 and ends at 4, without d.
  BOOST_TEST(cursor_of(client).seq() == 4U);
  BOOST_TEST(client.shown("d") == R"({"n":0,"mine":1})");
  client.pull_all(server.store(), 1);
  BOOST_TEST(client.shown("d") == R"({"n":0,"mine":1,"theirs":1})");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(m2_a_walk_in_progress_neither_hides_nor_doubles_what_was_acknowledged) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "z"});
  device client;
  client.create("m", R"({"n":1})");
  client.push_all(server.store()); // 3, before the walk begins
  client.pull(server.store(), 1);  // Its noted head is 3; the key was not reached.
  BOOST_TEST(client.shown("m") == R"({"n":1})");
  client.pull_all(server.store());
  BOOST_TEST(client.is_settled());
  device again{7};
  again.pull(server.store(), 2); // Reads "m" as it is.
  again.add("m", "n", 1);
  again.push_all(server.store());
  BOOST_TEST(again.shown("m") == R"({"n":2})");
  again.pull_all(server.store(), 1);
  BOOST_TEST(again.shown("m") == R"({"n":2})");
  BOOST_TEST(again.is_settled());
}

BOOST_AUTO_TEST_CASE(a_row_that_holds_an_increment_does_not_show_it_twice) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a"});
  device client;
  client.pull_all(server.store());
  client.add("a", "n", 1);
  const auto batch = client.take().request();
  const auto output = output_of(server.store(), input_of(batch));
  client.pull_all(server.store());               // The page is faster than the answer.
  BOOST_TEST(client.shown("a") == R"({"n":2})"); // Not yet known to be the same one.
  client.answer(batch, output);
  BOOST_TEST(client.shown("a") == R"({"n":1})");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(a_tombstone_ends_what_was_acknowledged_before_it_at_once) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a"});
  device client;
  client.pull_all(server.store());
  client.patch("a", R"({"mine":1})");
  client.push_all(server.store());
  sent(server.store(), other, deleting("a", stamp_of(server, "a")));
  fill(server, other, {"b", "c"});
  BOOST_TEST(client.pull(server.store(), 1)); // The tombstone; more is to come.
  BOOST_TEST(client.shown("a") == "-");
  BOOST_TEST(client.counts().acknowledged == 0U);
}

BOOST_AUTO_TEST_CASE(an_answer_later_than_the_page_that_deleted_its_item_leaves_no_ghost) {
  enum what { updates, deletes, creates };
  for (const what does : {updates, deletes, creates}) {
    test_server server;
    sender other{"other"};
    if (does != creates)
      fill(server, other, {"a"});
    device client;
    client.pull_all(server.store());
    if (does == deletes)
      client.remove("a");
    else
      client.put("a", R"({"mine":1})");
    const auto batch = client.take().request();
    const auto output = output_of(server.store(), input_of(batch));
    if (does != deletes)
      sent(server.store(), other, deleting("a", stamp_of(server, "a")));
    client.pull_all(server.store()); // The page brings the tombstone under the sent entry.
    client.answer(batch, output);
    BOOST_TEST(client.shown("a") == "-");
    // Nothing is new at the server, so no page will come to say more.
    client.pull_unless_not_modified(server.store());
    BOOST_TEST(client.is_settled());
    BOOST_TEST(client.inconsistency() == "");
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_a_walk_ends_what_it_has_covered) {
  test_server server;
  sender other{"other"};
  device client;
  client.put("a", R"({"mine":1})");
  client.push_all(server.store());
  sent(server.store(), other, deleting("a", stamp_of(server, "a")));
  BOOST_TEST(client.shown("a") == R"({"mine":1})");
  BOOST_TEST(!client.pull(server.store())); // The whole walk, at a head above both.
  client.pull_unless_not_modified(server.store());
  BOOST_TEST(client.shown("a") == "-");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(the_item_of_a_refusal_is_kept_if_no_page_can_be_behind_it) {
  test_server server;
  sender other{"other"};
  device client;
  client.pull_all(server.store());
  client.policy.strategy = core::conflict_strategy::server_wins;
  client.create("a", R"({"mine":1})");
  sent(server.store(), other, creating("a", R"({"theirs":1})"));
  client.push_all(server.store());
  BOOST_TEST(client.shown("a") == R"({"theirs":1})"); // Before any page.
  BOOST_REQUIRE(client.look().base("items", "a")->has_value());
  BOOST_TEST(client.status("a") == "SYNCED");
  client.sync(server.store());
  BOOST_TEST(client.shown("a") == R"({"theirs":1})");
}

BOOST_AUTO_TEST_CASE(m13_a_late_refusal_does_not_bring_back_what_was_deleted_meanwhile) {
  test_server server;
  sender other{"other"};
  device client;
  client.pull_all(server.store());
  client.create("a", R"({"mine":1})");
  sent(server.store(), other, creating("a", R"({"theirs":1})"));
  const auto batch = client.take().request();
  const auto output = output_of(server.store(), input_of(batch));
  sent(server.store(), other, deleting("a", stamp_of(server, "a")));
  client.pull_all(server.store());
  client.answer(batch, output);
  BOOST_TEST(!client.look().base("items", "a")->has_value());
  BOOST_TEST(client.shown("a") == R"({"mine":1})"); // His item does not vanish before a decision.
  client.resolve_undecided();
  client.sync(server.store());
  BOOST_TEST(client.is_settled());
  BOOST_TEST(client.shown("a") == shown(server.store(), "a"));
  BOOST_TEST(client.shown("a").find("mine") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_page_read_before_a_refusal_does_not_replace_its_item) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "b"});
  device client;
  client.policy.strategy = core::conflict_strategy::server_wins;
  client.pull_all(server.store());
  sent(server.store(), other, adding("a", "n", 1)); // 3
  client.patch("a", R"({"mine":1})");
  const auto early = client.ask(server.store());    // "a" at 3
  sent(server.store(), other, adding("a", "n", 1)); // 4
  client.push_all(server.store());
  BOOST_TEST(client.shown("a") == R"({"n":2})");
  client.apply(early);
  BOOST_TEST(client.shown("a") == R"({"n":2})");
  client.sync(server.store());
  BOOST_TEST(client.shown("a") == R"({"n":2})");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(a_dropped_collection_keeps_what_waits) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "b", "c"});
  device client{5, {"items", "notes"}};
  client.pull_all(server.store());
  client.patch("a", R"({"acked":1})");
  client.push_all(server.store());
  client.patch("b", R"({"waits":1})");
  client.write(in_collection(creating("n"), "notes"));
  drop(client, "items");
  BOOST_TEST(client.counts().acknowledged == 0U);
  BOOST_TEST(client.counts().outbox == 2U);
  BOOST_TEST(client.shown("a") == "-");
  BOOST_TEST(client.shown("c") == "-");
  BOOST_TEST(client.shown("b") == R"({"n":0,"waits":1})"); // On the body it was made on.
  BOOST_TEST(client.shown("n", "notes") == "{}");
  BOOST_TEST((client.look().collections().value() == names{"notes"}));
  client.push_all(server.store());
  BOOST_TEST(shown(server.store(), "b") == R"({"n":0,"waits":1})");
  BOOST_TEST(join(client, "items") == "");
  BOOST_TEST(join(client, "items") == "");
  client.sync(server.store());
  BOOST_TEST(keys_of(client.all()) == "abc");
  BOOST_TEST(client.shown("a") == R"({"n":0,"acked":1})");
  BOOST_TEST(client.is_settled());
  BOOST_TEST(join(client, "Bad name") == "bad_collection");
  BOOST_TEST(join(client, std::string(1000, 'c')) == "bad_collection");
}

BOOST_AUTO_TEST_CASE(a_refusal_after_its_collection_was_dropped_leaves_no_row_behind) {
  test_server server;
  sender other{"other"};
  device client;
  client.pull_all(server.store());
  client.policy.strategy = core::conflict_strategy::server_wins;
  client.create("a", R"({"mine":1})");
  sent(server.store(), other, creating("a", R"({"theirs":1})"));
  const auto batch = client.take().request();
  drop(client, "items");
  client.answer(batch, output_of(server.store(), input_of(batch)));
  client.resolve_undecided();
  BOOST_TEST(client.all().empty());
  BOOST_TEST(!client.look().base("items", "a")->has_value());
}

BOOST_AUTO_TEST_CASE(a_lost_history_is_walked_again_and_what_it_lacks_is_kept_for_the_user) {
  for (const bool by_tool : {false, true}) {
    test_server server;
    sender other{"other"};
    fill(server, other, {"kept", "changed", "deleted"});
    sent(server.store(), other, in_collection(creating("n"), "notes"));
    server.save();
    sent(server.store(), other, patching("changed", R"({"later":1})", stamp_of(server, "changed")));
    sent(server.store(), other, deleting("deleted", stamp_of(server, "deleted")));
    fill(server, other, {"lost"});
    device client{5, {"items", "notes"}};
    client.pull_all(server.store());
    client.put("acked", R"({"acked":1})");
    client.push_all(server.store());
    client.put("waits", R"({"waits":1})");
    by_tool ? server.restore_by_tool() : server.roll_back();

    BOOST_TEST(client.apply(client.ask(server.store())).superseded());
    BOOST_TEST(client.state().restoring());
    BOOST_TEST(client.state().known_start() == 0U);
    BOOST_TEST(client.shown("lost") == R"({"n":0})"); // Still there, until a page replaces it.
    BOOST_TEST(client.shown("acked") == R"({"acked":1})");
    BOOST_TEST(client.take().blocked_by_restore());
    while (client.pull(server.store(), 2))
      BOOST_TEST(client.take().blocked_by_restore());
    BOOST_TEST(client.take().blocked_by_restore()); // The other collection has not been walked.
    client.pull_all(server.store());
    BOOST_TEST(!client.state().restoring());

    std::map<std::string, std::string> kept;
    for (const auto& record : client.conflicts()) {
      BOOST_TEST(record.reason() == msg::SERVER_RESTORED);
      kept[record.id()] = record.mine_body();
    }
    // With our tool every stamp of the copy is still the same; only what is gone or differs counts.
    BOOST_TEST((kept == std::map<std::string, std::string>{{"acked", R"({"acked":1})"},
                                                           {"changed", R"({"n":0,"later":1})"},
                                                           {"lost", R"({"n":0})"}}));
    BOOST_TEST(client.shown("changed") == R"({"n":0})");
    BOOST_TEST(client.shown("deleted") == R"({"n":0})");
    BOOST_TEST(client.shown("lost") == "-");
    BOOST_TEST(client.shown("waits") == R"({"waits":1})");
    client.sync(server.store());
    BOOST_TEST(shown(server.store(), "waits") == R"({"waits":1})");
    BOOST_TEST(client.is_settled());
    BOOST_TEST(client.inconsistency() == "");
  }
}

BOOST_AUTO_TEST_CASE(an_edit_of_an_item_that_a_restored_server_lacks_is_not_lost) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"pad"});
  server.save();
  fill(server, other, {"d"});
  device client;
  client.pull_all(server.store());
  client.patch("d", R"({"mine":1})");
  client.add("pad", "n", 5);
  server.roll_back();
  client.sync(server.store());
  BOOST_TEST(client.is_settled());
  BOOST_TEST(shown(server.store(), "d") == R"({"n":0,"mine":1})");
  BOOST_TEST(shown(server.store(), "pad") == R"({"n":5})");
  BOOST_TEST(client.shown("d") == R"({"n":0,"mine":1})");
}

BOOST_AUTO_TEST_CASE(m6_what_was_seen_in_answers_alone_is_missed_in_a_restored_server) {
  for (const bool refused : {false, true}) {
    test_server server;
    sender other{"other"};
    device client;
    client.policy.strategy = core::conflict_strategy::server_wins;
    client.pull_all(server.store());
    server.save();
    if (refused)
      sent(server.store(), other, creating("a", R"({"seen":1})"));
    client.create("a", refused ? "{}" : R"({"seen":1})");
    client.push_all(server.store());
    BOOST_TEST(client.shown("a") == R"({"seen":1})");
    BOOST_TEST(cursor_of(client).seq() == 0U); // The cursor alone would still be good.
    server.roll_back();
    client.sync(server.store());
    BOOST_TEST(client.shown("a") == "-");
    const auto records = client.conflicts();
    BOOST_TEST(std::count_if(records.begin(), records.end(), [](const auto& record) {
                 return record.reason() == msg::SERVER_RESTORED &&
                        record.mine_body() == R"({"seen":1})";
               }) == 1);
    BOOST_TEST(client.is_settled());
  }
}

BOOST_AUTO_TEST_CASE(m8_a_stamp_of_a_lost_history_matches_no_new_item) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"pad"});
  server.save();
  fill(server, other, {"d"});
  device client;
  client.pull_all(server.store());
  client.patch("d", R"({"mine":1})");
  server.roll_back();
  sender third{"third"};
  sent(server.store(), third, creating("d", R"({"theirs":1})")); // Version 1 again, seq 2 again.
  client.sync(server.store());
  BOOST_TEST(client.is_settled());
  BOOST_TEST(client.shown("d") == shown(server.store(), "d"));
  BOOST_TEST(!client.conflicts().empty()); // The patch did not pass unseen.
}

BOOST_AUTO_TEST_CASE(a_reset_that_others_were_faster_with_changes_nothing) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a"});
  device client;
  client.pull_all(server.store());
  const auto pull = client.look().pull_state("items").value();
  msg::ResetCursor reset;
  reset.set_collection("items");
  reset.set_token("another");
  *reset.mutable_seen() = pull.seen();
  for (const char* reason : {"floor", "epoch", "start", "ahead"}) {
    reset.set_reason(reason);
    client.run(&client_transaction::reset_cursor, reset);
    BOOST_TEST(cursor_of(client).token() == pull.cursor().token());
  }
  reset.set_token(pull.cursor().token());
  reset.mutable_seen()->set_seq(99);
  client.run(&client_transaction::reset_cursor, reset);
  BOOST_TEST(cursor_of(client).token() == pull.cursor().token());
  *reset.mutable_seen() = pull.seen();
  client.run(&client_transaction::reset_cursor, reset);
  BOOST_TEST(cursor_of(client).token() == "");
  BOOST_TEST(client.state().restoring());
}

BOOST_AUTO_TEST_CASE(an_answer_that_arrives_while_a_lost_history_is_walked_is_ignored) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"pad"});
  server.save();
  device client;
  client.pull_all(server.store());
  client.put("a", R"({"n":1})");
  const auto batch = client.take().request();
  const auto late = output_of(server.store(), input_of(batch));
  server.roll_back();
  fill(server, other, {"x", "y"});
  msg::ResetCursor reset;
  reset.set_reason("start");
  *reset.mutable_seen() = client.state().seen();
  client.run(&client_transaction::reset_cursor, reset);
  BOOST_TEST(client.answer(batch, late).superseded());
  client.sync(server.store());
  BOOST_TEST(shown(server.store(), "a") == R"({"n":1})");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(remote_changes_are_told_and_own_ones_are_not_told_twice) {
  test_server server;
  sender other{"other"};
  fill(server, other, {"a", "b"});
  device client;
  client.pull(server.store());
  BOOST_TEST(client.events().changed.changes() == 2u);
  BOOST_TEST(client.events().changed.remote_changes() == 2u);
  client.pull(server.store());
  BOOST_TEST(client.events().changed.changes() == 0u);
  sent(server.store(), other, deleting("a", stamp_of(server, "a")));
  client.pull(server.store());
  BOOST_TEST(client.events().changed.changes() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
