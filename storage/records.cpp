#include "storage/records.hpp"

#include "core/ensure.hpp"
#include "storage/checksum.hpp"
#include "storage/keys.hpp"

namespace syncline::storage {

void throw_corrupt(std::string_view table, std::string_view key) {
  throw kv_error{"store_corrupt",
                 "the record '" + describe_key(key) + "' in table '" + std::string{table} +
                   "' is damaged: its checksum or form is wrong. Nothing of it was used. Run "
                   "'syncline store check' on the store and restore it from a backup"};
}

std::string_view record_reader::open(table_id table, std::string_view key,
                                     std::string_view stored) const {
  const auto payload = unseal(key, stored);
  if (!payload)
    throw_corrupt((*names_)[table], key);
  return *payload;
}

std::optional<std::string_view> record_reader::payload(table_id table, std::string_view key) const {
  const auto stored = reader_->get(table, key);
  if (!stored)
    return std::nullopt;
  return open(table, key, *stored);
}

core::item_view record_reader::open_item(table_id table, std::string_view key,
                                         std::string_view stored) const {
  const auto item = core::read_item(open(table, key, stored));
  if (!item)
    throw_corrupt((*names_)[table], key);
  return *item;
}

std::optional<core::item_view> record_reader::item(table_id table, std::string_view key) const {
  const auto stored = reader_->get(table, key);
  if (!stored)
    return std::nullopt;
  return open_item(table, key, *stored);
}

void record_reader::open_message(table_id table, std::string_view key, std::string_view stored,
                                 google::protobuf::MessageLite& out) const {
  const auto payload = open(table, key, stored);
  if (!out.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
    throw_corrupt((*names_)[table], key);
}

bool record_reader::message(table_id table, std::string_view key,
                            google::protobuf::MessageLite& out) const {
  const auto stored = reader_->get(table, key);
  if (!stored)
    return false;
  open_message(table, key, *stored, out);
  return true;
}

void record_writer::put_payload(table_id table, std::string_view key, std::string_view payload) {
  seal_into(sealed_, key, payload);
  writer_->put(table, key, sealed_);
}

std::string_view record_writer::seal_item(std::string_view key, const core::item_header& header,
                                          std::string_view body) {
  begin_seal(sealed_);
  core::append_item(sealed_, header, body);
  finish_seal(sealed_, key);
  return sealed_;
}

void record_writer::put_item(table_id table, std::string_view key, const core::item_header& header,
                             std::string_view body) {
  writer_->put(table, key, seal_item(key, header, body));
}

void record_writer::append_item(table_id table, std::string_view key,
                                const core::item_header& header, std::string_view body) {
  writer_->append(table, key, seal_item(key, header, body));
}

std::string_view record_writer::seal_message(std::string_view key,
                                             const google::protobuf::MessageLite& message) {
  begin_seal(sealed_);
  core::ensure(message.AppendToString(&sealed_), "a record of ours can be written");
  finish_seal(sealed_, key);
  return sealed_;
}

void record_writer::put_message(table_id table, std::string_view key,
                                const google::protobuf::MessageLite& message) {
  writer_->put(table, key, seal_message(key, message));
}

void record_writer::append_message(table_id table, std::string_view key,
                                   const google::protobuf::MessageLite& message) {
  writer_->append(table, key, seal_message(key, message));
}

} // namespace syncline::storage
