#include "net/protocol/delta_json.hpp"

#include "core/data/json.hpp"
#include "net/protocol/item_json.hpp"

#include <algorithm>

namespace syncline::net {

namespace {

/// What an item's JSON needs beside its body, roughly: one allocation for the page.
constexpr std::size_t item_overhead = 160;

void append_items(std::string& out, const msg::DeltaPage& page, bool created,
                  std::uint64_t cursor_seq) {
  bool first = true;
  for (const auto& item : page.items()) {
    if (is_created(page, item, cursor_seq) != created)
      continue;
    if (!first)
      out.push_back(',');
    first = false;
    append_item_json(out, item);
  }
}

} // namespace

bool is_created(const msg::DeltaPage& page, const msg::Item& item, std::uint64_t cursor_seq) {
  return page.phase() == msg::Cursor::SNAPSHOT || item.birth_seq() > cursor_seq;
}

bool is_known_tombstone(const msg::Item& tombstone, std::uint64_t cursor_seq,
                        std::uint64_t walk_end_seq) {
  return tombstone.birth_seq() <= std::max(cursor_seq, walk_end_seq);
}

std::string delta_page_json(const msg::DeltaPage& page, std::uint64_t cursor_seq,
                            std::uint64_t walk_end_seq) {
  std::size_t bytes = item_overhead + page.next_cursor().size();
  for (const auto& item : page.items())
    bytes += item.body().size() + item.id().size() + item_overhead;
  std::string out;
  out.reserve(bytes);
  out += "{\"created\":[";
  append_items(out, page, true, cursor_seq);
  out += "],\"updated\":[";
  append_items(out, page, false, cursor_seq);
  out += "],\"deleted\":[";
  bool first = true;
  for (const auto& tombstone : page.deleted()) {
    if (!is_known_tombstone(tombstone, cursor_seq, walk_end_seq))
      continue;
    if (!first)
      out.push_back(',');
    first = false;
    core::append_json_string(out, tombstone.id());
  }
  out += "],\"nextCursor\":";
  core::append_json_string(out, page.next_cursor());
  out += page.has_more() ? ",\"hasMore\":true}" : ",\"hasMore\":false}";
  return out;
}

} // namespace syncline::net
