#pragma once
// Random texts and operations, and the slow and plain model that the fast code is compared with.

#include "core/ot/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace syncline::tests {

/// Ends the test with the seed of the case, which is enough to see it again.
#define HOLDS(condition) BOOST_REQUIRE_MESSAGE(condition, "case " << seed << ": " #condition)

/// The text as UTF-16, one character at a time.
std::u16string to_utf16(std::string_view utf8);

/// What an operation makes of a text.
std::u16string applied(const std::u16string& text, const core::ot::operation& edit);

/// Whether the place is not inside a surrogate pair.
bool is_between_characters(const std::u16string& text, std::size_t position);

/// How many cases of each property are tried: 20,000, or what SYNCLINE_OT_CASES says.
inline int random_cases() {
  const char* wanted = std::getenv("SYNCLINE_OT_CASES");
  return wanted ? std::atoi(wanted) : 20'000;
}

/// Edits as people make them, and as nobody does: of all lengths, with characters of one to four
/// bytes, at all places.
class random_edits {
public:
  explicit random_edits(std::uint64_t seed) : random_{seed} {}

  /// From 0 to `limit` - 1.
  std::size_t below(std::size_t limit) {
    return limit == 0 ? 0 : random_() % limit;
  }
  bool one_in(std::size_t chance) {
    return below(chance) == 0;
  }
  std::string text(std::size_t characters);
  /// Mostly a line; now and then some pages.
  std::string document() {
    return text(below(one_in(50) ? 9'000 : 40));
  }
  /// Fits the text; canonical, as every operation is.
  core::ot::operation operation(const std::u16string& on);
  /// One insert or removal, as typing makes them.
  core::ot::operation keystroke(const std::u16string& on);
  std::size_t place(const std::u16string& in);

private:
  std::mt19937_64 random_;
};

} // namespace syncline::tests
