#pragma once
// The text of a document: UTF-8 in chunks, found by UTF-16 offsets.

#include "core/expected.hpp"
#include "core/ot/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::core::ot {

/// A text that is edited in place. An edit costs the chunk that it meets, not the text: chunks have
/// about 2 kB, and up to 64 of them stand on a page that knows their length, so that a place is
/// found in two short scans, or in none where the last edit was near. Not synchronised; `const`
/// members may be called from several threads at once.
class text {
public:
  text();
  /// `utf8` must be valid.
  explicit text(std::string_view utf8);

  /// UTF-16 code units, and bytes of UTF-8.
  [[nodiscard]] std::uint64_t length() const noexcept {
    return length_;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return bytes_;
  }
  [[nodiscard]] std::string to_string() const;

  /// In one pass. Errors, after which the text is as before: `base_length_mismatch`;
  /// `splits_surrogate_pair` where it cuts a character beyond U+FFFF in two.
  [[nodiscard]] expected<void> apply(const operation& edit);

  /// Whether it can be applied. Errors: as `apply`.
  [[nodiscard]] expected<void> check(const operation& edit) const;

  /// What undoes `edit` on the text that it makes; to be asked before it is applied.
  /// Errors: as `apply`.
  [[nodiscard]] expected<operation> invert(const operation& edit) const;

  /// A part of it. Errors: `bad_length` beyond the end; `splits_surrogate_pair`.
  [[nodiscard]] expected<std::string> slice(std::uint64_t position, std::uint64_t units) const;

  /// UTF-16 offset of a byte offset, and the other way round, for hosts that count bytes.
  /// Errors: `bad_length` beyond the end, `splits_surrogate_pair`, `splits_character`.
  [[nodiscard]] expected<std::uint64_t> units_at(std::uint64_t byte) const;
  [[nodiscard]] expected<std::uint64_t> byte_at(std::uint64_t units) const;

private:
  struct chunk {
    std::string utf8;
    std::uint32_t units = 0;
  };
  struct page {
    std::vector<chunk> chunks; // Never empty.
    std::uint64_t units = 0;
  };
  /// A place: between two characters of a chunk, at its end rather than at the next one's
  /// beginning.
  struct place {
    std::size_t page = 0;
    std::size_t chunk = 0;
    std::uint32_t unit = 0; // in the chunk
    std::uint32_t byte = 0;
    std::uint64_t before = 0; // units of the text before the chunk
  };

  [[nodiscard]] chunk& chunk_at(const place& at) {
    return pages_[at.page].chunks[at.chunk];
  }
  [[nodiscard]] const chunk& chunk_at(const place& at) const {
    return pages_[at.page].chunks[at.chunk];
  }
  [[nodiscard]] place begin_of_edit(std::uint64_t position) const;
  /// False inside a surrogate pair.
  bool advance(place& at, std::uint64_t units) const;
  [[nodiscard]] bool cuts_no_pair(const operation& edit) const;
  [[nodiscard]] std::string read(place& at, std::uint64_t units) const;
  void insert(place& at, std::string_view utf8, std::uint32_t units);
  void insert_and_split(place& at, std::string_view utf8);
  void remove(place& at, std::uint64_t units);
  void erase_chunk(place& at);
  void join_with_next(const place& at);
  void split_page(place& at);

  std::vector<page> pages_; // Never empty.
  std::uint64_t length_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t pairs_ = 0; // Without any, no edit can cut one.
  place last_;              // where the last edit ended
};

} // namespace syncline::core::ot
