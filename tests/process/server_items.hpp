#pragma once
// What a server holds, as anybody sees it who walks `GET /delta` from the beginning.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace syncline::tests {

/// All living items of a collection by id, in the flat form of PROTOCOL.md. Throws
/// std::runtime_error where an answer is not a page.
[[nodiscard]] std::map<std::string, nlohmann::json> server_items(std::uint16_t port,
                                                                 const std::string& collection);

} // namespace syncline::tests
