// Any bytes as an id, a collection, a space, and as base64url.

#include "core/data/ids.hpp"

#include "core/data/base64url.hpp"
#include "core/data/json.hpp"
#include "core/data/utf8.hpp"
#include "core/ensure.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace syncline::core;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  ensure(validate_collection(text).has_value() == validate_space(text).has_value(),
         "spaces follow the rule of collections");
  if (validate_item_id(text)) {
    ensure(is_valid_utf8(text) && !text.empty() && text.size() <= item_id_bytes_max,
           "an accepted id is a short text");
    std::string quoted;
    append_json_string(quoted, text);
    const auto read = parse_json(quoted);
    ensure(read && read->as_string() == text, "an id survives JSON");
  }
  if (validate_collection(text))
    ensure(validate_item_id(text).has_value(), "a collection's name would do as an id");
  ensure(from_base64url(to_base64url(text)) == text, "bytes survive base64url");
  if (const auto bytes = from_base64url(text))
    ensure(to_base64url(*bytes) == text, "base64url has one spelling");
  return 0;
}
