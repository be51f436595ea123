#pragma once
// How an answer stands to the batch that it answers.

#include "wire.pb.h"

namespace syncline::core {

/// Whether the answer brings the batch on: it has a result for the first mutation, or says why not.
/// Otherwise the same batch would be taken again at once, and so on.
[[nodiscard]] bool answers_first(const msg::BatchRequest& batch, const msg::BatchResponse& answer);

/// Whether each mutation has its result.
[[nodiscard]] bool answers_all(const msg::BatchRequest& batch, const msg::BatchResponse& answer);

/// Whether the batch is one atomic group, which cannot be sent in parts.
[[nodiscard]] bool is_one_group(const msg::BatchRequest& batch);

} // namespace syncline::core
