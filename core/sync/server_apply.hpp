#pragma once
// What the server does with one mutation on one item: pure (DESIGN.md section 5, "Per item").

#include "core/data/item.hpp"
#include "mutation.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace syncline::core {

/// The next change of a space, should this mutation be one.
struct server_moment {
  stamp next_stamp;
  std::int64_t now_ms = 0;           ///< the server's clock
  std::int64_t last_modified_ms = 0; ///< of the space's last change
  std::uint64_t writer_tag = 0;
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
