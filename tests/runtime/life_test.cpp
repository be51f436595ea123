// Opening, refusing, closing.

#include "tests/runtime/runtime_support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

BOOST_AUTO_TEST_SUITE(runtime_life)

using namespace syncline;
using namespace syncline::tests;

BOOST_AUTO_TEST_CASE(a_store_that_is_open_already_is_locked_and_free_after_the_close) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  BOOST_TEST(code_of(runtime::open(test_options(directory))) == "store_locked");
  check_done(one->close());
  open_or_fail(test_options(directory));
}

BOOST_AUTO_TEST_CASE(closing_twice_and_calls_after_it_are_answers) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  const auto written = value_or_fail(one->put("notes", "a", "{}"));
  check_done(one->close());
  check_done(one->close());
  BOOST_TEST(code_of(one->put("notes", "b", "{}")) == "closed");
  BOOST_TEST(code_of(one->take_snapshot()) == "closed");
  BOOST_TEST(code_of(one->status()) == "closed");
  BOOST_TEST(code_of(one->sync_now()) == "closed");
  BOOST_TEST(code_of(written.wait(stage::sent, patience)) == "stopped");
}

BOOST_AUTO_TEST_CASE(a_snapshot_may_outlive_its_runtime) {
  temporary_directory directory;
  auto one = open_or_fail(test_options(directory));
  value_or_fail(one->put("notes", "a", "{}"));
  const auto view = value_or_fail(one->take_snapshot());
  one.reset();
  BOOST_TEST(value_or_fail(view.get("notes", "a")).has_value());
}

BOOST_AUTO_TEST_CASE(stopping_what_was_not_started_is_fine_and_starting_needs_a_server) {
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory));
  check_done(one->stop());
  check_done(one->stop());
  BOOST_TEST(code_of(one->start()) == "no_server");
  BOOST_TEST(code_of(one->sync_now()) == "no_server");
  BOOST_TEST(value_or_fail(one->status()).outbox.state == "offline");
}

BOOST_AUTO_TEST_CASE(plain_http_to_other_hosts_is_refused_before_anything_is_touched) {
  temporary_directory directory;
  BOOST_TEST(code_of(runtime::open(test_options(directory, "http://example.org"))) ==
             "not_allowed");
  BOOST_TEST(!std::filesystem::exists(directory.path() / "store"));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  temporary_directory directory;
  auto how = test_options(directory);
  how.collections.push_back({"notes"});
  BOOST_TEST(code_of(runtime::open(how)) == "bad_options");
  how = test_options(directory);
  how.collections[0].strategy = conflict_strategy::custom;
  BOOST_TEST(code_of(runtime::open(how)) == "bad_options");
  how = test_options(directory);
  how.collections[0].name = "No";
  BOOST_TEST(code_of(runtime::open(how)) == "bad_collection");
  how = test_options(directory);
  how.space = "a b";
  BOOST_TEST(code_of(runtime::open(how)) == "bad_space");
  how = test_options(directory);
  how.create = false;
  BOOST_TEST(code_of(runtime::open(how)) == "store_not_found");
}

BOOST_AUTO_TEST_CASE(a_store_belongs_to_the_server_it_was_first_opened_with) {
  temporary_directory directory;
  open_or_fail(test_options(directory, "http://127.0.0.1:9/"));
  open_or_fail(test_options(directory, "http://127.0.0.1:9"));
  BOOST_TEST(code_of(runtime::open(test_options(directory, "http://127.0.0.1:10"))) ==
             "store_of_another");
  open_or_fail(test_options(directory));
}

BOOST_AUTO_TEST_CASE(collections_are_added_and_dropped_as_the_options_name_them) {
  temporary_directory directory;
  auto how = test_options(directory);
  how.collections.push_back({"tasks"});
  open_or_fail(how);
  how.collections.clear();
  {
    const auto kept = open_or_fail(how);
    BOOST_TEST(value_or_fail(kept->status()).collections.size() == 2U);
  }
  how.collections.push_back({"tasks"});
  const auto one = open_or_fail(how);
  const auto names = value_or_fail(one->status()).collections;
  BOOST_REQUIRE(names.size() == 1U);
  BOOST_TEST(names[0].name == "tasks");
  BOOST_TEST(code_of(one->put("notes", "a", "{}")) == "unknown_collection");
}

