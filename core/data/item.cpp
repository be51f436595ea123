#include "core/data/item.hpp"

#include <bit>
#include <cstring>

namespace syncline::core {

static_assert(std::endian::native == std::endian::little,
              "stored headers are little-endian; a big-endian port needs byte swaps here");

namespace {

template <class T>
void put(char*& at, T value) {
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}

template <class T>
T take(const char*& at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

} // namespace

void append_item(std::string& out, const item_header& header, std::string_view body) {
  char bytes[item_header_bytes];
  char* at = bytes;
  put(at, header.version);
  put(at, header.last_modified_ms);
  put(at, header.stamp.start);
  put(at, header.stamp.seq);
  put(at, header.birth_seq);
  put(at, header.writer_wall_ms);
  put(at, header.writer_tag);
  put(at, header.writer_counter);
  put(at, std::uint32_t{header.deleted ? 1u : 0u});
  put(at, header.birth_mark);
  out.append(bytes, item_header_bytes);
  out.append(body);
}

std::optional<item_view> read_item(std::string_view stored) {
  if (stored.size() < item_header_bytes)
    return std::nullopt;
  item_view item;
  const char* at = stored.data();
  item.header.version = take<std::uint64_t>(at);
  item.header.last_modified_ms = take<std::int64_t>(at);
  item.header.stamp.start = take<std::uint64_t>(at);
  item.header.stamp.seq = take<std::uint64_t>(at);
  item.header.birth_seq = take<std::uint64_t>(at);
  item.header.writer_wall_ms = take<std::int64_t>(at);
  item.header.writer_tag = take<std::uint64_t>(at);
  item.header.writer_counter = take<std::uint32_t>(at);
  item.header.deleted = (take<std::uint32_t>(at) & 1u) != 0;
  item.header.birth_mark = take<std::uint64_t>(at);
  item.body = stored.substr(item_header_bytes);
  return item;
}

stamp from_message(const msg::Stamp& from) {
  return {from.start(), from.seq()};
}

msg::Stamp to_message(const stamp& from) {
  msg::Stamp to;
  to.set_start(from.start);
  to.set_seq(from.seq);
  return to;
}

void fill_message(msg::Item& out, std::string_view id, const item_view& item) {
  const auto& header = item.header;
  out.set_id(id.data(), id.size());
  if (!header.deleted)
    out.set_body(item.body.data(), item.body.size());
  out.set_version(header.version);
  out.set_last_modified_ms(header.last_modified_ms);
  out.mutable_stamp()->set_start(header.stamp.start);
  out.mutable_stamp()->set_seq(header.stamp.seq);
  out.set_birth_seq(header.birth_seq);
  out.set_deleted(header.deleted);
  if (header.writer_wall_ms != 0 || header.writer_counter != 0) {
    out.mutable_writer_time()->set_wall_ms(header.writer_wall_ms);
    out.mutable_writer_time()->set_counter(header.writer_counter);
  }
  out.set_writer_tag(header.writer_tag);
}

msg::Item to_message(std::string_view id, const item_view& item) {
  msg::Item out;
  fill_message(out, id, item);
  return out;
}

item_header header_of(const msg::Item& item) {
  item_header header;
  header.version = item.version();
  header.last_modified_ms = item.last_modified_ms();
  header.stamp = from_message(item.stamp());
  header.birth_seq = item.birth_seq();
  header.deleted = item.deleted();
  header.writer_wall_ms = item.writer_time().wall_ms();
  header.writer_counter = item.writer_time().counter();
  header.writer_tag = item.writer_tag();
  return header;
}

} // namespace syncline::core
