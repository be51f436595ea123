#pragma once
// The half of the server store's contract that is about batches; see server_store_contract.hpp.

#include "tests/storage/server_store_support.hpp"

#include <numeric>

namespace syncline::storage::test {

template <class Factory>
struct server_batch_contract {
  static void sequences_are_dense_in_the_order_of_commits() {
    Factory factory;
    sender a{"client-a"};
    sender b{"client-b"};
    sender other{"client-a", "other"};
    const auto first = a.batch(factory.store(), {creating("1"), creating("2")});
    const auto second = b.batch(
      factory.store(), {in_collection(creating("3"), "notes"), creating("1"), creating("4")});
    const std::vector<batch_input> inputs{input_of(first), input_of(second)};
    const auto outputs = factory.store().apply(inputs);
    BOOST_REQUIRE(outputs.has_value());
    std::vector<std::uint64_t> seqs;
    for (const auto& output : *outputs)
      for (const auto& result : std::get<msg::BatchResponse>(output).results())
        seqs.push_back(result.stamp().seq());
    // The second CREATE of "1" has the same body: it changes nothing and gets the first's stamp.
    BOOST_TEST(seqs == (std::vector<std::uint64_t>{1, 2, 3, 1, 4}),
               boost::test_tools::per_element());
    BOOST_TEST(std::get<msg::BatchResponse>((*outputs)[0]).head().seq() == 2U);
    BOOST_TEST(std::get<msg::BatchResponse>((*outputs)[1]).head().seq() == 4U);
    BOOST_TEST(sent(factory.store(), other, creating("x")).seq() == 1U);
    factory.reopen();
    BOOST_TEST(sent(factory.store(), a, creating("5")).seq() == 5U);
  }

  static void a_repeated_batch_gets_the_same_answers_and_changes_nothing() {
    Factory factory;
    sender a{"client-a"};
    const auto stamp = sent(factory.store(), a, creating("n", R"({"n":1})"));
    auto batch =
      a.batch(factory.store(), {creating("d"), adding("n", "n", 5), adding("gone", "n", 1),
                                patching("n", R"({"x":1})", stamp), creating("bad", "[]")});
    const auto once = answer_to(factory.store(), batch);
    BOOST_TEST(once.results(0).status() == msg::SYNCED);
    BOOST_TEST(once.results(1).status() == msg::SYNCED);
    BOOST_TEST(once.results(2).status() == msg::DELETE_CONFLICT);
    BOOST_TEST(once.results(3).status() == msg::CONFLICT);
    BOOST_TEST(once.results(4).status() == msg::FAILED);
    for (int round = 0; round < 2; ++round) {
      auto again = answer_to(factory.store(), batch);
      BOOST_TEST(again.results_size() == once.results_size());
      for (int i = 0; i < again.results_size(); ++i) {
        BOOST_TEST(again.results(i).repeated_result());
        again.mutable_results(i)->set_repeated_result(false);
        BOOST_TEST(again.results(i).SerializeAsString() == once.results(i).SerializeAsString());
      }
      BOOST_TEST(shown(factory.store(), "n") == R"({"n":6})");
      BOOST_TEST(again.head().seq() == once.head().seq());
      factory.reopen(); // What was answered survives the server.
      batch.set_start(factory.store().start());
    }
  }

  static void a_repeated_conflict_brings_the_item_as_it_is_now() {
    Factory factory;
    sender a{"client-a"};
    sender b{"client-b"};
    sent(factory.store(), b, creating("d", R"({"n":1})"));
    const auto batch = a.batch(factory.store(), {creating("d", R"({"n":2})")});
    BOOST_TEST(answer_to(factory.store(), batch).results(0).server_item().body() == R"({"n":1})");
    sent(factory.store(), b, adding("d", "n", 10));
    BOOST_TEST(answer_to(factory.store(), batch).results(0).server_item().body() == R"({"n":11})");
  }

