#include "storage/kv_lmdb.hpp"

#include "core/ensure.hpp"
#include "storage/lmdb/data_directory.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/file_format.hpp"
#include "storage/lmdb/page_walk.hpp"
#include "storage/lmdb/posix_file.hpp"
#include "storage/lmdb/store_core.hpp"
#include "storage/lmdb/transactions.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace syncline::storage {

lmdb_environment::lmdb_environment(std::shared_ptr<lmdb::store_core> core)
  : core_{std::move(core)} {}

lmdb_environment::~lmdb_environment() = default;

std::unique_ptr<kv_reader> lmdb_environment::begin_read() {
  return std::make_unique<lmdb::snapshot_reader>(core_);
}

std::unique_ptr<kv_writer> lmdb_environment::begin_write() {
  return std::make_unique<lmdb::transaction_writer>(core_);
}

kv_usage lmdb_environment::usage() {
  return core_->usage();
}

std::uint64_t lmdb_environment::clear_stale_readers() {
  return core_->clear_stale_readers();
}

bool lmdb_environment::opened_clean() const {
  return core_->opened_clean();
}

void lmdb_environment::mark_verified() {
  core_->mark_verified();
}

core::expected<void> lmdb_environment::close_clean() {
  return core_->close_clean();
}

core::expected<void> lmdb_environment::sync() {
  return core_->sync();
}

std::vector<snapshot_lease> lmdb_environment::leases() const {
  return core_->leases();
}

std::uint64_t lmdb_environment::expire_leases() {
  return core_->expire_leases();
}

const std::vector<std::string>& lmdb_environment::table_names() const {
  return core_->options().tables;
}

const std::filesystem::path& lmdb_environment::directory() const {
  return core_->options().directory;
}

core::expected<page_report> lmdb_environment::check_pages() {
  const std::filesystem::path path = lmdb::data_file_in(directory());
  const int file = core_->data_descriptor();
  // A snapshot keeps the pages of its state from being used again. It is known to be the state
  // of the newest meta page when that was the same before and after the snapshot began.
  constexpr int tries = 64;
  for (int attempt = 0; attempt < tries; ++attempt) {
    auto before = lmdb::read_data_file(file, path);
    if (!before)
      return before.error();
    std::unique_ptr<kv_reader> held;
    try {
      held = begin_read();
    } catch (const kv_error& thrown) {
      return lmdb::as_error(thrown);
    }
    auto data = lmdb::read_data_file(file, path);
    if (!data)
      return data.error();
    if (data->newest().transaction != before->newest().transaction)
      continue;
    auto walked = lmdb::walk_pages(file, *data, data->newest(), path);
    if (!walked)
      return walked.error();
    auto numbered = lmdb::check_transactions(file, *data, path);
    if (!numbered) {
      // The older state is only there to be looked at while nobody commits.
      auto after = lmdb::read_data_file(file, path);
      if (after && after->newest().transaction == data->newest().transaction)
        return numbered.error();
    }
    return page_report{
      .pages_used = walked->pages_used, .pages_free = walked->pages_free, .tables = walked->tables};
  }
  return core::fail("store_io", path.string() + " is written too fast to look at one state of it; "
                                                "check it while less is written");
}

namespace {

// The name appears only when the copy is whole.
core::expected<void> copy_into(MDB_env* environment, const std::filesystem::path& directory,
                               unsigned flags) {
  const std::filesystem::path copy = directory / "data.mdb.new";
  auto file = lmdb::open_file(copy, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file)
    return file.error();
  if (const int result = mdb_env_copyfd2(environment, file->get(), flags); result != 0) {
    core::error failure = lmdb::failure_of("mdb_env_copyfd2", result, copy);
    if (auto removed = lmdb::remove_file(copy); !removed)
      failure.message += "; the incomplete copy could not be removed";
    return failure;
  }
  if (::fsync(file->get()) != 0)
    return lmdb::failure_of("fsync", errno, copy);
  if (::rename(copy.c_str(), lmdb::data_file_in(directory).c_str()) != 0)
    return lmdb::failure_of("rename", errno, copy);
  return lmdb::sync_directory(directory);
}

} // namespace

core::expected<void> lmdb_environment::backup_to(const std::filesystem::path& directory,
                                                 bool compact) {
  try {
    core_->require_same_process();
  } catch (const kv_error& thrown) {
    return lmdb::as_error(thrown);
  }
  if (auto checked = lmdb::check_directory(directory, true); !checked)
    return checked;
  auto existing = lmdb::open_file(lmdb::data_file_in(directory), O_RDONLY);
  if (existing || existing.error().code != "store_not_found")
    return core::fail("already_exists", directory.string() +
                                          " holds a store already; name a new directory for the "
                                          "copy");
  return copy_into(core_->environment(), directory, compact ? MDB_CP_COMPACT : 0U);
}

} // namespace syncline::storage
