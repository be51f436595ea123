#include "net/protocol/item_json.hpp"

#include "core/data/json.hpp"
#include "core/ensure.hpp"

#include <array>
#include <charconv>

namespace syncline::net {

namespace {

template <class T>
void append_integer(std::string& out, T number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

constexpr std::string_view json_whitespace = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(json_whitespace);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(json_whitespace) - first + 1);
}

} // namespace

std::string_view members_text(std::string_view object) {
  object = trim(object);
  core::ensure(object.size() >= 2 && object.front() == '{' && object.back() == '}',
               "an item's body is a JSON object");
  return trim(object.substr(1, object.size() - 2));
}

void append_number(std::string& out, std::uint64_t number) {
  append_integer(out, number);
}

void append_number(std::string& out, std::int64_t number) {
  append_integer(out, number);
}

void append_hex64(std::string& out, std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.push_back('"');
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back(digits[(value >> shift) & 0x0F]);
  out.push_back('"');
}

void append_item_json(std::string& out, const msg::Item& item) {
  out += "{\"id\":";
  core::append_json_string(out, item.id());
  if (item.deleted()) {
    out += ",\"deleted\":true";
  } else if (const auto members = members_text(item.body()); !members.empty()) {
    out.push_back(',');
    out.append(members);
  }
  out += ",\"version\":";
  append_number(out, std::uint64_t{item.version()});
  out += ",\"lastModified\":";
  append_number(out, std::int64_t{item.last_modified_ms()});
  out.push_back('}');
}

} // namespace syncline::net
