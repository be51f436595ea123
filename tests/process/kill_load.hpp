#pragma once
// What the clients of the kill test write: write N of a client is a function of N alone, and one
// transaction. Its marker says how far a client came, so that all other items follow from it.

#include "syncline/types.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace syncline::tests {

inline constexpr std::uint64_t kill_counters = 10; ///< that all clients count up
inline constexpr std::uint64_t kill_own_items = 25;

inline std::string kill_counter(std::uint64_t index) {
  return "count-" + std::to_string(index);
}

inline std::uint64_t kill_counter_of(std::uint64_t client, std::uint64_t number) {
  return (number * 7 + client) % kill_counters;
}

inline std::string kill_marker(std::uint64_t client) {
  return "marker-" + std::to_string(client);
}

inline std::string kill_own_item(std::uint64_t client, std::uint64_t number) {
  return "own-" + std::to_string(client) + "-" + std::to_string(number % kill_own_items);
}

/// Is there after odd writes, and not after even ones.
inline std::string kill_flipping(std::uint64_t client) {
  return "flip-" + std::to_string(client);
}

inline std::vector<operation> kill_write(std::uint64_t client, std::uint64_t number) {
  const std::string body = "{\"n\":" + std::to_string(number) + "}";
  const auto flip = kill_flipping(client);
  return {operation::increment("notes", kill_counter(kill_counter_of(client, number)), "n",
                               std::int64_t{1}),
          operation::put("notes", kill_own_item(client, number), body),
          number % 2 == 1 ? operation::put("notes", flip, body) : operation::remove("notes", flip),
          operation::put("notes", kill_marker(client), body)};
}

} // namespace syncline::tests
