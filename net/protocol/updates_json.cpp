#include "net/protocol/updates_json.hpp"

#include "core/data/json.hpp"
#include "net/protocol/item_json.hpp"

#include <algorithm>

namespace syncline::net {

namespace {

/// Below this a `since` is seconds: as milliseconds it would be a day in the first years after
/// 1970, as seconds it reaches the year 5138.
constexpr std::int64_t seconds_below = 100'000'000'000;

/// Numbers that every JSON reader keeps exactly.
constexpr std::int64_t number_max = std::int64_t{1} << 53;

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

core::error bad_since() {
  return core::fail("bad_since", "`since` is not a decimal number of milliseconds (or of seconds, "
                                 "below 10^11) since 1970. Send the last `nextSince`.");
}

} // namespace

std::string updates_json(const updates_page& page) {
  std::string out = "{\"items\":[";
  bool first = true;
  for (const auto& item : page.items) {
    if (item.deleted())
      continue;
    if (!first)
      out.push_back(',');
    first = false;
    append_item_json(out, item);
  }
  out += "],\"deleted\":[";
  first = true;
  for (const auto& item : page.items) {
    if (!item.deleted())
      continue;
    if (!first)
      out.push_back(',');
    first = false;
    core::append_json_string(out, item.id());
  }
  out += "],\"serverTime\":";
  append_number(out, page.server_time_ms);
  out += page.has_more ? ",\"hasMore\":true" : ",\"hasMore\":false";
  out += ",\"nextSince\":";
  append_number(out, page.next_since_ms);
  out.push_back('}');
  return out;
}

// By hand and not through a double: a double loses the milliseconds of some seconds.
core::expected<std::int64_t> parse_since(std::string_view text) {
  if (text.empty())
    return std::int64_t{0};
  const auto point = text.find('.');
  const auto whole_text = text.substr(0, point);
  const auto fraction =
    point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole_text.empty() || (point != std::string_view::npos && fraction.empty()) ||
      !std::all_of(whole_text.begin(), whole_text.end(), is_digit) ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit))
    return bad_since();
  std::int64_t whole = 0;
  for (const char digit : whole_text) {
    whole = whole * 10 + (digit - '0');
    if (whole > number_max)
      return bad_since();
  }
  if (whole >= seconds_below)
    return whole;
  std::int64_t milliseconds = 0;
  for (std::size_t at = 0; at < 3; ++at)
    milliseconds = milliseconds * 10 + (at < fraction.size() ? fraction[at] - '0' : 0);
  return whole * 1000 + milliseconds;
}

std::int64_t updates_read_from_ms(std::int64_t since_ms) noexcept {
  return since_ms > updates_overlap_ms ? since_ms - updates_overlap_ms : 0;
}

} // namespace syncline::net
