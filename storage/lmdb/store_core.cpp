#include "storage/lmdb/store_core.hpp"

#include "core/ensure.hpp"
#include "storage/lmdb/clean_stamp.hpp"
#include "storage/lmdb/data_directory.hpp"
#include "storage/lmdb/failure.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace syncline::storage::lmdb {

namespace {

constexpr MDB_dbi free_list = 0;
constexpr MDB_dbi table_list = 1;

// A compaction that exchanges the directory under an open would leave it with the lock file of one
// store and the data file of the other.
bool is_file_at(int file, const std::filesystem::path& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(file, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

} // namespace

void end_expired(reader_slot& slot) {
  if (!std::exchange(slot.is_ended, true))
    mdb_txn_reset(slot.transaction.get());
  throw kv_error{"snapshot_expired", "this snapshot was open for longer than the store allows and "
                                     "kept old pages from being freed; begin a new one"};
}

store_core::store_core(lmdb_options options, store_lock lock, file_descriptor data,
                       bool opened_clean, bool has_stamp)
  : options_{std::move(options)}, lock_{std::move(lock)}, data_{std::move(data)},
    opened_clean_{opened_clean}, may_be_stamped_{opened_clean}, has_stamp_{has_stamp} {}

store_core::~store_core() {
  if (is_same_process())
    return;
  for (const auto& slot : slots_)
    static_cast<void>(slot->transaction.release());
  static_cast<void>(environment_.release());
}

unsigned store_core::flags() const {
  unsigned flags = MDB_NOTLS;
  if (options_.read_only)
    flags |= MDB_RDONLY;
  else if (options_.durable == durability::consistent)
    flags |= MDB_NOMETASYNC;
  else if (options_.durable == durability::process)
    flags |= MDB_NOSYNC;
  return flags;
}

void store_core::open() {
  const auto& where = options_.directory;
  MDB_env* environment = nullptr;
  require("mdb_env_create", mdb_env_create(&environment), where);
  environment_.reset(environment);
  require("mdb_env_set_mapsize", mdb_env_set_mapsize(environment, options_.map_bytes), where);
  require("mdb_env_set_maxreaders", mdb_env_set_maxreaders(environment, options_.readers_max),
          where);
  require("mdb_env_set_maxdbs",
          mdb_env_set_maxdbs(environment, static_cast<MDB_dbi>(options_.tables.size())), where);
  require("mdb_env_open", mdb_env_open(environment, where.c_str(), flags(), 0600), where);
  if (!is_file_at(data_.get(), data_file_in(where)))
    throw kv_error{"store_locked",
                   where.string() + " was replaced while it was opened; open it again"};
  static_cast<void>(clear_stale_readers());
  open_tables();
}

bool store_core::has_all_tables(MDB_txn* transaction) {
  tables_.clear();
  for (const std::string& name : options_.tables) {
    MDB_dbi table = 0;
    const int result = mdb_dbi_open(transaction, name.c_str(), 0, &table);
    if (result == MDB_NOTFOUND)
      return false;
    require("mdb_dbi_open(" + name + ")", result, options_.directory);
    tables_.push_back(table);
  }
  return true;
}

void store_core::open_tables() {
  MDB_txn* raw = nullptr;
  require("mdb_txn_begin", mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &raw),
          options_.directory);
  transaction_handle reading{raw};
  if (has_all_tables(raw)) {
    // Committing a read transaction is what keeps the handles that were opened in it.
    require("mdb_txn_commit", mdb_txn_commit(reading.release()), options_.directory);
    return;
  }
  reading.reset();
  if (options_.read_only || !options_.create)
    throw kv_error{"store_foreign", options_.directory.string() + " lacks the table " +
                                      options_.tables[tables_.size()] +
                                      "; it is of another make or an older version: open it "
                                      "once for writing"};
  transaction_handle writing = begin_transaction();
  tables_.clear();
  int result = 0;
  for (const std::string& name : options_.tables)
    if (result == 0)
      result = mdb_dbi_open(writing.get(), name.c_str(), MDB_CREATE, &tables_.emplace_back());
  if (result != 0) {
    writing.reset();
    release_writer();
    raise("mdb_dbi_open", result, options_.directory);
  }
  commit(std::move(writing));
  release_writer();
}

void store_core::require_same_process() const {
  core::ensure(!is_closed_.load(std::memory_order_relaxed),
               "the store is used before it is closed");
  if (!is_same_process()) [[unlikely]]
    throw kv_error{"store_forked", "process " + std::to_string(::getpid()) +
                                     " was forked from process " +
                                     std::to_string(process_.process()) + ", which has " +
                                     options_.directory.string() +
                                     " open; a child cannot use it: exec first, or fork before "
                                     "the store is opened"};
}

std::int64_t store_core::now_ms() const {
  return options_.monotonic_ms ? options_.monotonic_ms() : 0;
}

void store_core::start(reader_slot& slot) {
  if (slot.transaction) {
    require("mdb_txn_renew", mdb_txn_renew(slot.transaction.get()), options_.directory);
    return;
  }
  MDB_txn* raw = nullptr;
  int result = mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &raw);
  // The table may be full of entries of processes that were killed.
  if (result == MDB_READERS_FULL && clear_stale_readers() > 0)
    result = mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &raw);
  require("mdb_txn_begin", result, options_.directory);
  slot.transaction.reset(raw);
}

