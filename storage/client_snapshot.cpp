#include "core/data/ids.hpp"
#include "storage/client_store.hpp"
#include "storage/id_map.hpp"
#include "storage/keys.hpp"
#include "storage/overlay_record.hpp"
#include "storage/records.hpp"

#include <limits>

namespace syncline::storage {

namespace {

using core::expected;

// Every public read ends here: what the store beneath throws becomes a value.
template <class Read>
auto guarded(Read read) -> expected<decltype(read())> {
  try {
    return read();
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

// Names come from the host unchecked; one that is too long for a key names nothing.
bool fits(std::string_view collection, std::string_view id = {}) {
  return collection.size() <= core::collection_bytes_max && id.size() <= core::item_id_bytes_max;
}

record_reader records_of(const kv_reader& reader) {
  return record_reader{reader, client_tables()};
}

overlay_view open_overlay(std::string_view key, std::string_view payload) {
  const auto row = read_overlay(payload);
  if (!row)
    throw_corrupt(client_tables()[client_table::overlay], key);
  return *row;
}

core::lane load_lane(const record_reader& records, std::string_view key) {
  core::lane lane;
  const auto payload = records.payload(client_table::overlay, key);
  if (!payload)
    return lane;
  const auto row = open_overlay(key, *payload);
  if (!lane.record.ParseFromArray(row.lane.data(), static_cast<int>(row.lane.size())))
    throw_corrupt(client_tables()[client_table::overlay], key);
  for (const std::uint64_t seq : lane.record.entries())
    if (!records.message(client_table::outbox, number_key(seq), lane.entries.emplace_back()))
      throw_corrupt(client_tables()[client_table::outbox], number_key(seq));
  return lane;
}

template <class Message>
std::vector<Message> all_messages(const record_reader& records, table_id table,
                                  std::size_t limit = std::numeric_limits<std::size_t>::max()) {
  std::vector<Message> out;
  const auto cursor = records.kv().cursor(table);
  for (bool more = cursor->seek({}); more && out.size() < limit; more = cursor->next())
    records.open_message(table, cursor->key(), cursor->value(), out.emplace_back());
  return out;
}

} // namespace

expected<std::optional<stored_item>> client_snapshot::get(std::string_view collection,
                                                          std::string_view id) const {
  return guarded([&]() -> std::optional<stored_item> {
    if (!fits(collection, id))
      return std::nullopt;
    const auto records = records_of(*reader_);
    const auto key = item_key(collection, id);
    if (!has_lanes_)
      has_lanes_ = reader_->count(client_table::overlay) != 0;
    const auto payload =
      *has_lanes_ ? records.payload(client_table::overlay, key) : std::optional<std::string_view>{};
    if (payload) {
      const auto row = open_overlay(key, *payload);
      if (!row.exists)
        return std::nullopt;
      return stored_item{id, row.header, row.body, row.status};
    }
    const auto item = records.item(client_table::base, key);
    if (!item)
      return std::nullopt;
    return stored_item{id, item->header, item->body, core::sync_status::synced};
  });
}

namespace {

// Walks one table from `from` as long as keys begin with `prefix`.
class prefix_walk {
public:
  prefix_walk(const kv_reader& reader, table_id table, std::string_view prefix,
              std::string_view from)
    : cursor_{reader.cursor(table)}, prefix_{prefix} {
    live_ = cursor_->seek(from) && cursor_->key().starts_with(prefix_);
  }
  [[nodiscard]] bool live() const {
    return live_;
  }
  void advance() {
    live_ = cursor_->next() && cursor_->key().starts_with(prefix_);
  }
  [[nodiscard]] std::string_view key() const {
    return cursor_->key();
  }
  [[nodiscard]] std::string_view value() const {
    return cursor_->value();
  }

private:
  std::unique_ptr<kv_cursor> cursor_;
  std::string prefix_;
  bool live_ = false;
};

} // namespace

expected<void> client_snapshot::list(std::string_view collection, std::string_view after,
                                     const std::function<bool(const stored_item&)>& visit) const {
  if (!fits(collection))
    return {};
  const auto walked = guarded([&] {
    const auto records = records_of(*reader_);
    key_buffer prefix;
    prefix.text(collection).separator();
    key_buffer from = prefix;
    from.text(after.substr(0, core::item_id_bytes_max));
    prefix_walk base{*reader_, client_table::base, prefix, from};
    prefix_walk overlay{*reader_, client_table::overlay, prefix, from};
    while (base.live() || overlay.live()) {
      const bool use_overlay = overlay.live() && (!base.live() || overlay.key() <= base.key());
      const std::string key{use_overlay ? overlay.key() : base.key()};
      const auto id = after_prefix(key, collection.size());
      bool more = true;
      if (after.empty() || id > after) {
        if (use_overlay) {
          const auto row =
            open_overlay(key, records.open(client_table::overlay, key, overlay.value()));
          if (row.exists)
            more = visit({id, row.header, row.body, row.status});
        } else {
          const auto item = records.open_item(client_table::base, key, base.value());
          more = visit({id, item.header, item.body, core::sync_status::synced});
        }
      }
      if (!more)
        return true;
      if (base.live() && base.key() == key)
        base.advance();
      if (use_overlay)
        overlay.advance();
    }
    return true;
  });
  if (!walked)
    return walked.error();
  return {};
}

expected<core::lane> client_snapshot::lane(std::string_view collection, std::string_view id) const {
  return guarded([&] {
    return fits(collection, id) ? load_lane(records_of(*reader_), item_key(collection, id))
                                : core::lane{};
  });
}

expected<std::vector<std::string>> client_snapshot::lane_ids(std::string_view collection,
                                                             std::string_view after,
                                                             std::string_view through) const {
  return guarded([&] {
    std::vector<std::string> ids;
    key_buffer prefix;
    prefix.text(collection).separator();
    key_buffer from = prefix;
    from.text(after);
    for (prefix_walk walk{*reader_, client_table::overlay, prefix, from}; walk.live();
         walk.advance()) {
      const auto id = after_prefix(walk.key(), collection.size());
      if (!through.empty() && id > through)
        break;
      if (id > after)
        ids.emplace_back(id);
    }
    return ids;
  });
}

expected<std::optional<msg::Item>> client_snapshot::base(std::string_view collection,
                                                         std::string_view id) const {
  return guarded([&]() -> std::optional<msg::Item> {
    if (!fits(collection, id))
      return std::nullopt;
    const auto item = records_of(*reader_).item(client_table::base, item_key(collection, id));
    if (!item)
      return std::nullopt;
    return core::to_message(id, *item);
  });
}

expected<msg::OutboxState> client_snapshot::outbox_state() const {
  return guarded([&] {
    msg::OutboxState state;
    records_of(*reader_).message(client_table::meta, "outbox", state);
    return state;
  });
}

expected<msg::StoreIdentity> client_snapshot::identity() const {
  return guarded([&] {
    msg::StoreIdentity identity;
    records_of(*reader_).message(client_table::meta, "identity", identity);
    return identity;
  });
}

expected<msg::PullState> client_snapshot::pull_state(std::string_view collection) const {
  return guarded([&] {
    const auto records = records_of(*reader_);
    msg::PullState pull;
    records.message(client_table::cursors, collection, *pull.mutable_cursor());
    msg::OutboxState state;
    records.message(client_table::meta, "outbox", state);
    pull.set_known_start(state.known_start());
    *pull.mutable_seen() = state.seen();
    return pull;
  });
}

expected<bool> client_snapshot::has_lanes() const {
  return guarded([&] { return reader_->count(client_table::overlay) != 0; });
}

expected<std::vector<std::string>> client_snapshot::collections() const {
  return guarded([&] {
    std::vector<std::string> names;
    const auto cursor = reader_->cursor(client_table::cursors);
    for (bool more = cursor->seek({}); more; more = cursor->next())
      names.emplace_back(cursor->key());
    return names;
  });
}

expected<waiting_counts> client_snapshot::counts() const {
  return guarded([&] {
    waiting_counts counts;
    counts.outbox = reader_->count(client_table::outbox);
    counts.acknowledged = reader_->count(client_table::acknowledged);
    counts.quarantined = reader_->count(client_table::quarantine);
    counts.conflicts = reader_->count(client_table::conflicts);
    return counts;
  });
}

expected<std::vector<msg::OutboxEntry>> client_snapshot::outbox(std::size_t limit) const {
  return guarded([&] {
    return all_messages<msg::OutboxEntry>(records_of(*reader_), client_table::outbox, limit);
  });
}

expected<std::vector<msg::QuarantineRecord>> client_snapshot::quarantine() const {
  return guarded([&] {
    return all_messages<msg::QuarantineRecord>(records_of(*reader_), client_table::quarantine);
  });
}

expected<std::vector<msg::ConflictRecord>> client_snapshot::conflicts() const {
  return guarded([&] {
    return all_messages<msg::ConflictRecord>(records_of(*reader_), client_table::conflicts);
  });
}

expected<std::optional<msg::ConflictRecord>>
client_snapshot::conflict(std::uint64_t conflict_id) const {
  return guarded([&]() -> std::optional<msg::ConflictRecord> {
    msg::ConflictRecord record;
    if (!records_of(*reader_).message(client_table::conflicts, number_key(conflict_id), record))
      return std::nullopt;
    return record;
  });
}

expected<void> client_snapshot::localise(msg::DeltaPage& page) const {
  const auto done = guarded([&] {
    localise_page(records_of(*reader_), page);
    return true;
  });
  return done ? expected<void>{} : expected<void>{done.error()};
}

expected<std::vector<msg::JobRecord>> client_snapshot::jobs() const {
  return guarded(
    [&] { return all_messages<msg::JobRecord>(records_of(*reader_), client_table::jobs); });
}

expected<std::vector<std::pair<std::string, std::string>>> client_snapshot::undecided() const {
  return guarded([&] {
    std::vector<std::pair<std::string, std::string>> lanes;
    const auto records = records_of(*reader_);
    const auto cursor = reader_->cursor(client_table::overlay);
    for (bool more = cursor->seek({}); more; more = cursor->next()) {
      const auto lane = load_lane(records, cursor->key());
      if (!lane.record.undecided() || lane.record.parked_by() != 0)
        continue;
      const auto key = cursor->key();
      const auto end = key.find('\0');
      lanes.emplace_back(key.substr(0, end), key.substr(end + 1));
    }
    return lanes;
  });
}

expected<client_snapshot::feed> client_snapshot::changes(std::uint64_t after_seq,
                                                         std::size_t limit) const {
  return guarded([&] {
    feed result;
    const auto records = records_of(*reader_);
    const auto cursor = reader_->cursor(client_table::changes);
    if (cursor->seek({}))
      result.floor = trailing_number(cursor->key());
    for (bool more = cursor->seek(number_key(after_seq + 1)); more && result.records.size() < limit;
         more = cursor->next()) {
      auto& [seq, record] = result.records.emplace_back();
      seq = trailing_number(cursor->key());
      records.open_message(client_table::changes, cursor->key(), cursor->value(), record);
    }
    return result;
  });
}

} // namespace syncline::storage
