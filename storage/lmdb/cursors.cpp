#include "storage/lmdb/cursors.hpp"

#include "core/ensure.hpp"
#include "storage/lmdb/failure.hpp"

#include <utility>

namespace syncline::storage::lmdb {

namespace {

cursor_handle open_cursor(const store_core& core, MDB_txn* transaction, MDB_dbi table) {
  MDB_cursor* raw = nullptr;
  require("mdb_cursor_open", mdb_cursor_open(transaction, table, &raw), core.options().directory);
  return cursor_handle{raw};
}

} // namespace

snapshot_cursor::snapshot_cursor(std::shared_ptr<store_core> core, reader_slot& slot,
                                 table_id table)
  : core_{std::move(core)}, slot_{&slot}, use_{slot.use}, cursor_{open_cursor(
                                                            *core_, slot.transaction.get(),
                                                            core_->table(table))} {}

void snapshot_cursor::require_open() const {
  core::ensure(slot_->use == use_, "a cursor is used only while its snapshot is open");
  require_unexpired(*slot_);
}

void snapshot_cursor::require_entry() const {
  require_open();
  core::ensure(has_entry_, "a cursor is read only while it stands on an entry");
}

bool snapshot_cursor::move(MDB_cursor_op operation) {
  require_open();
  const int result = mdb_cursor_get(cursor_.get(), &key_, &value_, operation);
  has_entry_ = result == 0;
  if (result != MDB_NOTFOUND)
    require("mdb_cursor_get", result, core_->options().directory);
  return has_entry_;
}

bool snapshot_cursor::seek(std::string_view key) {
  if (key.empty())
    return move(MDB_FIRST);
  key_ = to_value(key);
  return move(MDB_SET_RANGE);
}

bool snapshot_cursor::last() {
  return move(MDB_LAST);
}

// LMDB would start over at the other end when it stands nowhere; here that is the end.
bool snapshot_cursor::next() {
  return has_entry_ && move(MDB_NEXT);
}

bool snapshot_cursor::previous() {
  return has_entry_ && move(MDB_PREV);
}

std::string_view snapshot_cursor::key() const {
  require_entry();
  return to_view(key_);
}

std::string_view snapshot_cursor::value() const {
  require_entry();
  return to_view(value_);
}

write_cursor::write_cursor(std::shared_ptr<write_state> state, table_id table)
  : state_{std::move(state)}, table_{state_->core->table(table)} {}

write_cursor::~write_cursor() {
  // The end of a write transaction has freed its cursors.
  if (!state_->transaction)
    static_cast<void>(cursor_.release());
}

bool write_cursor::is_current() const {
  return cursor_ != nullptr && writes_ == state_->writes;
}

void write_cursor::reopen() const {
  MDB_txn* transaction = state_->open_transaction();
  if (is_current())
    return;
  cursor_.reset();
  cursor_ = open_cursor(*state_->core, transaction, table_);
  writes_ = state_->writes;
}

int write_cursor::find(std::string_view key, MDB_cursor_op operation) const {
  reopen();
  key_ = to_value(key);
  return mdb_cursor_get(cursor_.get(), &key_, &value_, operation);
}

bool write_cursor::arrive(int result) {
  place_ = result == 0 ? place::entry : place::nowhere;
  if (result != MDB_NOTFOUND)
    require("mdb_cursor_get", result, state_->core->options().directory);
  if (place_ == place::nowhere)
    return false;
  stands_on_ = to_view(key_);
  return true;
}

bool write_cursor::seek(std::string_view key) {
  return arrive(find(key, key.empty() ? MDB_FIRST : MDB_SET_RANGE));
}

bool write_cursor::last() {
  return arrive(find({}, MDB_LAST));
}

bool write_cursor::next() {
  if (place_ == place::nowhere)
    return false;
  if (is_current())
    return arrive(find({}, MDB_NEXT));
  const int result = find(stands_on_, MDB_SET_RANGE);
  const bool is_erased = result != 0 || to_view(key_) != stands_on_;
  return arrive(is_erased ? result : find({}, MDB_NEXT));
}

bool write_cursor::previous() {
  if (place_ == place::nowhere)
    return false;
  if (is_current())
    return arrive(find({}, MDB_PREV));
  // The place before is the same whether or not the entry at the place is still there.
  const int result = find(stands_on_, MDB_SET_RANGE);
  if (result != 0 && result != MDB_NOTFOUND)
    return arrive(result);
  return arrive(find({}, result == MDB_NOTFOUND ? MDB_LAST : MDB_PREV));
}

void write_cursor::refresh() const {
  static_cast<void>(state_->open_transaction());
  core::ensure(place_ == place::entry, "a cursor is read only while it stands on an entry");
  if (is_current())
    return;
  const int result = find(stands_on_, MDB_SET_KEY);
  core::ensure(result != MDB_NOTFOUND, "a cursor is not read after its entry was erased");
  require("mdb_cursor_get", result, state_->core->options().directory);
}

std::string_view write_cursor::key() const {
  refresh();
  return to_view(key_);
}

std::string_view write_cursor::value() const {
  refresh();
  return to_view(value_);
}

} // namespace syncline::storage::lmdb
