#pragma once
// What every store behind storage/kv.hpp does. An implementation instantiates it:
//
//   BOOST_AUTO_TEST_SUITE(kv_something)
//   SYNCLINE_KV_CONTRACT(my_factory)
//   BOOST_AUTO_TEST_SUITE_END()
//
// A factory opens an empty store with `contract_tables` when it is made; `store()` is that store
// and `reopen()` closes it and opens what it left.

#include "core/ensure.hpp"
#include "storage/kv.hpp"
#include "tests/storage/kv_random_walk.hpp"
#include "tests/storage/kv_test_tables.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace syncline::storage::test {

/// The cases. Each begins with an empty store of its own.
template <class Factory>
struct kv_contract {
  static void a_writer_sees_its_own_writes() {
    Factory factory;
    const auto writer = factory.store().begin_write();
    writer->put(first, "a", "1");
    writer->put(first, "a", "2");
    BOOST_TEST(text_of(writer->get(first, "a")) == "2");
    BOOST_TEST(text_of(writer->get(second, "a")) == "(nothing)");
    BOOST_TEST(writer->count(first) == 1U);
  }

  static void a_snapshot_does_not_see_what_comes_later() {
    Factory factory;
    store_all(factory.store(), first, {{"a", "old"}, {"b", "old"}});
    const auto before = factory.store().begin_read();
    const auto writer = factory.store().begin_write();
    writer->put(first, "a", "new");
    writer->put(first, "c", "new");
    BOOST_TEST(writer->erase(first, "b"));
    const auto during = factory.store().begin_read();
    writer->commit();
    const auto after = factory.store().begin_read();
    for (const auto* old : {before.get(), during.get()}) {
      BOOST_TEST((contents(*old, first) == model_table{{"a", "old"}, {"b", "old"}}));
      BOOST_TEST(old->count(first) == 2U);
    }
    BOOST_TEST((contents(*after, first) == model_table{{"a", "new"}, {"c", "new"}}));
  }

  static void a_snapshot_begun_beside_a_clearing_writer_sees_the_table() {
    Factory factory;
    store_all(factory.store(), first, {{"a", "1"}, {"b", "2"}});
    const auto writer = factory.store().begin_write();
    writer->put(first, "c", "3");
    writer->clear(first);
    writer->put(first, "d", "4");
    const auto reader = factory.store().begin_read();
    BOOST_TEST((contents(*reader, first) == model_table{{"a", "1"}, {"b", "2"}}));
    BOOST_TEST((contents(*writer, first) == model_table{{"d", "4"}}));
  }

  static void keys_are_ordered_as_unsigned_bytes() {
    Factory factory;
    const std::vector<std::string> ordered{
      std::string{"\0", 1}, "A",    "a",       "a\x01", "aa", "\x7f", "\x80",
      "\xc3\xa9",           "\xff", "\xff\xff"};
    const auto writer = factory.store().begin_write();
    for (const auto& key : std::ranges::reverse_view(ordered))
      writer->put(first, key, "v");
    const auto cursor = writer->cursor(first);
    std::vector<std::string> walked;
    for (bool there = cursor->seek(""); there; there = cursor->next())
      walked.emplace_back(cursor->key());
    BOOST_TEST((walked == ordered));
  }

  static void a_cursor_seeks_and_moves_both_ways() {
    Factory factory;
    store_all(factory.store(), first, {{"b", "1"}, {"d", "2"}, {"f", "3"}});
    const auto reader = factory.store().begin_read();
    const auto cursor = reader->cursor(first);
    BOOST_TEST(!cursor->next());
    BOOST_TEST(!cursor->previous());
    BOOST_TEST(cursor->seek("c"));
    BOOST_TEST(cursor->key() == "d");
    BOOST_TEST(cursor->value() == "2");
    BOOST_TEST(cursor->previous());
    BOOST_TEST(cursor->key() == "b");
    BOOST_TEST(!cursor->previous());
    BOOST_TEST(!cursor->next());
    BOOST_TEST(cursor->last());
    BOOST_TEST(cursor->key() == "f");
    BOOST_TEST(!cursor->next());
    BOOST_TEST(!cursor->previous());
    BOOST_TEST(!cursor->seek("g"));
    BOOST_TEST(cursor->seek("b"));
    BOOST_TEST(cursor->next());
    BOOST_TEST(cursor->key() == "d");
    BOOST_TEST(!reader->cursor(second)->last());
    BOOST_TEST(!reader->cursor(second)->seek(""));
  }

