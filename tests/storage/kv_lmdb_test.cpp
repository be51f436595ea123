#include "storage/kv_lmdb.hpp"

#include "storage/checksum.hpp"
#include "storage/kv_verify.hpp"
#include "tests/storage/kv_contract.hpp"
#include "tests/storage/lmdb_support.hpp"

#include <sys/stat.h>

#include <latch>
#include <thread>

using namespace syncline::storage;
using namespace syncline::storage::test;

namespace {

/// A store on files, as the contract wants it.
class lmdb_factory {
public:
  [[nodiscard]] kv_environment& store() {
    return *store_;
  }
  void reopen() {
    store_.reset();
    store_ = open_store(options_in(directory_.path()));
  }

private:
  temporary_directory directory_;
  std::unique_ptr<lmdb_environment> store_ = open_store(options_in(directory_.path()));
};

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

// Fills the store with values until it is full; how many went in.
int fill(kv_environment& store, std::size_t value_bytes) {
  int stored = 0;
  for (;; ++stored) {
    const auto writer = store.begin_write();
    try {
      writer->put(first, "k" + std::to_string(100'000 + stored), std::string(value_bytes, 'v'));
      writer->commit();
    } catch (const kv_error& thrown) {
      BOOST_TEST(thrown.code() == "store_full");
      return stored;
    }
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(kv_lmdb)

SYNCLINE_KV_CONTRACT(lmdb_factory)

BOOST_AUTO_TEST_CASE(every_durability_stores_what_is_committed) {
  for (const auto durable : {durability::full, durability::consistent, durability::process}) {
    const temporary_directory directory;
    auto options = options_in(directory.path());
    options.durable = durable;
    store_all(*open_store(options), first, {{"a", "1"}});
    const auto store = open_store(options);
    BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == "1");
    BOOST_TEST(store->sync().has_value());
  }
}

BOOST_AUTO_TEST_CASE(the_directory_is_0700_and_the_files_are_0600) {
  const temporary_directory outer;
  const auto directory = outer.path() / "made" / "here";
  auto store = open_store(options_in(directory));
  store_all(*store, first, {{"a", "1"}});
  BOOST_TEST(store->close_clean().has_value());
  BOOST_TEST(mode_of(directory) == 0700U);
  for (const auto& entry : std::filesystem::directory_iterator{directory})
    BOOST_TEST(mode_of(entry.path()) == 0600U, entry.path());
  store.reset();
  std::filesystem::permissions(directory / "data.mdb", std::filesystem::perms{0644});
  store = open_store(options_in(directory));
  BOOST_TEST(mode_of(directory / "data.mdb") == 0600U);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_not_there_is_not_made_unless_asked) {
  const temporary_directory outer;
  auto options = options_in(outer.path() / "store");
  options.create = false;
  BOOST_TEST(code_of_open(options) == "store_not_found");
  BOOST_TEST(code_of_open(reading(options)) == "store_not_found");
  BOOST_TEST(!std::filesystem::exists(options.directory));
  std::filesystem::create_directory(options.directory);
  BOOST_TEST(code_of_open(options) == "store_not_found");
  const auto seen = inspect_lmdb(options.directory);
  BOOST_TEST((seen && !seen->exists));
}

BOOST_AUTO_TEST_CASE(what_a_crash_while_creating_leaves_is_made_anew) {
  const temporary_directory directory;
  std::filesystem::create_directory(directory.path() / "creating");
  write_file(directory.path() / "creating" / "data.mdb", "half a sto");
  const auto store = open_store(options_in(directory.path()));
  BOOST_TEST(!std::filesystem::exists(directory.path() / "creating"));
  store_all(*store, first, {{"a", "1"}});
}

BOOST_AUTO_TEST_CASE(a_missing_table_is_made_by_a_writer_and_refused_to_a_reader) {
  const temporary_directory directory;
  store_all(*open_store(options_in(directory.path())), first, {{"a", "1"}});
  auto more = options_in(directory.path());
  more.tables.emplace_back("third");
  BOOST_TEST(code_of_open(reading(more)) == "store_foreign");
  auto without_create = more;
  without_create.create = false;
  BOOST_TEST(code_of_open(without_create) == "store_foreign");
  const auto store = open_store(more);
  store_all(*store, 2, {{"b", "2"}});
  BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == "1");
}

BOOST_AUTO_TEST_CASE(an_orderly_close_is_seen_at_the_next_open_and_only_then) {
  const temporary_directory directory;
  const auto options = options_in(directory.path());
  auto store = open_store(options);
  BOOST_TEST(store->opened_clean());
  store_all(*store, first, {{"a", "1"}});
  BOOST_TEST(!inspect_lmdb(directory.path())->is_clean);
  BOOST_TEST(store->close_clean().has_value());
  store.reset();
  BOOST_TEST(inspect_lmdb(directory.path())->is_clean);

  store = open_store(options);
  BOOST_TEST(store->opened_clean());
  // Reading alone leaves the stamp.
  BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == "1");
  store.reset();
  store = open_store(options);
  BOOST_TEST(store->opened_clean());
  // The stamp goes before the first write, even one that is not committed.
  static_cast<void>(store->begin_write());
  store.reset();
  store = open_store(options);
  BOOST_TEST(!store->opened_clean());
}

BOOST_AUTO_TEST_CASE(an_unclean_store_is_only_stamped_after_it_was_verified) {
  const temporary_directory directory;
  const auto options = options_in(directory.path());
  store_all(*open_store(options), first, {{"a", seal("a", "1")}});
  auto store = open_store(options);
  BOOST_TEST(!store->opened_clean());
  BOOST_TEST(store->close_clean().has_value());
  store.reset();
  BOOST_TEST(!inspect_lmdb(directory.path())->is_clean);
  store = open_store(options);
  const auto report = verify_store(*store);
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST(report->records == 1U);
  BOOST_TEST(store->close_clean().has_value());
  store.reset();
  BOOST_TEST(inspect_lmdb(directory.path())->is_clean);
}

BOOST_AUTO_TEST_CASE(a_copied_or_touched_store_is_not_clean) {
  const temporary_directory directory;
  const auto original = directory.path() / "original";
  const auto copy = directory.path() / "copy";
  auto store = open_store(options_in(original));
  store_all(*store, first, {{"a", "1"}});
  BOOST_TEST(store->close_clean().has_value());
  store.reset();
  std::filesystem::create_directory(copy);
  std::filesystem::permissions(copy, std::filesystem::perms{0700});
  for (const char* name : {"data.mdb", "clean"})
    std::filesystem::copy_file(original / name, copy / name);
  BOOST_TEST(!inspect_lmdb(copy)->is_clean);
  const auto written = std::filesystem::last_write_time(original / "data.mdb");
  std::filesystem::last_write_time(original / "data.mdb", written + std::chrono::seconds{1});
  BOOST_TEST(!inspect_lmdb(original)->is_clean);
}

BOOST_AUTO_TEST_CASE(a_closed_store_is_not_used_any_more) {
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path()));
  const auto open = store->begin_read();
  BOOST_TEST(store->close_clean().has_value());
  BOOST_CHECK_THROW(static_cast<void>(store->begin_read()), syncline::core::broken_invariant);
  BOOST_CHECK_THROW(static_cast<void>(store->begin_write()), syncline::core::broken_invariant);
  BOOST_TEST(text_of(open->get(first, "a")) == "(nothing)");
}

