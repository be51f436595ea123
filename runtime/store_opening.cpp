#include "runtime/store_opening.hpp"

#include "actors/seams_system.hpp"
#include "runtime/convert.hpp"
#include "storage/keys.hpp"
#include "storage/kv_verify.hpp"
#include "storage/store_lock.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace syncline {

using core::expected;

std::string_view to_string(verification how) {
  switch (how) {
  case verification::fresh:
    return "new";
  case verification::clean:
    return "clean";
  case verification::verified:
    return "verified";
  case verification::unverified:
    return "unverified";
  }
  return "unverified";
}

namespace {

// What the program says would mix with what the host says, so only its end counts.
expected<int> run_quietly(const std::string& program, std::array<char*, 5> arguments) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failure =
    ::posix_spawn(&child, program.c_str(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0)
    return core::fail("check_failed", program + " cannot be run: " + std::strerror(failure));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return core::fail("check_failed", "waiting for " + program + ": " + std::strerror(errno));
  return status;
}

} // namespace

expected<void> check_in_process(const std::string& program, const std::string& directory) {
  std::string name = program;
  std::string store = "store";
  std::string check = "check";
  std::string where = directory;
  const auto status =
    run_quietly(program, {name.data(), store.data(), check.data(), where.data(), nullptr});
  if (!status)
    return status.error();
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0)
    return {};
  constexpr int cannot_execute = 126;
  if (WIFEXITED(*status) && WEXITSTATUS(*status) >= cannot_execute)
    return core::fail("check_failed", program + " cannot be run");
  const std::string end = WIFSIGNALED(*status)
                            ? "died of signal " + std::to_string(WTERMSIG(*status))
                            : "ended with exit code " + std::to_string(WEXITSTATUS(*status));
  return core::fail("store_corrupt", "'" + program + " store check " + directory + "' " + end +
                                       "; run it to see what is damaged, and restore a backup");
}

namespace {

// The lock is held meanwhile, so that a store which another process writes is reported at once
// and not checked under its hands.
expected<bool> verify_before(const options& how) {
  if (how.store_check.empty())
    return false;
  const auto lock = storage::store_lock::acquire(how.store, storage::store_access::write);
  if (!lock)
    return lock.error();
  const auto checked = check_in_process(how.store_check, how.store);
  if (!checked && checked.error().code != "check_failed")
    return checked.error();
  return checked.has_value();
}

expected<verification> verify_after(storage::lmdb_environment& files, const options& how,
                                    bool is_new, bool is_checked) {
  if (is_new)
    return verification::fresh;
  if (files.opened_clean())
    return verification::clean;
  if (is_checked) {
    files.mark_verified();
    return verification::verified;
  }
  if (how.read_only) // Its writer, if there is one, keeps it unclean; each read checks its record.
    return verification::unverified;
  if (const auto report = storage::verify_store(files); !report)
    return report.error();
  return verification::unverified;
}

storage::lmdb_options file_options(const options& how) {
  storage::lmdb_options files;
  files.directory = how.store;
  files.tables = storage::client_tables();
  files.map_bytes = how.map_bytes;
  files.durable = to_storage(how.durable);
  files.read_only = how.read_only;
  files.create = how.create;
  files.snapshot_limit = how.snapshot_limit;
  files.monotonic_ms = actors::system_monotonic_ms;
  return files;
}

} // namespace

expected<opened_store> open_client_store(const options& how) {
  const auto seen = storage::inspect_lmdb(how.store);
  if (!seen)
    return seen.error();
  expected<bool> checked = false;
  if (seen->exists && !seen->is_clean && !how.read_only)
    checked = verify_before(how);
  if (!checked)
    return checked.error();
  auto files = storage::open_lmdb(file_options(how));
  if (!files)
    return files.error();
  opened_store opened;
  opened.files = files->get();
  const auto verified = verify_after(*opened.files, how, !seen->exists, *checked);
  if (!verified)
    return verified.error();
  opened.how = *verified;
  storage::client_store_options settings;
  settings.random = actors::system_random;
  settings.now_ms = actors::system_wall_ms;
  settings.feed_records_max = how.changes_kept;
  settings.is_foreign = how.dialect != server_dialect::syncline;
  auto store = storage::client_store::open(std::move(*files), std::move(settings));
  if (!store)
    return store.error();
  opened.store = std::move(*store);
  return opened;
}

} // namespace syncline
