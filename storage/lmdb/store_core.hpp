#pragma once
// What an environment, its snapshots and its writer share.

#include "core/expected.hpp"
#include "storage/kv.hpp"
#include "storage/kv_lmdb.hpp"
#include "storage/lmdb/handles.hpp"
#include "storage/lmdb/posix_file.hpp"
#include "storage/lmdb/process_mark.hpp"
#include "storage/store_lock.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace syncline::storage::lmdb {

/// A read transaction that is used again and again, by one snapshot at a time. It keeps its entry
/// in LMDB's reader table between uses: beginning a snapshot is then a few stores to memory.
struct reader_slot {
  transaction_handle transaction;
  /// Set by housekeeping, read by the snapshot before each use. Only the snapshot's own thread
  /// ends the transaction, so expiry cannot race with a read under way.
  std::atomic<bool> is_expired{false};
  bool is_ended = false;       ///< the snapshot's thread has ended it because it expired
  std::uint64_t use = 0;       ///< counts the snapshots; tells a cursor that its own is over
  bool is_active = false;      ///< under the mutex of the core
  std::int64_t started_ms = 0; ///< under the mutex of the core
};

/// Ends an expired snapshot and throws `snapshot_expired`.
[[noreturn]] void end_expired(reader_slot& slot);

/// To be called before every use of a snapshot: one relaxed load where it lives.
inline void require_unexpired(reader_slot& slot) {
  if (slot.is_expired.load(std::memory_order_relaxed)) [[unlikely]]
    end_expired(slot);
}

/// The open environment. Closed by the last of those who share it; in a forked child it is left
/// alone, because LMDB would give back the parent's entries in the reader table.
class store_core {
public:
  store_core(lmdb_options options, store_lock lock, file_descriptor data, bool opened_clean,
             bool has_stamp);
  ~store_core();
  store_core(const store_core&) = delete;
  store_core& operator=(const store_core&) = delete;

  /// Maps the data file and opens the tables, making missing ones where the options say so.
  /// Throws `kv_error`.
  void open();

  [[nodiscard]] reader_slot& begin_snapshot();
  void end_snapshot(reader_slot& slot) noexcept;

  /// Waits for the previous writer of this process, then begins a transaction. Throws `kv_error`.
  [[nodiscard]] transaction_handle begin_transaction();
  /// Lets the next writer in. By the thread that began.
  void release_writer() noexcept;
  /// Commits; throws `kv_error`. After `store_io` nothing can be written until the store is opened
  /// again. Does not release the writer.
  void commit(transaction_handle transaction);

  /// Pages that the tables, the list of tables and the free list itself take, as `transaction`
  /// sees them.
  [[nodiscard]] std::uint64_t used_pages(MDB_txn* transaction) const;
  /// Pages that puts may take in all.
  [[nodiscard]] std::uint64_t pages_max() const;
  [[nodiscard]] std::uint64_t page_bytes() const;

  [[nodiscard]] kv_usage usage();
  [[nodiscard]] std::uint64_t clear_stale_readers();
  [[nodiscard]] std::vector<snapshot_lease> leases() const;
  [[nodiscard]] std::uint64_t expire_leases();
  [[nodiscard]] core::expected<void> sync();
  [[nodiscard]] core::expected<void> close_clean();

  void require_same_process() const;
  [[nodiscard]] bool is_same_process() const noexcept {
    return process_.is_same_process();
  }
  void mark_verified() {
    may_be_stamped_ = true;
  }

  [[nodiscard]] bool opened_clean() const {
    return opened_clean_;
  }
  [[nodiscard]] const lmdb_options& options() const {
    return options_;
  }
  [[nodiscard]] MDB_env* environment() const {
    return environment_.get();
  }
  [[nodiscard]] MDB_dbi table(table_id id) const;
  /// The data file, open for reading beside the map.
  [[nodiscard]] int data_descriptor() const {
    return data_.get();
  }

private:
  [[nodiscard]] unsigned flags() const;
  void open_tables();
  [[nodiscard]] bool has_all_tables(MDB_txn* transaction);
  void start(reader_slot& slot);
  [[nodiscard]] std::int64_t now_ms() const;
  void remove_stamp_before_first_write();
  [[noreturn]] void commit_failed(int result);
  [[nodiscard]] bool is_panicked() const;
  [[nodiscard]] bool is_disk_full() const;

  lmdb_options options_;
  store_lock lock_; ///< released after the environment is closed
  file_descriptor data_;
  process_mark process_;
  bool opened_clean_;
  std::atomic<bool> may_be_stamped_;
  environment_handle environment_;
  std::vector<MDB_dbi> tables_;

  mutable std::mutex slots_mutex_;
  std::vector<std::unique_ptr<reader_slot>> slots_;
  std::vector<reader_slot*> idle_slots_;

  std::mutex writer_mutex_;
  std::atomic<std::thread::id> writer_thread_{};
  bool has_stamp_;          ///< under the writer mutex
  bool is_unknown_ = false; ///< under the writer mutex: a commit failed with an unknown outcome
  std::atomic<bool> is_closed_{false};
};

} // namespace syncline::storage::lmdb
