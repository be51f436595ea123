#pragma once
// One page of the data file in a buffer, with every access checked against the page's bounds.

#include "storage/kv.hpp"
#include "storage/lmdb/failure.hpp"
#include "storage/lmdb/file_format.hpp"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::storage::lmdb {

inline constexpr std::uint16_t node_is_overflow = 0x01;
inline constexpr std::uint16_t node_is_table = 0x02;

/// One entry of a page. In a branch page the first two fields and the flags are a page number.
struct page_node {
  std::uint64_t child = 0;  ///< of a branch page
  std::uint32_t bytes = 0;  ///< of a leaf's value, wherever it lies
  std::uint16_t flags = 0;  ///< of a leaf
  std::string_view key;     ///< into the page
  std::string_view inlined; ///< what lies behind the key in the page, up to its end
};

/// A page as it was read. Throws `kv_error` of the code `store_corrupt` where the bytes do not
/// describe a page; the views it gives live as long as it is not loaded anew.
class page_view {
public:
  page_view(std::uint64_t page_bytes, const std::filesystem::path& path)
    : bytes_(page_bytes), path_{&path} {}

  [[nodiscard]] char* buffer() {
    return bytes_.data();
  }
  [[nodiscard]] std::size_t size() const {
    return bytes_.size();
  }

  /// To be called after each load, with the number that the page was read under.
  void check_header(std::uint64_t number) {
    number_ = number;
    if (field<std::uint64_t>(0) != number)
      refuse("bears another page's number");
  }
  [[nodiscard]] std::uint16_t flags() const {
    return field<std::uint16_t>(10);
  }
  /// Of the first page of a run of overflow pages.
  [[nodiscard]] std::uint32_t run_pages() const {
    return field<std::uint32_t>(12);
  }

  /// Number of nodes; checks that the table of their places fits the page.
  [[nodiscard]] std::size_t nodes() const {
    const std::size_t lower = field<std::uint16_t>(12);
    const std::size_t upper = field<std::uint16_t>(14);
    if (lower < page_header_bytes || lower % 2 != 0 || lower > upper || upper > bytes_.size())
      refuse("has impossible bounds");
    return (lower - page_header_bytes) / 2;
  }

  [[nodiscard]] page_node node(std::size_t index) const {
    constexpr std::size_t node_header_bytes = 8;
    const std::size_t place = field<std::uint16_t>(page_header_bytes + 2 * index);
    const std::size_t upper = field<std::uint16_t>(14);
    if (place < upper || place % 2 != 0 || place + node_header_bytes > bytes_.size())
      refuse("has a node outside its bounds");
    const std::uint64_t low = field<std::uint16_t>(place);
    const std::uint64_t high = field<std::uint16_t>(place + 2);
    page_node found;
    found.flags = field<std::uint16_t>(place + 4);
    found.bytes = static_cast<std::uint32_t>(low | high << 16);
    found.child = low | high << 16 | static_cast<std::uint64_t>(found.flags) << 32;
    const std::size_t key_bytes = field<std::uint16_t>(place + 6);
    const std::string_view rest =
      std::string_view{bytes_.data(), bytes_.size()}.substr(place + node_header_bytes);
    if (key_bytes > rest.size())
      refuse("has a key that runs out of it");
    found.key = rest.substr(0, key_bytes);
    found.inlined = rest.substr(key_bytes);
    return found;
  }

  [[noreturn]] void refuse(std::string_view what) const {
    std::string text = "page " + std::to_string(number_) + " ";
    text += what;
    const core::error found = damage(*path_, text);
    throw kv_error{found.code, found.message};
  }

private:
  template <class Integer>
  [[nodiscard]] Integer field(std::size_t offset) const {
    if (offset + sizeof(Integer) > bytes_.size())
      refuse("is too small for what it says it holds");
    Integer value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::vector<char> bytes_;
  const std::filesystem::path* path_;
  std::uint64_t number_ = 0;
};

} // namespace syncline::storage::lmdb
