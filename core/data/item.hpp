#pragma once
// The stored form of an item: a fixed header, then the body's bytes. Reading one parses nothing
// and copies nothing.

#include "common.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::core {

/// (start id, seq) of an item's last change; unique over all histories of a server, restored ones
/// included. The default value means "none".
struct stamp {
  std::uint64_t start = 0;
  std::uint64_t seq = 0;

  [[nodiscard]] bool is_none() const noexcept {
    return start == 0 && seq == 0;
  }
  friend bool operator==(const stamp&, const stamp&) = default;
};

/// Everything about an item but its id and body.
struct item_header {
  std::uint64_t version = 0;
  std::int64_t last_modified_ms = 0; ///< server's clock, since 1970
  core::stamp stamp;
  std::uint64_t birth_seq = 0;
  std::int64_t writer_wall_ms = 0; ///< hybrid logical time of the last writer
  std::uint32_t writer_counter = 0;
  bool deleted = false;
  std::uint64_t writer_tag = 0; ///< hash of the last writer's client id
  /// Server only: of the mutation that made it; 0: none is known (core/sync/server_apply).
  std::uint64_t birth_mark = 0;

  friend bool operator==(const item_header&, const item_header&) = default;
};

/// An item as it stands in a store. `body` is a view: it lives as long as what it was read from.
struct item_view {
  item_header header;
  std::string_view body;
};

inline constexpr std::size_t item_header_bytes = 72;

/// Appends header and body in the stored form (little-endian).
void append_item(std::string& out, const item_header& header, std::string_view body);

/// The inverse; nullopt where the bytes are too short to hold a header.
[[nodiscard]] std::optional<item_view> read_item(std::string_view stored);

[[nodiscard]] stamp from_message(const msg::Stamp& from);
[[nodiscard]] msg::Stamp to_message(const stamp& from);

/// Copies an item into its wire form.
[[nodiscard]] msg::Item to_message(std::string_view id, const item_view& item);
void fill_message(msg::Item& out, std::string_view id, const item_view& item);

/// The header of a wire item. The body stays where it is.
[[nodiscard]] item_header header_of(const msg::Item& item);

} // namespace syncline::core
