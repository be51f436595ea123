#pragma once
// Walks the pages of a data file with `pread`, never through the map: on a damaged file it answers
// with an error where LMDB would end the process by a signal, or serve an older state.

#include "core/expected.hpp"
#include "storage/lmdb/file_format.hpp"

#include <cstdint>
#include <filesystem>

namespace syncline::storage::lmdb {

/// What a walk has seen.
struct walk_report {
  std::uint64_t pages_used = 0;
  std::uint64_t pages_free = 0;
  std::uint64_t tables = 0;
};

/// Follows every page that `state` reaches: each is inside the file, is what its parent says, is
/// reached once and is not free; nodes lie inside their pages with keys in order; the counts of
/// each tree hold. `state` may not be overwritten meanwhile: hold the writer's lock or a snapshot.
/// `store_corrupt` names the page.
[[nodiscard]] core::expected<walk_report> walk_pages(int file, const data_file& data,
                                                     const meta_record& state,
                                                     const std::filesystem::path& path);

/// As `walk_pages` for the list of tables and the root of each only: what opening them touches. A
/// few reads, whatever the size of the file. The number of tables.
[[nodiscard]] core::expected<std::uint64_t> check_roots(int file, const data_file& data,
                                                        const std::filesystem::path& path);

/// Whether each of the two states bears its own transaction number. One wrong bit there would
/// bring an older state back, with every record of it intact. Only while nobody writes.
[[nodiscard]] core::expected<void> check_transactions(int file, const data_file& data,
                                                      const std::filesystem::path& path);

} // namespace syncline::storage::lmdb
