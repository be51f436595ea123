#pragma once
// The tables that tests of stores use, and short ways to fill and read them.

#include "storage/kv.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::storage::test {

inline const std::vector<std::string> contract_tables{"first", "second"};
inline constexpr table_id first = 0;
inline constexpr table_id second = 1;

using model_table = std::map<std::string, std::string>;

inline std::string text_of(std::optional<std::string_view> value) {
  return value ? std::string{*value} : "(nothing)";
}

inline model_table contents(const kv_reader& reader, table_id table) {
  model_table found;
  const auto cursor = reader.cursor(table);
  for (bool there = cursor->seek(""); there; there = cursor->next())
    found.emplace(cursor->key(), cursor->value());
  return found;
}

inline std::string code_of_put(kv_writer& writer, std::string_view key) {
  try {
    writer.put(first, key, "value");
  } catch (const kv_error& thrown) {
    return thrown.code();
  }
  return "stored";
}

/// Commits a few entries.
inline void store_all(kv_environment& store, table_id table, const model_table& entries) {
  const auto writer = store.begin_write();
  for (const auto& [key, value] : entries)
    writer->put(table, key, value);
  writer->commit();
}

} // namespace syncline::storage::test