  static void another_payload_under_a_known_id_ends_the_answer_before_it() {
    Factory factory;
    sender a{"client-a"};
    sender copy{"client-a"};
    copy.nonce = 5000; // The copy of a store draws other nonces.
    const auto shared = a.batch(factory.store(), {creating("1")});
    answer_to(factory.store(), shared);
    send(factory.store(), a, {creating("2")});
    msg::BatchRequest forked = shared;
    copy.next_id = 2;
    const auto others = copy.batch(factory.store(), {creating("2"), creating("3")});
    for (const auto& mutation : others.mutations())
      *forked.add_mutations() = mutation;
    const auto answer = answer_to(factory.store(), forked);
    BOOST_TEST(answer.results_size() == 1);
    BOOST_TEST(answer.mutated_retry_id() == 2U);
    BOOST_TEST(shown(factory.store(), "3") == "(nothing)");
    // The first copy goes on as if nothing had happened.
    BOOST_TEST(sent(factory.store(), a, creating("4")).seq() == 3U);
  }

  static void a_skip_is_given_what_became_of_the_mutation() {
    Factory factory;
    sender a{"client-a"};
    const auto batch = a.batch(factory.store(), {creating("1")});
    const auto late = a.batch(factory.store(), {creating("2")});
    answer_to(factory.store(), batch);
    a.next_id = 1;
    const auto results =
      send(factory.store(), a, {skipping(batch.mutations(0)), skipping(late.mutations(0))});
    BOOST_TEST(results[0].status() == msg::SYNCED);
    BOOST_TEST(results[0].repeated_result());
    BOOST_TEST(results[0].stamp().seq() == 1U);
    BOOST_TEST(results[1].status() == msg::SKIPPED);
    // A late copy of what the second SKIP replaced has no effect.
    const auto answer = answer_to(factory.store(), late);
    BOOST_REQUIRE(answer.results_size() == 1);
    BOOST_TEST(answer.results(0).status() == msg::SKIPPED);
    BOOST_TEST(shown(factory.store(), "2") == "(nothing)");
    BOOST_TEST(sent(factory.store(), a, creating("3")).seq() == 2U);
  }

  // Two copies of a store used one id, one of them for a SKIP. It took the other's result for its
  // own and forgot the write that it had in quarantine.
  static void a_skip_is_not_given_what_became_of_another_copys_mutation() {
    Factory factory;
    sender a{"client-a"};
    const auto others = a.batch(factory.store(), {creating("1")});
    a.next_id = 1;
    const auto quarantined = a.batch(factory.store(), {creating("2")});
    answer_to(factory.store(), others);
    a.next_id = 1;
    const auto skip = a.batch(factory.store(), {skipping(quarantined.mutations(0))});
    const auto answer = answer_to(factory.store(), skip);
    BOOST_TEST(answer.results_size() == 0);
    BOOST_TEST(answer.mutated_retry_id() == 1U);
  }

  static void a_gap_is_refused_and_names_what_is_expected() {
    Factory factory;
    sender a{"client-a"};
    sender b{"client-b"};
    send(factory.store(), a, {creating("1"), creating("2")});
    a.next_id = 4;
    const auto gap = a.batch(factory.store(), {creating("4"), creating("5")});
    const auto beside = b.batch(factory.store(), {creating("6")});
    const std::vector<batch_input> inputs{input_of(gap), input_of(beside)};
    const auto outputs = factory.store().apply(inputs);
    BOOST_REQUIRE(outputs.has_value());
    BOOST_TEST(refusal_of((*outputs)[0]).code() == "mutation_gap");
    BOOST_TEST(refusal_of((*outputs)[0]).expected() == 3U);
    BOOST_TEST(refusal_of((*outputs)[1]).code() == "taken");
    BOOST_TEST(shown(factory.store(), "4") == "(nothing)");
    BOOST_TEST(shown(factory.store(), "6") == "{}");
  }

