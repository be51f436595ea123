#pragma once
// What tools do with the files of a store that no runtime or server has open: of either kind.

#include "core/expected.hpp"
#include "storage/kv_verify.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace syncline::storage {

enum class store_kind { client, server };

/// Records of one table.
struct table_size {
  std::string name;
  std::uint64_t records = 0;
};

/// How large a store is, and how it was closed.
struct store_sizes {
  store_kind kind = store_kind::client;
  bool is_clean = false; ///< its last writer closed it in order
  std::uint64_t file_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t last_transaction = 0;
  std::vector<table_size> tables;
};

/// What a compaction won.
struct compaction {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};

/// Reads everything: all pages, and the checksum of each record. Beside a writer it looks at the
/// last committed state. Errors: `store_corrupt` (names what is damaged), those of `open_lmdb`.
[[nodiscard]] core::expected<verify_report> check_store(const std::filesystem::path& directory);

/// Errors: those of `open_lmdb`.
[[nodiscard]] core::expected<store_sizes> measure_store(const std::filesystem::path& directory);

/// Copies the last committed state to a new store, free pages left out, and checks the copy. Beside
/// a writer, which goes on. Errors: `already_exists`, those of `open_lmdb` and of `check_store`.
[[nodiscard]] core::expected<verify_report> backup_store(const std::filesystem::path& directory,
                                                         const std::filesystem::path& copy);

/// Rewrites the store without its free pages. The checked copy takes the store's place in one step,
/// as a directory: whatever happens, one of them is there, whole. Nobody else may write meanwhile
/// (`store_locked`). Errors: those of `backup_store`; `store_io` where the directories cannot be
/// exchanged (a mount point, a file system without that).
[[nodiscard]] core::expected<compaction> compact_store(const std::filesystem::path& directory);

} // namespace syncline::storage
