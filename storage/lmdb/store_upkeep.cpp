// The part of `store_core` that housekeeping calls: sizes, leases, syncing and the orderly close.

#include "core/ensure.hpp"
#include "storage/lmdb/clean_stamp.hpp"
#include "storage/lmdb/data_directory.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/store_core.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace syncline::storage::lmdb {

kv_usage store_core::usage() {
  MDB_envinfo info{};
  require("mdb_env_info", mdb_env_info(environment_.get(), &info), options_.directory);
  struct stat status {};
  if (::fstat(data_.get(), &status) != 0)
    raise("fstat", errno, options_.directory);
  kv_usage found;
  {
    const std::lock_guard<std::mutex> guard{slots_mutex_};
    found.readers = slots_.size() - idle_slots_.size();
  }
  reader_slot& slot = begin_snapshot();
  try {
    found.used_bytes = used_pages(slot.transaction.get()) * page_bytes();
  } catch (const kv_error&) {
    end_snapshot(slot);
    throw;
  }
  end_snapshot(slot);
  found.map_bytes = info.me_mapsize;
  found.file_bytes = static_cast<std::uint64_t>(status.st_size);
  found.readers_max = info.me_maxreaders;
  found.last_transaction = info.me_last_txnid;
  return found;
}

std::uint64_t store_core::clear_stale_readers() {
  require_same_process();
  int cleared = 0;
  require("mdb_reader_check", mdb_reader_check(environment_.get(), &cleared), options_.directory);
  return static_cast<std::uint64_t>(cleared);
}

std::vector<snapshot_lease> store_core::leases() const {
  const std::int64_t now = now_ms();
  std::vector<snapshot_lease> found;
  {
    const std::lock_guard<std::mutex> guard{slots_mutex_};
    for (const auto& slot : slots_) {
      if (!slot->is_active)
        continue;
      const std::int64_t age = now - slot->started_ms;
      found.push_back({.age_ms = age,
                       .is_late = age > options_.snapshot_warn.count(),
                       .is_expired = slot->is_expired.load(std::memory_order_relaxed)});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& one, const auto& other) { return one.age_ms > other.age_ms; });
  return found;
}

std::uint64_t store_core::expire_leases() {
  const std::int64_t now = now_ms();
  std::uint64_t expired = 0;
  const std::lock_guard<std::mutex> guard{slots_mutex_};
  for (const auto& slot : slots_) {
    if (slot->is_active && now - slot->started_ms > options_.snapshot_limit.count() &&
        !slot->is_expired.exchange(true, std::memory_order_relaxed))
      ++expired;
  }
  return expired;
}

core::expected<void> store_core::sync() {
  try {
    require_same_process();
    if (!options_.read_only)
      require("mdb_env_sync", mdb_env_sync(environment_.get(), 1), options_.directory);
  } catch (const kv_error& thrown) {
    return as_error(thrown);
  }
  return {};
}

core::expected<void> store_core::close_clean() {
  core::ensure(writer_thread_.load() != std::this_thread::get_id(),
               "a write transaction ends before the store is closed");
  const std::lock_guard<std::mutex> guard{writer_mutex_};
  if (is_unknown_)
    return core::fail("store_io", options_.directory.string() +
                                    " is not closed in order, because the outcome of a commit is "
                                    "unknown; open it again and look");
  if (auto synced = sync(); !synced)
    return synced;
  is_closed_.store(true);
  if (options_.read_only || has_stamp_ || !may_be_stamped_)
    return {};
  auto stamp = stamp_of(data_.get(), data_file_in(options_.directory));
  if (!stamp)
    return stamp.error();
  if (auto written = write_stamp(options_.directory, *stamp); !written)
    return written;
  has_stamp_ = true;
  return {};
}

} // namespace syncline::storage::lmdb
