#pragma once
// The part of the server store's contract that is about creations which come a second time, from a
// copy of a client's store; see server_store_contract.hpp.

#include "tests/storage/server_store_support.hpp"

namespace syncline::storage::test {

template <class Factory>
struct server_birth_contract {
  /// A client whose store was copied before it sent its creation, and the copy.
  struct copied_store {
    Factory factory;
    sender original{"original"};
    sender copy{"copy"};
    msg::Stamp born;

    explicit copied_store(const std::string& body = "{}")
      : born{sent(factory.store(), original, creating("x", body))} {}

    /// What the copy is answered that sends the creation too.
    msg::MutationResult replay(const std::string& body = "{}", std::int64_t now_ms = noon_ms) {
      copy.nonce = 1000; // As the original had it.
      return send(factory.store(), copy, {creating("x", body)}, now_ms)[0];
    }
    [[nodiscard]] std::string shown_now() {
      return shown(factory.store(), "x");
    }
  };

  static void a_creation_that_a_copy_sends_again_does_not_raise_the_dead() {
    copied_store world;
    const auto died = sent(world.factory.store(), world.original, deleting("x", world.born));
    const auto result = world.replay();
    BOOST_TEST(result.status() == msg::SYNCED);
    BOOST_TEST(result.stamp().seq() == died.seq()); // It is shown until the deletion is pulled.
    BOOST_TEST(world.shown_now() == "-");
  }

  static void a_creation_that_a_copy_sends_again_leaves_later_changes_alone() {
    copied_store world;
    const auto changed =
      sent(world.factory.store(), world.original, patching("x", R"({"a":1})", world.born));
    const auto result = world.replay();
    BOOST_TEST(result.status() == msg::SYNCED);
    BOOST_TEST(result.stamp().seq() == changed.seq());
    BOOST_TEST(result.previous_stamp().seq() < changed.seq()); // Others' changes lay between.
    BOOST_TEST(world.shown_now() == R"({"a":1})");
  }

  static void a_creation_of_a_former_life_is_known_too() {
    copied_store world;
    auto& store = world.factory.store();
    auto stamp = world.born;
    for (int life = 0; life < 3; ++life) {
      sent(store, world.original, deleting("x", stamp));
      stamp = sent(store, world.original, creating("x", R"({"life":2})"));
    }
    BOOST_TEST(world.replay().status() == msg::SYNCED);
    BOOST_TEST(world.shown_now() == R"({"life":2})");
    world.factory.reopen();
    sent(world.factory.store(), world.original, deleting("x", stamp));
    BOOST_TEST(world.replay().status() == msg::SYNCED);
    BOOST_TEST(world.shown_now() == "-");
  }

  static void a_creation_is_known_for_a_year_after_its_tombstone_was_trimmed() {
    constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
    copied_store world;
    auto& store = world.factory.store();
    sent(store, world.original, deleting("x", world.born));
    const std::int64_t trimmed_ms = noon_ms + 100 * day_ms;
    BOOST_REQUIRE(store.trim(trimmed_ms, {}).has_value());
    BOOST_REQUIRE(world.shown_now() == "(nothing)");
    const auto result = world.replay("{}", trimmed_ms);
    BOOST_TEST(result.status() == msg::SYNCED);
    BOOST_TEST(result.not_found());
    BOOST_TEST(world.replay(R"({"edited":1})", trimmed_ms).status() == msg::DELETE_CONFLICT);
    BOOST_TEST(world.shown_now() == "(nothing)");
    BOOST_REQUIRE(store.trim(trimmed_ms + 366 * day_ms, {}).has_value());
    BOOST_TEST(world.replay("{}", trimmed_ms + 366 * day_ms).version() == 1U);
    BOOST_TEST(world.shown_now() == "{}");
  }

  // An edit was folded into the waiting creation after the store was copied.
  static void a_creation_that_was_edited_in_a_copy_is_no_repetition() {
    copied_store world;
    BOOST_TEST(world.replay(R"({"edited":1})").status() == msg::CONFLICT);
    sent(world.factory.store(), world.original, deleting("x", world.born));
    BOOST_TEST(world.replay(R"({"edited":1})").status() == msg::DELETE_CONFLICT);
    BOOST_TEST(world.shown_now() == "-");
  }

  static void equal_creations_of_two_users_are_two() {
    copied_store world;
    sent(world.factory.store(), world.original, deleting("x", world.born));
    sender other{"other"};
    other.nonce = 77;
    sent(world.factory.store(), other, creating("x"));
    BOOST_TEST(world.shown_now() == "{}");
  }

  // Somebody else had made an equal item, so the creation changed nothing, and was not remembered.
  static void a_creation_of_what_was_there_already_is_known_too() {
    Factory factory;
    sender other{"other"};
    other.nonce = 77;
    const auto born = sent(factory.store(), other, creating("x"));
    sender original{"original"};
    sent(factory.store(), original, creating("x"));
    sent(factory.store(), other, deleting("x", born));
    sender copy{"copy"};
    sent(factory.store(), copy, creating("x"));
    BOOST_TEST(shown(factory.store(), "x") == "-");
  }

  // It may count from 1 in each session: an equal number means nothing.
  static void a_plain_clients_nonce_is_no_birth() {
    Factory factory;
    msg::BatchRequest request;
    *request.add_mutations() = creating("x");
    request.mutable_mutations(0)->set_nonce(1);
    auto input = input_of(request);
    input.plain = true;
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "taken");
    msg::BatchRequest removal;
    *removal.add_mutations() = deleting("x");
    removal.mutable_mutations(0)->set_unconditional(true);
    auto removing = input_of(removal);
    removing.plain = true;
    BOOST_TEST(refusal_of(output_of(factory.store(), removing)).code() == "taken");
    BOOST_TEST(shown(factory.store(), "x") == "-");
    BOOST_TEST(refusal_of(output_of(factory.store(), input)).code() == "taken");
    BOOST_TEST(shown(factory.store(), "x") == "{}");
  }

  static void a_group_with_a_repeated_creation_is_applied() {
    copied_store world;
    auto& store = world.factory.store();
    sent(store, world.original, deleting("x", world.born));
    auto members = in_group({creating("x"), creating("y")}, 5);
    sender first{"first"};
    sent(store, first, deleting("x"));
    const auto once = send(store, first, members);
    BOOST_REQUIRE(once[1].status() == msg::SYNCED);
    sent(store, first, deleting("x", once[0].stamp()));
    world.copy.nonce = 1001; // As `first` had it at the group.
    const auto again = send(store, world.copy, members);
    BOOST_TEST(again[0].status() == msg::SYNCED);
    BOOST_TEST(again[1].status() == msg::SYNCED);
    BOOST_TEST(world.shown_now() == "-");
    BOOST_TEST(shown(store, "y") == "{}");
  }
};

} // namespace syncline::storage::test
