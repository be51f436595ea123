#pragma once
// What happens when a waiting mutation meets another version (DESIGN.md section 8).
//
// `decide` is pure: the same question gives the same decision on every replica. The decision is
// applied by storage with compare-and-set against what was read for the question.

#include "client_storage.pb.h"
#include "core/data/three_way_merge.hpp"
#include "core/sync/lane.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::core {

/// How a collection settles conflicts. `custom`: a function of the host gives a `verdict`.
enum class conflict_strategy { server_wins, client_wins, last_write_wins, merge, manual, custom };

[[nodiscard]] std::string_view to_string(conflict_strategy strategy);
[[nodiscard]] std::optional<conflict_strategy> conflict_strategy_from(std::string_view name);

struct conflict_policy {
  conflict_strategy strategy = conflict_strategy::merge;
  prefer_side prefer = prefer_side::server; ///< for fields that `merge` cannot reconcile
};

/// What a host function, or the user, says: this body, no item, or "keep both, I shall decide".
struct verdict {
  enum class kind { body, remove, keep_both };
  kind what = kind::keep_both;
  std::string body;
};

struct conflict_question {
  std::string collection;
  std::string id;
  core::lane lane;
  /// Tombstone or item; nullopt: the server has no such item.
  std::optional<msg::Item> theirs;
  conflict_policy policy;
  std::uint64_t writer_tag = 0;  ///< of this client: breaks ties of last_write_wins
  std::optional<verdict> said;   ///< by the host's function or by the user
  std::uint64_t conflict_id = 0; ///< random; names the record
  std::int64_t now_ms = 0;
};

/// The three bodies of a conflict, for a host function; nullopt = deleted or never there.
struct conflict_sides {
  std::optional<std::string> base;
  std::optional<std::string> mine;
  std::optional<std::string> theirs;
};
[[nodiscard]] conflict_sides sides_of(const conflict_question& question);

/// Decides. Without a `said` verdict the strategies `manual` and `custom` park the lane.
[[nodiscard]] msg::LaneDecision decide(const conflict_question& question);

} // namespace syncline::core
