#include "net/protocol/delta_wire.hpp"

#include <cstdint>

namespace syncline::net {

namespace {

// A difference as a small number, whatever its sign (protobuf's zigzag). What a peer sends may be
// any number, so all of this is modulo 2^64.
std::uint64_t difference(std::uint64_t value, std::uint64_t before) {
  const std::uint64_t distance = value - before;
  return (distance << 1) ^ (0 - (distance >> 63));
}

std::uint64_t sum(std::uint64_t before, std::uint64_t difference) {
  return before + ((difference >> 1) ^ (0 - (difference & 1)));
}

/// The numbers of the item before; they tell most of what the next one's are.
struct numbers {
  std::uint64_t seq = 0;
  std::uint64_t modified_ms = 0;
  std::uint64_t written_before_ms = 0; // how long before that the writer wrote, by his clock
  std::uint32_t counter = 0;
};

void pack(msg::Item& item, numbers& before) {
  auto now = before;
  now.seq = item.stamp().seq();
  now.modified_ms = static_cast<std::uint64_t>(item.last_modified_ms());
  item.mutable_stamp()->set_seq(difference(now.seq, before.seq));
  item.set_last_modified_ms(
    static_cast<std::int64_t>(difference(now.modified_ms, before.modified_ms)));
  if (item.has_writer_time()) {
    auto& time = *item.mutable_writer_time();
    now.written_before_ms = now.modified_ms - static_cast<std::uint64_t>(time.wall_ms());
    now.counter = time.counter();
    time.set_wall_ms(
      static_cast<std::int64_t>(difference(now.written_before_ms, before.written_before_ms)));
    time.set_counter(now.counter - before.counter);
  }
  before = now;
}

void unpack(msg::Item& item, numbers& before) {
  before.seq = sum(before.seq, item.stamp().seq());
  before.modified_ms = sum(before.modified_ms, static_cast<std::uint64_t>(item.last_modified_ms()));
  item.mutable_stamp()->set_seq(before.seq);
  item.set_last_modified_ms(static_cast<std::int64_t>(before.modified_ms));
  if (!item.has_writer_time())
    return;
  auto& time = *item.mutable_writer_time();
  before.written_before_ms =
    sum(before.written_before_ms, static_cast<std::uint64_t>(time.wall_ms()));
  before.counter += time.counter();
  time.set_wall_ms(static_cast<std::int64_t>(before.modified_ms - before.written_before_ms));
  time.set_counter(before.counter);
}

template <class Change>
void each_item(msg::DeltaPage& page, Change change) {
  numbers before;
  for (auto& item : *page.mutable_deleted())
    change(item, before);
  for (auto& item : *page.mutable_items())
    change(item, before);
}

} // namespace

void pack_page(msg::DeltaPage& page) {
  each_item(page, [start = page.head().start()](msg::Item& item, numbers& before) {
    item.clear_birth_seq(); // It tells created from updated, which only plain clients are told.
    if (item.stamp().start() == start)
      item.mutable_stamp()->clear_start();
    pack(item, before);
  });
}

void unpack_page(msg::DeltaPage& page) {
  each_item(page, [start = page.head().start()](msg::Item& item, numbers& before) {
    if (item.stamp().start() == 0)
      item.mutable_stamp()->set_start(start);
    unpack(item, before);
  });
}

} // namespace syncline::net