  static void a_cursor_keeps_its_place_over_writes() {
    Factory factory;
    store_all(factory.store(), first, {{"b", "1"}, {"d", "2"}, {"f", "3"}});
    const auto writer = factory.store().begin_write();
    const auto cursor = writer->cursor(first);
    BOOST_TEST(cursor->seek("d"));
    writer->put(first, "d", "changed");
    BOOST_TEST(cursor->value() == "changed");
    writer->put(first, "c", "new");
    writer->put(first, "e", "new");
    BOOST_TEST(cursor->next());
    BOOST_TEST(cursor->key() == "e");
    BOOST_TEST(writer->erase(first, "e"));
    BOOST_CHECK_THROW(static_cast<void>(cursor->value()), core::broken_invariant);
    BOOST_TEST(cursor->previous());
    BOOST_TEST(cursor->key() == "d");
    BOOST_TEST(writer->erase(first, "d"));
    BOOST_TEST(cursor->next());
    BOOST_TEST(cursor->key() == "f");
    writer->clear(first);
    BOOST_TEST(!cursor->previous());
  }

  static void a_cursor_can_erase_what_it_walks_over() {
    Factory factory;
    const auto writer = factory.store().begin_write();
    for (int number = 1000; number < 3000; ++number)
      writer->put(first, std::to_string(number), std::string(300, 'v'));
    const auto cursor = writer->cursor(first);
    int walked = 0;
    for (bool there = cursor->seek(""); there; there = cursor->next(), ++walked)
      if (walked % 3 != 0) {
        const std::string key{cursor->key()};
        BOOST_REQUIRE(writer->erase(first, key));
      }
    BOOST_TEST(walked == 2000);
    BOOST_TEST(writer->count(first) == 667U);
    writer->commit();
    BOOST_TEST(contents(*factory.store().begin_read(), first).size() == 667U);
  }

  static void a_cursor_may_be_destroyed_after_its_transaction() {
    Factory factory;
    store_all(factory.store(), first, {{"a", "1"}});
    std::vector<std::unique_ptr<kv_cursor>> cursors;
    for (const bool commits : {true, false}) {
      const auto writer = factory.store().begin_write();
      cursors.push_back(writer->cursor(first));
      BOOST_TEST(cursors.back()->seek("a"));
      if (commits)
        writer->commit();
    }
    cursors.push_back(factory.store().begin_read()->cursor(first));
    for (const auto& cursor : cursors)
      BOOST_CHECK_THROW(static_cast<void>(cursor->seek("a")), core::broken_invariant);
  }

  static void an_abort_undoes_all() {
    Factory factory;
    const model_table before{{"a", "1"}, {"b", "2"}};
    store_all(factory.store(), first, before);
    store_all(factory.store(), second, before);
    {
      const auto writer = factory.store().begin_write();
      writer->put(first, "a", "changed");
      writer->put(first, "c", "new");
      BOOST_TEST(writer->erase(first, "b"));
      writer->put(first, "b", "back");
      writer->clear(second);
      writer->put(second, "z", "new");
    }
    const auto reader = factory.store().begin_read();
    BOOST_TEST((contents(*reader, first) == before));
    BOOST_TEST((contents(*reader, second) == before));
  }

  static void a_commit_ends_the_writer() {
    Factory factory;
    const auto writer = factory.store().begin_write();
    writer->put(first, "a", "1");
    writer->commit();
    BOOST_CHECK_THROW(writer->put(first, "b", "2"), core::broken_invariant);
    BOOST_CHECK_THROW(writer->commit(), core::broken_invariant);
    BOOST_TEST(text_of(factory.store().begin_read()->get(first, "a")) == "1");
    store_all(factory.store(), first, {{"b", "2"}});
  }

  static void a_second_writer_beside_an_open_one_is_refused_in_its_thread() {
    Factory factory;
    const auto writer = factory.store().begin_write();
    BOOST_CHECK_THROW(static_cast<void>(factory.store().begin_write()), core::broken_invariant);
  }

