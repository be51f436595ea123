#pragma once
// The algebra of shared texts, for who writes another client and wants to compare (`syncline ot`).

#include <string>
#include <string_view>

namespace syncline {

/// Answers one request of PROTOCOL.md section 9, a JSON object on one line, with another one:
/// `transform`, `apply`, `compose`, `invert`, `normalize`, `cursor`, `replay`. Whatever `id` it has
/// is echoed. What cannot be answered has `error`, a code of section 7, and a `message`. Lengths
/// and positions are UTF-16 code units. Pure; any thread.
[[nodiscard]] std::string answer_about_texts(std::string_view json_line);

} // namespace syncline