reader_slot& store_core::begin_snapshot() {
  require_same_process();
  const std::int64_t now = now_ms();
  reader_slot* slot = nullptr;
  {
    const std::lock_guard<std::mutex> guard{slots_mutex_};
    if (idle_slots_.empty()) {
      slots_.push_back(std::make_unique<reader_slot>());
      idle_slots_.reserve(slots_.size()); // so that giving one back never allocates
      slot = slots_.back().get();
    } else {
      slot = idle_slots_.back();
      idle_slots_.pop_back();
    }
    slot->is_active = true;
    slot->started_ms = now;
    slot->is_ended = false;
    slot->is_expired.store(false, std::memory_order_relaxed);
    ++slot->use;
  }
  try {
    start(*slot);
  } catch (const kv_error&) {
    slot->is_ended = true;
    end_snapshot(*slot);
    throw;
  }
  return *slot;
}

void store_core::end_snapshot(reader_slot& slot) noexcept {
  // A forked child shares the reader table: resetting here would free the parent's snapshot.
  if (!is_same_process())
    return;
  if (!slot.is_ended)
    mdb_txn_reset(slot.transaction.get());
  const std::lock_guard<std::mutex> guard{slots_mutex_};
  ++slot.use;
  slot.is_active = false;
  idle_slots_.push_back(&slot);
}

void store_core::remove_stamp_before_first_write() {
  if (!has_stamp_)
    return;
  if (auto removed = remove_stamp(options_.directory); !removed)
    throw kv_error{removed.error().code, removed.error().message};
  has_stamp_ = false;
}

transaction_handle store_core::begin_transaction() {
  require_same_process();
  if (options_.read_only)
    throw kv_error{"store_read_only",
                   options_.directory.string() + " was opened for reading; open it for writing"};
  core::ensure(writer_thread_.load() != std::this_thread::get_id(),
               "a thread ends its write transaction before it begins another");
  writer_mutex_.lock();
  writer_thread_.store(std::this_thread::get_id());
  try {
    if (is_unknown_)
      throw kv_error{"store_io", options_.directory.string() +
                                   ": the outcome of an earlier commit is unknown; close the "
                                   "store, open it again and look"};
    remove_stamp_before_first_write();
    MDB_txn* raw = nullptr;
    require("mdb_txn_begin", mdb_txn_begin(environment_.get(), nullptr, 0, &raw),
            options_.directory);
    return transaction_handle{raw};
  } catch (const kv_error&) {
    release_writer();
    throw;
  }
}

void store_core::release_writer() noexcept {
  writer_thread_.store(std::thread::id{});
  writer_mutex_.unlock();
}

void store_core::commit(transaction_handle transaction) {
  const int result = mdb_txn_commit(transaction.release());
  if (result != 0) [[unlikely]]
    commit_failed(result);
}

// LMDB refuses everything after the write of a meta page has failed; there is no other way to ask.
bool store_core::is_panicked() const {
  MDB_txn* raw = nullptr;
  const int result = mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &raw);
  const transaction_handle probe{result == 0 ? raw : nullptr};
  return result == MDB_PANIC;
}

// LMDB answers EIO when a write was cut short, and a full disk is what cuts writes short.
bool store_core::is_disk_full() const {
  constexpr std::uint64_t nearly_nothing = std::uint64_t{1} << 20;
  struct statvfs disk {};
  return ::statvfs(options_.directory.c_str(), &disk) == 0 &&
         disk.f_bavail * disk.f_frsize < nearly_nothing;
}

void store_core::commit_failed(int result) {
  core::error failure = failure_of("mdb_txn_commit", result, options_.directory);
  if (is_panicked()) {
    failure.code = "store_io";
  } else if (failure.code == "store_io" && is_disk_full()) {
    failure = failure_of("mdb_txn_commit", ENOSPC, options_.directory);
  }
  if (failure.code == "store_io") {
    is_unknown_ = true;
    failure.message += "; whether the transaction was stored is unknown until the store is opened "
                       "again";
  }
  throw kv_error{failure.code, failure.message};
}

MDB_dbi store_core::table(table_id id) const {
  core::ensure(id < tables_.size(), "a table id is an index into the tables of the environment");
  return tables_[id];
}

std::uint64_t store_core::page_bytes() const {
  MDB_stat status{};
  static_cast<void>(mdb_env_stat(environment_.get(), &status)); // fails for a null argument only
  return status.ms_psize;
}

std::uint64_t store_core::pages_max() const {
  constexpr std::uint64_t reserve_max = std::uint64_t{64} << 20;
  MDB_envinfo info{};
  static_cast<void>(mdb_env_info(environment_.get(), &info)); // fails for a null argument only
  const std::uint64_t map = info.me_mapsize;
  return (map - std::min(map / 16, reserve_max)) / page_bytes();
}

std::uint64_t store_core::used_pages(MDB_txn* transaction) const {
  constexpr std::uint64_t meta_pages = 2;
  std::uint64_t pages = meta_pages;
  const auto add = [&](MDB_dbi table) {
    MDB_stat status{};
    require("mdb_stat", mdb_stat(transaction, table, &status), options_.directory);
    pages += status.ms_branch_pages + status.ms_leaf_pages + status.ms_overflow_pages;
  };
  add(free_list);
  add(table_list);
  std::for_each(tables_.begin(), tables_.end(), add);
  return pages;
}

} // namespace syncline::storage::lmdb