  static void append_takes_keys_in_order_only() {
    Factory factory;
    const auto writer = factory.store().begin_write();
    for (int number = 1000; number < 2000; ++number)
      writer->append(first, std::to_string(number), std::string(100, 'v'));
    BOOST_TEST(writer->count(first) == 1000U);
    BOOST_CHECK_THROW(writer->append(first, "1999", "again"), core::broken_invariant);
    BOOST_CHECK_THROW(writer->append(first, "0", "below"), core::broken_invariant);
    writer->append(first, "3", "last");
    const auto cursor = writer->cursor(first);
    BOOST_TEST(cursor->last());
    BOOST_TEST(cursor->value() == "last");
  }

  static void clear_empties_one_table() {
    Factory factory;
    store_all(factory.store(), first, {{"a", "1"}});
    store_all(factory.store(), second, {{"a", "1"}});
    const auto writer = factory.store().begin_write();
    writer->clear(first);
    BOOST_TEST(writer->count(first) == 0U);
    BOOST_TEST(writer->count(second) == 1U);
    writer->put(first, "b", "2");
    writer->commit();
    BOOST_TEST((contents(*factory.store().begin_read(), first) == model_table{{"b", "2"}}));
  }

  static void erase_says_whether_the_key_was_there() {
    Factory factory;
    store_all(factory.store(), first, {{"a", "1"}});
    const auto writer = factory.store().begin_write();
    BOOST_TEST(writer->erase(first, "a"));
    BOOST_TEST(!writer->erase(first, "a"));
    BOOST_TEST(!writer->erase(first, ""));
    BOOST_TEST(!writer->erase(first, std::string(600, 'k')));
    BOOST_TEST(writer->count(first) == 0U);
  }

  static void an_empty_value_is_a_value() {
    Factory factory;
    store_all(factory.store(), first, {{"a", ""}});
    const auto found = factory.store().begin_read()->get(first, "a");
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(found->empty());
  }

  static void keys_have_1_to_511_bytes() {
    Factory factory;
    const auto writer = factory.store().begin_write();
    const std::string longest(511, 'k');
    BOOST_TEST(code_of_put(*writer, longest) == "stored");
    BOOST_TEST(code_of_put(*writer, longest + "k") == "bad_key");
    BOOST_TEST(code_of_put(*writer, "") == "bad_key");
    BOOST_TEST(text_of(writer->get(first, longest)) == "value");
    BOOST_TEST(text_of(writer->get(first, longest + "k")) == "(nothing)");
    BOOST_TEST(text_of(writer->get(first, "")) == "(nothing)");
    const auto cursor = writer->cursor(first);
    BOOST_TEST(cursor->seek(longest));
    BOOST_TEST(!cursor->seek(longest + "k"));
    writer->commit();
  }

  static void values_of_a_mebibyte_come_back() {
    Factory factory;
    model_table large;
    for (int number = 0; number < 4; ++number)
      large.emplace("k" + std::to_string(number),
                    std::string(std::size_t{1} << 20, static_cast<char>('a' + number)));
    store_all(factory.store(), first, large);
    BOOST_TEST((contents(*factory.store().begin_read(), first) == large));
    large["k1"] = "small now";
    store_all(factory.store(), first, {{"k1", "small now"}});
    factory.reopen();
    BOOST_TEST((contents(*factory.store().begin_read(), first) == large));
  }

  static void reopening_shows_what_was_committed() {
    Factory factory;
    store_all(factory.store(), first, {{"a", "1"}});
    store_all(factory.store(), second, {{"b", "2"}});
    {
      const auto writer = factory.store().begin_write();
      writer->put(first, "never", "committed");
    }
    factory.reopen();
    const auto reader = factory.store().begin_read();
    BOOST_TEST((contents(*reader, first) == model_table{{"a", "1"}}));
    BOOST_TEST((contents(*reader, second) == model_table{{"b", "2"}}));
  }

