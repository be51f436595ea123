#pragma once
// The demo's data: languages and countries, from Debian's package `iso-codes`.

#include "syncline/result.hpp"
#include "syncline/types.hpp"

#include <vector>

namespace syncline::app {

/// Collections of the demo.
inline constexpr const char* languages = "languages";
inline constexpr const char* countries = "countries";

/// One write for each of about 8,000 languages (by its code of three letters) and 250 countries (of
/// two). Error `no_data` where the package is not installed.
[[nodiscard]] result<std::vector<operation>> read_iso_codes();

} // namespace syncline::app
