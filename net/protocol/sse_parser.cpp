#include "net/protocol/sse_parser.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace syncline::net {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

} // namespace

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view wanted = "text/event-stream";
  auto essence = content_type.substr(0, content_type.find(';'));
  while (!essence.empty() && (essence.back() == ' ' || essence.back() == '\t'))
    essence.remove_suffix(1);
  return std::equal(essence.begin(), essence.end(), wanted.begin(), wanted.end(),
                    [](char left, char right) { return lower(left) == right; });
}

core::expected<void> sse_parser::feed(std::string_view bytes,
                                      const std::function<void(sse_event)>& on_event) {
  bytes = without_mark(bytes);
  while (!bytes.empty()) {
    if (std::exchange(after_carriage_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    const auto piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > event_bytes_max_ || data_.size() > event_bytes_max_)
      return core::fail("too_large", "an event of the stream has more than " +
                                       std::to_string(event_bytes_max_) +
                                       " bytes; connect again, or pull");
    if (end == std::string_view::npos) {
      line_ += piece;
      return {};
    }
    after_carriage_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      take_line(piece, on_event);
    } else {
      line_ += piece;
      take_line(line_, on_event);
      line_.clear();
    }
  }
  return {};
}

// One mark at the very beginning is no part of the stream, wherever the pieces are cut.
std::string_view sse_parser::without_mark(std::string_view bytes) {
  while (!mark_is_past_ && !bytes.empty()) {
    if (bytes.front() == byte_order_mark[mark_bytes_]) {
      bytes.remove_prefix(1);
      mark_is_past_ = ++mark_bytes_ == byte_order_mark.size();
    } else {
      mark_is_past_ = true;
      line_ = byte_order_mark.substr(0, mark_bytes_); // It was none.
    }
  }
  return bytes;
}

void sse_parser::take_line(std::string_view line, const std::function<void(sse_event)>& on_event) {
  if (line.empty())
    return end_event(on_event);
  const auto colon = line.find(':');
  if (colon == 0)
    return; // A comment.
  if (colon == std::string_view::npos)
    return take_field(line, {});
  auto value = line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ')
    value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
}

void sse_parser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_ += value;
    data_ += '\n';
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos)
      id_ = value;
  } else if (name == "retry") {
    const bool is_number = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
    std::uint64_t number = 0;
    if (is_number &&
        std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc{})
      retry_ms_ = number;
  }
}

void sse_parser::end_event(const std::function<void(sse_event)>& on_event) {
  last_event_id_ = id_;
  if (data_.empty()) {
    type_.clear();
    return;
  }
  sse_event event;
  if (!type_.empty())
    event.type = std::move(type_);
  data_.pop_back(); // The line end behind the last line.
  event.data = std::move(data_);
  event.last_event_id = last_event_id_;
  type_.clear();
  data_.clear();
  on_event(std::move(event));
}

} // namespace syncline::net
