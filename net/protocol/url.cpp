#include "net/protocol/url.hpp"

#include "core/data/utf8.hpp"

#include <algorithm>
#include <optional>

namespace syncline::net {

namespace {

constexpr std::size_t parameters_max = 64;

core::error bad_url(std::string message) {
  return core::fail("bad_url", std::move(message));
}

std::optional<unsigned> hex_value(char byte) {
  if (byte >= '0' && byte <= '9')
    return static_cast<unsigned>(byte - '0');
  if (byte >= 'a' && byte <= 'f')
    return static_cast<unsigned>(byte - 'a') + 10;
  if (byte >= 'A' && byte <= 'F')
    return static_cast<unsigned>(byte - 'A') + 10;
  return std::nullopt;
}

bool is_unreserved(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

/// Decodes and refuses what no id, name or number of ours may contain.
core::expected<std::string> decode_text(std::string_view text) {
  auto decoded = percent_decode(text);
  if (!decoded)
    return decoded;
  if (!core::is_valid_utf8(*decoded))
    return bad_url("The URL decodes to bytes that are not UTF-8. Encode text as UTF-8 first.");
  const auto is_control = [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
  };
  if (std::any_of(decoded->begin(), decoded->end(), is_control))
    return bad_url("The URL decodes to text with a control character. Remove it.");
  return decoded;
}

/// Drops `http://authority` from a target in absolute-form. An empty path means `/`.
std::string_view without_authority(std::string_view target) {
  if (target.empty() || target.front() == '/' || target == "*")
    return target;
  const auto start = target.find("://");
  if (start == std::string_view::npos)
    return target;
  const auto end = target.find_first_of("/?", start + 3);
  return end == std::string_view::npos ? std::string_view{} : target.substr(end);
}

bool has_dot_segment(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (segment == "." || segment == "..")
      return true;
    if (slash == std::string_view::npos)
      return false;
    path.remove_prefix(slash + 1);
  }
}

core::expected<void> add_parameter(std::string_view text, url_target& target) {
  const auto equals = text.find('=');
  auto name = decode_text(text.substr(0, equals));
  if (!name)
    return name.error();
  auto value =
    decode_text(equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1));
  if (!value)
    return value.error();
  if (target.find(*name) != nullptr)
    return bad_url("The query names a parameter twice: " + *name + ". Name it once.");
  if (target.query.size() == parameters_max)
    return bad_url("The query has more than " + std::to_string(parameters_max) + " parameters.");
  target.query.emplace_back(*std::move(name), *std::move(value));
  return {};
}

core::expected<void> read_query(std::string_view query, url_target& target) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    if (end != 0) {
      if (auto added = add_parameter(query.substr(0, end), target); !added)
        return added;
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

} // namespace

const std::string* url_target::find(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name)
      return &value;
  }
  return nullptr;
}

core::expected<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    const auto high = at + 1 < text.size() ? hex_value(text[at + 1]) : std::nullopt;
    const auto low = at + 2 < text.size() ? hex_value(text[at + 2]) : std::nullopt;
    if (!high || !low)
      return bad_url("The URL has a `%` that two hex digits do not follow. Write `%25` for a "
                     "percent sign.");
    decoded.push_back(static_cast<char>(*high << 4 | *low));
    at += 2;
  }
  return decoded;
}

void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char byte : text) {
    if (is_unreserved(byte) || (keep_slash && byte == '/')) {
      out.push_back(byte);
      continue;
    }
    const auto code = static_cast<unsigned char>(byte);
    out.push_back('%');
    out.push_back(digits[code >> 4]);
    out.push_back(digits[code & 0x0F]);
  }
}

core::expected<url_target> parse_target(std::string_view target) {
  if (target.find('#') != std::string_view::npos)
    return bad_url("The URL has a fragment (`#...`), which is never sent to a server.");
  target = without_authority(target);
  const auto question = target.find('?');
  const auto raw_path = target.substr(0, question);
  auto path = decode_text(raw_path.empty() ? std::string_view{"/"} : raw_path);
  if (!path)
    return path.error();
  if (*path != "*" && path->front() != '/')
    return bad_url("The URL's path does not begin with `/`.");
  if (has_dot_segment(*path))
    return bad_url("The URL's path has a segment `.` or `..`. Send the path that is meant.");
  url_target result;
  result.path = *std::move(path);
  if (question != std::string_view::npos) {
    if (auto read = read_query(target.substr(question + 1), result); !read)
      return read.error();
  }
  return result;
}

} // namespace syncline::net
