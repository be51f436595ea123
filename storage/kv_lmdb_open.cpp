// Opening a store on files: everything that is looked at before LMDB maps the data file.

#include "storage/kv_lmdb.hpp"
#include "storage/lmdb/clean_stamp.hpp"
#include "storage/lmdb/data_directory.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/file_format.hpp"
#include "storage/lmdb/handles.hpp"
#include "storage/lmdb/page_walk.hpp"
#include "storage/lmdb/posix_file.hpp"
#include "storage/lmdb/store_core.hpp"
#include "storage/store_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

namespace syncline::storage {

namespace {

// An empty store with all tables, committed and synced, in a directory of its own.
void make_tables(const lmdb_options& options, const std::filesystem::path& directory) {
  MDB_env* raw_environment = nullptr;
  lmdb::require("mdb_env_create", mdb_env_create(&raw_environment), directory);
  const lmdb::environment_handle environment{raw_environment};
  lmdb::require("mdb_env_set_mapsize", mdb_env_set_mapsize(raw_environment, options.map_bytes),
                directory);
  lmdb::require("mdb_env_set_maxdbs",
                mdb_env_set_maxdbs(raw_environment, static_cast<MDB_dbi>(options.tables.size())),
                directory);
  lmdb::require("mdb_env_open", mdb_env_open(raw_environment, directory.c_str(), MDB_NOTLS, 0600),
                directory);
  MDB_txn* raw_transaction = nullptr;
  lmdb::require("mdb_txn_begin", mdb_txn_begin(raw_environment, nullptr, 0, &raw_transaction),
                directory);
  lmdb::transaction_handle transaction{raw_transaction};
  for (const std::string& name : options.tables) {
    MDB_dbi table = 0;
    lmdb::require("mdb_dbi_open", mdb_dbi_open(raw_transaction, name.c_str(), MDB_CREATE, &table),
                  directory);
  }
  lmdb::require("mdb_txn_commit", mdb_txn_commit(transaction.release()), directory);
}

// A crash on the way leaves no data file, or a whole one: an empty file would look like a damaged
// store, and LMDB would take a damaged one of no bytes for a new one.
core::expected<void> make_store(const lmdb_options& options) {
  if (auto removed = lmdb::remove_stamp(options.directory); !removed)
    return removed;
  const std::filesystem::path workshop = options.directory / "creating";
  std::error_code failed;
  std::filesystem::remove_all(workshop, failed);
  if (failed)
    return lmdb::failure_of("remove_all", failed.value(), workshop);
  if (::mkdir(workshop.c_str(), 0700) != 0)
    return lmdb::failure_of("mkdir", errno, workshop);
  try {
    make_tables(options, workshop);
  } catch (const kv_error& thrown) {
    return lmdb::as_error(thrown);
  }
  if (::rename(lmdb::data_file_in(workshop).c_str(),
               lmdb::data_file_in(options.directory).c_str()) != 0)
    return lmdb::failure_of("rename", errno, workshop);
  if (auto synced = lmdb::sync_directory(options.directory); !synced)
    return synced;
  std::filesystem::remove_all(workshop, failed);
  return failed ? core::expected<void>{lmdb::failure_of("remove_all", failed.value(), workshop)}
                : core::expected<void>{};
}

core::expected<void> check_pages_once(int file, bool is_clean, const lmdb::data_file& data,
                                      const std::filesystem::path& path) {
  // A healthy file can be shorter than its newest state says, if only free pages are missing.
  if (!is_clean && !data.is_complete())
    if (auto walked = lmdb::walk_pages(file, data, data.newest(), path); !walked)
      return walked.error();
  if (auto roots = lmdb::check_roots(file, data, path); !roots)
    return roots.error();
  return {};
}

// Beside a busy writer, the pages of the state that is looked at may be used again.
core::expected<void> check_data_file(int file, bool is_clean, const std::filesystem::path& path) {
  constexpr int looks = 8;
  core::expected<void> checked;
  for (int look = 0; look < looks; ++look) {
    auto data = lmdb::read_data_file(file, path);
    if (!data)
      return data.error();
    checked = check_pages_once(file, is_clean, *data, path);
    if (checked)
      return checked;
    auto again = lmdb::read_data_file(file, path);
    if (again && again->newest().transaction == data->newest().transaction)
      return checked;
  }
  return checked;
}

/// The data file, and what its stamp says.
struct found_file {
  lmdb::file_descriptor file;
  bool has_stamp = false;
  bool is_clean = false;
  lmdb::clean_stamp now;
};

core::expected<found_file> find_data_file(const std::filesystem::path& directory) {
  const std::filesystem::path path = lmdb::data_file_in(directory);
  auto file = lmdb::open_file(path, O_RDONLY);
  if (!file)
    return file.error();
  auto now = lmdb::stamp_of(file->get(), path);
  if (!now)
    return now.error();
  const std::optional<lmdb::clean_stamp> stamp = lmdb::read_stamp(directory);
  return found_file{.file = std::move(*file),
                    .has_stamp = stamp.has_value(),
                    .is_clean = stamp == *now,
                    .now = *now};
}

core::expected<std::shared_ptr<lmdb::store_core>> open_found(lmdb_options options, store_lock lock,
                                                             found_file found, bool is_new) {
  if (auto checked = check_data_file(found.file.get(), found.is_clean || is_new,
                                     lmdb::data_file_in(options.directory));
      !checked)
    return checked.error();
  const std::filesystem::path directory = options.directory;
  const bool is_read_only = options.read_only;
  auto core =
    std::make_shared<lmdb::store_core>(std::move(options), std::move(lock), std::move(found.file),
                                       found.is_clean || is_new, found.has_stamp);
  try {
    core->open();
  } catch (const kv_error& thrown) {
    return lmdb::as_error(thrown);
  }
  if (!is_read_only)
    if (auto closed = lmdb::close_to_others(directory); !closed)
      return closed.error();
  return core;
}

} // namespace

core::expected<lmdb_inspection> inspect_lmdb(const std::filesystem::path& directory) {
  if (auto checked = lmdb::check_directory(directory, false); !checked)
    return checked.error().code == "store_not_found"
             ? core::expected<lmdb_inspection>{lmdb_inspection{}}
             : checked.error();
  auto found = find_data_file(directory);
  if (!found)
    return found.error().code == "store_not_found"
             ? core::expected<lmdb_inspection>{lmdb_inspection{}}
             : found.error();
  return lmdb_inspection{.exists = true,
                         .is_clean = found->is_clean,
                         .file_bytes = found->now.bytes,
                         .last_transaction = found->now.transaction};
}

core::expected<std::unique_ptr<lmdb_environment>> open_lmdb(lmdb_options options) {
  const bool may_create = options.create && !options.read_only;
  if (auto checked = lmdb::check_directory(options.directory, may_create); !checked)
    return checked.error();
  auto lock = store_lock::acquire(options.directory,
                                  options.read_only ? store_access::read : store_access::write);
  if (!lock)
    return lock.error();
  auto found = find_data_file(options.directory);
  const bool is_new = !found && found.error().code == "store_not_found" && may_create;
  if (is_new) {
    if (auto made = make_store(options); !made)
      return made.error();
    found = find_data_file(options.directory);
  }
  if (!found)
    return found.error();
  auto core = open_found(std::move(options), std::move(*lock), std::move(*found), is_new);
  if (!core)
    return core.error();
  return std::make_unique<lmdb_environment>(std::move(*core));
}

} // namespace syncline::storage
