// Damaged stores: refused or found damaged, never served wrong, and never the end of the process by
// a signal.

#include "storage/checksum.hpp"
#include "storage/kv_lmdb.hpp"
#include "storage/kv_verify.hpp"
#include "tests/storage/kv_test_tables.hpp"
#include "tests/storage/lmdb_support.hpp"

#include <unistd.h>

#include <random>

using namespace syncline::storage;
using namespace syncline::storage::test;

namespace {

/// A store with small and large values, free pages and two tables, and what it holds.
struct sample_store {
  model_table first_entries;
  model_table second_entries;
  std::string data;
};

void change(kv_writer& writer, table_id table, model_table& entries, const std::string& key,
            std::size_t bytes) {
  const std::string value = seal(key, std::string(bytes, static_cast<char>('a' + bytes % 26)));
  writer.put(table, key, value);
  entries[key] = value;
}

sample_store make_sample(const std::filesystem::path& directory) {
  sample_store sample;
  const auto store = open_store(options_in(directory));
  for (int round = 0; round < 6; ++round) {
    const auto writer = store->begin_write();
    for (int number = 0; number < 60; ++number) {
      const std::string name = std::to_string(round * 20 + number);
      change(*writer, first, sample.first_entries, "item/" + name, 150);
      std::string key = "row/";
      change(*writer, second, sample.second_entries, key.append(name).append("/").append(name), 90);
    }
    change(*writer, first, sample.first_entries, "large/" + std::to_string(round), 9'000);
    const std::string gone = "item/" + std::to_string(round * 15);
    if (writer->erase(first, gone))
      sample.first_entries.erase(gone);
    writer->commit();
  }
  BOOST_REQUIRE(store->close_clean().has_value());
  sample.data = read_file(directory / "data.mdb");
  return sample;
}

// What a process of its own does before a store that was not closed cleanly is served.
int verify_in(const std::filesystem::path& directory) {
  const auto store = open_lmdb(reading(options_in(directory)));
  if (!store)
    return 10;
  return verify_store(**store) ? 0 : 11;
}

bool serves(const kv_reader& reader, table_id table, const model_table& expected) {
  if (contents(reader, table) != expected || reader.count(table) != expected.size())
    return false;
  for (const auto& [key, value] : expected)
    if (reader.get(table, key) != value)
      return false;
  return true;
}

// Reads everything by walk and by key, writes, and reads again. 0 when all of it was right.
int serve_from(const std::filesystem::path& directory, const sample_store& sample) {
  const auto store = open_lmdb(options_in(directory));
  if (!store)
    return 10;
  try {
    model_table entries = sample.first_entries;
    for (int round = 0; round < 4; ++round) {
      const auto reader = (*store)->begin_read();
      if (!serves(*reader, first, entries) || !serves(*reader, second, sample.second_entries))
        return 3;
      const auto writer = (*store)->begin_write();
      change(*writer, first, entries, "new/" + std::to_string(round), 5'000);
      writer->commit();
    }
  } catch (const kv_error& thrown) {
    return thrown.code() == "store_corrupt" ? 11 : 4;
  }
  return 0;
}

/// How damaged copies of a store fared.
struct tally {
  int refused = 0;
  int verifier_died = 0;
  int harmless = 0;
  int served_wrong = 0;
  int server_died = 0;
};

void try_variant(const std::filesystem::path& directory, const sample_store& sample,
                 const std::string& data, tally& counts) {
  write_file(directory / "data.mdb", data);
  const int verified = code_of_child([&] { return verify_in(directory); });
  if (verified < 0) {
    ++counts.verifier_died;
    return;
  }
  if (verified != 0) {
    ++counts.refused;
    return;
  }
  const int served = code_of_child([&] { return serve_from(directory, sample); });
  if (served < 0)
    ++counts.server_died;
  else
    ++(served == 0 ? counts.harmless : counts.served_wrong);
}

void report(const char* what, const tally& counts) {
  std::cout << what << ": refused " << counts.refused << ", verifier died by a signal "
            << counts.verifier_died << ", harmless " << counts.harmless << ", served wrong "
            << counts.served_wrong << ", server died by a signal " << counts.server_died
            << std::endl;
  BOOST_TEST(counts.served_wrong == 0);
  BOOST_TEST(counts.server_died == 0);
}

std::string with_flipped_bit(std::string data, std::uint64_t bit) {
  data[bit / 8] = static_cast<char>(data[bit / 8] ^ static_cast<char>(1 << (bit % 8)));
  return data;
}

std::filesystem::path place_for(const temporary_directory& directory) {
  auto place = directory.path() / "damaged";
  std::filesystem::create_directory(place);
  std::filesystem::permissions(place, std::filesystem::perms{0700});
  return place;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kv_damage)

BOOST_AUTO_TEST_CASE(an_undamaged_copy_is_verified_and_served) {
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  tally counts;
  try_variant(place, sample, sample.data, counts);
  // Bytes behind the last page are what a full disk leaves of a transaction that failed.
  try_variant(place, sample, sample.data + std::string(100, 'x'), counts);
  BOOST_TEST(counts.harmless == 2);
}

// Each variant is looked at in a process of its own, and a fork costs a sanitizer ten times as
// much.
#if defined(__SANITIZE_ADDRESS__)
constexpr int thinning = 7;
#else
constexpr int thinning = 1;
#endif

BOOST_AUTO_TEST_CASE(one_flipped_bit_is_never_served_and_never_a_signal) { // A8
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  std::mt19937_64 random{20240607};
  tally counts;
  for (int variant = 0; variant < 2'000 / thinning; ++variant)
    try_variant(place, sample, with_flipped_bit(sample.data, random() % (sample.data.size() * 8)),
                counts);
  report("2000 single bits", counts);
  BOOST_TEST(counts.verifier_died == 0);
  BOOST_TEST(counts.refused > 200 / thinning);
}

BOOST_AUTO_TEST_CASE(each_bit_of_the_meta_pages_is_noticed_or_does_not_matter) {
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  constexpr std::uint64_t meta_bits = (16 + 136) * 8;
  tally counts;
  for (const std::uint64_t start : {std::uint64_t{0}, page * 8})
    for (std::uint64_t bit = start; bit < start + meta_bits; bit += thinning)
      try_variant(place, sample, with_flipped_bit(sample.data, bit), counts);
  report("bits of the meta pages", counts);
  BOOST_TEST(counts.verifier_died == 0);
}

BOOST_AUTO_TEST_CASE(zeroed_and_random_pages_are_never_a_signal) { // A9
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::mt19937_64 random{7};
  tally counts;
  for (std::size_t start = 0; start < sample.data.size(); start += page) {
    std::string zeroed = sample.data;
    zeroed.replace(start, page, page, '\0');
    try_variant(place, sample, zeroed, counts);
    std::string noisy = sample.data;
    for (std::size_t at = start; at < start + page; ++at)
      noisy[at] = static_cast<char>(random());
    try_variant(place, sample, noisy, counts);
  }
  report("zeroed and random pages", counts);
  BOOST_TEST(counts.verifier_died == 0);
}

BOOST_AUTO_TEST_CASE(an_older_page_in_place_of_a_newer_one_is_noticed) {
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::mt19937_64 random{8};
  const std::size_t pages = sample.data.size() / page;
  tally counts;
  for (int variant = 0; variant < 300; ++variant) {
    std::string mixed = sample.data;
    mixed.replace(random() % pages * page, page, sample.data, random() % pages * page, page);
    try_variant(place, sample, mixed, counts);
  }
  report("misplaced pages", counts);
  BOOST_TEST(counts.verifier_died == 0);
}

BOOST_AUTO_TEST_CASE(an_older_root_in_the_newest_meta_page_is_noticed) {
  // Every page and every record of the older state is intact; only the free list tells.
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  constexpr std::size_t place_of_root = 16 + 112;
  constexpr std::size_t place_of_transaction = 16 + 128;
  const auto transaction = [&](std::size_t meta) {
    return static_cast<unsigned char>(sample.data[meta * page + place_of_transaction]);
  };
  const std::size_t newest = transaction(1) > transaction(0) ? 1 : 0;
  std::string mixed = sample.data;
  mixed.replace(newest * page + place_of_root, 8, sample.data, (1 - newest) * page + place_of_root,
                8);
  BOOST_REQUIRE((mixed != sample.data));
  tally counts;
  try_variant(place, sample, mixed, counts);
  BOOST_TEST(counts.refused == 1);
}

BOOST_AUTO_TEST_CASE(a_truncated_file_is_refused_before_it_is_mapped) { // A7
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t size = sample.data.size();
  for (const std::size_t kept :
       {std::size_t{0}, std::size_t{1}, std::size_t{19}, std::size_t{100}, page, page + 1,
        2 * page - 1, 2 * page, 3 * page, size / 2, size / 2 + 17, size * 3 / 4}) {
    write_file(place / "data.mdb", sample.data.substr(0, kept));
    for (const bool reads : {false, true}) {
      const auto options = reads ? reading(options_in(place)) : options_in(place);
      BOOST_TEST(code_of_child([&] { return code_of_open(options) == "store_corrupt" ? 0 : 1; }) ==
                   0,
                 "cut to " << kept << " bytes");
    }
    BOOST_TEST(std::filesystem::file_size(place / "data.mdb") == kept);
  }
}

BOOST_AUTO_TEST_CASE(every_shorter_file_is_refused_or_whole) {
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  tally counts;
  for (std::size_t kept = 0; kept < sample.data.size(); kept += page / 2)
    try_variant(place, sample, sample.data.substr(0, kept), counts);
  report("truncated files", counts);
  BOOST_TEST(counts.verifier_died == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_short_of_free_pages_only_is_whole) {
  const temporary_directory directory;
  auto store = open_store(options_in(directory.path()));
  store_all(*store, first, {{"a", seal("a", "1")}});
  {
    // The pages of a value that comes and goes in one transaction are never written.
    const auto writer = store->begin_write();
    writer->put(first, "b", std::string(100'000, 'v'));
    BOOST_TEST(writer->erase(first, "b"));
    writer->put(first, "c", seal("c", "3"));
    writer->commit();
  }
  store.reset();
  store = open_store(options_in(directory.path()));
  BOOST_TEST(!store->opened_clean());
  BOOST_TEST(message_of(verify_store(*store)) == "");
  BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == seal("a", "1"));
}

BOOST_AUTO_TEST_CASE(files_of_other_kinds_and_page_sizes_are_named) {
  const temporary_directory directory;
  const auto sample = make_sample(directory.path() / "store");
  const auto place = place_for(directory);
  const auto code_for = [&place](const std::string& data) {
    write_file(place / "data.mdb", data);
    return code_of_open(options_in(place));
  };
  BOOST_TEST(code_for("") == "store_corrupt");
  BOOST_TEST(code_for(std::string(sample.data.size(), '\0')) == "store_corrupt");
  BOOST_TEST(code_for("SQLite format 3" + std::string(50'000, 's')) == "store_foreign");
  BOOST_TEST(code_for("a short text that is no store at all") == "store_foreign");
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (const int size : {512, 8192, 16384, 65536, 0, 4097}) {
    std::string other = sample.data;
    constexpr std::size_t place_of_size = 16 + 24;
    for (const std::size_t start : {std::size_t{0}, page})
      for (std::size_t byte = 0; byte < 4; ++byte)
        other[start + place_of_size + byte] = static_cast<char>(size >> (8 * byte));
    BOOST_TEST(code_for(other) == "store_corrupt", "pages of " << size << " bytes");
  }
}

BOOST_AUTO_TEST_SUITE_END()
