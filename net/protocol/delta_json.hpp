#pragma once
// A page of `GET /delta` as JSON (PROTOCOL.md section 2).

#include "wire.pb.h"

#include <cstdint>
#include <limits>
#include <string>

namespace syncline::net {

/// For `delta_page_json`: no tombstone is left out.
inline constexpr std::uint64_t every_tombstone = std::numeric_limits<std::uint64_t>::max();

/// Whether a client whose cursor had reached `cursor_seq` never had this item of the page.
[[nodiscard]] bool is_created(const msg::DeltaPage& page, const msg::Item& item,
                              std::uint64_t cursor_seq);

/// Whether such a client, whose first walk ended at head `walk_end_seq`, can ever have had the item
/// that is gone.
[[nodiscard]] bool is_known_tombstone(const msg::Item& tombstone, std::uint64_t cursor_seq,
                                      std::uint64_t walk_end_seq);

/// `{"created":[...],"updated":[...],"deleted":[id...],"nextCursor":"...","hasMore":...}`. An item
/// is `created` if its birth sequence is above `cursor_seq`, the sequence that the request's cursor
/// had reached (0: the beginning), and on every page of phase SNAPSHOT, where the client has
/// nothing yet. Tombstones of items that were born after both `cursor_seq` and `walk_end_seq`, the
/// head at the end of the client's first walk, are left out: the client never had those (DESIGN.md
/// 6). Any thread.
[[nodiscard]] std::string delta_page_json(const msg::DeltaPage& page, std::uint64_t cursor_seq,
                                          std::uint64_t walk_end_seq = every_tombstone);

} // namespace syncline::net