  static void an_id_whose_result_is_forgotten_is_a_gap() {
    Factory factory;
    sender a{"client-a"};
    const auto first = a.batch(factory.store(), {creating("1"), creating("2"), creating("3")});
    answer_to(factory.store(), first);
    a.acked_through = 2;
    send(factory.store(), a, {creating("4")});
    const auto refused = refusal_of(factory.store(), first);
    BOOST_TEST(refused.code() == "mutation_gap");
    BOOST_TEST(refused.expected() == 5U);
    a.next_id = 3; // What acked_through does not cover is still known.
    a.nonce -= 2;
    const auto kept = a.batch(factory.store(), {creating("3"), creating("4")});
    BOOST_TEST(answer_to(factory.store(), kept).results_size() == 2);
  }

  static void results_are_forgotten_by_age() {
    Factory factory;
    sender a{"client-a"};
    const auto old = a.batch(factory.store(), {creating("1")});
    answer_to(factory.store(), old, noon_ms);
    const auto young = a.batch(factory.store(), {creating("2")});
    answer_to(factory.store(), young, noon_ms + 1000);
    trim_options options;
    options.results_kept_ms = 500;
    BOOST_TEST(factory.store().trim(noon_ms + 1200, options).value() == 1U);
    BOOST_TEST(refusal_of(factory.store(), old).code() == "mutation_gap");
    BOOST_TEST(refusal_of(factory.store(), young).code() == "taken");
    BOOST_TEST(sent(factory.store(), a, creating("3")).seq() == 3U);
  }

  static void results_of_a_client_that_never_acknowledges_have_a_cap() {
    Factory factory;
    sender a{"client-a"};
    const auto first = a.batch(factory.store(), {creating("1")});
    answer_to(factory.store(), first);
    std::vector<msg::Mutation> many(1000, adding("1", "n", 1));
    for (int i = 0; i < 11; ++i)
      send(factory.store(), a, many);
    BOOST_TEST(refusal_of(factory.store(), first).code() == "mutation_gap");
    BOOST_TEST(shown(factory.store(), "1") == R"({"n":11000})");
  }

  static void a_batch_names_the_start_of_the_server() {
    Factory factory;
    sender a{"client-a"};
    auto batch = a.batch(factory.store(), {creating("1")});
    batch.set_start(factory.store().start() + 1);
    auto refused = refusal_of(factory.store(), batch);
    BOOST_TEST(refused.code() == "server_restarted");
    BOOST_TEST(refused.start() == factory.store().start());
    BOOST_TEST(refused.epoch() == factory.store().epoch());
    batch.set_start(0);
    BOOST_TEST(refusal_of(factory.store(), batch).code() == "server_restarted");
    BOOST_TEST(shown(factory.store(), "1") == "(nothing)");
    batch.set_start(factory.store().start());
    BOOST_TEST(refusal_of(factory.store(), batch).code() == "taken");
  }

  static void m7_a_copy_that_was_delayed_over_a_restore_takes_no_effect() {
    Factory factory;
    sender a{"client-a"};
    sender b{"client-b"};
    sent(factory.store(), b, creating("other"));
    factory.save();
    const auto late = a.batch(factory.store(), {creating("d")});
    answer_to(factory.store(), late);
    factory.roll_back();
    BOOST_TEST(refusal_of(factory.store(), late).code() == "server_restarted");
    BOOST_TEST(shown(factory.store(), "d") == "(nothing)");
  }

  static void a_batch_says_what_its_client_has_seen() {
    Factory factory;
    sender a{"client-a"};
    sender b{"client-b"};
    sent(factory.store(), b, creating("1"));
    factory.save();
    sent(factory.store(), b, creating("2"));
    auto batch = a.batch(factory.store(), {creating("d")});
    auto& seen = *batch.mutable_seen();
    seen.set_epoch(factory.store().epoch());
    seen.set_start(factory.store().start());
    seen.set_seq(3);
    BOOST_TEST(refusal_of(factory.store(), batch).reason() == "ahead");
    seen.set_seq(2);
    BOOST_TEST(refusal_of(factory.store(), batch).code() == "taken");
    factory.roll_back(); // By hand; then another makes it as long again, under another start.
    sender c{"client-c"};
    sent(factory.store(), c, creating("3"));
    sent(factory.store(), c, creating("4"));
    batch.set_start(factory.store().start());
    BOOST_TEST(refusal_of(factory.store(), batch).code() == "cursor_expired");
    BOOST_TEST(refusal_of(factory.store(), batch).reason() == "start");
    seen.set_epoch(factory.store().epoch() + 1);
    BOOST_TEST(refusal_of(factory.store(), batch).reason() == "epoch");
    BOOST_TEST(shown(factory.store(), "d") == "(nothing)");
  }

