#pragma once
// The user's own editor.

#include "syncline/result.hpp"

#include <string>

namespace syncline::app {

/// Opens $VISUAL or $EDITOR on a file with this text, waits for its end, and returns what the file
/// is then. Errors: `usage` where neither is set; `editor_failed`; `store_io`.
[[nodiscard]] result<std::string> edit_in_editor(const std::string& text);

/// Writes a text that could not be stored to a file of its own, which only the user can read.
/// Returns its path; empty where that failed, too.
[[nodiscard]] std::string keep_for_user(const std::string& text);

} // namespace syncline::app
