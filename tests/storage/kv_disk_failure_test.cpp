// A disk that fails during a commit. The calls that LMDB makes are replaced in this program; they
// go on to the system's unless a test says otherwise.

#include "storage/kv_lmdb.hpp"
#include "tests/storage/kv_test_tables.hpp"
#include "tests/storage/lmdb_support.hpp"

#include <dlfcn.h>
#include <sys/mount.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>

using namespace syncline::storage;
using namespace syncline::storage::test;

namespace {

/// Which of the calls of a commit fail, and how.
struct failing_disk {
  int sync_error = 0;
  int write_error = 0;
  int meta_error = 0; ///< of small writes into the first two pages
};

failing_disk disk;

template <class Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int fail_with(int number) {
  errno = number;
  return -1;
}

std::string message_of_commit(kv_environment& store, const std::string& key) {
  try {
    store_all(store, first, {{key, std::string(3'000, 'v')}});
  } catch (const kv_error& thrown) {
    return thrown.code() + ": " + thrown.what();
  }
  return "stored";
}

std::string code_of_commit(kv_environment& store, const std::string& key) {
  const std::string message = message_of_commit(store, key);
  return message.substr(0, message.find(':'));
}

} // namespace

extern "C" int fdatasync(int file) {
  static auto* const next = next_of<int(int)>("fdatasync");
  return disk.sync_error != 0 ? fail_with(disk.sync_error) : next(file);
}

extern "C" ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  static auto* const next = next_of<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  if (disk.meta_error != 0 && offset < 2 * ::sysconf(_SC_PAGESIZE))
    return fail_with(disk.meta_error);
  return disk.write_error != 0 ? fail_with(disk.write_error) : next(file, bytes, size, offset);
}

// LMDB seeks and writes where pages lie beside each other.
extern "C" ssize_t writev(int file, const struct iovec* parts, int count) {
  static auto* const next = next_of<ssize_t(int, const struct iovec*, int)>("writev");
  return disk.write_error != 0 ? fail_with(disk.write_error) : next(file, parts, count);
}

BOOST_AUTO_TEST_SUITE(kv_disk_failure)

BOOST_AUTO_TEST_CASE(a_full_disk_stores_nothing_and_the_store_goes_on) { // A5
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path()));
  store_all(*store, first, {{"a", "1"}});
  disk = {.write_error = ENOSPC};
  const std::string code = code_of_commit(*store, "b");
  disk = {};
  BOOST_TEST(code == "disk_full");
  BOOST_TEST((contents(*store->begin_read(), first) == model_table{{"a", "1"}}));
  BOOST_TEST(code_of_commit(*store, "c") == "stored");
  BOOST_TEST(store->begin_read()->count(first) == 2U);
  BOOST_TEST(message_of(store->check_pages()) == "");
}

BOOST_AUTO_TEST_CASE(a_failed_sync_is_no_answer_and_stops_writing_until_reopened) { // A18
  const temporary_directory directory;
  auto options = options_in(directory.path());
  options.durable = durability::full;
  auto store = open_store(options);
  store_all(*store, first, {{"a", "1"}});
  disk = {.sync_error = EIO};
  const std::string message = message_of_commit(*store, "b");
  disk = {};
  BOOST_TEST(message.find("store_io: mdb_txn_commit") == 0U);
  BOOST_TEST(message.find("unknown until the store is opened again") != std::string::npos);
  BOOST_TEST(code_of_commit(*store, "c") == "store_io");
  const auto closed = store->close_clean();
  BOOST_TEST((!closed && closed.error().code == "store_io"));
  store.reset();
  store = open_store(options);
  BOOST_TEST(!store->opened_clean());
  BOOST_TEST(code_of_commit(*store, "d") == "stored");
  BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == "1");
}

BOOST_AUTO_TEST_CASE(a_failed_meta_page_is_unknown_whatever_the_reason) { // A18
  for (const int number : {EIO, ENOSPC}) {
    const temporary_directory directory;
    auto store = open_store(options_in(directory.path()));
    store_all(*store, first, {{"a", "1"}});
    disk = {.meta_error = number};
    const std::string code = code_of_commit(*store, "b");
    disk = {};
    BOOST_TEST(code == "store_io");
    BOOST_TEST(code_of_commit(*store, "c") == "store_io");
    BOOST_CHECK_THROW(static_cast<void>(store->begin_read()), kv_error);
    store.reset();
    store = open_store(options_in(directory.path()));
    BOOST_TEST(code_of_commit(*store, "d") == "stored");
    BOOST_TEST(text_of(store->begin_read()->get(first, "a")) == "1");
  }
}

BOOST_AUTO_TEST_CASE(a_small_disk_fills_up_and_recovers) { // A5
  const temporary_directory directory;
  const auto place = directory.path() / "disk";
  std::filesystem::create_directory(place);
  if (::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=2m,mode=0700") != 0)
    return skip("a small file system cannot be mounted here");
  {
    auto options = options_in(place / "store");
    auto store = open_store(options);
    std::string code = "stored";
    int stored = 0;
    for (; code == "stored" && stored < 10'000; ++stored)
      code = code_of_commit(*store, std::to_string(stored));
    BOOST_TEST(code == "disk_full");
    BOOST_TEST(store->begin_read()->count(first) == static_cast<std::uint64_t>(stored - 1));
    BOOST_TEST(::mount("tmpfs", place.c_str(), "tmpfs", MS_REMOUNT, "size=4m,mode=0700") == 0);
    BOOST_TEST(code_of_commit(*store, "more") == "stored");
    store.reset();
    store = open_store(options);
    BOOST_TEST(message_of(store->check_pages()) == "");
    BOOST_TEST(store->begin_read()->count(first) == static_cast<std::uint64_t>(stored));
  }
  BOOST_TEST(::umount(place.c_str()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