  static void usage_counts_snapshots_and_transactions() {
    Factory factory;
    const kv_usage before = factory.store().usage();
    store_all(factory.store(), first, {{"a", std::string(100'000, 'v')}});
    const auto one = factory.store().begin_read();
    auto other = factory.store().begin_read();
    const kv_usage after = factory.store().usage();
    BOOST_TEST(after.readers == 2U);
    BOOST_TEST(after.readers_max >= 2U);
    BOOST_TEST(after.last_transaction == before.last_transaction + 1);
    BOOST_TEST(after.used_bytes >= before.used_bytes + 100'000);
    BOOST_TEST(after.map_bytes >= after.used_bytes);
    other.reset();
    BOOST_TEST(factory.store().usage().readers == 1U);
    BOOST_TEST(factory.store().clear_stale_readers() == 0U);
  }

  static void a_snapshot_outlives_the_environment() {
    auto factory = std::make_unique<Factory>();
    store_all(factory->store(), first, {{"a", "1"}});
    const auto reader = factory->store().begin_read();
    factory.reset();
    BOOST_TEST(text_of(reader->get(first, "a")) == "1");
  }

  static void an_unknown_table_is_a_broken_invariant() {
    Factory factory;
    BOOST_CHECK_THROW(static_cast<void>(factory.store().begin_read()->get(9, "a")),
                      core::broken_invariant);
    BOOST_CHECK_THROW(factory.store().begin_write()->put(9, "a", "1"), core::broken_invariant);
  }

  static void random_operations_agree_with_a_map() {
    BOOST_TEST(rc::check("random operations agree with a map", [] {
      random_walk<Factory> walk;
      const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(0, 9), rc::gen::inRange(0, 60)));
      int number = 0;
      for (const auto& [kind, choice] : steps) {
        // Keys of many lengths, some sharing long beginnings; values up to several pages.
        const std::string key =
          std::string(static_cast<std::size_t>(choice * choice % 97), 'k') + std::to_string(choice);
        const auto length = static_cast<std::size_t>(++number * 37 % 9000);
        walk.step(kind, key, std::to_string(number) + std::string(length, 'v'));
      }
      walk.finish();
    }));
  }
};

} // namespace syncline::storage::test

#define SYNCLINE_KV_CASE(factory, name)                                                            \
  BOOST_AUTO_TEST_CASE(name) {                                                                     \
    ::syncline::storage::test::kv_contract<factory>::name();                                       \
  }

#define SYNCLINE_KV_CONTRACT(factory)                                                              \
  SYNCLINE_KV_CASE(factory, a_writer_sees_its_own_writes)                                          \
  SYNCLINE_KV_CASE(factory, a_snapshot_does_not_see_what_comes_later)                              \
  SYNCLINE_KV_CASE(factory, a_snapshot_begun_beside_a_clearing_writer_sees_the_table)              \
  SYNCLINE_KV_CASE(factory, keys_are_ordered_as_unsigned_bytes)                                    \
  SYNCLINE_KV_CASE(factory, a_cursor_seeks_and_moves_both_ways)                                    \
  SYNCLINE_KV_CASE(factory, a_cursor_keeps_its_place_over_writes)                                  \
  SYNCLINE_KV_CASE(factory, a_cursor_can_erase_what_it_walks_over)                                 \
  SYNCLINE_KV_CASE(factory, a_cursor_may_be_destroyed_after_its_transaction)                       \
  SYNCLINE_KV_CASE(factory, an_abort_undoes_all)                                                   \
  SYNCLINE_KV_CASE(factory, a_commit_ends_the_writer)                                              \
  SYNCLINE_KV_CASE(factory, a_second_writer_beside_an_open_one_is_refused_in_its_thread)           \
  SYNCLINE_KV_CASE(factory, append_takes_keys_in_order_only)                                       \
  SYNCLINE_KV_CASE(factory, clear_empties_one_table)                                               \
  SYNCLINE_KV_CASE(factory, erase_says_whether_the_key_was_there)                                  \
  SYNCLINE_KV_CASE(factory, an_empty_value_is_a_value)                                             \
  SYNCLINE_KV_CASE(factory, keys_have_1_to_511_bytes)                                              \
  SYNCLINE_KV_CASE(factory, values_of_a_mebibyte_come_back)                                        \
  SYNCLINE_KV_CASE(factory, reopening_shows_what_was_committed)                                    \
  SYNCLINE_KV_CASE(factory, usage_counts_snapshots_and_transactions)                               \
  SYNCLINE_KV_CASE(factory, a_snapshot_outlives_the_environment)                                   \
  SYNCLINE_KV_CASE(factory, an_unknown_table_is_a_broken_invariant)                                \
  SYNCLINE_KV_CASE(factory, random_operations_agree_with_a_map)
