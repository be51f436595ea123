#pragma once
// Tools for the files of a store, of a client or of a server, that need no runtime. Any thread;
// one store at a time.

#include "syncline/result.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace syncline {

/// What a check has read.
struct store_check {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0; ///< of keys and values
  std::uint64_t pages_used = 0;
  std::uint64_t pages_free = 0;
};

/// How large a store is.
struct store_stat {
  std::string kind;      ///< client, server
  bool is_clean = false; ///< its last writer closed it in order
  std::uint64_t file_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t last_transaction = 0;
  std::vector<std::pair<std::string, std::uint64_t>> tables; ///< records of each
};

/// What a compaction won.
struct store_compaction {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};

/// Reads every page and verifies every record, also beside a process that writes. Errors:
/// `store_corrupt` (says what is damaged), `store_not_found`, `store_foreign`, `store_newer`,
/// `store_not_private`, `store_io`. A disk that fails to read a page can end the process by
/// SIGBUS: run it in one of its own.
[[nodiscard]] result<store_check> check_store(const std::string& directory);

/// Errors: as of `check_store`.
[[nodiscard]] result<store_stat> stat_store(const std::string& directory);

/// Copies a store to a directory that has none, also beside a process that writes, without free
/// pages, and checks the copy. Errors: also `already_exists`, `disk_full`. To serve a restored
/// copy of a server's store, start it with a new epoch.
[[nodiscard]] result<store_check> backup_store(const std::string& directory,
                                               const std::string& copy);

/// Rewrites a store without its free pages; its checked copy takes its place in one step. Errors:
/// also `store_locked` where another process has it open for writing.
[[nodiscard]] result<store_compaction> compact_store(const std::string& directory);

} // namespace syncline
