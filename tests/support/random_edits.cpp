#include "tests/support/random_edits.hpp"

#include <algorithm>
#include <array>

namespace syncline::tests {

namespace ot = core::ot;

std::u16string to_utf16(std::string_view utf8) {
  std::u16string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[at]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    constexpr std::array<unsigned, 5> masks{0, 0x7F, 0x1F, 0x0F, 0x07};
    std::uint32_t character = lead & masks[bytes];
    for (std::size_t i = 1; i < bytes; ++i)
      character = character << 6U | (static_cast<unsigned char>(utf8[at + i]) & 0x3FU);
    at += bytes;
    if (character < 0x10000) {
      out += static_cast<char16_t>(character);
    } else {
      out += static_cast<char16_t>(0xD800U + ((character - 0x10000U) >> 10U));
      out += static_cast<char16_t>(0xDC00U + ((character - 0x10000U) & 0x3FFU));
    }
  }
  return out;
}

std::u16string applied(const std::u16string& text, const ot::operation& edit) {
  std::u16string out;
  std::size_t at = 0;
  std::string_view inserted = edit.text();
  for (const auto& each : edit.components()) {
    if (each.what == ot::step::insert) {
      out += to_utf16(inserted.substr(0, each.bytes));
      inserted.remove_prefix(each.bytes);
      continue;
    }
    if (each.what == ot::step::retain)
      out += text.substr(at, each.length);
    at += each.length;
  }
  return out;
}

bool is_between_characters(const std::u16string& text, std::size_t position) {
  return position == 0 || position >= text.size() || text[position] < 0xDC00 ||
         text[position] > 0xDFFF;
}

std::string random_edits::text(std::size_t characters) {
  // Mostly what is one byte, so that chunks with and without other characters both occur.
  constexpr std::array<const char*, 9> alphabet{"a", "b", "c", " ", "\n", "é", "漢", "😀", "𝒳"};
  const std::size_t used = one_in(3) ? alphabet.size() : 5;
  std::string out;
  for (std::size_t i = 0; i < characters; ++i)
    out += alphabet[below(used)];
  return out;
}

std::size_t random_edits::place(const std::u16string& in) {
  auto position = below(in.size() + 1);
  while (!is_between_characters(in, position))
    ++position;
  return position;
}

ot::operation random_edits::operation(const std::u16string& on) {
  ot::operation made;
  const bool is_dense = one_in(3); // Changes everywhere: as many components as there can be.
  std::size_t at = 0;
  while (at < on.size() || one_in(3)) {
    auto end = std::min(on.size(), at + 1 + below(!is_dense && one_in(4) ? on.size() : 8));
    while (!is_between_characters(on, end))
      ++end;
    const auto units = static_cast<std::uint32_t>(end - at);
    switch (below(5)) {
    case 0:
      made.insert(text(1 + below(4)));
      break;
    case 1:
      made.remove(units);
      at = end;
      break;
    default:
      made.retain(units);
      at = end;
    }
  }
  return made;
}

ot::operation random_edits::keystroke(const std::u16string& on) {
  ot::operation made;
  const auto at = place(on);
  made.retain(static_cast<std::uint32_t>(at));
  auto end = at;
  if (one_in(3)) {
    end = std::min(on.size(), at + 1 + below(5));
    while (!is_between_characters(on, end))
      ++end;
    made.remove(static_cast<std::uint32_t>(end - at));
  }
  if (end == at || one_in(2))
    made.insert(text(1 + below(3)));
  made.retain(static_cast<std::uint32_t>(on.size() - end));
  return made;
}

} // namespace syncline::tests
