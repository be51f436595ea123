#pragma once
// The overlay row of an item: what the user sees, readable without parsing, then the lane.

#include "core/sync/lane.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace syncline::storage {

/// The visible half. `body` and `lane` are views into the stored row.
struct overlay_view {
  bool exists = false;
  core::sync_status status = core::sync_status::synced;
  core::item_header header;
  std::string_view body;
  std::string_view lane; ///< serialised msg::Lane
};

void append_overlay(std::string& out, const core::visible_item& item, const msg::Lane& lane);

/// nullopt where the bytes are no overlay row.
[[nodiscard]] std::optional<overlay_view> read_overlay(std::string_view payload);
/// The lane alone; false where the bytes are no overlay row.
[[nodiscard]] bool read_lane(std::string_view payload, msg::Lane& lane);

} // namespace syncline::storage
