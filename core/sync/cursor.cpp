#include "core/sync/cursor.hpp"

#include "core/data/base64url.hpp"

#include <charconv>
#include <cstring>

namespace syncline::core {

namespace {

constexpr std::size_t checksum_bytes = 4;

// FNV-1a: it guards against accidents, not against malice; a forged cursor shows a client nothing
// that it may not read anyway.
std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t hash = 2166136261u;
  for (const char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619u;
  return hash;
}

error bad_cursor(std::string_view token) {
  return fail("bad_cursor", "the cursor '" + std::string{token.substr(0, 60)} +
                              "' was not made by this server; start again without one");
}

template <class Number>
bool parse_number(std::string_view text, int base, Number& out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return failure == std::errc{} && end == text.data() + text.size();
}

std::string hexadecimal(std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return {digits, end};
}

} // namespace

std::string encode_cursor(const msg::Cursor& cursor) {
  std::string bytes = cursor.SerializeAsString();
  const std::uint32_t sum = checksum(bytes);
  char tail[checksum_bytes];
  std::memcpy(tail, &sum, checksum_bytes);
  bytes.append(tail, checksum_bytes);
  return to_base64url(bytes);
}

expected<msg::Cursor> decode_cursor(std::string_view token) {
  msg::Cursor cursor;
  if (token.empty() || token == "0")
    return cursor;
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() <= checksum_bytes)
    return bad_cursor(token);
  const std::string_view record{bytes->data(), bytes->size() - checksum_bytes};
  std::uint32_t sum = 0;
  std::memcpy(&sum, bytes->data() + record.size(), checksum_bytes);
  if (sum != checksum(record) ||
      !cursor.ParseFromArray(record.data(), static_cast<int>(record.size())) || cursor.epoch() == 0)
    return bad_cursor(token);
  return cursor;
}

std::string encode_place(const msg::Place& place) {
  return hexadecimal(place.epoch()) + "." + hexadecimal(place.start()) + "." +
         std::to_string(place.seq());
}

expected<msg::Place> decode_place(std::string_view text) {
  msg::Place place;
  if (text.empty())
    return place;
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  std::uint64_t epoch = 0;
  std::uint64_t start = 0;
  std::uint64_t seq = 0;
  if (second == std::string_view::npos || !parse_number(text.substr(0, first), 16, epoch) ||
      !parse_number(text.substr(first + 1, second - first - 1), 16, start) ||
      !parse_number(text.substr(second + 1), 10, seq))
    return fail("bad_cursor", "the parameter 'seen' is not of the form epoch.start.seq; leave it "
                              "out or give back what the server said");
  place.set_epoch(epoch);
  place.set_start(start);
  place.set_seq(seq);
  return place;
}

bool is_none(const msg::Place& place) {
  return place.epoch() == 0;
}

msg::Place server_history::head() const {
  msg::Place place;
  place.set_epoch(epoch);
  place.set_start(start());
  place.set_seq(head_seq);
  return place;
}

std::string_view to_string(place_problem problem) {
  switch (problem) {
  case place_problem::none:
    return "none";
  case place_problem::epoch:
    return "epoch";
  case place_problem::start:
    return "start";
  case place_problem::ahead:
    return "ahead";
  case place_problem::floor:
    return "floor";
  }
  return "none";
}

place_problem check_place(const server_history& history, const msg::Place& place) {
  if (is_none(place))
    return place_problem::none;
  if (place.epoch() != history.epoch)
    return place_problem::epoch;
  for (std::size_t i = 0; i < history.starts.size(); ++i) {
    const auto& record = history.starts[i];
    if (record.start() != place.start())
      continue;
    const bool is_current = i + 1 == history.starts.size();
    const std::uint64_t end = is_current ? history.head_seq : history.starts[i + 1].first_seq() - 1;
    if (place.seq() > history.head_seq)
      return place_problem::ahead;
    // One below its first: the head at which that start began.
    const bool inside = place.seq() + 1 >= record.first_seq() && place.seq() <= end;
    return inside ? place_problem::none : place_problem::start;
  }
  return place_problem::start;
}

msg::Place later_place(const msg::Place& known, const msg::Place& answered) {
  const bool keeps =
    !is_none(known) && known.epoch() == answered.epoch() && known.seq() > answered.seq();
  return keeps || is_none(answered) ? known : answered;
}

} // namespace syncline::core
