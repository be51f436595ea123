#pragma once
// How one list of numbers becomes another one: what `difference` makes of lines, words and
// characters.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace syncline::core::ot {

/// So many parts of the first list are gone, so many of the second are new, and behind them so many
/// are the same.
struct stretch {
  std::size_t removed = 0;
  std::size_t inserted = 0;
  std::size_t kept = 0;
};

/// Myers' algorithm in linear space ("An O(ND) difference algorithm and its variations", 1986).
/// From `effort` the parts compared and the ways tried are taken; nullopt where half of it is not
/// enough. Pure; any thread.
[[nodiscard]] std::optional<std::vector<stretch>>
shortest_path(std::span<const std::uint32_t> before, std::span<const std::uint32_t> after,
              std::ptrdiff_t& effort);

/// The shortest path, or where that has too many differences, one through what both lists have
/// exactly once (as patience diff does); what lies between and is still too different is replaced
/// as a whole. Pure; any thread.
[[nodiscard]] std::vector<stretch> edit_path(std::span<const std::uint32_t> before,
                                             std::span<const std::uint32_t> after,
                                             std::ptrdiff_t& effort);

} // namespace syncline::core::ot
