#include "storage/lmdb/clean_stamp.hpp"

#include "storage/checksum.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/file_format.hpp"
#include "storage/lmdb/posix_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace syncline::storage::lmdb {

namespace {

constexpr std::string_view stamp_name = "clean";
static_assert(sizeof(clean_stamp) == 32);

std::filesystem::path stamp_file_in(const std::filesystem::path& directory) {
  return directory / stamp_name;
}

} // namespace

core::expected<clean_stamp> stamp_of(int file, const std::filesystem::path& path) {
  auto data = read_data_file(file, path);
  if (!data)
    return data.error();
  struct stat status {};
  if (::fstat(file, &status) != 0)
    return failure_of("fstat", errno, path);
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return clean_stamp{.bytes = data->bytes,
                     .modified_ns = status.st_mtim.tv_sec * nanoseconds + status.st_mtim.tv_nsec,
                     .inode = status.st_ino,
                     .transaction = data->newest().transaction};
}

std::optional<clean_stamp> read_stamp(const std::filesystem::path& directory) {
  const std::filesystem::path path = stamp_file_in(directory);
  const auto file = open_file(path, O_RDONLY);
  if (!file)
    return std::nullopt;
  std::array<char, seal_bytes + sizeof(clean_stamp)> bytes{};
  if (!read_at(file->get(), bytes.data(), bytes.size(), 0, path))
    return std::nullopt;
  const auto payload = unseal(stamp_name, std::string_view{bytes.data(), bytes.size()});
  if (!payload)
    return std::nullopt;
  clean_stamp stamp;
  std::memcpy(&stamp, payload->data(), sizeof stamp);
  return stamp;
}

core::expected<void> write_stamp(const std::filesystem::path& directory, const clean_stamp& stamp) {
  std::array<char, sizeof(clean_stamp)> bytes{};
  std::memcpy(bytes.data(), &stamp, sizeof stamp);
  return replace_file(stamp_file_in(directory),
                      seal(stamp_name, std::string_view{bytes.data(), bytes.size()}));
}

core::expected<void> remove_stamp(const std::filesystem::path& directory) {
  return remove_file(stamp_file_in(directory));
}

} // namespace syncline::storage::lmdb
