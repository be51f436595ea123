#include "storage/lmdb/failure.hpp"

#include <lmdb.h>

#include <cerrno>

namespace syncline::storage::lmdb {

namespace {

std::string_view advice_for(std::string_view code) {
  if (code == "store_full")
    return "delete items, end long snapshots, or open it with a larger map";
  if (code == "disk_full")
    return "nothing of this transaction was stored; free some space and try again";
  if (code == "too_many_readers")
    return "end snapshots that are not needed, or open it with a larger readers_max";
  if (code == "store_read_only")
    return "check owner and mode of the directory, or open it for reading";
  if (code == "store_corrupt")
    return "run `syncline store check`, and restore a backup or rebuild from the server";
  if (code == "store_foreign")
    return "name another directory; nothing was changed";
  return "look at the disk and the system log, then open the store again";
}

} // namespace

std::string code_of(int result) {
  switch (result) {
  case MDB_MAP_FULL:
    return "store_full";
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return "disk_full";
  case MDB_READERS_FULL:
    return "too_many_readers";
  case EACCES:
  case EPERM:
  case EROFS:
    return "store_read_only";
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_INVALID:
  case MDB_INCOMPATIBLE:
    return "store_corrupt";
  case MDB_VERSION_MISMATCH:
    return "store_foreign";
  default:
    return "store_io";
  }
}

core::error failure_of(std::string_view call, int result, const std::filesystem::path& where) {
  const std::string code = code_of(result);
  std::string message{call};
  message += " failed on ";
  message += where.string();
  message += ": ";
  message += mdb_strerror(result);
  message += "; ";
  message += advice_for(code);
  return core::error{code, std::move(message)};
}

void raise(std::string_view call, int result, const std::filesystem::path& where) {
  const core::error failure = failure_of(call, result, where);
  throw kv_error{failure.code, failure.message};
}

core::error damage(const std::filesystem::path& where, std::string_view what) {
  std::string message = where.string();
  message += " is damaged: ";
  message += what;
  message += "; ";
  message += advice_for("store_corrupt");
  return core::error{"store_corrupt", std::move(message)};
}

} // namespace syncline::storage::lmdb
