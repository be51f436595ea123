#pragma once
// The table `births`: which creations former lives of an item came from. A life that is not over is
// marked in the item's header, and so is that of a tombstone.

#include "core/sync/server_apply.hpp"
#include "storage/records.hpp"

namespace syncline::storage {

/// Writes down a life that is over: the item is made anew, or its tombstone trimmed. `item` is the
/// key of the item; a mark of 0 is none.
void put_birth(record_writer& writer, std::string_view item, std::uint64_t mark,
               std::int64_t now_ms);

/// Whether the item, or a former life of it, came from the creation with this mark.
[[nodiscard]] core::known_birth known_birth_of(const record_reader& records, std::string_view item,
                                               const std::optional<core::item_view>& current,
                                               std::uint64_t mark);

} // namespace syncline::storage
