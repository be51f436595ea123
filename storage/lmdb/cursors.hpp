#pragma once
// Cursors on files, one kind for snapshots and one for the writer.

#include "storage/kv.hpp"
#include "storage/lmdb/store_core.hpp"
#include "storage/lmdb/transactions.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace syncline::storage::lmdb {

/// A cursor of a snapshot, straight on LMDB's.
class snapshot_cursor final : public kv_cursor {
public:
  snapshot_cursor(std::shared_ptr<store_core> core, reader_slot& slot, table_id table);

  bool seek(std::string_view key) override;
  bool last() override;
  bool next() override;
  bool previous() override;
  [[nodiscard]] std::string_view key() const override;
  [[nodiscard]] std::string_view value() const override;

private:
  bool move(MDB_cursor_op operation);
  void require_open() const;
  void require_entry() const;

  std::shared_ptr<store_core> core_;
  reader_slot* slot_;
  std::uint64_t use_; ///< the slot's, when this began
  cursor_handle cursor_;
  bool has_entry_ = false;
  MDB_val key_{};
  MDB_val value_{};
};

/// A cursor of the writer. It keeps the key that it stands on: after a write it finds its place by
/// that key with a fresh LMDB cursor, so that where it goes does not depend on what LMDB does to
/// cursors when pages split and merge. An erased place has the entries around it as neighbours.
class write_cursor final : public kv_cursor {
public:
  write_cursor(std::shared_ptr<write_state> state, table_id table);
  ~write_cursor() override;
  write_cursor(const write_cursor&) = delete;
  write_cursor& operator=(const write_cursor&) = delete;

  bool seek(std::string_view key) override;
  bool last() override;
  bool next() override;
  bool previous() override;
  [[nodiscard]] std::string_view key() const override;
  [[nodiscard]] std::string_view value() const override;

private:
  enum class place { nowhere, entry };

  [[nodiscard]] bool is_current() const;
  void reopen() const;
  bool arrive(int result);
  int find(std::string_view key, MDB_cursor_op operation) const;
  /// Brings the views up to date after a write.
  void refresh() const;

  std::shared_ptr<write_state> state_;
  MDB_dbi table_;
  place place_ = place::nowhere;
  std::string stands_on_;
  mutable cursor_handle cursor_;
  mutable std::uint64_t writes_ = 0;
  mutable MDB_val key_{};
  mutable MDB_val value_{};
};

/// A string as LMDB takes it; LMDB does not write through it.
[[nodiscard]] inline MDB_val to_value(std::string_view bytes) {
  return MDB_val{bytes.size(), const_cast<char*>(bytes.data())};
}

[[nodiscard]] inline std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// LMDB refuses to look up the empty key, which no entry can have.
[[nodiscard]] inline bool can_exist(std::string_view key) {
  return !key.empty() && key.size() <= kv_key_bytes_max;
}

} // namespace syncline::storage::lmdb
