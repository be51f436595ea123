// Writes that go together or not at all.

#include "tests/storage/client_device.hpp"

#include <boost/test/data/test_case.hpp>

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

const std::array both_ways{false, true};

/// A device and a server that hold the same items, and somebody else who changes them.
struct shared_items {
  explicit shared_items(const names& ids, core::conflict_strategy strategy) {
    client.policy.strategy = strategy;
    for (const auto& id : ids)
      client.put(id, R"({"n":0})");
    client.sync(server.store());
  }
  void theirs(const std::string& id, const std::string& patch) {
    const auto stamp = server.store().get("default", "items", id).value()->stamp();
    sent(server.store(), other, patching(id, patch, stamp));
  }
  [[nodiscard]] std::string at_server(const std::string& id) {
    return shown(server.store(), id);
  }

  test_server server;
  device client;
  sender other{"other"};
};

} // namespace

BOOST_AUTO_TEST_SUITE(client_store_group)

BOOST_AUTO_TEST_CASE(a_group_is_checked_when_it_is_written) {
  device client;
  std::vector<msg::Mutation> many;
  many.reserve(101);
  for (int i = 0; i < 101; ++i)
    many.push_back(creating("id" + std::to_string(i)));
  BOOST_TEST(client.write_group(many) == "group_too_large");
  many.pop_back();
  BOOST_TEST(client.write_group({creating("a"), in_collection(creating("b"), "notes")}) ==
             "bad_group");
  BOOST_TEST(client.write_group({creating("a"), adding("a", "n", 1)}) == "bad_group");
  BOOST_TEST(client.counts().outbox == 0U);
  BOOST_TEST(client.write_group(many) == "");
  const auto batch = client.take(7, 100); // A group is never cut.
  BOOST_TEST(batch.request().mutations_size() == 100);
  BOOST_TEST(batch.request().mutations(3).group() == batch.request().mutations(99).group());
  BOOST_TEST(batch.request().mutations(3).group_size() == 100U);
}

BOOST_AUTO_TEST_CASE(writes_are_never_folded_across_the_edge_of_a_group) {
  device client;
  client.put("a", R"({"n":1})");
  BOOST_TEST(client.write_group({adding("a", "n", 1), creating("b")}) == "");
  client.add("a", "n", 1);
  client.add("a", "n", 1);
  BOOST_TEST(client.outbox().size() == 4U);
  BOOST_TEST(client.shown("a") == R"({"n":4})");
  BOOST_TEST(client.inconsistency() == "");
}

