// Any bytes to the JSON reader: it answers, both of its faces agree, and what it read survives
// being written and read again.

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
  const auto parsed = parse_json(text);
  const auto body = validate_body(text);
  if (!parsed) {
    ensure(!body && body.error().code == parsed.error().code, "both readers refuse alike");
    return 0;
  }
  ensure(is_valid_utf8(text), "what is read is UTF-8");
  if (!body)
    ensure(body.error().code == "not_an_object" || body.error().code == "reserved_name",
           "a body is refused for its own rules only");
  const std::string written = to_text(*parsed);
  json_limits limits;
  limits.bytes_max = written.size(); // 1E5 becomes 100000.0: written text may be longer
  const auto again = parse_json(written, limits);
  ensure(again.has_value(), "what is written can be read");
  ensure(*again == *parsed, "what is read again is equal");
  ensure(to_text(*again) == written, "writing is stable");
  return 0;
}
