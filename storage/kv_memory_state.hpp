#pragma once
// What a store in memory, its snapshots and its writer share.

#include "storage/kv.hpp"
#include "storage/kv_memory.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::storage::memory {

/// One replaced thing: an entry, or a whole table.
struct undo_step {
  table_id table = 0;
  std::string key;
  std::optional<std::string> value;            ///< nothing: the entry was not there
  std::shared_ptr<memory_table> whole_table{}; ///< of a cleared table; `key` and `value` are unused
};

/// How to get back from the state after a transaction to the one before it.
struct undo_log {
  std::vector<undo_step> steps;
  std::uint64_t bytes_before = 0;
};

/// Takes the transaction out of `image`, copying each table that it touched.
void roll_back(kv_memory_image& image, const undo_log& log);

/// The store. While a write transaction is open, `current` holds its changes and `writing` the way
/// back from them.
struct store_state {
  memory_options options;
  kv_memory_image current;
  std::optional<undo_log> writing;
  /// The commits that a crash could lose, oldest first.
  std::deque<undo_log> unsynced;
  std::optional<std::string> failing_code;
  failed_commit failing_outcome = failed_commit::lost;
  bool is_unknown = false; ///< a commit failed with `store_io`
  std::uint64_t readers = 0;
  std::uint64_t readers_begun = 0;
  std::uint64_t readers_expired = 0; ///< those begun up to this number

  [[nodiscard]] kv_memory_image committed() const;
  /// How many of the last commits a crash could lose.
  [[nodiscard]] std::size_t losable() const;
  void remember(undo_log log);
  void require_known() const;
};

/// A snapshot in memory.
class snapshot_reader final : public kv_reader {
public:
  explicit snapshot_reader(std::shared_ptr<store_state> state);
  ~snapshot_reader() override;
  snapshot_reader(const snapshot_reader&) = delete;
  snapshot_reader& operator=(const snapshot_reader&) = delete;

  [[nodiscard]] std::optional<std::string_view> get(table_id table,
                                                    std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<kv_cursor> cursor(table_id table) const override;
  [[nodiscard]] std::uint64_t count(table_id table) const override;

  /// Says whether the snapshot is open, also to cursors that outlive it.
  struct lease {
    std::shared_ptr<store_state> state;
    std::uint64_t number = 0;
    bool is_open = true;
    void require_unexpired() const;
  };

private:
  [[nodiscard]] const memory_table& table_of(table_id table) const;

  std::shared_ptr<lease> lease_;
  kv_memory_image image_;
};

/// What the writer and its cursors share.
struct write_state {
  std::shared_ptr<store_state> store;
  std::uint64_t writes = 0;
  bool is_open = true;
};

/// The write transaction in memory.
class transaction_writer final : public kv_writer {
public:
  explicit transaction_writer(std::shared_ptr<store_state> store);
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
  [[nodiscard]] const memory_table& table_of(table_id table) const;
  /// The table, copied first if anybody else holds it.
  [[nodiscard]] memory_table& own_table(table_id table);
  void fail_commit();
  void undo();

  std::shared_ptr<write_state> state_;
};

} // namespace syncline::storage::memory
