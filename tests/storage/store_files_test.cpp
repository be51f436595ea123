// Tools over the files of a store.

#include "storage/store_files.hpp"

#include "storage/checksum.hpp"
#include "storage/keys.hpp"
#include "tests/storage/lmdb_support.hpp"

namespace syncline::storage::test {

BOOST_AUTO_TEST_SUITE(store_files)

namespace {

lmdb_options client_options_in(const std::filesystem::path& directory) {
  auto options = options_in(directory);
  options.tables = client_tables();
  return options;
}

// Leaves a closed store with many free pages and a few records.
void make_store_with_free_pages(const std::filesystem::path& directory) {
  const auto store = open_store(client_options_in(directory));
  for (int round = 0; round < 2; ++round) {
    const auto writer = store->begin_write();
    for (int i = 0; i < 2000; ++i) {
      const auto key = "key " + std::to_string(i);
      if (round == 0)
        writer->put(client_table::meta, key, seal(key, std::string(200, 'x')));
      else if (i >= 10)
        static_cast<void>(writer->erase(client_table::meta, key));
    }
    writer->commit();
  }
  BOOST_REQUIRE(message_of(store->close_clean()).empty());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_store_is_measured_checked_and_copied_while_it_is_written) {
  const temporary_directory directory;
  make_store_with_free_pages(directory.path() / "store");
  const auto clean = measure_store(directory.path() / "store");
  BOOST_REQUIRE(message_of(clean).empty());
  BOOST_TEST(clean->is_clean);
  BOOST_TEST((clean->kind == store_kind::client));
  BOOST_TEST(clean->tables.front().records == 10u);
  const int code = code_of_child([&] {
    const auto store = open_store(client_options_in(directory.path() / "store"));
    const auto writer = store->begin_write();
    writer->put(client_table::meta, "not committed", "x");
    // The copy is made by another process, as one may open a store only once.
    return code_of_child([&] {
      const auto checked = check_store(directory.path() / "store");
      const auto copied = backup_store(directory.path() / "store", directory.path() / "copy");
      return checked && copied && copied->records == 10 && copied->pages_free == 0 ? 0 : 1;
    });
  });
  BOOST_TEST(code == 0);
  const auto again = backup_store(directory.path() / "store", directory.path() / "copy");
  BOOST_REQUIRE(!again.has_value());
  BOOST_TEST(again.error().code == "already_exists");
}

BOOST_AUTO_TEST_CASE(a_compaction_keeps_every_record_and_leaves_no_free_page) {
  const temporary_directory directory;
  const auto path = directory.path() / "store";
  make_store_with_free_pages(path);
  // A rest of one that was killed is no obstacle.
  std::filesystem::create_directory(directory.path() / "store.compacting");
  const auto won = compact_store(path.string() + "/");
  BOOST_REQUIRE_MESSAGE(won, message_of(won));
  BOOST_TEST(won->bytes_after < won->bytes_before);
  BOOST_TEST(!std::filesystem::exists(directory.path() / "store.compacting"));
  const auto checked = check_store(path);
  BOOST_REQUIRE_MESSAGE(checked, message_of(checked));
  BOOST_TEST(checked->records == 10u);
  BOOST_TEST(checked->pages_free == 0u);
  BOOST_TEST(measure_store(path)->is_clean);
}

BOOST_AUTO_TEST_CASE(a_store_that_is_open_for_writing_is_not_compacted) {
  const temporary_directory directory;
  make_store_with_free_pages(directory.path() / "store");
  const auto store = open_store(client_options_in(directory.path() / "store"));
  const auto refused = compact_store(directory.path() / "store");
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == "store_locked");
}

BOOST_AUTO_TEST_CASE(a_damaged_store_is_not_compacted_and_stays_as_it_is) {
  const temporary_directory directory;
  const auto path = directory.path() / "store";
  make_store_with_free_pages(path);
  auto bytes = read_file(path / "data.mdb");
  for (auto each = bytes.find("xxxx"); each != std::string::npos; each = bytes.find("xxxx", each))
    bytes[each] = 'y';
  write_file(path / "data.mdb", bytes);
  const auto refused = compact_store(path);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == "store_corrupt");
  BOOST_TEST((read_file(path / "data.mdb") == bytes));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::storage::test
