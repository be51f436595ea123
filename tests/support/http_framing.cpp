#include "tests/support/http_framing.hpp"

#include <algorithm>
#include <charconv>

namespace syncline::tests {

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

http_framing frame_of(std::string_view head, bool reply, bool head_request) {
  const auto text = lower(head);
  const auto value = [&text](std::string_view name) -> std::string_view {
    const auto at = text.find("\r\n" + std::string{name} + ":");
    if (at == std::string::npos)
      return {};
    const auto begin = text.find_first_not_of(' ', at + 3 + name.size());
    return std::string_view{text}.substr(begin, text.find("\r\n", begin) - begin);
  };
  http_framing found;
  const auto status = reply && text.size() > 12 ? text.substr(9, 3) : std::string{};
  found.expects_continue = value("expect") == "100-continue";
  found.interim = reply && status.starts_with('1') && status != "101";
  found.stream = status == "101" || (reply && value("content-type").starts_with("text/event-stre"));
  if (head_request || found.interim || found.stream || status == "204" || status == "304")
    return found;
  found.chunked = value("transfer-encoding") == "chunked";
  const auto length = value("content-length");
  if (!length.empty())
    (void)std::from_chars(length.data(), length.data() + length.size(), found.length);
  found.until_close = reply && length.empty() && !found.chunked;
  return found;
}

std::optional<std::size_t> chunked_size(std::string_view bytes) {
  std::size_t at = 0;
  for (;;) {
    const auto line = bytes.find("\r\n", at);
    if (line == std::string_view::npos)
      return std::nullopt;
    std::size_t size = 0;
    (void)std::from_chars(bytes.data() + at, bytes.data() + line, size, 16);
    if (size == 0) {
      const auto end = bytes.find("\r\n\r\n", line);
      return end == std::string_view::npos ? std::nullopt : std::optional{end + 4};
    }
    at = line + 2 + size + 2;
    if (at > bytes.size())
      return std::nullopt;
  }
}

} // namespace syncline::tests
