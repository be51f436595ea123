#pragma once
// Operations as protobuf: on our own wire, and in the stores.

#include "core/expected.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/server_document.hpp"
#include "document.pb.h"

namespace syncline::core::ot {

/// `out` becomes the operation.
void write_message(const operation& edit, msg::TextOperation& out);

/// What comes may be sloppy, like an operation in JSON; the last retain may be missing. Errors:
/// `unknown_type`; `bad_length` where a length is above `length_max`, alone or as their sum, or the
/// inserts do not share out their text; `splits_surrogate_pair` where one ends inside a character.
[[nodiscard]] expected<operation> read_message(const msg::TextOperation& from);

/// The operation with its author, without its revision.
void write_message(const logged_operation& logged, msg::LoggedEdit& out);

} // namespace syncline::core::ot
