#pragma once
// Refusals: their JSON form and their HTTP status (PROTOCOL.md section 1).

#include "core/expected.hpp"
#include "wire.pb.h"

#include <string>
#include <string_view>

namespace syncline::net {

/// `{"error":{"code","message","details"?}}`. `details` has those of `reason`, `expected`, `start`
/// and `epoch` that are set; the last two as strings of 16 hex digits. Any thread.
[[nodiscard]] std::string error_json(const msg::ErrorReply& error);

/// The same for an error without details.
[[nodiscard]] std::string error_json(const core::error& error);

/// The HTTP status for an error code: by name, else by its prefix (`bad_` and `invalid_` 400,
/// `store_` 503). 500 for a code that is not known here. Any thread.
[[nodiscard]] int http_status_of(std::string_view error_code) noexcept;

} // namespace syncline::net
