#pragma once
// What a user's word about a conflict comes to.

#include "core/sync/conflict.hpp"

namespace syncline::core {

/// The choice as a verdict about the lane that waits for it. A side that is deleted is chosen by
/// a removal.
[[nodiscard]] verdict verdict_of(const msg::ResolveConflict& command, const conflict_sides& sides);

/// The choice where no lane waits any more, because the conflict was decided already or a restored
/// server caused it: a new write on what the user sees now.
[[nodiscard]] msg::WriteLocal write_of_choice(const msg::ResolveConflict& command,
                                              const msg::ConflictRecord& record);

} // namespace syncline::core
