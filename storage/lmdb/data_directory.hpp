#pragma once
// The directory of a store: whose it is, who else could change it, and which files are in it.
//
//   data.mdb     the tables            lock.mdb   LMDB's reader table
//   writer.lock  held by the writer    clean      present after an orderly close only
//   creating/    a store that is being made; its data file is renamed into place when complete

#include "core/expected.hpp"

#include <filesystem>

namespace syncline::storage::lmdb {

[[nodiscard]] inline std::filesystem::path data_file_in(const std::filesystem::path& directory) {
  return directory / "data.mdb";
}

/// Makes the directory (mode 0700, parents too) where `create` says so, and checks it: a directory
/// of this user that nobody else can write, in a parent where nobody else can replace it, and no
/// symbolic links in place of its files; else `store_not_private`. A directory that is not there
/// is `store_not_found`.
[[nodiscard]] core::expected<void> check_directory(const std::filesystem::path& directory,
                                                   bool create);

/// Takes the rights of others away from the store's own files (0600).
[[nodiscard]] core::expected<void> close_to_others(const std::filesystem::path& directory);

} // namespace syncline::storage::lmdb
