#pragma once
// The seam under both stores: ordered tables of byte strings, one writer, many readers, snapshots.
//
// Two implementations stand behind it: `kv_lmdb` (files) and `kv_memory` (with crash images, for
// the simulation). Both pass one contract suite, tests/storage/kv_contract.hpp.
//
// Errors inside a transaction are exceptions of type `kv_error`; the stores above catch them at
// their own border and return `core::expected`.

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace syncline::storage {

/// A failed operation of the store beneath. `code()` is one of `store_full`, `disk_full`,
/// `store_io`, `store_corrupt`, `store_read_only`, `store_locked`, `snapshot_expired`,
/// `too_many_readers`, `store_forked`, `store_foreign`, `bad_key`; `what()` names the failing call
/// and says what to do next.
class kv_error : public std::runtime_error {
public:
  kv_error(std::string code, const std::string& what)
    : std::runtime_error{what}, code_{std::move(code)} {}
  [[nodiscard]] const std::string& code() const noexcept {
    return code_;
  }

private:
  std::string code_;
};

/// Index of a table in the list that the environment was opened with.
using table_id = std::size_t;

/// Keys have 1 to this many bytes: `put` of another one throws `bad_key`, none is ever found.
inline constexpr std::size_t kv_key_bytes_max = 511;

/// A position in one table, in key order (bytes compared as unsigned). Views stay valid until the
/// transaction ends or, in a write transaction, until the next write.
///
/// A cursor stands nowhere until it is moved and after a move that found nothing; from nowhere only
/// `seek` and `last` lead back. In a write transaction it keeps its place over writes: `next` and
/// `previous` go from its key, whether or not that entry was erased; reading an erased entry is a
/// broken invariant. A cursor of a transaction that has ended may only be destroyed.
class kv_cursor {
public:
  virtual ~kv_cursor() = default;
  /// Moves to the first entry whose key is not below `key`; false when there is none.
  virtual bool seek(std::string_view key) = 0;
  /// Moves to the last entry; false when the table is empty.
  virtual bool last() = 0;
  virtual bool next() = 0;
  virtual bool previous() = 0;
  /// The entry under the cursor; calling these without one is a broken invariant.
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
};

/// A consistent snapshot. Usable from one thread at a time.
class kv_reader {
public:
  virtual ~kv_reader() = default;
  [[nodiscard]] virtual std::optional<std::string_view> get(table_id table,
                                                            std::string_view key) const = 0;
  [[nodiscard]] virtual std::unique_ptr<kv_cursor> cursor(table_id table) const = 0;
  /// Number of entries, without a walk.
  [[nodiscard]] virtual std::uint64_t count(table_id table) const = 0;
};

/// The one write transaction. It sees its own writes. Destroying it without `commit` undoes all.
/// Begins and ends in one thread.
class kv_writer : public kv_reader {
public:
  /// Keys have 1–511 bytes. `key` and `value` may not point into this environment's own views.
  virtual void put(table_id table, std::string_view key, std::string_view value) = 0;
  /// As `put`, for a key above all others of the table: cheaper where the store can append. A key
  /// that is not above them is a broken invariant.
  virtual void append(table_id table, std::string_view key, std::string_view value) = 0;
  /// False when the key was not there.
  virtual bool erase(table_id table, std::string_view key) = 0;
  virtual void clear(table_id table) = 0;
  /// Durable as far as the environment's durability promises when it returns. Throws `kv_error`;
  /// after `store_io` the outcome is unknown until the environment is opened again.
  virtual void commit() = 0;
};

/// What is promised when a commit returns (DESIGN.md section 4).
enum class durability {
  full,       ///< survives power loss
  consistent, ///< power loss may cost the last commit, never consistency
  process     ///< survives the death of the process only
};

/// Sizes for `stat`, `/readyz` and `status`; bytes.
struct kv_usage {
  std::uint64_t map_bytes = 0;  ///< the limit
  std::uint64_t used_bytes = 0; ///< pages in use, the free list not counted
  std::uint64_t file_bytes = 0;
  std::uint64_t readers = 0;
  std::uint64_t readers_max = 0;
  std::uint64_t last_transaction = 0;
};

/// An open store. `begin_read` may be called from any thread; `begin_write` blocks until the
/// previous writer of this process has ended.
class kv_environment {
public:
  virtual ~kv_environment() = default;
  [[nodiscard]] virtual std::unique_ptr<kv_reader> begin_read() = 0;
  [[nodiscard]] virtual std::unique_ptr<kv_writer> begin_write() = 0;
  [[nodiscard]] virtual kv_usage usage() = 0;
  /// Clears leases of dead readers; returns how many. Called at open and every minute.
  virtual std::uint64_t clear_stale_readers() = 0;
};

} // namespace syncline::storage
