#pragma once
// What the server does with one mutation on one item: pure (DESIGN.md section 5, "Per item").

#include "core/data/item.hpp"
#include "mutation.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace syncline::core {

/// What the server keeps of a creation to know it again, also when the item is long deleted: half
/// of it says which creation it was, half with what content. A copy of a client's store still holds
/// the creations that waited when it was copied, under numbers that say nothing; and the edits that
/// were folded into them since. 0 for what is no creation, and for those of plain clients: they
/// send no payload hash, and may count their nonces from 1 in every session.
[[nodiscard]] std::uint64_t birth_mark(const msg::Mutation& mutation);

/// The lowest mark of the same creation, with whatever content.
[[nodiscard]] std::uint64_t first_mark_like(std::uint64_t mark);

/// Whether the server has seen a creation before, by its mark.
enum class known_birth {
  no,
  same,  ///< this very creation took effect before
  edited ///< it did, with other content
};
[[nodiscard]] known_birth compare_births(std::uint64_t known, std::uint64_t asked);

/// The next change of a space, should this mutation be one.
struct server_moment {
  stamp next_stamp;
  std::int64_t now_ms = 0;           ///< the server's clock
  std::int64_t last_modified_ms = 0; ///< of the space's last change
  std::uint64_t writer_tag = 0;
  std::uint64_t birth_mark = 0;        ///< of the mutation, if it creates
  known_birth birth = known_birth::no; ///< whether this item, or a former life of it, bears it
};

struct server_verdict {
  msg::MutationResult result;
  /// Set when the item changes; with `deleted` it is the new tombstone.
  std::optional<item_header> header;
  std::string body;
};

/// Judges `mutation` against the current item (nullopt: never existed or trimmed).
[[nodiscard]] server_verdict judge(const std::optional<item_view>& current,
                                   const msg::Mutation& mutation, const server_moment& moment);

} // namespace syncline::core