BOOST_AUTO_TEST_CASE(a_group_waits_until_all_of_it_can_go) {
  test_server server;
  device client;
  client.pull_all(server.store());
  client.put("a", R"({"n":1})");
  client.write_group({adding("a", "n", 1), creating("b")});
  client.push(server.store());
  BOOST_TEST(shown(server.store(), "b") == "(nothing)");
  client.push(server.store());
  BOOST_TEST(shown(server.store(), "b") == "{}");
  BOOST_TEST(shown(server.store(), "a") == R"({"n":2})");
  client.sync(server.store());
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(members_of_a_group_may_depend_on_each_other) {
  test_server server;
  device client;
  client.pull_all(server.store());
  msg::WriteLocal command;
  command.set_atomic(true);
  *command.add_operations()->mutable_mutation() = creating("parent");
  *command.add_operations()->mutable_mutation() = creating("child");
  command.mutable_operations(1)->add_depends_on("parent");
  BOOST_TEST(client.write(command) == "");
  client.push(server.store());
  BOOST_TEST(shown(server.store(), "child") == "{}"); // They go together anyway.
}

BOOST_AUTO_TEST_CASE(the_whole_group_of_a_poison_is_quarantined) {
  test_server server;
  device client;
  client.pull_all(server.store());
  client.write_group({creating("a"), creating("b")});
  client.put("c", "{}");
  const auto batch = client.take().request();
  client.poison(batch.mutations(1).mutation_id());
  BOOST_TEST(client.counts().quarantined == 2U);
  client.sync(server.store());
  BOOST_TEST(shown(server.store(), "c") == "{}");
  BOOST_TEST(shown(server.store(), "a") == "(nothing)");
  BOOST_TEST(client.counts().outbox == 0U);
  for (const auto& record : client.quarantine())
    BOOST_TEST(client.manage(msg::ManageOutbox::RETRY, record.entry().local_seq()) == "");
  client.sync(server.store());
  BOOST_TEST(shown(server.store(), "a") == "{}");
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_leaves_its_refused_member_to_be_decided) {
  shared_items world{{"a"}, core::conflict_strategy::merge};
  auto& client = world.client;
  world.theirs("a", R"({"theirs":1})");
  client.write_group({patching("a", R"({"mine":1})", {}), creating("b")});
  client.push_all(world.server.store());
  BOOST_TEST(client.counts().quarantined == 1U); // The innocent.
  BOOST_TEST(client.quarantine()[0].error().code() == "group");
  // What is left of the group is no group: it must not wait for the others for ever.
  client.sync(world.server.store());
  BOOST_TEST(client.counts().outbox == 0U);
  BOOST_TEST(world.at_server("a") == R"({"n":0,"theirs":1,"mine":1})");
  BOOST_TEST(world.at_server("b") == "(nothing)");
}

BOOST_AUTO_TEST_CASE(a_queued_group_that_loses_a_member_is_broken_and_holds_up_nothing) {
  shared_items world{{"a"}, core::conflict_strategy::server_wins};
  auto& client = world.client;
  client.write_group({patching("a", R"({"mine":1})", {}), creating("b"), creating("c")});
  client.put("b", R"({"later":1})");
  world.theirs("a", R"({"theirs":1})");
  client.pull_all(world.server.store()); // The decision drops the member on "a": all or none.
  BOOST_TEST(client.counts().quarantined == 2U);
  for (const auto& record : client.quarantine())
    BOOST_TEST(record.error().code() == "group");
  BOOST_TEST(client.inconsistency() == "");
  client.sync(world.server.store());
  BOOST_TEST(client.is_settled());
  BOOST_TEST(world.at_server("a") == R"({"n":0,"theirs":1})");
  // The later edit was made on an item that the server never had: there, the server wins.
  BOOST_TEST(world.at_server("b") == "(nothing)");
  BOOST_TEST(world.at_server("c") == "(nothing)");
}

BOOST_AUTO_TEST_CASE(a_group_that_may_be_tried_again_in_part_only_is_broken) {
  device client;
  client.write_group({creating("a"), creating("b"), creating("c")});
  auto batch = client.take().request();
  auto response = answer_all(batch, msg::FAILED);
  for (auto& result : *response.mutable_results())
    result.mutable_error()->set_retryable(true);
  client.answer(batch, response);
  BOOST_TEST(client.outbox().size() == 3U); // All of it may.
  client.now_ms += 3'600'000;
  batch = client.take().request();
  BOOST_REQUIRE(batch.mutations_size() == 3);
  response = answer_all(batch, msg::FAILED);
  response.mutable_results(1)->mutable_error()->set_retryable(true);
  auto first_two = response;
  first_two.mutable_results()->RemoveLast();
  client.answer(batch, first_two);
  BOOST_TEST(client.counts().quarantined == 1U);
  const auto rest = client.take().request();
  BOOST_REQUIRE(rest.mutations_size() == 1);
  client.answer(rest, response);
  BOOST_TEST(client.counts().quarantined == 3U);
  BOOST_TEST(client.counts().outbox == 0U);
  BOOST_TEST(client.inconsistency() == "");
}

// The first was to be tried again and waited for a second that had long been accepted.
BOOST_DATA_TEST_CASE(a_group_that_two_answers_cut_is_broken, both_ways, poison) {
  device client;
  client.write_group({creating("a"), creating("b")});
  const auto batch = client.take().request();
  auto response = answer_all(batch, msg::SYNCED);
  response.mutable_results(0)->set_status(msg::FAILED);
  response.mutable_results(0)->mutable_error()->set_retryable(true);
  auto first = response;
  first.mutable_results()->RemoveLast();
  client.answer(batch, first);
  if (poison) {
    client.poison(batch.mutations(1).mutation_id());
    response.mutable_results(1)->set_status(msg::SKIPPED);
  }
  client.answer(client.take().request(), response);
  BOOST_TEST(client.counts().quarantined == (poison ? 2U : 1U));
  BOOST_TEST(client.counts().outbox == 0U);
}

// A lane was left undecided, and nothing waited there any more that could be decided.
BOOST_AUTO_TEST_CASE(a_broken_group_takes_the_conflict_of_its_members_along) {
  shared_items world{{"a", "b"}, core::conflict_strategy::server_wins};
  auto& client = world.client;
  client.write_group({patching("a", R"({"n":1})", {}), patching("b", R"({"n":1})", {})});
  const auto batch = client.take().request();
  client.write_group({patching("a", R"({"n":2})", {}), patching("b", R"({"n":2})", {})});
  world.theirs("a", R"({"n":3})");
  world.theirs("b", R"({"n":3})");
  client.pull_all(world.server.store());
  client.answer(batch, answer_all(batch, msg::FAILED)); // What waits behind meets what was pulled.
  client.resolve_undecided();
  BOOST_TEST(client.inconsistency() == "");
  BOOST_TEST(client.counts().quarantined == 3U);
  client.sync(world.server.store());
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_CASE(a_queued_group_whose_member_is_rebased_stays_a_group) {
  shared_items world{{"a"}, core::conflict_strategy::merge};
  auto& client = world.client;
  client.write_group({patching("a", R"({"mine":1})", {}), creating("b")});
  world.theirs("a", R"({"theirs":1})");
  client.pull_all(world.server.store());
  const auto batch = client.take().request();
  BOOST_REQUIRE(batch.mutations_size() == 2);
  BOOST_TEST(batch.mutations(0).group_size() == 2U);
  client.sync(world.server.store());
  BOOST_TEST(world.at_server("a") == R"({"n":0,"theirs":1,"mine":1})");
  BOOST_TEST(client.is_settled());
}

BOOST_AUTO_TEST_SUITE_END()