BOOST_AUTO_TEST_CASE(a_full_map_refuses_puts_while_reads_and_deletes_go_on) { // A6
  const temporary_directory directory;
  auto options = options_in(directory.path());
  options.map_bytes = std::uint64_t{4} << 20;
  const auto store = open_store(options);
  for (const std::size_t value_bytes : {100'000U, 200U}) {
    const int stored = fill(*store, value_bytes);
    BOOST_TEST(stored > 0);
    BOOST_TEST(store->begin_read()->count(first) == static_cast<std::uint64_t>(stored));
    // One by one, as an outbox is drained; then there is room again.
    for (int number = 0; number < stored; ++number) {
      const auto writer = store->begin_write();
      BOOST_REQUIRE(writer->erase(first, "k" + std::to_string(100'000 + number)));
      writer->commit();
    }
    store_all(*store, second, {{"k", std::string(50'000, 'v')}});
  }
}

BOOST_AUTO_TEST_CASE(a_refused_put_leaves_the_transaction_usable) {
  const temporary_directory directory;
  auto options = options_in(directory.path());
  options.map_bytes = std::uint64_t{4} << 20;
  const auto store = open_store(options);
  const int stored = fill(*store, 100'000);
  BOOST_REQUIRE(stored > 2);
  const auto writer = store->begin_write();
  BOOST_TEST(writer->erase(first, "k100001"));
  BOOST_CHECK_THROW(writer->put(first, "large", std::string(1'000'000, 'v')), kv_error);
  writer->put(first, "small", "v");
  writer->commit();
  BOOST_TEST(text_of(store->begin_read()->get(first, "small")) == "v");
}

BOOST_AUTO_TEST_CASE(the_second_thread_waits_for_the_first_writer) {
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path()));
  auto writer = store->begin_write();
  writer->put(first, "a", "1");
  std::latch begun{1};
  std::thread other{[&] {
    begun.count_down();
    const auto second_writer = store->begin_write();
    const std::string seen = text_of(second_writer->get(first, "a"));
    second_writer->put(first, "a", seen + "2");
    second_writer->commit();
  }};
  begun.wait();
  writer->commit();
  writer.reset();
  other.join();
  BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == "12");
}

BOOST_AUTO_TEST_CASE(a_backup_is_a_store_of_its_own) {
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path() / "store"));
  model_table entries;
  for (int number = 0; number < 500; ++number)
    entries.emplace("k" + std::to_string(number), std::string(300, 'v'));
  store_all(*store, first, entries);
  {
    const auto writer = store->begin_write();
    for (int number = 0; number < 400; ++number)
      BOOST_REQUIRE(writer->erase(first, "k" + std::to_string(number)));
    writer->commit();
  }
  const auto expected = contents(*store->begin_read(), first);
  for (const bool compact : {false, true}) {
    const auto target = directory.path() / (compact ? "compact" : "plain");
    BOOST_REQUIRE(store->backup_to(target, compact).has_value());
    BOOST_TEST(mode_of(target / "data.mdb") == 0600U);
    const auto again = store->backup_to(target, compact);
    BOOST_REQUIRE(!again.has_value());
    BOOST_TEST(again.error().code == "already_exists");
    const auto copy = open_store(options_in(target));
    BOOST_TEST((contents(*copy->begin_read(), first) == expected));
    BOOST_TEST(copy->check_pages().has_value());
    store_all(*copy, first, {{"own", "write"}});
    BOOST_TEST(copy->check_pages().has_value());
  }
  BOOST_TEST(std::filesystem::file_size(directory.path() / "compact" / "data.mdb") <
             std::filesystem::file_size(directory.path() / "plain" / "data.mdb"));
  BOOST_TEST(text_of(store->begin_read()->get(first, "own")) == "(nothing)");
}

BOOST_AUTO_TEST_CASE(pages_check_out_after_random_work) {
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path()));
  std::uint32_t random = 1;
  const auto next = [&random](std::uint32_t below) {
    random = random * 1664525U + 1013904223U;
    return (random >> 8) % below;
  };
  for (int round = 0; round < 300; ++round) {
    std::unique_ptr<kv_reader> held;
    if (round % 7 == 0)
      held = store->begin_read();
    const auto writer = store->begin_write();
    for (std::uint32_t step = 0; step < 1 + next(60); ++step) {
      const std::string key = std::to_string(next(3'000)) + std::string(next(200), 'k');
      if (next(3) == 0)
        static_cast<void>(writer->erase(next(2), key));
      else
        writer->put(next(2), key,
                    seal(key, std::string(next(20) == 0 ? next(60'000) : next(500), 'v')));
    }
    if (next(100) == 0)
      writer->clear(next(2));
    if (next(10) != 0)
      writer->commit();
    if (round % 10 == 0) {
      const auto report = store->check_pages();
      BOOST_REQUIRE_EQUAL(message_of(report), "");
      BOOST_REQUIRE(report->tables == 2U);
    }
  }
  const auto report = verify_store(*store);
  BOOST_REQUIRE_EQUAL(message_of(report), "");
  BOOST_TEST(report->pages_used > 100U);
}

BOOST_AUTO_TEST_SUITE_END()
