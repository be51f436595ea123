#pragma once
// The strategy `merge` of DESIGN.md section 8: field by field, with the common base where it is
// known.

#include "core/expected.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::core {

/// Whose value a field gets that both sides changed to different values.
enum class prefer_side { server, client };

/// A merged body. `clashing_fields` names each field where one side lost, by its member names with
/// dots between them (a dot inside a name is not told apart: the paths are for people), in the
/// order of theirs, then of mine.
struct merge_outcome {
  std::string body;
  std::vector<std::string> clashing_fields;
};

/// Merges what this client made (`mine`) with what the server has (`theirs`), all JSON objects.
/// - Objects are merged member by member; arrays and scalars are taken whole.
/// - With a base: what one side alone changed, added or removed is taken; where both did the same
///   there is nothing to decide; else the field clashes and follows `prefer`, which may mean that
///   it is gone.
/// - Without: fields that only one side has are kept, equal ones agree, the others clash.
/// The result keeps the order of theirs and ends with mine's additions; where mine changed nothing
/// it is theirs to the byte. Errors: those of `parse_json`, `not_an_object`, `too_large` (both
/// sides' additions together exceed a body).
[[nodiscard]] expected<merge_outcome> merge_three_way(std::optional<std::string_view> base,
                                                      std::string_view mine,
                                                      std::string_view theirs, prefer_side prefer);

} // namespace syncline::core
