#pragma once
// Cursors in memory, one kind for snapshots and one for the writer.

#include "core/ensure.hpp"
#include "storage/kv_memory_state.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace syncline::storage::memory {

/// A cursor of a snapshot. It holds the table, which nobody changes.
class snapshot_cursor final : public kv_cursor {
public:
  snapshot_cursor(std::shared_ptr<snapshot_reader::lease> lease,
                  std::shared_ptr<const memory_table> table);

  bool seek(std::string_view key) override;
  bool last() override;
  bool next() override;
  bool previous() override;
  [[nodiscard]] std::string_view key() const override;
  [[nodiscard]] std::string_view value() const override;

private:
  void require_open() const;
  [[nodiscard]] const memory_table::value_type& entry() const;

  std::shared_ptr<snapshot_reader::lease> lease_;
  std::shared_ptr<const memory_table> table_;
  memory_table::const_iterator place_; ///< the end: nowhere
};

/// A cursor of the writer: keeps the key that it stands on and finds its place by it, because a
/// write may have erased the entry or put the whole table elsewhere.
class write_cursor final : public kv_cursor {
public:
  write_cursor(std::shared_ptr<write_state> state, table_id table);

  bool seek(std::string_view key) override;
  bool last() override;
  bool next() override;
  bool previous() override;
  [[nodiscard]] std::string_view key() const override;
  [[nodiscard]] std::string_view value() const override;

private:
  [[nodiscard]] const memory_table& table() const;
  [[nodiscard]] const memory_table::value_type& entry() const;
  bool arrive(memory_table::const_iterator place);

  std::shared_ptr<write_state> state_;
  table_id table_;
  bool has_place_ = false;
  std::string stands_on_;
};

} // namespace syncline::storage::memory
