#include "storage/overlay_record.hpp"

#include "core/ensure.hpp"

#include <cstring>

namespace syncline::storage {

namespace {
constexpr std::size_t prefix_bytes = 8; // exists, status, two spare, length of the body
} // namespace

void append_overlay(std::string& out, const core::visible_item& item, const msg::Lane& lane) {
  char prefix[prefix_bytes] = {};
  prefix[0] = item.exists ? 1 : 0;
  prefix[1] = static_cast<char>(item.status);
  const std::string_view body = item.exists ? std::string_view{item.body} : std::string_view{};
  const auto length = static_cast<std::uint32_t>(body.size());
  std::memcpy(prefix + 4, &length, sizeof length);
  out.append(prefix, prefix_bytes);
  core::append_item(out, item.header, body);
  core::ensure(lane.AppendToString(&out), "a lane of ours can be written");
}

std::optional<overlay_view> read_overlay(std::string_view payload) {
  if (payload.size() < prefix_bytes + core::item_header_bytes)
    return std::nullopt;
  std::uint32_t length = 0;
  std::memcpy(&length, payload.data() + 4, sizeof length);
  if (payload.size() < prefix_bytes + core::item_header_bytes + length)
    return std::nullopt;
  const auto item = core::read_item(payload.substr(prefix_bytes, core::item_header_bytes + length));
  overlay_view row;
  row.exists = payload[0] == 1;
  row.status = static_cast<core::sync_status>(payload[1]);
  row.header = item->header;
  row.body = item->body;
  row.lane = payload.substr(prefix_bytes + core::item_header_bytes + length);
  return row;
}

bool read_lane(std::string_view payload, msg::Lane& lane) {
  const auto row = read_overlay(payload);
  return row && lane.ParseFromArray(row->lane.data(), static_cast<int>(row->lane.size()));
}

} // namespace syncline::storage
