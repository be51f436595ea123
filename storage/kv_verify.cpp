#include "storage/kv_verify.hpp"

#include "storage/checksum.hpp"
#include "storage/lmdb/failure.hpp"

#include <optional>

namespace syncline::storage {

namespace {

core::error bad_record(const std::string& table, std::string_view key, std::string_view what) {
  std::string message = "table " + table + ", key " + printable(key) + ": ";
  message += what;
  message += "; run `syncline store check`, and restore a backup or rebuild from the server";
  return core::error{"store_corrupt", std::move(message)};
}

core::expected<void> verify_table(const kv_reader& reader, table_id id, const std::string& table,
                                  const record_checker& checker, verify_report& report) {
  const auto cursor = reader.cursor(id);
  std::uint64_t records = 0;
  std::optional<std::string> previous;
  for (bool there = cursor->seek({}); there; there = cursor->next()) {
    const std::string_view key = cursor->key();
    const std::string_view stored = cursor->value();
    if (previous && std::string_view{*previous} >= key)
      return bad_record(table, key, "it is out of order");
    previous = key;
    const auto payload = unseal(key, stored);
    if (!payload)
      return bad_record(table, key, "its checksum does not hold");
    // A wrong key in an inner page hides records that a walk still meets.
    if (reader.get(id, key) != stored)
      return bad_record(table, key, "it is in the table, but is not found there");
    if (checker)
      if (auto checked = checker(table, key, *payload); !checked)
        return checked;
    ++records;
    report.bytes += key.size() + stored.size();
  }
  if (const std::uint64_t counted = reader.count(id); counted != records)
    return bad_record(table, {},
                      "it counts " + std::to_string(counted) + " records and has " +
                        std::to_string(records));
  report.records += records;
  return {};
}

} // namespace

std::string printable(std::string_view key) {
  constexpr std::size_t shown_max = 80;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char each : key.substr(0, shown_max)) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte >= 0x20 && byte < 0x7f && each != '\\') {
      text += each;
    } else {
      text += "\\x";
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
  }
  return key.size() > shown_max ? text + "..." : text;
}

core::expected<verify_report> verify_records(const kv_reader& reader,
                                             const std::vector<std::string>& tables,
                                             const record_checker& checker) {
  verify_report report;
  try {
    for (table_id id = 0; id < tables.size(); ++id)
      if (auto verified = verify_table(reader, id, tables[id], checker, report); !verified)
        return verified.error();
  } catch (const kv_error& thrown) {
    return lmdb::as_error(thrown);
  }
  return report;
}

core::expected<verify_report> verify_store(lmdb_environment& environment,
                                           const record_checker& checker) {
  auto pages = environment.check_pages();
  if (!pages)
    return pages.error();
  try {
    const auto reader = environment.begin_read();
    auto report = verify_records(*reader, environment.table_names(), checker);
    if (!report)
      return report;
    report->pages_used = pages->pages_used;
    report->pages_free = pages->pages_free;
    environment.mark_verified();
    return report;
  } catch (const kv_error& thrown) {
    return lmdb::as_error(thrown);
  }
}

} // namespace syncline::storage
