#include "core/ot/text.hpp"

#include "core/ensure.hpp"
#include "core/ot/utf16.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace syncline::core::ot {

namespace {

constexpr std::size_t chunk_bytes = 2'048;     // of a new one
constexpr std::size_t chunk_bytes_max = 4'096; // above, it is cut in two or more
constexpr std::size_t chunk_bytes_min = 512;   // below, it is joined with its neighbour
constexpr std::size_t page_chunks = 32;        // of a new one
constexpr std::size_t page_chunks_max = 64;

// The largest prefix of at most `size` bytes that cuts no character.
std::string_view prefix_of(std::string_view utf8, std::size_t size) {
  if (size >= utf8.size())
    return utf8;
  const auto wanted = size;
  while (size > 0 && continues(utf8[size]))
    --size;
  return utf8.substr(0, size > 0 ? size : wanted); // Bytes that are no text still come to an end.
}

error cut_pair() {
  return fail("splits_surrogate_pair",
              "the operation begins or ends inside a character beyond U+FFFF, which is two UTF-16 "
              "code units");
}

error beyond_end(std::uint64_t wanted, std::uint64_t length) {
  return fail("bad_length", "offset " + std::to_string(wanted) + " is beyond the text's end at " +
                              std::to_string(length));
}

} // namespace

text::text() {
  pages_.emplace_back().chunks.emplace_back();
}

text::text(std::string_view utf8) : text() {
  place at;
  insert(at, utf8, static_cast<std::uint32_t>(utf16_length(utf8)));
}

std::string text::to_string() const {
  std::string all;
  all.reserve(bytes_);
  for (const auto& page : pages_)
    for (const auto& chunk : page.chunks)
      all += chunk.utf8;
  return all;
}

// Typing goes on where it was: the chunk of the last edit is looked at first.
text::place text::begin_of_edit(std::uint64_t position) const {
  place at;
  if (position >= last_.before) {
    at = last_;
    at.unit = at.byte = 0;
  }
  core::ensure(advance(at, position - at.before), "the place was checked");
  return at;
}

bool text::advance(place& at, std::uint64_t units) const {
  for (;;) {
    const auto& here = chunk_at(at);
    const std::uint32_t left = here.units - at.unit;
    if (units <= left)
      break;
    units -= left;
    at.before += here.units;
    at.unit = at.byte = 0;
    if (++at.chunk < pages_[at.page].chunks.size())
      continue;
    at.chunk = 0;
    // There is a further page, since nobody goes beyond the end.
    while (units > pages_[++at.page].units) {
      units -= pages_[at.page].units;
      at.before += pages_[at.page].units;
    }
  }
  const auto& here = chunk_at(at);
  if (here.units == here.utf8.size()) { // One byte a unit.
    at.unit += static_cast<std::uint32_t>(units);
    at.byte = at.unit;
    return true;
  }
  const auto bytes = byte_offset(std::string_view{here.utf8}.substr(at.byte), units);
  if (!bytes)
    return false;
  at.unit += static_cast<std::uint32_t>(units);
  at.byte += static_cast<std::uint32_t>(*bytes);
  return true;
}

bool text::cuts_no_pair(const operation& edit) const {
  place at;
  return std::all_of(edit.components().begin(), edit.components().end(), [&](const auto& each) {
    return each.what == step::insert || advance(at, each.length);
  });
}

expected<void> text::check(const operation& edit) const {
  if (edit.base_length() != length_)
    return fail("base_length_mismatch",
                "the operation is for a text of " + std::to_string(edit.base_length()) +
                  " UTF-16 code units, and this one has " + std::to_string(length_));
  if (pairs_ != 0 && !cuts_no_pair(edit))
    return cut_pair();
  return {};
}

