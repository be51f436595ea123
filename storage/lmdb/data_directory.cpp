#include "storage/lmdb/data_directory.hpp"

#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/posix_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

namespace syncline::storage::lmdb {

namespace {

constexpr std::array file_names{"data.mdb", "lock.mdb", "writer.lock", "clean"};

core::error not_private(const std::filesystem::path& path, const std::string& why) {
  return core::fail("store_not_private", path.string() + " is not safe from other users: " + why +
                                           "; mend its owner and mode, or name another directory");
}

// Durable with its name: a store whose directory is lost by a power cut is lost with it.
core::expected<void> make_directory(const std::filesystem::path& directory) {
  const std::filesystem::path parent =
    directory.has_parent_path() ? directory.parent_path() : std::filesystem::path{"."};
  if (::mkdir(directory.c_str(), 0700) == 0)
    return sync_directory(parent);
  if (errno == EEXIST)
    return {};
  if (errno != ENOENT || parent == directory || !directory.has_parent_path())
    return failure_of("mkdir", errno, directory);
  if (auto made = make_directory(parent); !made)
    return made;
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return failure_of("mkdir", errno, directory);
  return sync_directory(parent);
}

// Another user who can write the parent can put a directory of his own in this one's place, unless
// the parent is sticky, as /tmp is.
core::expected<void> check_parent(const std::filesystem::path& directory) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(directory, failed);
  if (failed)
    return failure_of("realpath", failed.value(), directory);
  const std::filesystem::path parent = real.parent_path();
  struct stat status {};
  if (::stat(parent.c_str(), &status) != 0)
    return failure_of("stat", errno, parent);
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0)
    return not_private(directory, "anybody may replace it in " + parent.string());
  return {};
}

core::expected<void> check_files(const std::filesystem::path& directory) {
  for (const char* name : file_names) {
    const std::filesystem::path path = directory / name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      if (errno == ENOENT)
        continue;
      return failure_of("lstat", errno, path);
    }
    if (S_ISLNK(status.st_mode))
      return not_private(path, "it is a symbolic link");
    if (!S_ISREG(status.st_mode))
      return not_private(path, "it is not a plain file");
    if (status.st_uid != ::geteuid())
      return not_private(path, "it belongs to user " + std::to_string(status.st_uid));
  }
  return {};
}

} // namespace

core::expected<void> check_directory(const std::filesystem::path& directory, bool create) {
  if (create)
    if (auto made = make_directory(directory); !made)
      return made;
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return core::fail("store_not_found",
                        directory.string() + " does not exist; create the store first");
    return failure_of("stat", errno, directory);
  }
  if (!S_ISDIR(status.st_mode))
    return core::fail("store_foreign",
                      directory.string() + " is not a directory; name the store's directory");
  if (status.st_uid != ::geteuid())
    return not_private(directory, "it belongs to user " + std::to_string(status.st_uid) +
                                    ", this is user " + std::to_string(::geteuid()));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return not_private(directory, "others may write in it");
  if (auto parent = check_parent(directory); !parent)
    return parent;
  return check_files(directory);
}

core::expected<void> close_to_others(const std::filesystem::path& directory) {
  for (const char* name : file_names) {
    const std::filesystem::path path = directory / name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0)
      continue;
    if ((status.st_mode & 077) != 0 && ::chmod(path.c_str(), 0600) != 0)
      return failure_of("chmod", errno, path);
  }
  return {};
}

} // namespace syncline::storage::lmdb