BOOST_AUTO_TEST_CASE(a_reader_looks_at_a_store_and_cannot_write) {
  temporary_directory directory;
  {
    const auto one = open_or_fail(test_options(directory));
    value_or_fail(one->put("notes", "a", "{}"));
  }
  auto how = test_options(directory);
  how.read_only = true;
  const auto reader = open_or_fail(how);
  BOOST_TEST(body_of(*reader, "a") == "{}");
  BOOST_TEST(value_or_fail(reader->outbox()).size() == 1U);
  BOOST_TEST(value_or_fail(reader->status()).read_only);
  BOOST_TEST(value_or_fail(reader->explain("notes", "a")).waiting.size() == 1U);
  BOOST_TEST(code_of(reader->put("notes", "b", "{}")) == "store_read_only");
  BOOST_TEST(code_of(reader->sync_now()) == "store_read_only");
  check_done(reader->close());
}

namespace {

// Leaves a store as a killed process does: without the stamp of an orderly close.
void write_and_die(const options& how) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto one = runtime::open(how);
    const bool done = one && (*one)->put("notes", "a", "{}");
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

std::string program_that_exits(const temporary_directory& directory, const std::string& line) {
  const auto path = directory.path() / "program";
  std::ofstream{path} << "#!/bin/sh\n" << line << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_store_that_was_not_closed_is_checked_and_says_unverified) {
  temporary_directory directory;
  write_and_die(test_options(directory));
  {
    const auto one = open_or_fail(test_options(directory));
    BOOST_TEST(value_or_fail(one->status()).verification == "unverified");
    BOOST_TEST(body_of(*one, "a") == "{}");
  }
  const auto again = open_or_fail(test_options(directory));
  BOOST_TEST(value_or_fail(again->status()).verification == "clean");
}

BOOST_AUTO_TEST_CASE(a_program_verifies_a_store_and_its_death_is_an_answer) {
  temporary_directory directory;
  auto how = test_options(directory);
  write_and_die(how);
  how.store_check = program_that_exits(directory, "kill -11 $$");
  BOOST_TEST(code_of(runtime::open(how)) == "store_corrupt");
  how.store_check = program_that_exits(directory, "exit 6");
  BOOST_TEST(code_of(runtime::open(how)) == "store_corrupt");
  how.store_check = program_that_exits(directory, "test \"$1 $2\" = 'store check' && test -d $3");
  const auto one = open_or_fail(how);
  BOOST_TEST(value_or_fail(one->status()).verification == "verified");
}

BOOST_AUTO_TEST_CASE(without_the_program_the_store_is_checked_here) {
  temporary_directory directory;
  auto how = test_options(directory);
  write_and_die(how);
  how.store_check = directory.path() / "absent";
  const auto one = open_or_fail(how);
  BOOST_TEST(value_or_fail(one->status()).verification == "unverified");
}

BOOST_AUTO_TEST_CASE(a_forked_child_is_refused_and_does_no_harm) {
  temporary_directory directory;
  auto one = open_or_fail(test_options(directory));
  value_or_fail(one->put("notes", "a", "{}"));
  const pid_t child = ::fork();
  if (child == 0) {
    const bool refused = code_of(one->put("notes", "b", "{}")) == "store_forked" &&
                         code_of(one->get("notes", "a")) == "store_forked" &&
                         code_of(one->close()) == "store_forked";
    one.reset();
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  value_or_fail(one->put("notes", "b", "{}"));
  BOOST_TEST(value_or_fail(one->list("notes")).size() == 2U);
}

BOOST_AUTO_TEST_CASE(writers_that_meet_a_close_get_an_answer_and_accepted_writes_are_kept) {
  temporary_directory directory;
  auto one = open_or_fail(test_options(directory));
  std::vector<std::vector<std::string>> accepted(8);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < accepted.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0;; ++i) {
        const auto id = std::to_string(t) + "-" + std::to_string(i);
        if (!one->put("notes", id, "{}"))
          return;
        accepted[t].push_back(id);
      }
    });
  while (value_or_fail(one->list("notes", {}, 100)).size() < 100)
    std::this_thread::yield();
  check_done(one->close());
  for (auto& thread : threads)
    thread.join();
  one = open_or_fail(test_options(directory));
  std::size_t count = 0;
  for (const auto& ids : accepted)
    for (const auto& id : ids) {
      ++count;
      BOOST_REQUIRE(!body_of(*one, id).empty());
    }
  BOOST_TEST(value_or_fail(one->status()).waiting >= count);
}

BOOST_AUTO_TEST_SUITE_END()
