#pragma once
// The stamp of an orderly close: what the data file was like when the last writer left it. A store
// whose stamp matches opens at once; any other is verified first.

#include "core/expected.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace syncline::storage::lmdb {

/// Size, time, inode and newest transaction of a data file. A copied, restored, written or cut
/// file differs in at least one of them.
struct clean_stamp {
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t transaction = 0;

  friend bool operator==(const clean_stamp&, const clean_stamp&) = default;
};

/// What the open data file is like now. Its meta pages are checked on the way.
[[nodiscard]] core::expected<clean_stamp> stamp_of(int file, const std::filesystem::path& path);

/// The stamp beside the data file; nothing where there is none or it does not make sense.
[[nodiscard]] std::optional<clean_stamp> read_stamp(const std::filesystem::path& directory);

/// Durable when it returns.
[[nodiscard]] core::expected<void> write_stamp(const std::filesystem::path& directory,
                                               const clean_stamp& stamp);

/// Durable when it returns: no later write may ever meet the old stamp.
[[nodiscard]] core::expected<void> remove_stamp(const std::filesystem::path& directory);

} // namespace syncline::storage::lmdb
