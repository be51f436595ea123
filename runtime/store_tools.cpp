#include "syncline/store_tools.hpp"

#include "runtime/convert.hpp"
#include "storage/store_files.hpp"

namespace syncline {

namespace {

result<store_check> check_of(const core::expected<storage::verify_report>& report) {
  if (!report)
    return to_public(report.error());
  return store_check{.records = report->records,
                     .bytes = report->bytes,
                     .pages_used = report->pages_used,
                     .pages_free = report->pages_free};
}

} // namespace

result<store_check> check_store(const std::string& directory) {
  return check_of(storage::check_store(directory));
}

result<store_stat> stat_store(const std::string& directory) {
  const auto sizes = storage::measure_store(directory);
  if (!sizes)
    return to_public(sizes.error());
  store_stat out;
  out.kind = sizes->kind == storage::store_kind::client ? "client" : "server";
  out.is_clean = sizes->is_clean;
  out.file_bytes = sizes->file_bytes;
  out.used_bytes = sizes->used_bytes;
  out.last_transaction = sizes->last_transaction;
  for (const auto& table : sizes->tables)
    out.tables.emplace_back(table.name, table.records);
  return out;
}

result<store_check> backup_store(const std::string& directory, const std::string& copy) {
  return check_of(storage::backup_store(directory, copy));
}

result<store_compaction> compact_store(const std::string& directory) {
  const auto won = storage::compact_store(directory);
  if (!won)
    return to_public(won.error());
  return store_compaction{.bytes_before = won->bytes_before, .bytes_after = won->bytes_after};
}

} // namespace syncline
