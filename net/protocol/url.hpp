#pragma once
// Request targets: path and query of a URL, percent-decoded exactly once (RFC 3986). Pure and
// thread-safe.

#include "core/expected.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syncline::net {

/// A request target, taken apart and decoded.
struct url_target {
  std::string path; // decoded, begins with `/` (or is `*`), valid UTF-8, no control characters
  std::vector<std::pair<std::string, std::string>> query; // decoded, each name at most once

  /// The value of a query parameter, or nullptr. A parameter without `=` has an empty value.
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

/// Decodes each `%xx` once; `%25` becomes `%` and stays one. `+` is a plus sign, in a query too.
/// Error bad_url: a `%` that two hex digits do not follow.
[[nodiscard]] core::expected<std::string> percent_decode(std::string_view text);

/// Appends `text` with everything but RFC 3986 unreserved characters as `%XX`. `keep_slash` leaves
/// `/` as it is, for ids that stand in a path.
void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash = false);

/// Splits and decodes a target in origin-form, absolute-form (its scheme and authority are dropped)
/// or asterisk-form, as `parse_request_head` lets it through. Paths are not normalised: a segment
/// `.` or `..`, also one that was percent-encoded, is refused, since a proxy in front may have
/// read it differently. Error bad_url: that; bad percent-encoding; decoded bytes that are no UTF-8
/// or hold a control character; a fragment; a parameter named twice; more than 64 parameters.
[[nodiscard]] core::expected<url_target> parse_target(std::string_view target);

} // namespace syncline::net
