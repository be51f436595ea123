#pragma once
// The half of the server store's contract that is about pages; see server_store_contract.hpp.

#include "tests/storage/server_store_support.hpp"

#include <rapidcheck.h>

#include <set>

namespace syncline::storage::test {

template <class Factory>
struct server_page_contract {
  static void an_empty_collection_is_one_page() {
    Factory factory;
    for (const char* beginning : {"", "0"}) {
      const auto page = page_of(factory.store(), query_from(beginning));
      BOOST_TEST((page.phase() == msg::Cursor::SNAPSHOT));
      BOOST_TEST(page.prev_cursor() == "");
      BOOST_TEST(page.range_after() == "");
      BOOST_TEST(page.range_to_end());
      BOOST_TEST(!page.has_more());
      const auto next = page_of(factory.store(), query_from(page.next_cursor()));
      BOOST_TEST((next.phase() == msg::Cursor::CHANGES));
      BOOST_TEST(next.prev_cursor() == page.next_cursor());
      BOOST_TEST(!next.has_more());
    }
  }

  static void a_walk_states_its_ranges_and_goes_on_from_each_page() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 10);
    send(factory.store(), a,
         {deleting(numbered(3), stamp_of(factory.store(), numbered(3))),
          in_collection(creating("elsewhere"), "item"),
          in_collection(creating("elsewhere"), "items2")});
    for (const std::uint32_t limit : {1U, 3U, 4U, 9U, 10U, 500U}) {
      std::string cursor;
      std::string after;
      names all;
      for (bool more = true; more;) {
        const auto page = page_of(factory.store(), query_from(cursor, limit));
        BOOST_TEST(page.range_after() == after);
        BOOST_TEST(page.items_size() <= static_cast<int>(limit));
        BOOST_TEST(page.deleted_size() == 0);
        for (const auto& id : ids_of(page.items())) {
          BOOST_TEST(id > after);
          BOOST_TEST((page.range_to_end() || id <= page.range_through()));
          all.push_back(id);
        }
        more = !page.range_to_end();
        BOOST_TEST(page.has_more() == more); // Nothing changed after the walk's beginning.
        after = page.range_through();
        cursor = page.next_cursor();
        factory.reopen(); // Resumable, after a restart too.
      }
      BOOST_TEST(all.size() == 9U);
      BOOST_TEST(std::is_sorted(all.begin(), all.end()));
    }
  }

  static void what_changes_during_a_walk_comes_as_changes() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 6);
    mirror client;
    client.pull(factory.store(), 3); // 0, 1, 2
    sent(factory.store(), a, adding(numbered(0), "n", 1));
    sent(factory.store(), a, deleting(numbered(1), stamp_of(factory.store(), numbered(1))));
    sent(factory.store(), a, creating("id0999"));
    sent(factory.store(), a, deleting(numbered(4), stamp_of(factory.store(), numbered(4))));
    client.pull_all(factory.store(), 3);
    BOOST_TEST(client.equals(factory.store(), {"id0999", numbered(0), numbered(1), numbered(2),
                                               numbered(3), numbered(4), numbered(5)}));
  }

  static void m4_an_item_born_and_deleted_behind_a_walk_leaves_no_ghost() {
    Factory factory;
    sender a{"client-a"};
    sent(factory.store(), a, creating("a"));
    sent(factory.store(), a, creating("b"));
    for (const bool plain : {false, true}) {
      std::set<std::string> held;
      auto query = query_from("", 1);
      query.plain = plain;
      const std::string born = plain ? "c" : "d";
      auto page = page_of(factory.store(), query);
      sent(factory.store(), a, creating(born));
      for (bool more = true; more; more = page.has_more()) {
        query.cursor = page.next_cursor();
        page = page_of(factory.store(), query);
        for (const auto& id : ids_of(page.deleted()))
          held.erase(id);
        for (const auto& id : ids_of(page.items()))
          held.insert(id);
        if (held.count(born) == 1 && shown(factory.store(), born) != "-")
          sent(factory.store(), a, deleting(born, stamp_of(factory.store(), born)));
      }
      query.cursor = page.next_cursor();
      page = page_of(factory.store(), query);
      for (const auto& id : ids_of(page.deleted()))
        held.erase(id);
      BOOST_TEST(held.count(born) == 0U);
    }
  }

  static void an_id_comes_once_however_often_it_changed() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 3);
    mirror client;
    client.pull_all(factory.store());
    for (int i = 0; i < 5; ++i)
      send(factory.store(), a, {adding(numbered(1), "n", 1), adding(numbered(0), "n", 1)});
    sent(factory.store(), a, deleting(numbered(2), stamp_of(factory.store(), numbered(2))));
    sent(factory.store(), a, creating(numbered(2), R"({"again":true})"));
    const auto page = page_of(factory.store(), query_from(client.cursor()));
    BOOST_TEST(ids_of(page.items()) == (names{numbered(1), numbered(0), numbered(2)}),
               boost::test_tools::per_element());
    BOOST_TEST(page.deleted_size() == 0);
    BOOST_TEST(page.items(0).version() == 6U);
    BOOST_TEST(page.items(2).birth_seq() == 3U); // A re-created id keeps its birth.
    BOOST_TEST(page.seq_through() == factory.store().counts("default")->head_seq);
  }

  static void created_and_updated_are_told_apart_by_the_cursor() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 2);
    const auto walk = answer_to(factory.store(), query_from(""));
    BOOST_TEST(walk.cursor_seq == 0U);
    create(factory.store(), a, 2, 3);
    sent(factory.store(), a, adding(numbered(0), "n", 1));
    const auto answer = answer_to(factory.store(), query_from(walk.page.next_cursor()));
    BOOST_TEST(answer.cursor_seq == 2U);
    BOOST_TEST((answer.page.items(0).birth_seq() > answer.cursor_seq));  // created
    BOOST_TEST((answer.page.items(1).birth_seq() <= answer.cursor_seq)); // updated
  }

  static void plain_clients_are_spared_tombstones_of_what_they_never_had() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 1);
    auto query = query_from("");
    query.plain = true;
    query.cursor = page_of(factory.store(), query).next_cursor();
    sent(factory.store(), a, creating("short-lived"));
    sent(factory.store(), a, deleting("short-lived", stamp_of(factory.store(), "short-lived")));
    sent(factory.store(), a, deleting(numbered(0), stamp_of(factory.store(), numbered(0))));
    const auto plain = page_of(factory.store(), query);
    BOOST_TEST(ids_of(plain.deleted()) == names{numbered(0)}, boost::test_tools::per_element());
    query.plain = false;
    BOOST_TEST(page_of(factory.store(), query).deleted_size() == 2);
    // A page of nothing but what is withheld still moves on.
    query.plain = true;
    query.cursor = plain.next_cursor();
    for (int i = 0; i < 4; ++i) {
      const std::string id = "brief" + std::to_string(i);
      sent(factory.store(), a, creating(id));
      sent(factory.store(), a, deleting(id, stamp_of(factory.store(), id)));
    }
    query.limit = 1;
    const auto empty = page_of(factory.store(), query);
    BOOST_TEST(empty.deleted_size() == 0);
    BOOST_TEST(!empty.has_more());
  }

  static void a_page_keeps_its_limits() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 502);
    for (const auto& [asked, given] :
         std::map<std::uint32_t, int>{{0, 1}, {1, 1}, {500, 500}, {501, 500}, {4'000'000'000, 500}})
      BOOST_TEST(page_of(factory.store(), query_from("", asked)).items_size() == given);
    mirror client;
    client.pull_all(factory.store());
    std::vector<msg::Mutation> mutations(502);
    for (int i = 0; i < 502; ++i)
      mutations[static_cast<std::size_t>(i)] = adding(numbered(i), "n", 1);
    send(factory.store(), a, mutations);
    const auto page = page_of(factory.store(), query_from(client.cursor(), 501));
    BOOST_TEST(page.items_size() == 500);
    BOOST_TEST(page.has_more());
    const auto rest = page_of(factory.store(), query_from(page.next_cursor()));
    BOOST_TEST(rest.items_size() == 2);
    BOOST_TEST(!rest.has_more());
  }

  static void a_page_keeps_its_bytes_but_has_at_least_one_item() {
    Factory factory;
    sender a{"client-a"};
    const std::string large = R"({"t":")" + std::string(3000, 'x') + R"("})";
    mirror from_start;
    from_start.pull_all(factory.store());
    for (const auto& [id, body] : std::map<std::string, std::string>{
           {"a", "{}"}, {"b", large}, {"c", "{}"}, {"d", large}, {"e", large}, {"f", "{}"}})
      sent(factory.store(), a, creating(id, body));
    for (const std::uint64_t bytes_max : {1ULL, 1000ULL, 3100ULL, 4000ULL, 6200ULL}) {
      mirror walker;
      mirror follower = from_start;
      for (mirror* client : {&walker, &follower}) {
        auto query = query_from(client->cursor());
        query.bytes_max = bytes_max;
        for (bool more = true; more; query.cursor = client->cursor()) {
          const auto page = page_of(factory.store(), query);
          std::uint64_t bytes = 0;
          for (const auto& item : page.items())
            bytes += item.body().size() + item.id().size() + core::item_header_bytes;
          BOOST_TEST((bytes <= bytes_max || page.items_size() == 1));
          client->take(page);
          more = page.has_more();
          BOOST_TEST((page.items_size() > 0 || !more));
        }
        BOOST_TEST(client->equals(factory.store(), {"a", "b", "c", "d", "e", "f"}));
      }
    }
  }

  static void a_page_never_ends_inside_a_group() {
    Factory factory;
    sender a{"client-a"};
    mirror beginning;
    beginning.pull_all(factory.store());
    create(factory.store(), a, 0, 3);
    std::vector<msg::Mutation> members;
    for (int i = 3; i < 8; ++i)
      members.push_back(creating(numbered(i), R"({"t":"0123456789"})"));
    send(factory.store(), a, in_group(members, 7));
    create(factory.store(), a, 8, 10);
    const auto is_member = [](const std::string& id) {
      return id >= numbered(3) && id < numbered(8);
    };
    for (std::uint32_t limit = 1; limit <= 11; ++limit) {
      mirror client = beginning;
      for (const std::uint64_t bytes_max : {std::uint64_t{200}, std::uint64_t{1} << 20}) {
        client = beginning;
        for (bool more = true; more;) {
          auto query = query_from(client.cursor(), limit);
          query.bytes_max = bytes_max;
          const auto page = page_of(factory.store(), query);
          const auto ids = ids_of(page.items());
          const auto inside = std::count_if(ids.begin(), ids.end(), is_member);
          BOOST_TEST((inside == 0 || inside == 5));
          // Only a group that is larger than a page may overrun it, and then alone.
          BOOST_TEST((ids.size() <= limit || inside == static_cast<std::ptrdiff_t>(ids.size())));
          client.take(page);
          more = page.has_more();
        }
        BOOST_TEST(client.items().size() == 10U);
      }
    }
  }

  static void a_group_of_changes_without_effect_holds_up_no_page() {
    Factory factory;
    sender a{"client-a"};
    mirror client;
    client.pull_all(factory.store());
    create(factory.store(), a, 0, 1);
    send(factory.store(), a,
         in_group({creating("g"), deleting("never"), creating(numbered(0))}, 7));
    create(factory.store(), a, 1, 9);
    for (bool more = true; more;) {
      const auto page = page_of(factory.store(), query_from(client.cursor(), 2));
      BOOST_TEST(page.items_size() <= 2);
      client.take(page);
      more = page.has_more();
    }
    BOOST_TEST(client.items().size() == 10U);
  }

  static void an_idle_collection_stays_at_the_head() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 1);
    mirror idle{"idle"};
    idle.pull_all(factory.store());
    create(factory.store(), a, 1, 5);
    idle.pull_all(factory.store());
    const auto cursor = core::decode_cursor(idle.cursor());
    BOOST_REQUIRE(cursor.has_value());
    BOOST_TEST(cursor->seq() == 5U);
  }

  static void not_modified_only_at_the_head_with_nothing_after_the_cursor() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 4);
    const auto walk = answer_to(factory.store(), query_from("", 2));
    auto from_0 = query_from("");
    from_0.if_none_match = walk.etag;
    BOOST_TEST(!answer_to(factory.store(), from_0).not_modified); // From 0 with data there.
    auto inside = query_from(walk.page.next_cursor(), 2);
    inside.if_none_match = walk.etag;
    const auto last = answer_to(factory.store(), inside);
    BOOST_TEST(!last.not_modified); // In mid-walk.
    auto behind = query_from(last.page.next_cursor());
    behind.if_none_match = walk.etag;
    BOOST_TEST(answer_to(factory.store(), behind).not_modified);
    behind.if_none_match = "";
    BOOST_TEST(!answer_to(factory.store(), behind).not_modified);
    behind.if_none_match = "\"something\"";
    BOOST_TEST(!answer_to(factory.store(), behind).not_modified);
    behind.if_none_match = walk.etag;
    sender b{"client-b"};
    send(factory.store(), b, {in_collection(creating("x"), "notes")});
    BOOST_TEST(answer_to(factory.store(), behind).not_modified); // Another collection's change.
    create(factory.store(), a, 4, 5);
    const auto changed = answer_to(factory.store(), behind);
    BOOST_TEST(!changed.not_modified);
    BOOST_TEST(changed.etag != walk.etag);
    behind.if_none_match = changed.etag; // The head is named, but a change lies after the cursor.
    BOOST_TEST(!answer_to(factory.store(), behind).not_modified);
    behind.cursor = changed.page.next_cursor();
    factory.reopen();
    BOOST_TEST(answer_to(factory.store(), behind).not_modified); // A restart is no change.
  }

  static void a_place_that_this_history_lacks_is_refused_with_its_reason() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 20);
    factory.save();
    const auto first_start = factory.store().start();
    create(factory.store(), a, 20, 50);
    mirror client;
    client.pull_all(factory.store());
    auto seen = query_from("");
    seen.seen = client.seen();
    BOOST_TEST(refusal_of(factory.store(), seen) == "taken");
    seen.seen.set_seq(51);
    BOOST_TEST(refusal_of(factory.store(), seen) == "cursor_expired/ahead");
    seen.seen.set_start(first_start + 1);
    BOOST_TEST(refusal_of(factory.store(), seen) == "cursor_expired/start");
    factory.reopen();
    BOOST_TEST(refusal_of(factory.store(), query_from(client.cursor())) == "taken");
    factory.roll_back();
    // M5: others grow the history beyond the cursor's seq; its start ended below it.
    sender b{"client-b"};
    create(factory.store(), b, 100, 150);
    BOOST_TEST(refusal_of(factory.store(), query_from(client.cursor())) == "cursor_expired/start");
    seen.seen = client.seen();
    BOOST_TEST(refusal_of(factory.store(), seen) == "cursor_expired/start");
    mirror again;
    again.pull_all(factory.store());
    factory.reopen_as_restored();
    BOOST_TEST(refusal_of(factory.store(), query_from(again.cursor())) == "cursor_expired/epoch");
    seen.seen = again.seen();
    BOOST_TEST(refusal_of(factory.store(), seen) == "cursor_expired/epoch");
  }

  static void a_restart_before_the_first_change_is_no_lost_history() {
    Factory factory;
    mirror client;
    client.pull_all(factory.store());
    factory.reopen();
    client.pull_all(factory.store());
    sender a{"client-a"};
    auto failing = a.batch(factory.store(), {creating("bad", "[]")}); // Touches the space.
    answer_to(factory.store(), failing);
    factory.reopen();
    factory.reopen();
    auto batch = a.batch(factory.store(), {creating("1")});
    *batch.mutable_seen() = client.seen();
    answer_to(factory.store(), batch);
    for (int round = 0; round < 2; ++round) {
      auto query = query_from(client.cursor());
      query.seen = client.seen();
      BOOST_TEST(page_of(factory.store(), query).items_size() == 1);
      query.seen.set_seq(1); // That much was not under this start.
      BOOST_TEST(refusal_of(factory.store(), query) == "cursor_expired/start");
      factory.reopen();
    }
  }

  static void m6_plain_clients_carry_what_they_have_seen_in_their_cursor() {
    Factory factory;
    sender a{"client-a"};
    auto query = query_from("");
    query.plain = true;
    query.cursor = page_of(factory.store(), query).next_cursor();
    create(factory.store(), a, 0, 2);
    factory.save();
    create(factory.store(), a, 2, 4);
    query.limit = 1; // The cursor itself stands at 1; the page was read at head 4.
    query.cursor = page_of(factory.store(), query).next_cursor();
    BOOST_TEST(core::decode_cursor(query.cursor)->seen_seq() == 4U);
    BOOST_TEST(refusal_of(factory.store(), query) == "taken");
    factory.roll_back();
    sender b{"client-b"};
    create(factory.store(), b, 4, 7);
    BOOST_TEST(refusal_of(factory.store(), query) == "cursor_expired/start");
  }

  static void trimmed_tombstones_raise_the_floor_of_their_collection() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 4);
    sent(factory.store(), a, in_collection(creating("n"), "notes"));
    mirror early;
    early.pull_all(factory.store());
    const auto walk = page_of(factory.store(), query_from("", 1));
    auto notes = query_from("");
    notes.collection = "notes";
    notes.cursor = page_of(factory.store(), notes).next_cursor();
    sent(factory.store(), a, deleting(numbered(1), stamp_of(factory.store(), numbered(1))),
         noon_ms + 1000);
    mirror between;
    between.pull_all(factory.store());
    sent(factory.store(), a, deleting(numbered(2), stamp_of(factory.store(), numbered(2))),
         noon_ms + 5000);
    trim_options options;
    options.tombstones_kept_ms = 1000;
    BOOST_TEST(factory.store().trim(noon_ms + 3000, options).value() == 1U);
    BOOST_TEST(shown(factory.store(), numbered(1)) == "(nothing)");
    BOOST_TEST(shown(factory.store(), numbered(2)) == "-");
    BOOST_TEST(factory.store().counts("default")->tombstones == 1U);
    for (int round = 0; round < 2; ++round) {
      BOOST_TEST(refusal_of(factory.store(), query_from(early.cursor())) == "cursor_expired/floor");
      BOOST_TEST(refusal_of(factory.store(), query_from(walk.next_cursor())) ==
                 "cursor_expired/floor");
      BOOST_TEST(page_of(factory.store(), query_from(between.cursor())).deleted_size() == 1);
      BOOST_TEST(refusal_of(factory.store(), notes) == "taken");
      factory.reopen();
    }
    mirror fresh;
    fresh.pull_all(factory.store());
    BOOST_TEST(fresh.items().size() == 2U);
    sent(factory.store(), a, creating(numbered(1)));
    BOOST_TEST(factory.store().get("default", "items", numbered(1)).value()->version() == 1U);
  }

  static void a_cursor_that_is_not_ours_is_refused() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 1);
    for (const char* cursor : {"x", "AAAA", "!!", "00", "null"})
      BOOST_TEST(refusal_of(factory.store(), query_from(cursor)) == "bad_cursor/");
    auto query = query_from(page_of(factory.store(), query_from("")).next_cursor());
    query.collection = "notes";
    BOOST_TEST(refusal_of(factory.store(), query) == "bad_cursor/");
    query.collection = std::string(1000, 'c');
    query.cursor = "";
    BOOST_TEST(!factory.store().delta(query).has_value());
    BOOST_TEST(
      !factory.store().get("default", "items", std::string(1000, 'i')).value().has_value());
  }

  static void a_long_run_of_tombstones_ends_a_page_of_a_walk() {
    Factory factory;
    sender a{"client-a"};
    create(factory.store(), a, 0, 60);
    for (int i = 5; i < 55; ++i)
      sent(factory.store(), a, deleting(numbered(i), stamp_of(factory.store(), numbered(i))));
    mirror client;
    int pages = 1;
    while (client.pull(factory.store(), 1))
      ++pages;
    BOOST_TEST(client.items().size() == 10U);
    BOOST_TEST(pages < 70);
  }

  static void changes_of_one_millisecond_are_neither_skipped_nor_split() {
    Factory factory;
    sender a{"client-a"};
    for (int i = 0; i < 30; ++i) // B27: ten in each of three milliseconds.
      sent(factory.store(), a, creating(numbered(i)), noon_ms + i / 10);
    sent(factory.store(), a, deleting(numbered(15), stamp_of(factory.store(), numbered(15))),
         noon_ms + 3);
    for (const std::uint32_t limit : {1U, 7U, 10U, 11U, 25U, 500U}) {
      updates_query query;
      query.limit = limit;
      query.since_ms = noon_ms;
      std::set<std::string> ids;
      std::size_t given = 0;
      for (bool more = true; more;) {
        const auto answer = factory.store().updates(query).value();
        BOOST_TEST(answer.next_since_ms >= query.since_ms);
        BOOST_TEST((answer.next_since_ms > query.since_ms || !answer.has_more));
        for (const auto& item : answer.items)
          ids.insert(item.id());
        given += answer.items.size();
        more = answer.has_more;
        query.since_ms = answer.next_since_ms;
      }
      BOOST_TEST(ids.size() == 30U);
      BOOST_TEST(given == 30U); // A page begins where the one before ended.
    }
    updates_query query;
    query.since_ms = noon_ms + 3;
    BOOST_TEST(factory.store().updates(query)->items.size() == 1U);
    BOOST_TEST(factory.store().updates(query)->items[0].deleted());
    query.since_ms = noon_ms + 4;
    BOOST_TEST(factory.store().updates(query)->items.empty());
    BOOST_TEST(factory.store().updates(query)->next_since_ms == noon_ms + 4);
    query.collection = "never";
    BOOST_TEST(factory.store().updates(query)->items.empty());
  }

  static void updates_since_a_time_are_those_of_a_linear_search() {
    BOOST_TEST(rc::check("updates since a time are those of a linear search", [] {
      Factory factory;
      sender a{"client-a"};
      std::map<std::string, std::int64_t> changed;
      const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(0, 12), rc::gen::inRange(-5, 20)));
      std::int64_t now = noon_ms;
      for (const auto& [number, passed] : steps) {
        now += passed;
        auto mutation = shown(factory.store(), numbered(number)) == "(nothing)"
                          ? creating(numbered(number))
                          : adding(numbered(number), "n", 1);
        if (number % 5 == 4)
          mutation = in_collection(creating(numbered(number)), "notes");
        const auto results = send(factory.store(), a, {mutation}, now);
        if (number % 5 != 4)
          changed[numbered(number)] = results[0].last_modified_ms();
      }
      updates_query query;
      query.since_ms = noon_ms + *rc::gen::inRange(-5, 200);
      const auto answer = factory.store().updates(query).value();
      std::set<std::string> expected;
      for (const auto& [id, at] : changed)
        if (at >= query.since_ms)
          expected.insert(id);
      std::set<std::string> given;
      for (const auto& item : answer.items)
        given.insert(item.id());
      return given == expected;
    }));
  }

  // Everything that a mutation may be, on a few ids.
  static msg::Mutation random_mutation(const server_store& store) {
    const auto id = numbered(*rc::gen::inRange(0, 15));
    const auto item = store.get("default", "items", id).value();
    const auto stamp = item ? item->stamp() : msg::Stamp{};
    switch (*rc::gen::inRange(0, 5)) {
    case 0:
      return creating(id, R"({"n":)" + std::to_string(*rc::gen::inRange(0, 3)) + "}");
    case 1:
      return patching(id, R"({"p":)" + std::to_string(*rc::gen::inRange(0, 99)) + "}", stamp);
    case 2:
      return deleting(id, stamp);
    case 3:
      return in_collection(creating(id), "notes");
    default:
      return adding(id, "n", 1);
    }
  }

  static void random_batch(Factory& factory, sender& from) {
    std::vector<msg::Mutation> mutations;
    std::set<std::string> ids;
    const int size = *rc::gen::inRange(1, 6);
    const bool grouped = *rc::gen::inRange(0, 3) == 0;
    for (int i = 0; i < size; ++i) {
      auto mutation = random_mutation(factory.store());
      if (ids.insert(mutation.id()).second)
        mutations.push_back(std::move(mutation));
    }
    if (grouped)
      mutations = in_group(std::move(mutations), from.next_id);
    send(factory.store(), from, std::move(mutations));
  }

  static void whoever_pages_ends_with_the_items_of_the_server() {
    BOOST_TEST(rc::check("whoever pages ends with the items of the server", [] {
      Factory factory;
      sender a{"client-a"};
      mirror client;
      const int steps = *rc::gen::inRange(1, 60);
      for (int i = 0; i < steps; ++i) {
        const int kind = *rc::gen::inRange(0, 10);
        if (kind < 6)
          random_batch(factory, a);
        else if (kind < 9)
          client.pull(factory.store(), static_cast<std::uint32_t>(*rc::gen::inRange(1, 7)),
                      static_cast<std::uint64_t>(*rc::gen::inRange(1, 500)));
        else
          factory.reopen();
      }
      client.pull_all(factory.store(), static_cast<std::uint32_t>(*rc::gen::inRange(1, 7)));
      std::vector<std::string> ids(15);
      for (int i = 0; i < 15; ++i)
        ids[static_cast<std::size_t>(i)] = numbered(i);
      return client.equals(factory.store(), ids);
    }));
  }
};

} // namespace syncline::storage::test