  // The same mutation under a client id of its own.
  static msg::BatchRequest renamed(const server_store& store, const msg::BatchRequest& from,
                                   const std::string& client) {
    msg::BatchRequest request = from;
    request.set_client(client);
    request.set_start(store.start());
    std::uint64_t id = 0;
    for (auto& mutation : *request.mutable_mutations()) {
      auto& former = *mutation.add_formers();
      former.set_client(from.client());
      former.set_mutation_id(mutation.mutation_id());
      mutation.set_mutation_id(++id);
    }
    return request;
  }

  static void a_former_id_is_given_its_stored_result() {
    Factory factory;
    sender a{"client-a"};
    const auto batch = a.batch(factory.store(), {creating("1"), adding("1", "n", 1)});
    answer_to(factory.store(), batch);
    const auto answer = answer_to(factory.store(), renamed(factory.store(), batch, "client-b"));
    BOOST_TEST(answer.results_size() == 2);
    BOOST_TEST(answer.results(0).mutation_id() == 1U);
    BOOST_TEST(answer.results(1).stamp().seq() == 2U);
    BOOST_TEST(shown(factory.store(), "1") == R"({"n":1})");
    // Under its new name it is known as well.
    BOOST_TEST(
      answer_to(factory.store(), renamed(factory.store(), batch, "client-b")).results_size() == 2);
    const auto refused = refusal_of(factory.store(), a.batch(factory.store(), {creating("3")}));
    BOOST_TEST(refused.code() == "client_retired");
  }

  static void m3_a_mutation_that_never_arrived_is_applied_once_under_its_new_name() {
    Factory factory;
    sender a{"client-a"};
    const auto late = a.batch(factory.store(), {creating("1", R"({"n":0})"), adding("1", "n", 1)});
    answer_to(factory.store(), renamed(factory.store(), late, "client-b"));
    BOOST_TEST(shown(factory.store(), "1") == R"({"n":1})");
    BOOST_TEST(refusal_of(factory.store(), late).code() == "client_retired");
    answer_to(factory.store(),
              renamed(factory.store(), renamed(factory.store(), late, "client-b"), "client-c"));
    BOOST_TEST(shown(factory.store(), "1") == R"({"n":1})");
  }

  static void m12_the_outcome_of_a_forgotten_former_id_is_unknown() {
    Factory factory;
    sender a{"client-a"};
    const auto batch = a.batch(factory.store(), {creating("1", R"({"n":1})")});
    answer_to(factory.store(), batch);
    a.acked_through = 1; // Another copy of the store has had the answer.
    send(factory.store(), a, {creating("2")});
    sender b{"client-b"};
    sent(factory.store(), b,
         deleting("1", factory.store().get("default", "items", "1").value()->stamp()));
    const auto answer = answer_to(factory.store(), renamed(factory.store(), batch, "client-c"));
    BOOST_TEST(answer.results(0).status() == msg::OUTCOME_UNKNOWN);
    BOOST_TEST(shown(factory.store(), "1") == "-");
    const auto again = answer_to(factory.store(), renamed(factory.store(), batch, "client-c"));
    BOOST_TEST(again.results(0).status() == msg::OUTCOME_UNKNOWN);
  }

  static void another_mutation_under_a_former_id_is_new() {
    Factory factory;
    sender a{"client-a"};
    sender copy{"client-a"};
    copy.nonce = 9000;
    send(factory.store(), a, {creating("1")});
    const auto mine = copy.batch(factory.store(), {creating("2")});
    const auto answer = answer_to(factory.store(), renamed(factory.store(), mine, "client-b"));
    BOOST_TEST(answer.results(0).status() == msg::SYNCED);
    BOOST_TEST(shown(factory.store(), "2") == "{}");
  }