expected<void> text::apply(const operation& edit) {
  if (auto fits = check(edit); !fits)
    return fits;
  const auto& components = edit.components();
  if (edit.is_noop())
    return {};
  std::size_t first = 0;
  std::uint64_t position = 0;
  if (components.front().what == step::retain)
    position = components[first++].length;
  auto at = begin_of_edit(position);
  std::string_view inserted = edit.text();
  for (auto index = first; index < components.size(); ++index) {
    const auto& each = components[index];
    switch (each.what) {
    case step::retain:
      if (index + 1 < components.size())
        advance(at, each.length);
      break;
    case step::insert:
      insert(at, inserted.substr(0, each.bytes), each.length);
      inserted.remove_prefix(each.bytes);
      break;
    case step::remove:
      remove(at, each.length);
      break;
    }
  }
  last_ = at;
  return {};
}

expected<operation> text::invert(const operation& edit) const {
  if (auto fits = check(edit); !fits)
    return fits.error();
  operation inverse;
  place at;
  for (const auto& each : edit.components()) {
    switch (each.what) {
    case step::retain:
      inverse.retain(each.length);
      advance(at, each.length);
      break;
    case step::insert:
      inverse.remove(each.length);
      break;
    case step::remove:
      inverse.insert(read(at, each.length), each.length);
      break;
    }
  }
  return inverse;
}

// Leaves the place behind what it read.
std::string text::read(place& at, std::uint64_t units) const {
  std::string out;
  while (units > 0) {
    const auto part = std::min<std::uint64_t>(units, chunk_at(at).units - at.unit);
    if (part == 0) { // At the end of a chunk: one further takes it to the next one.
      at.before += chunk_at(at).units;
      at.unit = at.byte = 0;
      if (++at.chunk == pages_[at.page].chunks.size()) {
        at.chunk = 0;
        ++at.page;
      }
      continue;
    }
    const auto from = at.byte;
    advance(at, part);
    out.append(chunk_at(at).utf8, from, at.byte - from);
    units -= part;
  }
  return out;
}

expected<std::string> text::slice(std::uint64_t position, std::uint64_t units) const {
  if (position > length_ || units > length_ - position)
    return beyond_end(position + units, length_);
  place at;
  if (!advance(at, position))
    return cut_pair();
  if (place end = at; !advance(end, units))
    return cut_pair();
  return read(at, units);
}

expected<std::uint64_t> text::byte_at(std::uint64_t units) const {
  if (units > length_)
    return beyond_end(units, length_);
  place at;
  if (!advance(at, units))
    return cut_pair();
  std::uint64_t before = at.byte;
  for (std::size_t page = 0; page <= at.page; ++page) {
    const auto& chunks = pages_[page].chunks;
    const auto count = page == at.page ? at.chunk : chunks.size();
    for (std::size_t chunk = 0; chunk < count; ++chunk)
      before += chunks[chunk].utf8.size();
  }
  return before;
}

expected<std::uint64_t> text::units_at(std::uint64_t byte) const {
  if (byte > bytes_)
    return beyond_end(byte, bytes_);
  std::uint64_t before = 0;
  for (const auto& page : pages_)
    for (const auto& chunk : page.chunks) {
      if (byte > chunk.utf8.size()) {
        byte -= chunk.utf8.size();
        before += chunk.units;
        continue;
      }
      if (byte < chunk.utf8.size() && continues(chunk.utf8[byte]))
        return fail("splits_character", "the byte offset is inside a character");
      return before + utf16_length(std::string_view{chunk.utf8}.substr(0, byte));
    }
  return before;
}

// --- Editing: the place is behind the edit afterwards.

void text::insert(place& at, std::string_view utf8, std::uint32_t units) {
  length_ += units;
  bytes_ += utf8.size();
  if (units != utf8.size())
    pairs_ += pairs_in(utf8);
  pages_[at.page].units += units;
  auto& here = chunk_at(at);
  if (here.utf8.size() + utf8.size() > chunk_bytes_max)
    return insert_and_split(at, utf8);
  here.utf8.insert(at.byte, utf8);
  here.units += units;
  at.byte += static_cast<std::uint32_t>(utf8.size());
  at.unit += units;
}

