#pragma once
// The few system calls that the store needs beside LMDB, as values with errors.

#include "core/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

namespace syncline::storage::lmdb {

/// Owns one file descriptor.
class file_descriptor {
public:
  file_descriptor() = default;
  explicit file_descriptor(int number) noexcept : number_{number} {}
  file_descriptor(file_descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  file_descriptor(const file_descriptor&) = delete;
  file_descriptor& operator=(const file_descriptor&) = delete;
  ~file_descriptor();

  [[nodiscard]] int get() const noexcept {
    return number_;
  }
  [[nodiscard]] int release() noexcept {
    return std::exchange(number_, -1);
  }

private:
  int number_ = -1;
};

/// Opens without following a symbolic link in the last place, closed on exec; `mode` counts where
/// `flags` create. A missing file is `store_not_found`, a symbolic link `store_not_private`.
[[nodiscard]] core::expected<file_descriptor> open_file(const std::filesystem::path& path,
                                                        int flags, unsigned mode = 0600);

/// Reads `size` bytes at `offset`; fewer are an error of the code `store_corrupt`.
[[nodiscard]] core::expected<void> read_at(int file, void* into, std::size_t size,
                                           std::uint64_t offset, const std::filesystem::path& path);

/// Replaces `path` by a file of mode 0600 with these bytes, durable when it returns: after a crash
/// there is the old file or the new one.
[[nodiscard]] core::expected<void> replace_file(const std::filesystem::path& path,
                                                std::string_view bytes);

/// Makes created, renamed and removed names of `directory` durable.
[[nodiscard]] core::expected<void> sync_directory(const std::filesystem::path& directory);

/// Removes a file, durably; one that is not there is no error.
[[nodiscard]] core::expected<void> remove_file(const std::filesystem::path& path);

} // namespace syncline::storage::lmdb
