#pragma once
// One element of a JSON batch's `operations` (PROTOCOL.md section 4). Part of batch_json.

#include "core/data/json.hpp"
#include "core/expected.hpp"
#include "mutation.pb.h"
#include "net/protocol/batch_json.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace syncline::net {

/// One operation under way. What stands here when reading stops with an error is still used: a
/// failure takes its group with it, and its mutation id is answered.
struct operation_draft {
  json_operation operation;
  msg::Mutation mutation;
  std::optional<std::uint64_t> version;
};

/// Reads one operation; `has_client` says whether the batch names its client. `source` loses the
/// item's own fields from its `data`. Errors: bad_operation, bad_id, and those of
/// `core::validate_body`. Any thread.
[[nodiscard]] core::expected<void> read_operation(core::json_value& source, bool has_client,
                                                  const batch_json_limits& limits,
                                                  operation_draft& draft);

/// A member that is there and not null, or nullptr.
[[nodiscard]] const core::json_value* find_set(const core::json_value& object,
                                               std::string_view name);

/// The value of a JSON integer that is not negative.
[[nodiscard]] std::optional<std::uint64_t> to_unsigned(const core::json_value& value);

} // namespace syncline::net