// The chunk and what is inserted become as many chunks as they need. Their units are on the page
// already.
void text::insert_and_split(place& at, std::string_view utf8) {
  auto& chunks = pages_[at.page].chunks;
  std::string whole = std::move(chunks[at.chunk].utf8);
  whole.insert(at.byte, utf8);
  const auto position = at.before + at.unit + utf16_length(utf8);
  std::vector<chunk> parts;
  for (std::string_view rest = whole; !rest.empty();) {
    const auto part = prefix_of(rest, rest.size() <= chunk_bytes       ? rest.size()
                                      : rest.size() <= chunk_bytes_max ? rest.size() / 2
                                                                       : chunk_bytes);
    auto& made = parts.emplace_back();
    made.utf8.reserve(chunk_bytes_max);
    made.utf8 = part;
    made.units = static_cast<std::uint32_t>(utf16_length(part));
    rest.remove_prefix(part.size());
  }
  chunks[at.chunk] = std::move(parts.front());
  chunks.insert(chunks.begin() + static_cast<std::ptrdiff_t>(at.chunk) + 1,
                std::make_move_iterator(parts.begin() + 1), std::make_move_iterator(parts.end()));
  at.unit = at.byte = 0;
  if (chunks.size() > page_chunks_max)
    split_page(at);
  core::ensure(advance(at, position - at.before), "what is inserted ends between two characters");
}

// The page becomes several that are half full; the place moves with its chunk.
void text::split_page(place& at) {
  std::vector<page> made;
  for (auto& each : pages_[at.page].chunks) {
    if (made.empty() || made.back().chunks.size() == page_chunks)
      made.emplace_back().chunks.reserve(page_chunks_max);
    made.back().units += each.units;
    made.back().chunks.push_back(std::move(each));
  }
  pages_[at.page] = std::move(made.front());
  pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at.page) + 1,
                std::make_move_iterator(made.begin() + 1), std::make_move_iterator(made.end()));
  at.page += at.chunk / page_chunks;
  at.chunk %= page_chunks;
}

void text::remove(place& at, std::uint64_t units) {
  length_ -= units;
  while (units > 0) {
    auto& here = chunk_at(at);
    const auto part =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(units, here.units - at.unit));
    if (part == 0) { // At the end of a chunk.
      at.before += here.units;
      at.unit = at.byte = 0;
      if (++at.chunk == pages_[at.page].chunks.size()) {
        at.chunk = 0;
        ++at.page;
      }
      continue;
    }
    auto end = at;
    advance(end, part);
    if (pairs_ != 0)
      pairs_ -= pairs_in(std::string_view{here.utf8}.substr(at.byte, end.byte - at.byte));
    here.utf8.erase(at.byte, end.byte - at.byte);
    here.units -= part;
    bytes_ -= end.byte - at.byte;
    pages_[at.page].units -= part;
    units -= part;
    if (here.utf8.empty())
      erase_chunk(at);
  }
  join_with_next(at);
}

// Of an empty chunk. The place is then at the end of the one before it, or at the beginning of the
// next one where there is none before.
void text::erase_chunk(place& at) {
  auto& chunks = pages_[at.page].chunks;
  if (pages_.size() == 1 && chunks.size() == 1)
    return;
  chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(at.chunk));
  if (chunks.empty()) {
    pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(at.page));
    at.chunk = 0;
    if (at.page == pages_.size()) { // It was the last page.
      --at.page;
      at.chunk = pages_[at.page].chunks.size();
    }
  }
  if (at.chunk == 0 && at.page == 0)
    return; // At the beginning of the text.
  if (at.chunk == 0) {
    --at.page;
    at.chunk = pages_[at.page].chunks.size();
  }
  --at.chunk;
  const auto& previous = chunk_at(at);
  at.unit = previous.units;
  at.byte = static_cast<std::uint32_t>(previous.utf8.size());
  at.before -= previous.units;
}

// Many small removals must not leave many small chunks.
void text::join_with_next(const place& at) {
  auto& chunks = pages_[at.page].chunks;
  if (chunk_at(at).utf8.size() >= chunk_bytes_min || at.chunk + 1 == chunks.size())
    return;
  auto& here = chunks[at.chunk];
  auto& next = chunks[at.chunk + 1];
  if (here.utf8.size() + next.utf8.size() > chunk_bytes)
    return;
  here.utf8 += next.utf8;
  here.units += next.units;
  chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(at.chunk) + 1);
}

} // namespace syncline::core::ot
