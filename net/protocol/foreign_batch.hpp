#pragma once
// A batch on the plain JSON route, and its answer (PROTOCOL.md section 4). Pure; any thread.

#include "core/data/json_value.hpp"
#include "wire.pb.h"

#include <string>

namespace syncline::net {

/// Whether there is anything in it that the server has to hear of: SKIPs it need not.
[[nodiscard]] bool needs_answer(const msg::BatchRequest& batch);

/// `{"operations":[...]}`; empty where nothing has to be said. The same batch has the same bytes.
[[nodiscard]] std::string foreign_batch_body(const msg::BatchRequest& batch);

/// False where the answer is not one result for each operation, in their order.
[[nodiscard]] bool read_foreign_results(const msg::BatchRequest& batch,
                                        const core::json_value::array_type& results,
                                        msg::BatchResponse& out);

} // namespace syncline::net
