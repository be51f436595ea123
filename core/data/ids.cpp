#include "core/data/ids.hpp"

#include "core/data/utf8.hpp"
#include "core/ensure.hpp"

#include <algorithm>

namespace syncline::core {

namespace {

constexpr std::int64_t uuid_time_max = (std::int64_t{1} << 48) - 1;
constexpr std::uint64_t uuid_counter_max = 0xFFF;
// A start in the lower half leaves at least 2,048 ids before the time has to step ahead.
constexpr std::uint64_t uuid_counter_start_mask = 0x7FF;

error bad_id(const std::string& why) {
  return fail("bad_id", "the item id " + why + "; choose another id");
}

// C0, DEL and C1. The text is valid UTF-8, in which C1 is 0xC2 with 0x80 to 0x9F behind it.
bool has_control_character(std::string_view text) {
  unsigned char previous = 0;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0))
      return true;
    previous = byte;
  }
  return false;
}

bool has_dot_segment(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..")
      return true;
    if (slash == std::string_view::npos)
      return false;
    path.remove_prefix(slash + 1);
  }
}

expected<void> validate_name(std::string_view name, const char* code, const std::string& what) {
  if (name.empty())
    return fail(code, "the name of the " + what + " is empty; use 1 to 64 of a-z, 0-9, _ and -");
  if (name.size() > collection_bytes_max)
    return fail(code, "the name of the " + what + " has " + std::to_string(name.size()) +
                        " bytes, more than 64; shorten it");
  const std::size_t at = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-");
  if (at != std::string_view::npos)
    return fail(code, "the name of the " + what + " has another character than a-z, 0-9, _ and - " +
                        "at byte " + std::to_string(at) + "; rename it");
  return {};
}

void append_hex(std::string& out, std::uint64_t value, unsigned digits) {
  for (unsigned left = digits; left > 0; --left)
    out += "0123456789abcdef"[(value >> ((left - 1) * 4)) & 15u];
}

} // namespace

expected<void> validate_item_id(std::string_view id) {
  if (id.empty())
    return bad_id("is empty");
  if (id.size() > item_id_bytes_max)
    return bad_id("has " + std::to_string(id.size()) + " bytes, more than 200");
  if (!is_valid_utf8(id))
    return bad_id("is not valid UTF-8 at byte " + std::to_string(first_invalid_utf8(id)));
  if (has_control_character(id))
    return bad_id("has a control character in it");
  if (id.front() == '/' || id.back() == '/')
    return bad_id("begins or ends with '/'");
  if (has_dot_segment(id))
    return bad_id("has a segment '.' or '..'");
  return {};
}

expected<void> validate_collection(std::string_view name) {
  return validate_name(name, "bad_collection", "collection");
}

expected<void> validate_space(std::string_view name) {
  return validate_name(name, "bad_space", "space");
}

std::string make_uuid_v7(std::int64_t unix_ms, std::uint64_t random_a, std::uint64_t random_b) {
  const auto time = static_cast<std::uint64_t>(std::clamp(unix_ms, std::int64_t{0}, uuid_time_max));
  std::string text;
  text.reserve(36);
  append_hex(text, time >> 16, 8);
  text += '-';
  append_hex(text, time & 0xFFFF, 4);
  text += '-';
  append_hex(text, 0x7000 | (random_a & 0xFFF), 4);
  text += '-';
  append_hex(text, 0x8000 | ((random_b >> 48) & 0x3FFF), 4);
  text += '-';
  append_hex(text, random_b & 0xFFFF'FFFF'FFFF, 12);
  return text;
}

uuid_v7_generator::uuid_v7_generator(std::function<std::uint64_t()> random)
  : random_{std::move(random)} {
  ensure(static_cast<bool>(random_), "a generator of ids has a source of random bits");
}

void uuid_v7_generator::start_at(std::int64_t unix_ms) {
  last_ms_ = unix_ms;
  counter_ = random_() & uuid_counter_start_mask;
}

std::string uuid_v7_generator::next(std::int64_t unix_ms) {
  const std::int64_t now_ms = std::clamp(unix_ms, std::int64_t{0}, uuid_time_max);
  if (now_ms > last_ms_)
    start_at(now_ms);
  else if (counter_ < uuid_counter_max)
    ++counter_;
  else
    start_at(std::min(last_ms_ + 1, uuid_time_max));
  return make_uuid_v7(last_ms_, counter_, random_());
}

} // namespace syncline::core
