#include "storage/kv_memory_cursors.hpp"

#include <iterator>

namespace syncline::storage::memory {

snapshot_cursor::snapshot_cursor(std::shared_ptr<snapshot_reader::lease> lease,
                                 std::shared_ptr<const memory_table> table)
  : lease_{std::move(lease)}, table_{std::move(table)}, place_{table_->end()} {}

void snapshot_cursor::require_open() const {
  core::ensure(lease_->is_open, "a cursor is used only while its snapshot is open");
  lease_->require_unexpired();
}

bool snapshot_cursor::seek(std::string_view key) {
  require_open();
  place_ = table_->lower_bound(key);
  return place_ != table_->end();
}

bool snapshot_cursor::last() {
  require_open();
  place_ = table_->empty() ? table_->end() : std::prev(table_->end());
  return place_ != table_->end();
}

bool snapshot_cursor::next() {
  require_open();
  return place_ != table_->end() && ++place_ != table_->end();
}

bool snapshot_cursor::previous() {
  require_open();
  if (place_ == table_->end())
    return false;
  place_ = place_ == table_->begin() ? table_->end() : std::prev(place_);
  return place_ != table_->end();
}

const memory_table::value_type& snapshot_cursor::entry() const {
  require_open();
  core::ensure(place_ != table_->end(), "a cursor is read only while it stands on an entry");
  return *place_;
}

std::string_view snapshot_cursor::key() const {
  return entry().first;
}

std::string_view snapshot_cursor::value() const {
  return entry().second;
}

write_cursor::write_cursor(std::shared_ptr<write_state> state, table_id table)
  : state_{std::move(state)}, table_{table} {
  static_cast<void>(this->table());
}

const memory_table& write_cursor::table() const {
  core::ensure(state_->is_open, "a cursor is used only while its transaction is open");
  const auto& tables = state_->store->current.tables;
  core::ensure(table_ < tables.size(), "a table id is an index into the tables of the environment");
  return *tables[table_];
}

bool write_cursor::arrive(memory_table::const_iterator place) {
  has_place_ = place != table().end();
  if (has_place_)
    stands_on_ = place->first;
  return has_place_;
}

bool write_cursor::seek(std::string_view key) {
  return arrive(table().lower_bound(key));
}

bool write_cursor::last() {
  return arrive(table().empty() ? table().end() : std::prev(table().end()));
}

bool write_cursor::next() {
  const memory_table& entries = table();
  return has_place_ && arrive(entries.upper_bound(stands_on_));
}

bool write_cursor::previous() {
  const memory_table& entries = table();
  if (!has_place_)
    return false;
  const auto place = entries.lower_bound(stands_on_);
  return arrive(place == entries.begin() ? entries.end() : std::prev(place));
}

const memory_table::value_type& write_cursor::entry() const {
  const memory_table& entries = table();
  core::ensure(has_place_, "a cursor is read only while it stands on an entry");
  const auto place = entries.find(stands_on_);
  core::ensure(place != entries.end(), "a cursor is not read after its entry was erased");
  return *place;
}

std::string_view write_cursor::key() const {
  return entry().first;
}

std::string_view write_cursor::value() const {
  return entry().second;
}

} // namespace syncline::storage::memory
