#pragma once
// All tables of both stores, and the layout of every key.
//
// Client store                                        key
//   meta              identity, state, clean close    name
//   cursors           one per collection              collection
//   base              what the server last said       collection 00 id
//   overlay           what the user sees, and the     collection 00 id
//                     lane that makes it so
//   outbox            what waits                      seq
//   acknowledged      accepted, not yet in base       collection 00 seq 00 id
//   conflicts         decided and open                conflict id
//   quarantine        refused for good                seq
//   idmap             local id <-> server id, and     collection 00 side id
//                     what a walk has met and what was deleted there (id_map.hpp)
//   jobs              when to sync                    name
//   documents         how each shared text stands     document
//   document_pending  a text as a whole, and what     document 00 change
//                     happened to it since
//   changes           the local feed                  seq
//
// Server store
//   meta              identity, clean close           name
//   starts            every start of the server       space 00 ordinal
//   spaces            head of each space              space
//   collections       head and floor of each          space 00 collection
//   items             items and tombstones            space 00 collection 00 id
//   births            creations that the item's       space 00 collection 00 id 00 mark
//                     header does not name
//   change_index      one entry a living id or        space 00 collection 00 seq
//                     tombstone, in commit order
//   clients           last mutation of each           space 00 client
//   results           answers still asked for         space 00 client 00 mutation id
//   idempotency       answers to named requests       space 00 key
//   documents         head of each text               space 00 document
//   document_log      its operations                  space 00 document 00 revision
//   document_snapshots  its text at some revision     space 00 document
//   document_clients  last operation of each          space 00 document 00 client
//
// Integers are big-endian, so that their order is the order of keys. Names hold no byte 00.
// The longest key has 64 + 1 + 64 + 1 + 200 + 1 + 8 bytes; LMDB takes 511.

#include "core/ensure.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::storage {

namespace client_table {
enum : std::size_t {
  meta,
  cursors,
  base,
  overlay,
  outbox,
  acknowledged,
  conflicts,
  quarantine,
  idmap,
  documents,
  document_pending,
  jobs,
  changes
};
} // namespace client_table

namespace server_table {
enum : std::size_t {
  meta,
  starts,
  spaces,
  collections,
  items,
  births,
  change_index,
  clients,
  results,
  idempotency,
  documents,
  document_log,
  document_snapshots,
  document_clients
};
} // namespace server_table

/// Names of the tables, in the order of the enumerations above.
[[nodiscard]] const std::vector<std::string>& client_tables();
[[nodiscard]] const std::vector<std::string>& server_tables();

/// Builds a key in place, without allocation.
class key_buffer {
public:
  key_buffer() = default;

  key_buffer& text(std::string_view part) {
    core::ensure(size_ + part.size() <= bytes_.size(), "a key fits its buffer");
    std::copy(part.begin(), part.end(), bytes_.data() + size_); // Of an empty text: nothing.
    size_ += part.size();
    return *this;
  }
  key_buffer& separator() {
    return text(std::string_view{"\0", 1});
  }
  key_buffer& number(std::uint64_t value) {
    char digits[8];
    for (int i = 7; i >= 0; --i, value >>= 8)
      digits[i] = static_cast<char>(value & 0xff);
    return text({digits, sizeof digits});
  }
  [[nodiscard]] std::string_view view() const {
    return {bytes_.data(), size_};
  }
  operator std::string_view() const {
    return view();
  }

private:
  std::array<char, 511> bytes_;
  std::size_t size_ = 0;
};

[[nodiscard]] inline key_buffer number_key(std::uint64_t value) {
  key_buffer key;
  key.number(value);
  return key;
}

/// collection 00 id
[[nodiscard]] inline key_buffer item_key(std::string_view collection, std::string_view id) {
  key_buffer key;
  key.text(collection).separator().text(id);
  return key;
}

/// space 00 collection 00 id
[[nodiscard]] inline key_buffer item_key(std::string_view space, std::string_view collection,
                                         std::string_view id) {
  key_buffer key;
  key.text(space).separator().text(collection).separator().text(id);
  return key;
}

/// collection 00 seq 00 id: one item can be acknowledged several times.
[[nodiscard]] inline key_buffer acknowledged_key(std::string_view collection, std::uint64_t seq,
                                                 std::string_view id) {
  key_buffer key;
  key.text(collection).separator().number(seq).separator().text(id);
  return key;
}

/// item key 00: what the keys of an item's births begin with
[[nodiscard]] inline key_buffer birth_prefix(std::string_view item_key) {
  key_buffer key;
  key.text(item_key).separator();
  return key;
}

/// item key 00 mark
[[nodiscard]] inline key_buffer birth_key(std::string_view item_key, std::uint64_t mark) {
  key_buffer key;
  key.text(item_key).separator().number(mark);
  return key;
}

/// prefix 00 number, for keys that end in a number
[[nodiscard]] inline key_buffer numbered_key(std::string_view prefix, std::uint64_t number) {
  key_buffer key;
  key.text(prefix).separator().number(number);
  return key;
}

/// space 00 collection 00 seq, and space 00 client 00 mutation id
[[nodiscard]] inline key_buffer numbered_key(std::string_view space, std::string_view name,
                                             std::uint64_t number) {
  key_buffer key;
  key.text(space).separator().text(name).separator().number(number);
  return key;
}

/// The number at the end of a key.
[[nodiscard]] std::uint64_t trailing_number(std::string_view key);

/// What stands after the first `prefix_bytes` and the separator behind them.
[[nodiscard]] inline std::string_view after_prefix(std::string_view key, std::size_t prefix_bytes) {
  return key.substr(prefix_bytes + 1);
}

/// A key as a person can read it in an error text: separators as '/', what is no text
/// in hexadecimal. Always UTF-8.
[[nodiscard]] std::string describe_key(std::string_view key);

} // namespace syncline::storage
