#include "storage/lmdb/posix_file.hpp"

#include "storage/lmdb/failure.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace syncline::storage::lmdb {

file_descriptor::~file_descriptor() {
  // A failing close has nothing to tell here: whatever had to be durable was synced before.
  if (number_ >= 0)
    ::close(number_);
}

core::expected<file_descriptor> open_file(const std::filesystem::path& path, int flags,
                                          unsigned mode) {
  const int number = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
  if (number >= 0)
    return file_descriptor{number};
  if (errno == ENOENT)
    return core::fail("store_not_found", path.string() + " does not exist; create the store first");
  if (errno == ELOOP)
    return core::fail("store_not_private", path.string() + " is a symbolic link; the store only "
                                                           "takes plain files of its own");
  return failure_of("open", errno, path);
}

core::expected<void> read_at(int file, void* into, std::size_t size, std::uint64_t offset,
                             const std::filesystem::path& path) {
  auto* place = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = ::pread(file, place, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failure_of("pread", errno, path);
    if (got == 0)
      return damage(path, "it ends before byte " + std::to_string(offset + size));
    place += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

namespace {

core::expected<void> write_all(int file, std::string_view bytes,
                               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return failure_of("write", errno, path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

} // namespace

core::expected<void> replace_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path next = path;
  next += ".new";
  auto file = open_file(next, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file)
    return file.error();
  if (auto written = write_all(file->get(), bytes, next); !written)
    return written;
  if (::fsync(file->get()) != 0)
    return failure_of("fsync", errno, next);
  if (::rename(next.c_str(), path.c_str()) != 0)
    return failure_of("rename", errno, next);
  return sync_directory(path.parent_path());
}

core::expected<void> sync_directory(const std::filesystem::path& directory) {
  auto file = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!file)
    return file.error();
  if (::fsync(file->get()) != 0)
    return failure_of("fsync", errno, directory);
  return {};
}

core::expected<void> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0)
    return errno == ENOENT ? core::expected<void>{}
                           : core::expected<void>{failure_of("unlink", errno, path)};
  return sync_directory(path.parent_path());
}

} // namespace syncline::storage::lmdb
