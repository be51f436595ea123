#pragma once
// The part of the server store's contract that live connections stand on: where they begin, and how
// many can be told the same; see server_store_contract.hpp.

#include "tests/storage/server_store_support.hpp"

namespace syncline::storage::test {

template <class Factory>
struct server_live_contract {
  static void behind_its_walk_every_client_has_the_same_cursor() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 3);
    mirror early;
    early.pull_all(factory.store());
    create(factory.store(), a, 3, 5);
    mirror late;
    late.pull_all(factory.store());
    early.pull_all(factory.store());
    create(factory.store(), a, 5, 6);
    early.pull_all(factory.store());
    late.pull_all(factory.store());
    BOOST_TEST(early.cursor() == late.cursor());
    BOOST_TEST(early.cursor() == factory.store().head("default", "items", false).value().token);
  }

  static void behind_the_head_there_is_nothing_but_what_comes() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 3);
    for (const bool plain : {false, true}) {
      const auto head = factory.store().head("default", "items", plain).value();
      auto query = query_from(head.token);
      query.plain = plain;
      BOOST_TEST(page_of(factory.store(), query).items_size() == 0);
      const std::string id = plain ? "plain" : "ours";
      sent(factory.store(), a, creating(id));
      const auto page = page_of(factory.store(), query);
      BOOST_TEST(ids_of(page.items()) == names{id}, boost::test_tools::per_element());
      BOOST_TEST(page.items(0).stamp().seq() > head.seq);
    }
    BOOST_TEST(!factory.store().head("default", "bad name\n", false).has_value());
    BOOST_TEST(factory.store().head("default", "empty", false).value().seq == 5U);
  }

  static void a_page_says_for_whom_it_is_the_same() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 1);
    auto query = query_from(factory.store().head("default", "items", true).value().token);
    BOOST_TEST(answer_to(factory.store(), query).same_before_seq == 0U);
    sent(factory.store(), a, creating("x"));       // 2
    sent(factory.store(), a, adding("x", "n", 1)); // 3
    BOOST_TEST(answer_to(factory.store(), query).same_before_seq == 3U);
    query.plain = true; // Who has come to 2 knows x: to him it was changed, to others created.
    BOOST_TEST(answer_to(factory.store(), query).same_before_seq == 2U);
    sent(factory.store(), a, deleting("x", stamp_of(factory.store(), "x")));
    const auto withheld = answer_to(factory.store(), query);
    BOOST_TEST(withheld.page.deleted_size() == 0); // But he has to hear of it.
    BOOST_TEST(withheld.same_before_seq == 2U);
    query.all_tombstones = true;
    BOOST_TEST(page_of(factory.store(), query).deleted_size() == 1);
  }
};

} // namespace syncline::storage::test
