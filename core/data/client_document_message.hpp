#pragma once
// A client's document as protobuf, in its store.

#include "core/expected.hpp"
#include "core/ot/client_session.hpp"
#include "document.pb.h"

namespace syncline::core::ot {

void write_message(const client_document& document, msg::ClientDocument& out);
/// Errors: those of `read_message` of an operation; `bad_utf8`.
[[nodiscard]] expected<client_document> read_message(const msg::ClientDocument& from);

void write_message(const any_session_change& change, msg::ClientDocumentChange& out);
/// Errors: those of `read_message` of an operation; `unknown_type` where it is of a later version.
[[nodiscard]] expected<any_session_change> read_message(const msg::ClientDocumentChange& from);

} // namespace syncline::core::ot