  static void a_batch_that_is_no_batch_is_refused() {
    Factory factory;
    sender a{"client-a"};
    const auto good = a.batch(factory.store(), {creating("1"), creating("2")});
    auto bad = good;
    bad.mutable_mutations(1)->set_mutation_id(3);
    BOOST_TEST(refusal_of(factory.store(), bad).code() == "bad_batch");
    bad = good;
    bad.mutable_mutations(0)->set_mutation_id(0);
    BOOST_TEST(refusal_of(factory.store(), bad).code() == "bad_batch");
    bad = good;
    bad.mutable_mutations(1)->set_body(R"({"flipped":1})");
    BOOST_TEST(refusal_of(factory.store(), bad).code() == "bad_batch");
    bad = good;
    bad.clear_client();
    BOOST_TEST(refusal_of(factory.store(), bad).code() == "bad_batch");
    bad = good;
    bad.set_client(std::string(1000, 'c'));
    BOOST_TEST(refusal_of(factory.store(), bad).code() == "bad_batch");
    bad = good;
    bad.mutable_mutations(0)->add_formers()->set_client(std::string(1000, 'c'));
    BOOST_TEST(refusal_of(factory.store(), bad).code() == "bad_batch");
    BOOST_TEST(factory.store().counts("default")->head_seq == 0U);
    BOOST_TEST(refusal_of(factory.store(), good).code() == "taken");
  }

