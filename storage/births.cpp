#include "storage/births.hpp"

#include "server_records.pb.h"
#include "storage/keys.hpp"

namespace syncline::storage {

void put_birth(record_writer& writer, std::string_view item, std::uint64_t mark,
               std::int64_t now_ms) {
  if (mark == 0)
    return;
  msg::BirthRecord record;
  record.set_stored_ms(now_ms);
  writer.put_message(server_table::births, birth_key(item, mark), record);
}

core::known_birth known_birth_of(const record_reader& records, std::string_view item,
                                 const std::optional<core::item_view>& current,
                                 std::uint64_t mark) {
  auto known = core::known_birth::no;
  if (current)
    known = core::compare_births(current->header.birth_mark, mark);
  if (known != core::known_birth::no || records.kv().count(server_table::births) == 0)
    return known;
  // The first half of a mark says which creation it was, so those are neighbours.
  const auto prefix = birth_prefix(item);
  const auto cursor = records.kv().cursor(server_table::births);
  for (bool more = cursor->seek(birth_key(item, core::first_mark_like(mark)));
       more && cursor->key().starts_with(prefix.view()) && known != core::known_birth::same;
       more = cursor->next()) {
    const auto each = core::compare_births(trailing_number(cursor->key()), mark);
    if (each == core::known_birth::no)
      break;
    known = each;
  }
  return known;
}

} // namespace syncline::storage
