#include "storage/lmdb/file_format.hpp"

#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/posix_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>

namespace syncline::storage::lmdb {

namespace {

constexpr std::uint32_t expected_magic = 0xBEEFC0DE;
constexpr std::uint32_t expected_version = 1;
constexpr std::uint64_t page_bytes_max = 0x8000;

struct meta_page {
  std::uint16_t flags = 0;
  meta_record meta{};
};

core::expected<meta_page> read_meta_page(int file, std::uint64_t offset,
                                         const std::filesystem::path& path) {
  std::array<char, page_header_bytes + sizeof(meta_record)> bytes{};
  if (auto read = read_at(file, bytes.data(), bytes.size(), offset, path); !read)
    return read.error();
  meta_page page;
  std::memcpy(&page.flags, bytes.data() + 10, sizeof page.flags);
  std::memcpy(&page.meta, bytes.data() + page_header_bytes, sizeof page.meta);
  return page;
}

core::expected<std::uint64_t> size_of(int file, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(file, &status) != 0)
    return failure_of("fstat", errno, path);
  if (!S_ISREG(status.st_mode))
    return core::fail("store_not_private", path.string() + " is not a plain file");
  return static_cast<std::uint64_t>(status.st_size);
}

core::expected<void> check_meta(const meta_page& page, int number, std::uint64_t page_bytes,
                                const std::filesystem::path& path) {
  const std::string name = "meta page " + std::to_string(number);
  if (page.meta.magic != expected_magic)
    return damage(path, name + " has a wrong magic number");
  if (page.meta.version != expected_version)
    return damage(path, name + " has format version " + std::to_string(page.meta.version) +
                          ", known is " + std::to_string(expected_version));
  if (page.flags != page_is_meta)
    return damage(path, name + " is not marked as one");
  if (page.meta.free_pages.pad != page_bytes)
    return damage(path, name + " says pages of " + std::to_string(page.meta.free_pages.pad) +
                          " bytes, this machine has " + std::to_string(page_bytes));
  const std::uint64_t last = page.meta.last_page;
  if (last < 1 || last >= std::numeric_limits<std::int64_t>::max() / page_bytes)
    return damage(path, name + " names an impossible last page");
  for (const std::uint64_t root : {page.meta.free_pages.root, page.meta.tables.root})
    if (root != no_page && (root < 2 || root > last))
      return damage(path, name + " names a root outside the file");
  return {};
}

// Tells a file of another kind from a damaged one. Either meta page is proof enough that the file
// is LMDB's, and a file of zeros is what a failed disk or a failed copy leaves.
core::expected<void> check_kind(int file, std::uint64_t bytes, const std::filesystem::path& path) {
  if (bytes == 0)
    return damage(path, "it has no bytes at all");
  constexpr std::uint64_t magic_end = page_header_bytes + sizeof(std::uint32_t);
  if (bytes < magic_end)
    return damage(path, "it was cut off after " + std::to_string(bytes) + " bytes");
  bool only_zeros = true;
  for (const std::uint64_t start : {std::uint64_t{0}, native_page_bytes()}) {
    if (bytes < start + magic_end)
      continue;
    std::array<char, magic_end> head{};
    if (auto read = read_at(file, head.data(), head.size(), start, path); !read)
      return read;
    std::uint32_t magic = 0;
    std::memcpy(&magic, head.data() + page_header_bytes, sizeof magic);
    if (magic == expected_magic)
      return bytes < 2 * native_page_bytes()
               ? damage(path, "it was cut off after " + std::to_string(bytes) + " bytes")
               : core::expected<void>{};
    only_zeros = only_zeros && std::all_of(head.begin(), head.end(), [](char c) { return c == 0; });
  }
  if (only_zeros)
    return damage(path, "its first pages hold only zeros");
  return core::fail("store_foreign", path.string() +
                                       " holds something else than a store of this program; name "
                                       "another directory, nothing was changed");
}

// One look at the two pages. A page of each side of a commit by another process can be seen, which
// is as good as either.
core::expected<data_file> read_once(int file, const std::filesystem::path& path) {
  data_file found;
  found.page_bytes = native_page_bytes();
  for (int number = 0; number < 2; ++number) {
    const auto index = static_cast<std::size_t>(number);
    auto page = read_meta_page(file, index * found.page_bytes, path);
    if (!page)
      return page.error();
    if (auto checked = check_meta(*page, number, found.page_bytes, path); !checked)
      return checked.error();
    found.metas[index] = page->meta;
  }
  return found;
}

} // namespace

std::uint64_t native_page_bytes() {
  return std::min(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)), page_bytes_max);
}

core::expected<data_file> read_data_file(int file, const std::filesystem::path& path) {
  auto before = size_of(file, path);
  if (!before)
    return before.error();
  if (auto kind = check_kind(file, *before, path); !kind)
    return kind.error();
  // The bytes of one meta page may be caught half-way while another process commits.
  constexpr int looks = 8;
  auto found = read_once(file, path);
  for (int look = 1; !found && found.error().code == "store_corrupt" && look < looks; ++look)
    found = read_once(file, path);
  if (!found)
    return found;
  // After the meta pages: the file of a busy writer only grows, and its pages come first.
  auto after = size_of(file, path);
  if (!after)
    return after.error();
  found->bytes = *after;
  return found;
}

} // namespace syncline::storage::lmdb
