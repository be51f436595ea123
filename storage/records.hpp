#pragma once
// Typed, checksummed access to one transaction. A record whose checksum is wrong is never served:
// reading it throws `kv_error` with the code `store_corrupt`, naming table and key.

#include "core/data/item.hpp"
#include "storage/kv.hpp"

#include <google/protobuf/message_lite.h>

#include <optional>
#include <string>
#include <string_view>

namespace syncline::storage {

/// Throws `store_corrupt` for this record.
[[noreturn]] void throw_corrupt(std::string_view table, std::string_view key);

/// Reads through one transaction. Views live as long as the transaction's do.
class record_reader {
public:
  record_reader(const kv_reader& reader, const std::vector<std::string>& table_names)
    : reader_{&reader}, names_{&table_names} {}

  /// The payload behind the checksum; nullopt where there is no record.
  [[nodiscard]] std::optional<std::string_view> payload(table_id table, std::string_view key) const;

  /// The payload of a value that a cursor stands on.
  [[nodiscard]] std::string_view open(table_id table, std::string_view key,
                                      std::string_view stored) const;

  [[nodiscard]] std::optional<core::item_view> item(table_id table, std::string_view key) const;
  [[nodiscard]] core::item_view open_item(table_id table, std::string_view key,
                                          std::string_view stored) const;

  /// False where there is no record.
  bool message(table_id table, std::string_view key, google::protobuf::MessageLite& out) const;
  void open_message(table_id table, std::string_view key, std::string_view stored,
                    google::protobuf::MessageLite& out) const;

  [[nodiscard]] const kv_reader& kv() const {
    return *reader_;
  }

private:
  const kv_reader* reader_;
  const std::vector<std::string>* names_;
};

/// Writes sealed records. Reuses its buffers: one per transaction, not shared between threads.
class record_writer {
public:
  explicit record_writer(kv_writer& writer) : writer_{&writer} {}

  void put_payload(table_id table, std::string_view key, std::string_view payload);
  void put_item(table_id table, std::string_view key, const core::item_header& header,
                std::string_view body);
  void append_item(table_id table, std::string_view key, const core::item_header& header,
                   std::string_view body);
  void put_message(table_id table, std::string_view key,
                   const google::protobuf::MessageLite& message);
  void append_message(table_id table, std::string_view key,
                      const google::protobuf::MessageLite& message);
  bool erase(table_id table, std::string_view key) {
    return writer_->erase(table, key);
  }
  [[nodiscard]] kv_writer& kv() {
    return *writer_;
  }

private:
  std::string_view seal_message(std::string_view key, const google::protobuf::MessageLite& message);
  std::string_view seal_item(std::string_view key, const core::item_header& header,
                             std::string_view body);

  kv_writer* writer_;
  std::string payload_;
  std::string sealed_;
};

} // namespace syncline::storage
