#pragma once
// What LMDB 0.9 writes, as far as it is looked at before LMDB itself maps the file: LMDB trusts
// these bytes, and a wrong one ends the process by a signal.
//
//   page 0 and page 1: 16 bytes of page header, then a meta record; the one with the higher
//   transaction counts. Pages are numbered from 0 and have all one size; every integer is in the
//   byte order of the machine.

#include "core/expected.hpp"

#include <array>
#include <cstdint>
#include <filesystem>

namespace syncline::storage::lmdb {

inline constexpr std::uint64_t page_header_bytes = 16;
/// The page number that stands for "no page": the root of an empty tree.
inline constexpr std::uint64_t no_page = ~std::uint64_t{0};

inline constexpr std::uint16_t page_is_branch = 0x01;
inline constexpr std::uint16_t page_is_leaf = 0x02;
inline constexpr std::uint16_t page_is_overflow = 0x04;
inline constexpr std::uint16_t page_is_meta = 0x08;

/// One B+tree: the free list, the list of tables, or a table. 48 bytes, as LMDB stores it.
struct tree_record {
  std::uint32_t pad;
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t branch_pages;
  std::uint64_t leaf_pages;
  std::uint64_t overflow_pages;
  std::uint64_t entries;
  std::uint64_t root;
};
static_assert(sizeof(tree_record) == 48);

/// One committed state. 136 bytes, as LMDB stores it; `free_pages.pad` is the page size.
struct meta_record {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_bytes;
  tree_record free_pages;
  tree_record tables;
  std::uint64_t last_page;
  std::uint64_t transaction;
};
static_assert(sizeof(meta_record) == 136);

/// What is known of a data file without mapping it.
struct data_file {
  std::uint64_t bytes = 0;
  std::uint64_t page_bytes = 0;
  std::array<meta_record, 2> metas{};

  [[nodiscard]] const meta_record& newest() const {
    return metas[1].transaction > metas[0].transaction ? metas[1] : metas[0];
  }
  [[nodiscard]] const meta_record& older() const {
    return metas[1].transaction > metas[0].transaction ? metas[0] : metas[1];
  }
  /// Whether the file holds every page that the newest state has ever allocated. A healthy file
  /// can be shorter: pages that were allocated and freed in one transaction are never written.
  [[nodiscard]] bool is_complete() const {
    return bytes / page_bytes > newest().last_page;
  }
};

/// The size of pages that LMDB uses on this machine.
[[nodiscard]] std::uint64_t native_page_bytes();

/// Reads size and meta pages of an open data file. `store_foreign` where it is not a file of LMDB,
/// `store_corrupt` where it is one and cannot be trusted. Safe beside a process that writes it.
[[nodiscard]] core::expected<data_file> read_data_file(int file, const std::filesystem::path& path);

} // namespace syncline::storage::lmdb
