// Who may use a store: one writer process, one environment in it, no forked child, no other user.

#include "storage/kv_lmdb.hpp"
#include "tests/storage/kv_test_tables.hpp"
#include "tests/storage/lmdb_support.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

using namespace syncline::storage;
using namespace syncline::storage::test;

namespace {

constexpr uid_t nobody = 65534;

void make_store_in(const std::filesystem::path& directory) {
  const auto store = open_store(options_in(directory));
  store_all(*store, first, {{"a", "1"}});
  BOOST_REQUIRE(store->close_clean().has_value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(kv_ownership)

BOOST_AUTO_TEST_CASE(another_process_is_told_who_writes_the_store) { // A11
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path()));
  store_all(*store, first, {{"a", "1"}});
  const std::string holder = "process " + std::to_string(::getpid());
  BOOST_TEST(code_of_child([&] {
               const auto other = open_lmdb(options_in(directory.path()));
               return !other && other.error().code == "store_locked" &&
                          other.error().message.find(holder) != std::string::npos
                        ? 0
                        : 1;
             }) == 0);
  // A reader of another process is welcome, and the writer goes on.
  BOOST_TEST(code_of_child([&] {
               const auto other = open_lmdb(reading(options_in(directory.path())));
               return other && text_of((*other)->begin_read()->get(first, "a")) == "1" ? 0 : 1;
             }) == 0);
  store_all(*store, first, {{"b", "2"}});
}

BOOST_AUTO_TEST_CASE(the_lock_of_a_killed_writer_is_free) { // A16
  const temporary_directory directory;
  const int status = status_of_child([&] {
    const auto store = open_store(options_in(directory.path()));
    store_all(*store, first, {{"a", "1"}});
    const auto writer = store->begin_write();
    writer->put(first, "b", "2");
    return std::raise(SIGKILL);
  });
  BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  const auto store = open_store(options_in(directory.path()));
  BOOST_TEST(!store->opened_clean());
  BOOST_TEST((contents(*store->begin_read(), first) == model_table{{"a", "1"}}));
  store_all(*store, first, {{"c", "3"}});
}

BOOST_AUTO_TEST_CASE(a_killed_reader_does_not_keep_its_pages) { // A13
  const temporary_directory directory;
  const auto store = open_store(options_in(directory.path()));
  const auto rewrite = [&store] {
    for (int round = 0; round < 50; ++round)
      store_all(*store, first, {{"a", std::string(20'000, 'v')}});
    return store->usage().file_bytes;
  };
  rewrite();
  static_cast<void>(status_of_child([&] {
    const auto other = open_store(reading(options_in(directory.path())));
    const auto reader = other->begin_read();
    return std::raise(SIGKILL);
  }));
  BOOST_TEST(store->clear_stale_readers() == 1U);
  const auto before = rewrite();
  BOOST_TEST(rewrite() == before);
}

BOOST_AUTO_TEST_CASE(one_process_cannot_open_a_store_twice) { // A12
  const temporary_directory directory;
  const auto place = directory.path() / "store";
  auto store = open_store(options_in(place));
  BOOST_TEST(code_of_open(options_in(place)) == "store_locked");
  BOOST_TEST(code_of_open(reading(options_in(place))) == "store_locked");
  std::filesystem::create_directory_symlink(place, directory.path() / "alias");
  BOOST_TEST(code_of_open(options_in(directory.path() / "alias")) == "store_locked");
  const auto snapshot = store->begin_read();
  store.reset();
  BOOST_TEST(code_of_open(options_in(place)) == "store_locked");
}

BOOST_AUTO_TEST_CASE(a_closed_store_can_be_opened_again) {
  const temporary_directory directory;
  for (int round = 0; round < 3; ++round)
    BOOST_TEST(code_of_open(options_in(directory.path())) == "opened");
}

BOOST_AUTO_TEST_CASE(a_forked_child_cannot_use_its_parents_store) { // A17
  const temporary_directory directory;
  auto store = open_store(options_in(directory.path()));
  store_all(*store, first, {{"a", "1"}});
  auto held = store->begin_read();
  auto writer = store->begin_write();
  writer->put(first, "b", "2");
  BOOST_TEST(code_of_child([&] {
               int forked = 0;
               for (const bool reads : {true, false})
                 try {
                   if (reads)
                     static_cast<void>(store->begin_read());
                   else
                     static_cast<void>(store->begin_write());
                 } catch (const kv_error& thrown) {
                   forked += thrown.code() == "store_forked" ? 1 : 0;
                 }
               // What the child destroys may not harm the parent.
               held.reset();
               writer.reset();
               store.reset();
               return forked == 2 ? 0 : 1;
             }) == 0);
  BOOST_TEST(store->usage().readers == 1U);
  writer->commit();
  writer.reset();
  for (int round = 0; round < 30; ++round)
    store_all(*store, first, {{"a", std::string(5'000, 'v')}});
  BOOST_TEST(text_of(held->get(first, "a")) == "1");
  BOOST_TEST(text_of(store->begin_read()->get(first, "b")) == "2");
  BOOST_TEST(message_of(store->check_pages()) == "");
}

BOOST_AUTO_TEST_CASE(a_child_that_outlives_its_parent_does_not_keep_the_store_locked) {
  const temporary_directory directory;
  int ends[2];
  int started[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  BOOST_REQUIRE(::pipe(started) == 0);
  const int code = code_of_child([&] {
    const auto store = open_store(options_in(directory.path()));
    char byte = 0;
    if (::fork() == 0) {
      // The grandchild stays until the test closes its end of the pipe.
      ::close(ends[1]);
      if (::write(started[1], &byte, 1) != 1)
        return 1;
      return ::read(ends[0], &byte, 1) == 0 ? 0 : 1;
    }
    // A grandchild that has not run yet has not let go of the lock yet.
    return ::read(started[0], &byte, 1) == 1 ? 0 : 1;
  });
  BOOST_TEST(code == 0);
  BOOST_TEST(code_of_open(options_in(directory.path())) == "opened");
  for (const int end : {ends[0], ends[1], started[0], started[1]})
    ::close(end);
}

BOOST_AUTO_TEST_CASE(symbolic_links_and_open_directories_are_refused) { // E13
  const temporary_directory directory;
  make_store_in(directory.path() / "store");
  for (const char* name : {"data.mdb", "lock.mdb", "writer.lock", "clean"}) {
    const auto place = directory.path() / (std::string{"linked-"} + name);
    std::filesystem::create_directory(place);
    std::filesystem::permissions(place, std::filesystem::perms{0700});
    std::filesystem::create_symlink(directory.path() / "store" / "data.mdb", place / name);
    BOOST_TEST(code_of_open(options_in(place)) == "store_not_private", name);
    BOOST_TEST(code_of_open(reading(options_in(place))) == "store_not_private", name);
  }
  const auto shared = directory.path() / "shared";
  std::filesystem::create_directory(shared);
  ::chmod(shared.c_str(), 0777);
  BOOST_TEST(code_of_open(options_in(shared)) == "store_not_private");
  BOOST_TEST(code_of_open(options_in(shared / "inside")) == "store_not_private");
  ::chmod(shared.c_str(), 01777);
  BOOST_TEST(code_of_open(options_in(shared / "inside")) == "opened");
  const auto file = directory.path() / "file";
  write_file(file, "text");
  BOOST_TEST(code_of_open(options_in(file)) == "store_foreign");
}

BOOST_AUTO_TEST_CASE(a_store_of_another_user_is_refused) { // A10
  if (::geteuid() != 0)
    return skip("only root can give a directory to another user");
  const temporary_directory directory;
  make_store_in(directory.path() / "store");
  BOOST_REQUIRE(::chown((directory.path() / "store").c_str(), nobody, nobody) == 0);
  BOOST_TEST(code_of_open(options_in(directory.path() / "store")) == "store_not_private");
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_is_named) { // A10
  if (::geteuid() != 0)
    return skip("only root can become a user whose rights count");
  const temporary_directory directory;
  const auto place = directory.path() / "store";
  make_store_in(place);
  BOOST_REQUIRE(::chown(directory.path().c_str(), nobody, nobody) == 0);
  BOOST_REQUIRE(::chown(place.c_str(), nobody, nobody) == 0);
  for (const auto& entry : std::filesystem::directory_iterator{place})
    BOOST_REQUIRE(::chown(entry.path().c_str(), nobody, nobody) == 0);
  const auto as_nobody = [&](mode_t of_directory, mode_t of_data) {
    ::chmod(place.c_str(), of_directory);
    ::chmod((place / "data.mdb").c_str(), of_data);
    return code_of_child([&] {
      if (::setgid(nobody) != 0 || ::setuid(nobody) != 0)
        return 9;
      return code_of_open(options_in(place)) == "store_read_only" ? 0 : 1;
    });
  };
  BOOST_TEST(as_nobody(0700, 0400) == 0);
  std::filesystem::remove(place / "writer.lock");
  BOOST_TEST(as_nobody(0500, 0600) == 0);
  std::filesystem::remove_all(place);
  ::chmod(directory.path().c_str(), 0500);
  BOOST_TEST(as_nobody(0700, 0600) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
