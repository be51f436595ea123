#pragma once
// What a server and two devices hold, each looked at from outside.

#include "syncline/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace syncline::app {

/// Content of one collection on one side.
struct collection_content {
  std::uint64_t items = 0;
  std::string sha256; ///< see `content_hash`

  friend bool operator==(const collection_content&, const collection_content&) = default;
};

/// By collection. One without items is left out.
using side_content = std::map<std::string, collection_content>;

/// The content of a device's closed store, read by a process of its own (`syncline store stat
/// --content`). Errors: what that process said, `store_corrupt` among it.
[[nodiscard]] result<side_content> content_of_device(const std::string& directory);

/// The content of the server, by walking `/delta` from 0 as a plain HTTP client.
[[nodiscard]] result<side_content> content_of_server(const std::string& url,
                                                     const std::vector<std::string>& collections);

} // namespace syncline::app
