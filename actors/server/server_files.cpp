#include "actors/server/server_files.hpp"

#include "actors/seams_system.hpp"
#include "storage/keys.hpp"
#include "storage/kv_verify.hpp"
#include "storage/store_lock.hpp"

namespace syncline::actors::server {

using core::expected;

namespace {

expected<std::string> verify_store(const server_options& options,
                                   const storage::lmdb_inspection& seen) {
  if (!seen.exists)
    return std::string{"new"};
  if (seen.is_clean)
    return std::string{"clean"};
  if (!options.verify)
    return std::string{"unverified"};
  // A store that another process serves is reported as locked, and not checked under its hands.
  const auto lock = storage::store_lock::acquire(options.directory, storage::store_access::write);
  if (!lock)
    return lock.error();
  if (auto verified = options.verify(options.directory); !verified)
    return verified.error();
  return std::string{"verified"};
}

} // namespace

expected<open_files> open_store_files(const server_options& options) {
  const auto seen = storage::inspect_lmdb(options.directory);
  if (!seen)
    return seen.error();
  auto how = verify_store(options, *seen);
  if (!how)
    return how.error();
  storage::lmdb_options settings;
  settings.directory = options.directory;
  settings.tables = storage::server_tables();
  settings.map_bytes = options.map_bytes;
  settings.create = true;
  settings.monotonic_ms = system_monotonic_ms;
  auto files = storage::open_lmdb(std::move(settings));
  if (!files)
    return files.error();
  if (*how == "verified")
    (*files)->mark_verified();
  else if (!(*files)->opened_clean())
    if (const auto report = storage::verify_store(**files); !report)
      return report.error();
  return open_files{std::move(*files), std::move(*how)};
}

} // namespace syncline::actors::server
