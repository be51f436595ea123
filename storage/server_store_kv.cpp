#include "storage/server_store_kv.hpp"

#include "core/data/ids.hpp"
#include "storage/births.hpp"
#include "storage/document_store_kv.hpp"
#include "storage/keys.hpp"
#include "storage/server_batch.hpp"
#include "storage/server_read.hpp"

#include <algorithm>

namespace syncline::storage {

using core::expected;

namespace {

// A cursor may name a start for as long as tombstones are kept; a server that starts more often
// than this meanwhile answers 410 to the oldest ones, which costs them a walk.
constexpr std::size_t starts_kept_max = 10'000;

template <class Action>
auto guarded(Action action) -> expected<decltype(action())> {
  try {
    return action();
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

class kv_server_store : public server_store {
public:
  kv_server_store(std::shared_ptr<kv_environment> kv, std::unique_ptr<start_register> starts,
                  server_canaries canaries)
    : kv_{std::move(kv)}, starts_{std::move(starts)}, canaries_{canaries},
      documents_{make_document_store(kv_, starts_->epoch(), starts_->current().start())} {}

  expected<std::vector<batch_output>> apply(std::span<const batch_input> batches) override {
    return guarded([&] {
      const auto writer = kv_->begin_write();
      server_transaction transaction{*writer, *starts_, canaries_};
      if (canaries_.draws_seq_outside)
        transaction.start_from(drawn_outside_);
      std::vector<batch_output> outputs;
      outputs.reserve(batches.size());
      for (const auto& batch : batches)
        outputs.push_back(transaction.apply(batch));
      transaction.finish();
      if (canaries_.draws_seq_outside)
        drawn_outside_ = transaction.drawn();
      writer->commit();
      for (const auto& space : transaction.new_spaces())
        starts_->add(space, {starts_->current()});
      return outputs;
    });
  }

  expected<delta_output> delta(const delta_query& query) const override {
    if (auto valid = core::validate_collection(query.collection); !valid)
      return valid.error();
    return guarded([&] {
      const auto reader = kv_->begin_read();
      return read_delta(record_reader{*reader, server_tables()}, *starts_, query);
    });
  }

  expected<head_cursor> head(const std::string& space, const std::string& collection,
                             bool plain) const override {
    if (auto valid = core::validate_collection(collection); !valid)
      return valid.error();
    return guarded([&] {
      const auto reader = kv_->begin_read();
      return read_head(record_reader{*reader, server_tables()}, *starts_, space, collection, plain);
    });
  }

  expected<updates_answer> updates(const updates_query& query) const override {
    if (auto valid = core::validate_collection(query.collection); !valid)
      return valid.error();
    return guarded([&] {
      const auto reader = kv_->begin_read();
      return read_updates(record_reader{*reader, server_tables()}, query);
    });
  }

  expected<std::optional<msg::Item>> get(const std::string& space, const std::string& collection,
                                         const std::string& id) const override {
    return guarded([&]() -> std::optional<msg::Item> {
      if (collection.size() > core::collection_bytes_max || id.size() > core::item_id_bytes_max)
        return std::nullopt;
      const auto reader = kv_->begin_read();
      const auto item = record_reader{*reader, server_tables()}.item(
        server_table::items, item_key(space, collection, id));
      if (!item)
        return std::nullopt;
      return core::to_message(id, *item);
    });
  }

  expected<std::uint64_t> trim(std::int64_t now_ms, const trim_options& options) override;

  expected<server_counts> counts(const std::string& space) const override {
    return guarded([&] {
      const auto reader = kv_->begin_read();
      const record_reader records{*reader, server_tables()};
      server_counts counts;
      counts.head_seq = starts_->history(space, records).head_seq;
      std::uint64_t rows = 0;
      key_buffer prefix;
      prefix.text(space).separator();
      const auto cursor = reader->cursor(server_table::items);
      for (bool more = cursor->seek(prefix); more && cursor->key().starts_with(prefix.view());
           more = cursor->next(), ++rows)
        counts.tombstones +=
          records.open_item(server_table::items, cursor->key(), cursor->value()).header.deleted;
      counts.items = rows - counts.tombstones;
      return counts;
    });
  }

  document_store& documents() override {
    return *documents_;
  }
  const document_store& documents() const override {
    return *documents_;
  }

  std::uint64_t epoch() const override {
    return starts_->epoch();
  }
  std::uint64_t start() const override {
    return starts_->current().start();
  }

private:
  std::uint64_t trim_tombstones(kv_writer& kv, std::int64_t before_ms, std::int64_t now_ms);
  template <class Record>
  std::uint64_t trim_older(kv_writer& kv, table_id table, std::int64_t before_ms);

  std::shared_ptr<kv_environment> kv_;
  std::unique_ptr<start_register> starts_;
  server_canaries canaries_;
  std::map<std::string, std::uint64_t> drawn_outside_;
  std::unique_ptr<document_store> documents_;
};

// A damaged tombstone goes like any other: it must not keep the rest from being trimmed.
std::uint64_t mark_of_tombstone(const record_reader& records, std::string_view item) {
  try {
    const auto tombstone = records.item(server_table::items, item);
    return tombstone ? tombstone->header.birth_mark : 0;
  } catch (const kv_error& failure) {
    if (failure.code() != "store_corrupt")
      throw;
    return 0;
  }
}

std::uint64_t kv_server_store::trim_tombstones(kv_writer& kv, std::int64_t before_ms,
                                               std::int64_t now_ms) {
  const record_reader records{kv, server_tables()};
  std::vector<std::pair<std::string, msg::ChangeEntry>> old;
  const auto cursor = kv.cursor(server_table::change_index);
  msg::ChangeEntry entry;
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    records.open_message(server_table::change_index, cursor->key(), cursor->value(), entry);
    if (entry.deleted() && entry.changed_ms() < before_ms)
      old.emplace_back(cursor->key(), entry);
  }
  record_writer writer{kv};
  for (const auto& [key, change] : old) {
    const std::string_view name{key.data(), key.size() - 9}; // space 00 collection
    msg::CollectionState group;
    records.message(server_table::collections, name, group);
    group.set_floor_seq(std::max(group.floor_seq(), trailing_number(key)));
    writer.put_message(server_table::collections, name, group);
    key_buffer item;
    item.text(name).separator().text(change.id());
    put_birth(writer, item, mark_of_tombstone(records, item), now_ms);
    writer.erase(server_table::items, item);
    writer.erase(server_table::change_index, key);
  }
  return old.size();
}

template <class Record>
std::uint64_t kv_server_store::trim_older(kv_writer& kv, table_id table, std::int64_t before_ms) {
  const record_reader records{kv, server_tables()};
  std::vector<std::string> old;
  const auto cursor = kv.cursor(table);
  Record record;
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    records.open_message(table, cursor->key(), cursor->value(), record);
    if (record.stored_ms() < before_ms)
      old.emplace_back(cursor->key());
  }
  for (const auto& key : old)
    kv.erase(table, key);
  return old.size();
}

expected<std::uint64_t> kv_server_store::trim(std::int64_t now_ms, const trim_options& options) {
  return guarded([&] {
    const auto writer = kv_->begin_write();
    std::uint64_t trimmed = trim_tombstones(*writer, now_ms - options.tombstones_kept_ms, now_ms);
    trimmed +=
      trim_older<msg::BirthRecord>(*writer, server_table::births, now_ms - options.births_kept_ms);
    trimmed += trim_older<msg::StoredResult>(*writer, server_table::results,
                                             now_ms - options.results_kept_ms);
    trimmed += trim_older<msg::IdempotentAnswer>(*writer, server_table::idempotency,
                                                 now_ms - options.idempotency_kept_ms);
    writer->commit();
    return trimmed;
  });
}

std::vector<msg::StartRecord> starts_of(const record_reader& records, std::string_view space) {
  std::vector<msg::StartRecord> starts;
  key_buffer prefix;
  prefix.text(space).separator();
  const auto cursor = records.kv().cursor(server_table::starts);
  for (bool more = cursor->seek(prefix); more && cursor->key().starts_with(prefix.view());
       more = cursor->next())
    records.open_message(server_table::starts, cursor->key(), cursor->value(),
                         starts.emplace_back());
  return starts;
}

// Records this start in every space, so that a store that is copied back later is noticed.
void record_start(kv_writer& kv, std::string_view space, std::uint64_t head_seq,
                  const msg::StartRecord& current, start_register& starts) {
  const record_reader records{kv, server_tables()};
  record_writer writer{kv};
  auto known = starts_of(records, space);
  std::uint64_t ordinal = 0;
  const auto cursor = kv.cursor(server_table::starts);
  key_buffer prefix;
  prefix.text(space).separator();
  for (bool more = cursor->seek(prefix); more && cursor->key().starts_with(prefix.view());
       more = cursor->next())
    ordinal = trailing_number(cursor->key()) + 1;
  if (known.size() >= starts_kept_max) {
    writer.erase(server_table::starts, numbered_key(space, ordinal - known.size()));
    known.erase(known.begin());
  }
  msg::StartRecord record = current;
  record.set_first_seq(head_seq + 1);
  writer.put_message(server_table::starts, numbered_key(space, ordinal), record);
  known.push_back(record);
  starts.add(std::string{space}, std::move(known));
}

expected<msg::ServerIdentity> identify(kv_writer& kv, const server_store_options& options) {
  const record_reader records{kv, server_tables()};
  msg::ServerIdentity identity;
  const bool known = records.message(server_table::meta, "identity", identity);
  if (known && identity.schema() > server_schema)
    return core::fail("store_newer",
                      "the server's store has schema " + std::to_string(identity.schema()) +
                        ", this program knows up to " + std::to_string(server_schema) +
                        "; nothing was touched. Use a newer program");
  if (!known || options.new_epoch) {
    identity.set_schema(server_schema);
    do
      identity.set_epoch(options.random());
    while (identity.epoch() == 0);
    if (!known)
      identity.set_created_ms(options.now_ms);
    record_writer{kv}.put_message(server_table::meta, "identity", identity);
  }
  return identity;
}

} // namespace

expected<std::unique_ptr<server_store>> open_server_store(std::shared_ptr<kv_environment> kv,
                                                          const server_store_options& options) {
  try {
    const auto writer = kv->begin_write();
    auto identity = identify(*writer, options);
    if (!identity)
      return identity.error();
    msg::StartRecord current;
    current.set_first_seq(1);
    current.set_started_ms(options.now_ms);
    do
      current.set_start(options.random());
    while (current.start() == 0);
    auto starts = std::make_unique<start_register>(identity->epoch(), current);
    if (options.canaries.forgets_results_at_start) {
      writer->clear(server_table::results);
      writer->clear(server_table::clients);
    }
    std::vector<std::pair<std::string, std::uint64_t>> spaces;
    const auto cursor = writer->cursor(server_table::spaces);
    msg::SpaceState state;
    for (bool more = cursor->seek({}); more; more = cursor->next()) {
      record_reader{*writer, server_tables()}.open_message(server_table::spaces, cursor->key(),
                                                           cursor->value(), state);
      spaces.emplace_back(cursor->key(), state.head_seq());
    }
    record_start(*writer, start_register::idle_space, 0, current, *starts);
    for (const auto& [space, head_seq] : spaces)
      record_start(*writer, space, head_seq, current, *starts);
    writer->commit();
    return std::unique_ptr<server_store>{
      new kv_server_store{std::move(kv), std::move(starts), options.canaries}};
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

} // namespace syncline::storage