  static void names_that_are_too_long_fail_alone() {
    Factory factory;
    sender a{"client-a"};
    const auto results =
      send(factory.store(), a,
           {creating("1"), creating(std::string(10'000, 'i')), creating(std::string{"a\0b", 3}),
            in_collection(creating("2"), std::string(10'000, 'c')),
            in_collection(creating("2"), std::string{"items\0x", 7}), creating("3")});
    BOOST_REQUIRE(results.size() == 6U);
    for (const std::size_t bad : {1U, 2U, 3U, 4U})
      BOOST_TEST(results[bad].status() == msg::FAILED);
    BOOST_TEST(results[1].error().code() == "bad_id");
    BOOST_TEST(results[3].error().code() == "bad_collection");
    BOOST_TEST(results[5].status() == msg::SYNCED);
    const auto group =
      send(factory.store(), a, in_group({creating("4"), creating(std::string(10'000, 'i'))}, 7));
    BOOST_TEST(group[0].error().code() == "group");
    BOOST_TEST(group[1].error().code() == "bad_id");
  }

  static void a_group_is_applied_as_a_whole() {
    Factory factory;
    sender a{"client-a"};
    const auto stamp = sent(factory.store(), a, creating("old"));
    const auto results =
      send(factory.store(), a,
           in_group({creating("1"), deleting("old", stamp), adding("nothing", "n", 1)}, 7));
    BOOST_TEST(results[0].status() == msg::FAILED);
    BOOST_TEST(results[0].error().code() == "group");
    BOOST_TEST(results[1].error().code() == "group");
    BOOST_TEST(results[2].status() == msg::DELETE_CONFLICT);
    BOOST_TEST(shown(factory.store(), "1") == "(nothing)");
    BOOST_TEST(shown(factory.store(), "old") == "{}");
    const auto good =
      send(factory.store(), a, in_group({creating("1"), deleting("old", stamp)}, 8));
    BOOST_TEST(good[0].status() == msg::SYNCED);
    BOOST_TEST(good[1].stamp().seq() == 3U);
    BOOST_TEST(shown(factory.store(), "old") == "-");
  }

  static void a_group_that_is_not_whole_fails() {
    Factory factory;
    sender a{"client-a"};
    auto members = in_group({creating("1"), creating("2"), creating("3")}, 7);
    members.pop_back();
    members.push_back(creating("between"));
    members.push_back(in_group({creating("3")}, 7).front());
    members.back().set_group_size(3);
    const auto results = send(factory.store(), a, members);
    for (const std::size_t member : {0U, 1U, 3U})
      BOOST_TEST(results[member].error().code() == "group");
    BOOST_TEST(results[2].status() == msg::SYNCED);
    const auto two_places =
      send(factory.store(), a, in_group({creating("4"), in_collection(creating("4"), "notes")}, 8));
    BOOST_TEST(two_places[0].error().code() == "group");
    BOOST_TEST(two_places[1].error().code() == "group");
    BOOST_TEST(factory.store().counts("default")->items == 1U);
  }

  static void a_group_changes_each_item_once() {
    Factory factory;
    sender a{"client-a"};
    const auto stamp = sent(factory.store(), a, creating("1"));
    const auto results =
      send(factory.store(), a,
           in_group({patching("1", R"({"a":1})", stamp), patching("1", R"({"b":1})", stamp)}, 7));
    BOOST_TEST(results[0].status() == msg::FAILED);
    BOOST_TEST(results[1].status() == msg::FAILED);
    BOOST_TEST(shown(factory.store(), "1") == "{}"); // All or none.
  }

  static void a_repeated_group_gets_the_same_answers() {
    Factory factory;
    sender a{"client-a"};
    const auto batch = a.batch(factory.store(), in_group({creating("1"), adding("no", "n", 1)}, 7));
    const auto once = answer_to(factory.store(), batch);
    sender b{"client-b"};
    sent(factory.store(), b, creating("no", R"({"n":1})")); // Now the group would fit.
    const auto again = answer_to(factory.store(), batch);
    BOOST_TEST(again.results(0).error().code() == "group");
    BOOST_TEST(again.results(1).status() == msg::DELETE_CONFLICT);
    BOOST_TEST(shown(factory.store(), "no") == R"({"n":1})");
    // So does the group under a former id.
    const auto renamed_group = renamed(factory.store(), batch, "client-c");
    BOOST_TEST(answer_to(factory.store(), renamed_group).results(0).error().code() == "group");
    BOOST_TEST(shown(factory.store(), "1") == "(nothing)");
  }

  static void a_tombstone_hands_on_its_version_and_birth() {
    Factory factory;
    sender a{"client-a"};
    sent(factory.store(), a, creating("pad"));
    auto stamp = sent(factory.store(), a, creating("d"));
    sent(factory.store(), a, deleting("d", stamp));
    const auto grave = factory.store().get("default", "items", "d").value();
    BOOST_REQUIRE(grave.has_value());
    BOOST_TEST(grave->deleted());
    BOOST_TEST(grave->body() == "");
    BOOST_TEST(grave->version() == 2U);
    sent(factory.store(), a, creating("d", R"({"again":1})"));
    const auto item = factory.store().get("default", "items", "d").value();
    BOOST_TEST(item->version() == 3U);
    BOOST_TEST(item->birth_seq() == 2U);
    BOOST_TEST(factory.store().counts("default")->items == 2U);
    BOOST_TEST(factory.store().counts("default")->tombstones == 0U);
    const auto absent = send(factory.store(), a, {deleting("never")});
    BOOST_TEST(absent[0].status() == msg::SYNCED);
    BOOST_TEST(absent[0].not_found());
    BOOST_TEST(shown(factory.store(), "never") == "(nothing)");
  }

  static void last_modified_never_falls_along_the_sequence() {
    Factory factory;
    sender a{"client-a"};
    std::int64_t before = 0;
    for (const std::int64_t now :
         {noon_ms, noon_ms - 3'600'000, noon_ms + 5, std::int64_t{-1}, noon_ms + 5}) {
      const auto request =
        a.batch(factory.store(), {creating("id" + std::to_string(a.next_id)),
                                  adding("id" + std::to_string(a.next_id), "n", 1)});
      const auto answer = answer_to(factory.store(), request, now);
      BOOST_TEST(answer.results(0).last_modified_ms() >= before);
      BOOST_TEST(answer.results(1).last_modified_ms() > answer.results(0).last_modified_ms());
      before = answer.results(1).last_modified_ms();
      factory.reopen();
    }
  }

  static void spaces_do_not_see_each_other() {
    Factory factory;
    sender a{"client"};
    sender b{"client", "other"};
    sent(factory.store(), a, creating("1", R"({"space":"default"})"));
    sent(factory.store(), b, creating("1", R"({"space":"other"})"));
    BOOST_TEST(shown(factory.store(), "1") == R"({"space":"default"})");
    BOOST_TEST(shown(factory.store(), "1", "items", "other") == R"({"space":"other"})");
    auto query = query_from("");
    query.space = "third";
    BOOST_TEST(page_of(factory.store(), query).items_size() == 0);
    BOOST_TEST(factory.store().counts("third")->head_seq == 0U);
    // A former id is looked for in the client's own space only.
    auto stranger = sender{"stranger", "other"}.batch(factory.store(), {creating("2")});
    auto& former = *stranger.mutable_mutations(0)->add_formers();
    former.set_client("client");
    former.set_mutation_id(1);
    auto input = input_of(stranger);
    input.space = "third";
    BOOST_TEST(
      std::get<msg::BatchResponse>(output_of(factory.store(), input)).results(0).status() ==
      msg::SYNCED);
    BOOST_TEST(sent(factory.store(), a, creating("2")).seq() == 2U); // Not retired over there.
  }

  static void a_plain_batch_needs_no_ids_and_names_no_start() {
    Factory factory;
    msg::BatchRequest request;
    auto update = adding("1", "n", 1);
    *request.add_mutations() = creating("1", R"({"n":0})");
    *request.add_mutations() = update;
    auto input = input_of(request);
    input.plain = true;
    const auto output = output_of(factory.store(), input);
    const auto& response = std::get<msg::BatchResponse>(output);
    BOOST_TEST(response.results_size() == 2);
    BOOST_TEST(response.results(1).version() == 2U);
    BOOST_TEST(response.head().seq() == 2U);
    auto patch = patching("1", R"({"x":1})", {});
    patch.set_unconditional(true);
    patch.set_base_version(1);
    request.clear_mutations();
    *request.add_mutations() = patch;
    patch.set_base_version(2);
    *request.add_mutations() = patch;
    const auto checked = std::get<msg::BatchResponse>(output_of(factory.store(), input));
    BOOST_TEST(checked.results(0).status() == msg::CONFLICT);
    BOOST_TEST(checked.results(1).status() == msg::SYNCED);
  }

  static void a_named_request_happens_once() {
    Factory factory;
    sender a{"client-a"};
    sent(factory.store(), a, creating("1", R"({"n":0})"));
    msg::BatchRequest request;
    *request.add_mutations() = adding("1", "n", 1);
    auto input = input_of(request);
    input.plain = true;
    input.idempotency_key = "key";
    input.request_hash = sha256("request");
    const auto once = std::get<msg::BatchResponse>(output_of(factory.store(), input));
    const std::vector<batch_input> twice{input, input};
    const auto outputs = factory.store().apply(twice);
    BOOST_REQUIRE(outputs.has_value());
    for (const auto& output : *outputs)
      BOOST_TEST(std::get<msg::BatchResponse>(output).SerializeAsString() ==
                 once.SerializeAsString());
    BOOST_TEST(shown(factory.store(), "1") == R"({"n":1})");
    input.request_hash = sha256("another");
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "idempotency_mismatch");
    input.space = "other"; // Keys belong to their space.
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "taken");
    input.space = "default";
    BOOST_TEST(factory.store().trim(noon_ms + 25LL * 3600 * 1000, {}).value() == 2U);
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "taken");
    BOOST_TEST(shown(factory.store(), "1") == R"({"n":2})");
  }

  static void a_named_request_that_was_refused_may_come_again() {
    Factory factory;
    sender a{"client-a"};
    a.next_id = 2;
    const auto request = a.batch(factory.store(), {creating("2")});
    auto input = input_of(request);
    input.plain = true;
    input.idempotency_key = "key";
    input.request_hash = sha256("request");
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "mutation_gap");
    a.next_id = 1;
    send(factory.store(), a, {creating("1")});
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "taken");
  }
};

} // namespace syncline::storage::test
