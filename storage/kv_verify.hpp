#pragma once
// Reads a whole store and says whether every record is what was written.

#include "core/expected.hpp"
#include "storage/kv.hpp"
#include "storage/kv_lmdb.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::storage {

/// What was looked at.
struct verify_report {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;      ///< of keys and stored values
  std::uint64_t pages_used = 0; ///< 0 for a store without pages
  std::uint64_t pages_free = 0;
};

/// Looks at one record's payload after its checksum held; an error ends the verification with it.
using record_checker = std::function<core::expected<void>(
  std::string_view table, std::string_view key, std::string_view payload)>;

/// Walks every record of every table: its checksum holds, it is found under its key as well as in
/// the walk, keys ascend, and there are as many as the table counts. `store_corrupt` names table
/// and key. `tables` are the names by `table_id`; `checker` may be empty.
[[nodiscard]] core::expected<verify_report> verify_records(const kv_reader& reader,
                                                           const std::vector<std::string>& tables,
                                                           const record_checker& checker = {});

/// Checks all pages first, without the map, then all records; marks the store as verified. A disk
/// that fails to read a page can still end the process by SIGBUS, which is an answer when this
/// runs in a process of its own.
[[nodiscard]] core::expected<verify_report> verify_store(lmdb_environment& environment,
                                                         const record_checker& checker = {});

/// A key for messages: printable ASCII as it is, other bytes as \xNN, cut after 80 bytes.
[[nodiscard]] std::string printable(std::string_view key);

} // namespace syncline::storage
