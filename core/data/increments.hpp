#pragma once
// Increments: changes that commute. A field is a top-level member of a body; an amount is an int64
// or a double. Order of increments matters to no sum of integers within int64, and to sums of
// doubles only by rounding.

#include "core/data/json_value.hpp"
#include "core/expected.hpp"
#include "mutation.pb.h"

#include <google/protobuf/repeated_field.h>

#include <string>
#include <string_view>

namespace syncline::core {

/// The body with each amount added to its field; a field that is not there counts as 0 and is
/// appended. An integer plus an integer stays an integer, which must fit in int64; else the sum is
/// a double, which must be finite. Errors: those of `parse_json`, `not_an_object`, `not_a_number`
/// (the field holds something else, null included), `number_overflow`, `reserved_name`, `bad_utf8`
/// (a field's name), `bad_increment` (no amount), `too_large` (the result).
[[nodiscard]] expected<std::string>
apply_increments(std::string_view body,
                 const google::protobuf::RepeatedPtrField<msg::Increment>& increments);

/// Adds `more` to `into`, field by field; new fields follow in order, and `into` has each of its
/// fields once afterwards. Errors: `number_overflow`, `bad_increment`; `into` is then as before.
[[nodiscard]] expected<void>
add_increments(google::protobuf::RepeatedPtrField<msg::Increment>& into,
               const google::protobuf::RepeatedPtrField<msg::Increment>& more);

/// Drops the increments of fields that the merge patch (or the new body) sets or removes: the later
/// patch wins over them.
void drop_increments_touched_by(google::protobuf::RepeatedPtrField<msg::Increment>& increments,
                                const json_value& patch);

} // namespace syncline::core
