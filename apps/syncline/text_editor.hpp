#pragma once
// The user's own editor.

#include "syncline/result.hpp"

#include <string>

namespace syncline::app {

/// Opens $VISUAL or $EDITOR on a file with this text, waits for its end, and returns what the file
/// is then. Errors: `usage` where neither is set; `editor_failed`; `store_io`.
[[nodiscard]] result<std::string> edit_in_editor(const std::string& text);

} // namespace syncline::app
