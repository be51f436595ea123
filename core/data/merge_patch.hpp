#pragma once
// JSON merge patch (RFC 7396): a null removes a member, an object is merged, all else replaces.

#include "core/data/json_value.hpp"
#include "core/expected.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace syncline::core {

/// The body after the patch; both are JSON objects. Errors: those of `parse_json` for either,
/// `not_an_object`, and `too_large` where the result is above the limit of a body (1 MiB).
[[nodiscard]] expected<std::string> apply_merge_patch(std::string_view body,
                                                      std::string_view patch);

/// The same on trees, for any two values. Members of `target` keep their order, new ones follow in
/// the patch's.
[[nodiscard]] json_value apply_merge_patch(json_value target, const json_value& patch);

/// The smallest patch that turns `from` into `to`, or nothing where no merge patch does: only where
/// an object in `to` (arrays are taken whole) holds a null that `from` does not have there too.
[[nodiscard]] std::optional<json_value> make_merge_patch(const json_value& from,
                                                         const json_value& to);

/// One patch with the effect of `first` and then `second` on any object. Errors: those of
/// `parse_json`, `not_an_object`, `too_large`, and `not_composable`: where `first` removes or
/// replaces a member that `second` then merges into, no single merge patch has that effect on every
/// object (it could only merge into what stood there before). Keep the two apart, or replace the
/// body as a whole.
[[nodiscard]] expected<std::string> compose_merge_patches(std::string_view first,
                                                          std::string_view second);

} // namespace syncline::core
