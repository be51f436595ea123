#include "net/protocol/header_field.hpp"

#include <algorithm>

namespace syncline::net {

namespace {

constexpr bool is_alphanumeric(char byte) noexcept {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z');
}

constexpr char lower(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

constexpr bool is_whitespace(char byte) noexcept {
  return byte == ' ' || byte == '\t';
}

head_refusal bad_header(std::string message) {
  return {400, "bad_header", std::move(message)};
}

} // namespace

bool is_token_char(char byte) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return is_alphanumeric(byte) || others.find(byte) != std::string_view::npos;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value_char(char byte) noexcept {
  const auto code = static_cast<unsigned char>(byte);
  return code == '\t' || (code >= 0x20 && code != 0x7F);
}

std::string to_lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower_text) noexcept {
  return std::equal(text.begin(), text.end(), lower_text.begin(), lower_text.end(),
                    [](char mine, char theirs) { return lower(mine) == theirs; });
}

std::string_view trim_whitespace(std::string_view text) noexcept {
  while (!text.empty() && is_whitespace(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back()))
    text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_list(std::string_view value) {
  std::vector<std::string_view> elements;
  while (true) {
    const auto comma = value.find(',');
    const auto element = trim_whitespace(value.substr(0, comma));
    if (!element.empty())
      elements.push_back(element);
    if (comma == std::string_view::npos)
      return elements;
    value.remove_prefix(comma + 1);
  }
}

std::variant<std::pair<std::string, std::string>, head_refusal>
parse_header_line(std::string_view line) {
  if (line.empty() || is_whitespace(line.front()))
    return bad_header("A header line begins with whitespace. Folded lines are not accepted "
                      "(RFC 9112, 5.2): send each header on one line.");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return bad_header("A header line has no colon. Send `Name: value`.");
  const auto name = line.substr(0, colon);
  if (!name.empty() && is_whitespace(name.back()))
    return bad_header("There is whitespace between a header's name and its colon (RFC 9112, 5.1). "
                      "Remove it.");
  if (!is_token(name))
    return bad_header("A header's name is empty or has a character that names must not have "
                      "(RFC 9110, 5.6.2).");
  const auto value = trim_whitespace(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_field_value_char))
    return bad_header("The value of header `" + to_lower(name) +
                      "` has a control character (RFC 9110, 5.5). Remove it.");
  return std::pair{to_lower(name), std::string{value}};
}

} // namespace syncline::net
