#pragma once
// What the tests of the store on files share: opening, raw changes to its files, and children.

#include "storage/kv_lmdb.hpp"
#include "tests/storage/kv_test_tables.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace syncline::storage::test {

/// Without syncs, because no test cuts the power; a small map, because address space is counted
/// under sanitizers.
inline lmdb_options options_in(const std::filesystem::path& directory) {
  lmdb_options options;
  options.directory = directory;
  options.tables = contract_tables;
  options.map_bytes = std::uint64_t{64} << 20;
  options.durable = durability::process;
  options.create = true;
  return options;
}

inline lmdb_options reading(lmdb_options options) {
  options.read_only = true;
  options.create = false;
  return options;
}

/// Opens a store that has to open.
inline std::unique_ptr<lmdb_environment> open_store(lmdb_options options) {
  auto store = open_lmdb(std::move(options));
  if (!store)
    throw std::runtime_error{store.error().code + ": " + store.error().message};
  return std::move(*store);
}

/// The code that opening answers; `opened` where it succeeds.
inline std::string code_of_open(lmdb_options options) {
  const auto store = open_lmdb(std::move(options));
  return store ? "opened" : store.error().code;
}

inline std::string message_of_open(lmdb_options options) {
  const auto store = open_lmdb(std::move(options));
  return store ? "opened" : store.error().message;
}

/// What went wrong; empty where nothing did.
template <class T>
std::string message_of(const core::expected<T>& result) {
  return result ? "" : result.error().code + ": " + result.error().message;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// In place where there is a file: some file systems flush one that was cut to nothing first, and
/// thousands of those take minutes.
inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  { std::ofstream file{path, std::ios::binary | std::ios::app}; }
  std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
  file << bytes;
  file.close();
  std::filesystem::resize_file(path, bytes.size());
}

/// Runs `work` in a forked child, which ends with what it returns, without destructors. The status
/// as from waitpid. Only while this process has one thread.
inline int status_of_child(const std::function<int()>& work) {
  std::cout.flush();
  const pid_t child = ::fork();
  if (child == 0) {
    // Boost.Test turns signals into exceptions of its own; here they shall end the child.
    for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE})
      std::signal(number, SIG_DFL);
    ::_exit(work());
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// The exit code of a child, or -1 where a signal ended it.
inline int code_of_child(const std::function<int()>& work) {
  const int status = status_of_child(work);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline void skip(const std::string& why) {
  BOOST_TEST_MESSAGE("SKIPPED: " << why);
  std::cout << "SKIPPED: " << why << std::endl;
}

} // namespace syncline::storage::test
