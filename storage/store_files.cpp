#include "storage/store_files.hpp"

#include "storage/keys.hpp"
#include "storage/kv_lmdb.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/posix_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

namespace syncline::storage {

using core::expected;

namespace {

struct open_files {
  store_kind kind = store_kind::client;
  std::unique_ptr<lmdb_environment> files;
};

// The tables tell the kind: the two kinds have no table in common but `meta`.
expected<open_files> open_files_of(const std::filesystem::path& directory, bool read_only) {
  lmdb_options options;
  options.directory = directory;
  options.read_only = read_only;
  // Room for what another process writes meanwhile.
  std::error_code failed;
  const auto file_bytes = std::filesystem::file_size(directory / "data.mdb", failed);
  options.map_bytes = (std::uint64_t{1} << 30) + (failed ? 0 : 2 * file_bytes);
  options.tables = client_tables();
  auto client = open_lmdb(options);
  if (client)
    return open_files{store_kind::client, std::move(*client)};
  if (client.error().code != "store_foreign")
    return client.error();
  options.tables = server_tables();
  auto server = open_lmdb(std::move(options));
  if (!server)
    return server.error();
  return open_files{store_kind::server, std::move(*server)};
}

expected<verify_report> check_copy(const std::filesystem::path& copy) {
  auto opened = open_files_of(copy, false);
  if (!opened)
    return opened.error();
  auto report = verify_store(*opened->files);
  if (!report)
    return report;
  if (auto closed = opened->files->close_clean(); !closed)
    return closed.error();
  return report;
}

expected<verify_report> copy_store(lmdb_environment& files, const std::filesystem::path& copy) {
  if (auto copied = files.backup_to(copy, true); !copied)
    return copied.error();
  return check_copy(copy);
}

std::filesystem::path without_slash_at_end(const std::filesystem::path& directory) {
  return directory.has_filename() ? directory : directory.parent_path();
}

expected<void> exchange(const std::filesystem::path& one, const std::filesystem::path& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
    return lmdb::failure_of("renameat2", errno, one);
  const auto parent = one.parent_path();
  return lmdb::sync_directory(parent.empty() ? std::filesystem::path{"."} : parent);
}

} // namespace

expected<verify_report> check_store(const std::filesystem::path& directory) {
  auto opened = open_files_of(directory, true);
  if (!opened)
    return opened.error();
  return verify_store(*opened->files);
}

expected<store_sizes> measure_store(const std::filesystem::path& directory) {
  const auto seen = inspect_lmdb(directory);
  if (!seen)
    return seen.error();
  auto opened = open_files_of(directory, true);
  if (!opened)
    return opened.error();
  try {
    store_sizes sizes;
    sizes.kind = opened->kind;
    sizes.is_clean = seen->is_clean;
    const auto usage = opened->files->usage();
    sizes.file_bytes = usage.file_bytes;
    sizes.used_bytes = usage.used_bytes;
    sizes.last_transaction = usage.last_transaction;
    const auto reader = opened->files->begin_read();
    const auto& names = opened->files->table_names();
    for (table_id id = 0; id < names.size(); ++id)
      sizes.tables.push_back({names[id], reader->count(id)});
    return sizes;
  } catch (const kv_error& thrown) {
    return lmdb::as_error(thrown);
  }
}

expected<verify_report> backup_store(const std::filesystem::path& directory,
                                     const std::filesystem::path& copy) {
  auto opened = open_files_of(directory, true);
  if (!opened)
    return opened.error();
  return copy_store(*opened->files, copy);
}

expected<compaction> compact_store(const std::filesystem::path& directory) {
  const auto store = without_slash_at_end(directory);
  const std::filesystem::path copy = store.string() + ".compacting";
  auto opened = open_files_of(store, false); // Holds the writer's lock until the end.
  if (!opened)
    return opened.error();
  // A rest of a compaction that was killed; it is never the only copy.
  std::error_code failed;
  std::filesystem::remove_all(copy, failed);
  if (failed)
    return lmdb::failure_of("remove_all", failed.value(), copy);
  compaction won;
  won.bytes_before = opened->files->usage().file_bytes;
  if (const auto copied = copy_store(*opened->files, copy); !copied)
    return copied.error();
  if (auto exchanged = exchange(copy, store); !exchanged)
    return exchanged.error();
  opened->files.reset();
  won.bytes_after = std::filesystem::file_size(store / "data.mdb", failed);
  std::filesystem::remove_all(copy, failed);
  if (failed)
    return lmdb::failure_of("remove_all", failed.value(), copy);
  return won;
}

} // namespace syncline::storage
