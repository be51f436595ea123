// Snapshots of the store on files: how many, how old, and beside a writer.

#include "storage/kv_lmdb.hpp"
#include "tests/storage/kv_test_tables.hpp"
#include "tests/storage/lmdb_support.hpp"

#include <atomic>
#include <thread>

using namespace syncline::storage;
using namespace syncline::storage::test;

BOOST_AUTO_TEST_SUITE(kv_lmdb_snapshot)

BOOST_AUTO_TEST_CASE(more_snapshots_than_the_table_holds_are_refused_by_name) { // A15
  const temporary_directory directory;
  auto options = options_in(directory.path());
  options.readers_max = 20;
  const auto store = open_store(options);
  std::vector<std::unique_ptr<kv_reader>> open;
  std::string code;
  while (code.empty() && open.size() < 1000) {
    try {
      open.push_back(store->begin_read());
    } catch (const kv_error& thrown) {
      code = thrown.code();
    }
  }
  BOOST_TEST(code == "too_many_readers");
  BOOST_TEST(open.size() >= 20U);
  open.pop_back();
  BOOST_TEST(store->begin_read() != nullptr);
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_late_then_expired_and_frees_its_pages) { // A14
  const temporary_directory directory;
  std::int64_t now = 1'000;
  auto options = options_in(directory.path());
  options.monotonic_ms = [&now] { return now; };
  const auto store = open_store(options);
  store_all(*store, first, {{"a", "1"}});
  const auto old = store->begin_read();
  const auto cursor = old->cursor(first);
  BOOST_TEST(cursor->seek("a"));
  now += 5'001;
  const auto young = store->begin_read();
  auto leases = store->leases();
  BOOST_REQUIRE(leases.size() == 2U);
  BOOST_TEST(leases[0].age_ms == 5'001);
  BOOST_TEST(leases[0].is_late);
  BOOST_TEST(!leases[1].is_late);
  BOOST_TEST(store->expire_leases() == 0U);
  now += 595'000;
  BOOST_TEST(store->expire_leases() == 1U);
  BOOST_TEST(store->expire_leases() == 0U);
  BOOST_TEST(store->leases()[0].is_expired);
  for (int use = 0; use < 2; ++use) {
    try {
      static_cast<void>(old->get(first, "a"));
      BOOST_ERROR("an expired snapshot was read");
    } catch (const kv_error& thrown) {
      BOOST_TEST(thrown.code() == "snapshot_expired");
    }
  }
  BOOST_CHECK_THROW(static_cast<void>(cursor->value()), kv_error);
  BOOST_CHECK_THROW(cursor->next(), kv_error);
  BOOST_TEST(text_of(young->get(first, "a")) == "1");
}

BOOST_AUTO_TEST_CASE(an_expired_snapshot_lets_the_file_stop_growing) {
  const temporary_directory directory;
  std::int64_t now = 0;
  auto options = options_in(directory.path());
  options.monotonic_ms = [&now] { return now; };
  const auto store = open_store(options);
  const auto rewrite = [&store] {
    for (int round = 0; round < 50; ++round)
      store_all(*store, first, {{"a", std::string(20'000, 'v')}});
    return store->usage().file_bytes;
  };
  const auto before = rewrite();
  const auto held = store->begin_read();
  const auto grown = rewrite();
  BOOST_TEST(grown > before + 500'000);
  now += 600'001;
  BOOST_TEST(store->expire_leases() == 1U);
  BOOST_CHECK_THROW(static_cast<void>(held->count(first)), kv_error);
  rewrite();
  BOOST_TEST(rewrite() == grown);
}

BOOST_AUTO_TEST_CASE(a_reused_snapshot_sees_the_newest_state_and_not_the_expiry_of_the_last) {
  const temporary_directory directory;
  std::int64_t now = 0;
  auto options = options_in(directory.path());
  options.monotonic_ms = [&now] { return now; };
  const auto store = open_store(options);
  for (int round = 0; round < 5; ++round) {
    store_all(*store, first, {{"a", std::to_string(round)}});
    const auto reader = store->begin_read();
    BOOST_TEST(text_of(reader->get(first, "a")) == std::to_string(round));
    now += 600'001;
    BOOST_TEST(store->expire_leases() == 1U);
    if (round % 2 == 0)
      BOOST_CHECK_THROW(static_cast<void>(reader->count(first)), kv_error);
  }
  BOOST_TEST(store->usage().readers == 0U);
}

BOOST_AUTO_TEST_CASE(threads_read_and_expire_beside_a_writer) {
  const temporary_directory directory;
  auto options = options_in(directory.path());
  std::atomic<std::int64_t> now{0};
  options.monotonic_ms = [&now] { return now.load(); };
  const auto store = open_store(options);
  store_all(*store, first, {{"a", "0"}, {"b", "0"}});
  std::atomic<bool> is_over{false};
  std::atomic<int> wrong{0};
  std::atomic<int> expired{0};
  const auto read = [&] {
    while (!is_over) {
      try {
        const auto reader = store->begin_read();
        for (int use = 0; use < 20; ++use)
          if (reader->get(first, "a") != reader->get(first, "b"))
            ++wrong;
      } catch (const kv_error& thrown) {
        ++(thrown.code() == "snapshot_expired" ? expired : wrong);
      }
    }
  };
  std::thread one{read};
  std::thread other{read};
  for (int round = 0; round < 2'000; ++round) {
    store_all(*store, first, {{"a", std::to_string(round)}, {"b", std::to_string(round)}});
    now += 700'000;
    static_cast<void>(store->expire_leases());
  }
  is_over = true;
  one.join();
  other.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(store->usage().readers == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
