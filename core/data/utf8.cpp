#include "core/data/utf8.hpp"

#include <simdjson.h>
#include <utf8.h>

namespace syncline::core {

bool is_valid_utf8(std::string_view bytes) noexcept {
  return simdjson::validate_utf8(bytes.data(), bytes.size());
}

std::size_t first_invalid_utf8(std::string_view bytes) noexcept {
  return static_cast<std::size_t>(utf8::find_invalid(bytes.begin(), bytes.end()) - bytes.begin());
}

} // namespace syncline::core
