#pragma once
// The table `births`: creations that the header of their item does not name. The header has the one
// that the present life, or that of the tombstone, came from.

#include "core/sync/server_apply.hpp"
#include "storage/records.hpp"

namespace syncline::storage {

/// Remembers a creation: its item is made anew, its tombstone trimmed, or it found an equal item.
/// `item` is the key of the item; a mark of 0 is none, and nothing is written.
void put_birth(record_writer& writer, std::string_view item, std::uint64_t mark,
               std::int64_t now_ms);

/// Whether a creation with this mark, which is not 0, has had its effect on the item.
[[nodiscard]] core::known_birth known_birth_of(const record_reader& records, std::string_view item,
                                               const std::optional<core::item_view>& current,
                                               std::uint64_t mark);

} // namespace syncline::storage
