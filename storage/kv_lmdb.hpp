#pragma once
// The key-value layer on files: one LMDB environment, one named database a table.
//
// Traps that this file keeps away from its users (DESIGN.md sections 4 and 17): the map is never
// resized while it is open and never written through; the data file is looked at before LMDB maps
// it; one writer process, one environment a process, none in a forked child.

#include "core/expected.hpp"
#include "storage/kv.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace syncline::storage {

namespace lmdb {
class store_core;
} // namespace lmdb

/// How to open a store on files.
struct lmdb_options {
  std::filesystem::path directory;
  /// Names of the tables; a `table_id` is an index into this list. Missing ones are made where
  /// `create` is set, also in a store that exists.
  std::vector<std::string> tables;
  /// Address space of the map, which the file can never outgrow; a sixteenth of it, 64 MiB at
  /// most, is kept back so that deletes succeed in a full store.
  std::uint64_t map_bytes = std::uint64_t{16} << 30;
  durability durable = durability::full;
  /// For readers beside the writer's process: takes no writer lock, `begin_write` throws.
  bool read_only = false;
  /// Makes the directory and the store where there is none.
  bool create = false;
  std::uint32_t readers_max = 1024;
  std::chrono::milliseconds snapshot_warn{std::chrono::seconds{5}};
  std::chrono::milliseconds snapshot_limit{std::chrono::minutes{10}};
  /// Ages snapshots, in milliseconds from any start. Called from every thread that begins one.
  /// Without it snapshots have no age and never expire.
  std::function<std::int64_t()> monotonic_ms;
};

/// A snapshot that is open in this process.
struct snapshot_lease {
  std::int64_t age_ms = 0;
  bool is_late = false;    ///< older than `snapshot_warn`
  bool is_expired = false; ///< its next use throws `snapshot_expired`
};

/// What a store looks like from outside, without LMDB.
struct lmdb_inspection {
  bool exists = false;
  bool is_clean = false; ///< its last writer closed it in order and nobody touched it since
  std::uint64_t file_bytes = 0;
  std::uint64_t last_transaction = 0;
};

/// Looks at a store before it is opened: an unclean one is to be verified first, by a process of
/// its own. Errors as those of `open_lmdb` about the directory and the data file; a directory or
/// store that is not there is no error.
[[nodiscard]] core::expected<lmdb_inspection> inspect_lmdb(const std::filesystem::path& directory);

/// What a walk over the pages of a store has seen.
struct page_report {
  std::uint64_t pages_used = 0;
  std::uint64_t pages_free = 0;
  std::uint64_t tables = 0; ///< all in the file, also those that were not opened
};

/// A store on files. Any thread; a writer stays in its thread. Snapshots keep what is beneath
/// them alive: the files are closed with the last of them.
class lmdb_environment final : public kv_environment {
public:
  explicit lmdb_environment(std::shared_ptr<lmdb::store_core> core);
  ~lmdb_environment() override;

  /// Throws `too_many_readers`, `store_forked`, `store_io`.
  [[nodiscard]] std::unique_ptr<kv_reader> begin_read() override;
  /// Throws `store_read_only`, `store_forked`, and `store_io` after a commit whose outcome is
  /// unknown. A second one in the thread that has one is a broken invariant.
  [[nodiscard]] std::unique_ptr<kv_writer> begin_write() override;
  [[nodiscard]] kv_usage usage() override;
  std::uint64_t clear_stale_readers() override;

  /// Whether the store was found as an orderly close had left it, or was made by this open.
  [[nodiscard]] bool opened_clean() const;
  /// Walks all pages of the last committed state without the map: whatever is wrong with them is
  /// an answer (`store_corrupt`), never a signal. Costs a read of the whole file. Writers go on.
  [[nodiscard]] core::expected<page_report> check_pages();
  /// Says that the store was verified since it was opened, here or by another process: only then
  /// may a store that was not opened clean be stamped as clean.
  void mark_verified();
  /// Makes all commits durable and stamps the store as clean, unless it was neither opened clean
  /// nor verified. Nothing can be begun afterwards; open snapshots go on. Not while a write
  /// transaction is open. Without this call the next open finds the store unclean.
  [[nodiscard]] core::expected<void> close_clean();
  /// Makes all commits durable whatever the durability.
  [[nodiscard]] core::expected<void> sync();

  /// The snapshots of this process, oldest first.
  [[nodiscard]] std::vector<snapshot_lease> leases() const;
  /// Marks snapshots older than `snapshot_limit`; each ends at its next use, in its own thread,
  /// and its pages are freed then. How many are newly marked. Call it every few seconds.
  std::uint64_t expire_leases();

  /// Writes a copy of the last committed state as a store of its own into `directory`, which is
  /// made where it is missing and may hold no store (`already_exists`). `compact` leaves free
  /// pages out. Writers go on meanwhile.
  [[nodiscard]] core::expected<void> backup_to(const std::filesystem::path& directory,
                                               bool compact);

  [[nodiscard]] const std::vector<std::string>& table_names() const;
  [[nodiscard]] const std::filesystem::path& directory() const;

private:
  std::shared_ptr<lmdb::store_core> core_;
};

/// Opens a store. Errors: `store_not_found`, `store_locked` (names the process), `store_corrupt`,
/// `store_foreign`, `store_not_private`, `store_read_only`, `disk_full`, `store_io`.
[[nodiscard]] core::expected<std::unique_ptr<lmdb_environment>> open_lmdb(lmdb_options options);

} // namespace syncline::storage
