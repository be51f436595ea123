#include "core/ot/utf16.hpp"

#include <cstring>

namespace syncline::core::ot {

namespace {

constexpr std::size_t word_bytes = sizeof(std::uint64_t);
constexpr std::uint64_t ones = 0x0101010101010101U; // one in each byte

bool begins_pair(char byte) noexcept {
  return static_cast<unsigned char>(byte) >= 0xF0U;
}

std::uint64_t load(const char* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, word_bytes);
  return word;
}

// Of flags, one in the lowest bit of each byte.
std::size_t count(std::uint64_t flags) noexcept {
  return (flags * ones) >> 56U;
}

// Bytes of the form 10xxxxxx.
std::uint64_t continuations(std::uint64_t word) noexcept {
  return (word >> 7U) & ~(word >> 6U) & ones;
}

// Bytes of the form 1111xxxx: each begins a character of two units.
std::uint64_t pair_beginnings(std::uint64_t word) noexcept {
  return (word >> 7U) & (word >> 6U) & (word >> 5U) & (word >> 4U) & ones;
}

std::size_t units_in(std::uint64_t word) noexcept {
  return word_bytes - count(continuations(word)) + count(pair_beginnings(word));
}

} // namespace

std::size_t utf16_length(std::string_view utf8) noexcept {
  std::size_t units = 0;
  std::size_t at = 0;
  for (; at + word_bytes <= utf8.size(); at += word_bytes)
    units += units_in(load(utf8.data() + at));
  for (; at < utf8.size(); ++at)
    units += (continues(utf8[at]) ? 0U : 1U) + (begins_pair(utf8[at]) ? 1U : 0U);
  return units;
}

std::size_t pairs_in(std::string_view utf8) noexcept {
  std::size_t pairs = 0;
  std::size_t at = 0;
  for (; at + word_bytes <= utf8.size(); at += word_bytes)
    pairs += count(pair_beginnings(load(utf8.data() + at)));
  for (; at < utf8.size(); ++at)
    pairs += begins_pair(utf8[at]) ? 1U : 0U;
  return pairs;
}

std::optional<std::size_t> byte_offset(std::string_view utf8, std::size_t units) noexcept {
  std::size_t at = 0;
  std::size_t passed = 0;
  // Whole words first. One may end inside a character, the rest of which then counts nothing.
  for (; at + word_bytes <= utf8.size(); at += word_bytes) {
    const auto further = units_in(load(utf8.data() + at));
    if (passed + further >= units)
      break;
    passed += further;
  }
  while (at < utf8.size() && continues(utf8[at]))
    ++at;
  while (passed < units && at < utf8.size()) {
    passed += begins_pair(utf8[at]) ? 2 : 1;
    do
      ++at;
    while (at < utf8.size() && continues(utf8[at]));
  }
  if (passed != units)
    return std::nullopt;
  return at;
}

} // namespace syncline::core::ot
