#include "storage/lmdb/transactions.hpp"

#include "core/ensure.hpp"
#include "storage/lmdb/cursors.hpp"
#include "storage/lmdb/failure.hpp"

#include <limits>
#include <utility>

namespace syncline::storage::lmdb {

namespace {

std::optional<std::string_view> find_in(const store_core& core, MDB_txn* transaction,
                                        table_id table, std::string_view key) {
  if (!can_exist(key))
    return std::nullopt;
  MDB_val wanted = to_value(key);
  MDB_val found{};
  const int result = mdb_get(transaction, core.table(table), &wanted, &found);
  if (result == MDB_NOTFOUND)
    return std::nullopt;
  require("mdb_get", result, core.options().directory);
  return to_view(found);
}

std::uint64_t count_in(const store_core& core, MDB_txn* transaction, table_id table) {
  MDB_stat status{};
  require("mdb_stat", mdb_stat(transaction, core.table(table), &status), core.options().directory);
  return status.ms_entries;
}

} // namespace

MDB_txn* write_state::open_transaction() const {
  syncline::core::ensure(transaction != nullptr,
                         "a writer and its cursors are not used after its end");
  if (failure)
    throw kv_error{*failure};
  return transaction.get();
}

snapshot_reader::snapshot_reader(std::shared_ptr<store_core> core)
  : core_{std::move(core)}, slot_{&core_->begin_snapshot()} {}

snapshot_reader::~snapshot_reader() {
  core_->end_snapshot(*slot_);
}

std::optional<std::string_view> snapshot_reader::get(table_id table, std::string_view key) const {
  require_unexpired(*slot_);
  return find_in(*core_, slot_->transaction.get(), table, key);
}

std::unique_ptr<kv_cursor> snapshot_reader::cursor(table_id table) const {
  require_unexpired(*slot_);
  return std::make_unique<snapshot_cursor>(core_, *slot_, table);
}

std::uint64_t snapshot_reader::count(table_id table) const {
  require_unexpired(*slot_);
  return count_in(*core_, slot_->transaction.get(), table);
}

transaction_writer::transaction_writer(std::shared_ptr<store_core> core)
  : state_{std::make_shared<write_state>()}, thread_{std::this_thread::get_id()},
    page_bytes_{core->page_bytes()}, pages_max_{core->pages_max()} {
  state_->transaction = core->begin_transaction();
  state_->core = std::move(core);
}

transaction_writer::~transaction_writer() {
  // A child that was forked inside a transaction has neither the lock nor the right to abort.
  if (!state_->core->is_same_process()) {
    static_cast<void>(state_->transaction.release());
    return;
  }
  end();
}

void transaction_writer::end() noexcept {
  if (!state_->transaction)
    return;
  state_->transaction.reset();
  state_->core->release_writer();
}

std::optional<std::string_view> transaction_writer::get(table_id table,
                                                        std::string_view key) const {
  return find_in(*state_->core, state_->open_transaction(), table, key);
}

std::unique_ptr<kv_cursor> transaction_writer::cursor(table_id table) const {
  static_cast<void>(state_->open_transaction());
  return std::make_unique<write_cursor>(state_, table);
}

std::uint64_t transaction_writer::count(table_id table) const {
  return count_in(*state_->core, state_->open_transaction(), table);
}

void transaction_writer::check(std::string_view call, int result) {
  if (result == 0)
    return;
  const core::error found = failure_of(call, result, state_->core->options().directory);
  state_->failure.emplace(found.code, found.message);
  throw kv_error{*state_->failure};
}

// Refusing a put before LMDB runs out of pages leaves the transaction usable, and leaves pages for
// deletes, which need some too. What a put can take at most is subtracted; only when that runs out
// are the pages counted.
void transaction_writer::take_room(std::size_t value_bytes) {
  constexpr std::int64_t pages_of_splits = 8;
  const auto needed = pages_of_splits + static_cast<std::int64_t>(value_bytes / page_bytes_ + 1);
  if (room_pages_ < needed) {
    room_pages_ = static_cast<std::int64_t>(pages_max_) -
                  static_cast<std::int64_t>(state_->core->used_pages(state_->open_transaction()));
    if (room_pages_ < needed)
      throw kv_error{"store_full", state_->core->options().directory.string() +
                                     " is full: this value needs " + std::to_string(value_bytes) +
                                     " bytes of the map's " +
                                     std::to_string(pages_max_ * page_bytes_) +
                                     "; delete items, or open it with a larger map"};
  }
  room_pages_ -= needed;
}

void transaction_writer::store(table_id table, std::string_view key, std::string_view value,
                               unsigned flags) {
  MDB_txn* transaction = state_->open_transaction();
  if (!can_exist(key) || value.size() > std::numeric_limits<std::uint32_t>::max())
    throw kv_error{"bad_key", "keys have 1 to 511 bytes and values less than 4 GiB; this key has " +
                                std::to_string(key.size()) + ", its value " +
                                std::to_string(value.size())};
  take_room(value.size());
  MDB_val place = to_value(key);
  MDB_val content = to_value(value);
  ++state_->writes;
  const int result = mdb_put(transaction, state_->core->table(table), &place, &content, flags);
  core::ensure(result != MDB_KEYEXIST, "an appended key is above all others of its table");
  check("mdb_put", result);
}

void transaction_writer::put(table_id table, std::string_view key, std::string_view value) {
  store(table, key, value, 0);
}

void transaction_writer::append(table_id table, std::string_view key, std::string_view value) {
  store(table, key, value, MDB_APPEND);
}

bool transaction_writer::erase(table_id table, std::string_view key) {
  MDB_txn* transaction = state_->open_transaction();
  if (!can_exist(key))
    return false;
  MDB_val place = to_value(key);
  ++state_->writes;
  const int result = mdb_del(transaction, state_->core->table(table), &place, nullptr);
  if (result == MDB_NOTFOUND)
    return false;
  check("mdb_del", result);
  return true;
}

void transaction_writer::clear(table_id table) {
  MDB_txn* transaction = state_->open_transaction();
  ++state_->writes;
  check("mdb_drop", mdb_drop(transaction, state_->core->table(table), 0));
}

void transaction_writer::commit() {
  static_cast<void>(state_->open_transaction());
  core::ensure(thread_ == std::this_thread::get_id(),
               "a write transaction ends in the thread that began it");
  try {
    state_->core->commit(std::move(state_->transaction));
  } catch (const kv_error&) {
    state_->core->release_writer();
    throw;
  }
  state_->core->release_writer();
}

} // namespace syncline::storage::lmdb
