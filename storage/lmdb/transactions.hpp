#pragma once
// Snapshots and the writer on files.

#include "storage/kv.hpp"
#include "storage/lmdb/store_core.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

namespace syncline::storage::lmdb {

/// A snapshot on files: borrows a slot of the core and gives it back.
class snapshot_reader final : public kv_reader {
public:
  explicit snapshot_reader(std::shared_ptr<store_core> core);
  ~snapshot_reader() override;
  snapshot_reader(const snapshot_reader&) = delete;
  snapshot_reader& operator=(const snapshot_reader&) = delete;

  [[nodiscard]] std::optional<std::string_view> get(table_id table,
                                                    std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<kv_cursor> cursor(table_id table) const override;
  [[nodiscard]] std::uint64_t count(table_id table) const override;

private:
  std::shared_ptr<store_core> core_;
  reader_slot* slot_;
};

/// What the writer and its cursors share: a cursor may outlive the writer, and then only knows
/// that it is over.
struct write_state {
  std::shared_ptr<store_core> core;
  transaction_handle transaction; ///< empty once it has ended
  std::uint64_t writes = 0;       ///< tells a cursor that its place may have moved
  /// After LMDB has failed once in a transaction it refuses the rest; this keeps the reason.
  std::optional<kv_error> failure;

  /// Throws the first failure again; a transaction that has ended is a broken invariant.
  [[nodiscard]] MDB_txn* open_transaction() const;
};

/// The write transaction on files.
class transaction_writer final : public kv_writer {
public:
  explicit transaction_writer(std::shared_ptr<store_core> core);
  ~transaction_writer() override;
  transaction_writer(const transaction_writer&) = delete;
  transaction_writer& operator=(const transaction_writer&) = delete;

  [[nodiscard]] std::optional<std::string_view> get(table_id table,
                                                    std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<kv_cursor> cursor(table_id table) const override;
  [[nodiscard]] std::uint64_t count(table_id table) const override;

  void put(table_id table, std::string_view key, std::string_view value) override;
  void append(table_id table, std::string_view key, std::string_view value) override;
  bool erase(table_id table, std::string_view key) override;
  void clear(table_id table) override;
  void commit() override;

private:
  void store(table_id table, std::string_view key, std::string_view value, unsigned flags);
  void take_room(std::size_t value_bytes);
  void check(std::string_view call, int result);
  void end() noexcept;

  std::shared_ptr<write_state> state_;
  std::thread::id thread_;
  std::uint64_t page_bytes_;
  std::uint64_t pages_max_;
  std::int64_t room_pages_ = 0; ///< a lower bound of what puts may still take
};

} // namespace syncline::storage::lmdb
