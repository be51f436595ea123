// The writing half of json.hpp.

#include "core/data/json.hpp"

#include <array>
#include <charconv>
#include <type_traits>
#include <utility>

namespace syncline::core {

namespace {

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  const std::string_view digits{text.data(), static_cast<std::size_t>(end - text.data())};
  out += digits;
  if constexpr (std::is_same_v<Number, double>)
    if (digits.find_first_of(".e") == std::string_view::npos)
      out += ".0";
}

void append_value(std::string& out, const json_value& value) {
  char separator = '\0';
  switch (value.kind()) {
  case json_kind::null:
    out += "null";
    return;
  case json_kind::boolean:
    out += value.as_boolean() ? "true" : "false";
    return;
  case json_kind::integer:
    return append_number(out, value.as_integer());
  case json_kind::unsigned_integer:
    return append_number(out, value.as_unsigned_integer());
  case json_kind::real:
    return append_number(out, value.as_real());
  case json_kind::string:
    return append_json_string(out, value.as_string());
  case json_kind::array:
    separator = '[';
    for (const json_value& item : value.items()) {
      out += std::exchange(separator, ',');
      append_value(out, item);
    }
    out += value.items().empty() ? "[]" : "]";
    return;
  case json_kind::object:
    separator = '{';
    for (const auto& [name, member] : value.members()) {
      out += std::exchange(separator, ',');
      append_json_string(out, name);
      out += ':';
      append_value(out, member);
    }
    out += value.members().empty() ? "{}" : "}";
    return;
  }
}

} // namespace

std::string to_text(const json_value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

void append_json_string(std::string& out, std::string_view utf8) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const auto byte = static_cast<unsigned char>(utf8[at]);
    if (byte >= 0x20 && byte != '"' && byte != '\\')
      continue;
    out += utf8.substr(plain, at - plain);
    plain = at + 1;
    out += '\\';
    switch (byte) {
    case '"':
    case '\\':
      out += utf8[at];
      break;
    case '\n':
      out += 'n';
      break;
    case '\r':
      out += 'r';
      break;
    case '\t':
      out += 't';
      break;
    default:
      out += "u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  out += utf8.substr(plain);
  out += '"';
}

} // namespace syncline::core
