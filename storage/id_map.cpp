#include "storage/id_map.hpp"

#include "storage/overlay_record.hpp"

#include <utility>
#include <vector>

namespace syncline::storage {

namespace {

constexpr std::string_view local_side = "l";
constexpr std::string_view server_side = "s";
constexpr std::string_view met_side = "w";
constexpr std::string_view gone_side = "g";

key_buffer map_key(std::string_view collection, std::string_view side, std::string_view id) {
  key_buffer key;
  key.text(collection).separator().text(side).text(id);
  return key;
}

std::string mapped(const record_reader& records, std::string_view collection, std::string_view side,
                   std::string_view id) {
  const auto found = records.payload(client_table::idmap, map_key(collection, side, id));
  return std::string{found.value_or(std::string_view{})};
}

bool has_row(const record_reader& records, std::string_view collection, std::string_view id) {
  return records.kv().get(client_table::base, item_key(collection, id)).has_value();
}

// Made here, and not yet known there: it has no row, and its lane begins with its creation.
bool is_ours_alone(const record_reader& records, std::string_view collection, std::string_view id) {
  const auto payload = records.payload(client_table::overlay, item_key(collection, id));
  msg::Lane lane;
  if (!payload || has_row(records, collection, id) || !read_lane(*payload, lane))
    return false;
  if (!lane.acknowledged().empty())
    return lane.acknowledged(0).mutation().kind() == msg::CREATE;
  msg::OutboxEntry first;
  return !lane.entries().empty() &&
         records.message(client_table::outbox, number_key(lane.entries(0)), first) &&
         first.mutation().kind() == msg::CREATE;
}

void put_pair(client_work& work, std::string_view collection, std::string_view id,
              std::string_view server_id) {
  work.writer().put_payload(client_table::idmap, map_key(collection, local_side, id), server_id);
  work.writer().put_payload(client_table::idmap, map_key(collection, server_side, server_id), id);
}

bool was_met(const record_reader& records, std::string_view collection, std::string_view id) {
  return records.kv().get(client_table::idmap, map_key(collection, met_side, id)).has_value();
}

void name_missing(const record_reader& records, msg::DeltaPage& page) {
  std::set<std::string, std::less<>> present;
  for (const auto* list : {&page.deleted(), &page.items()})
    for (const auto& item : *list)
      present.insert(item.id());
  key_buffer prefix;
  prefix.text(page.collection()).separator();
  const auto cursor = records.kv().cursor(client_table::base);
  for (bool more = cursor->seek(prefix); more && cursor->key().starts_with(prefix.view());
       more = cursor->next()) {
    const auto id = cursor->key().substr(prefix.view().size());
    if (present.count(id) != 0 || was_met(records, page.collection(), id))
      continue;
    auto& gone = *page.add_deleted();
    gone.set_id(id.data(), id.size());
    gone.set_server_id(server_id_of(records, page.collection(), id));
    gone.set_deleted(true);
    gone.mutable_stamp()->set_start(1);
    gone.mutable_stamp()->set_seq(core::foreign_tombstone_seq);
  }
}

} // namespace

std::string server_id_of(const record_reader& records, std::string_view collection,
                         std::string_view id) {
  return mapped(records, collection, local_side, id);
}

std::string local_id_of(const record_reader& records, std::string_view collection,
                        std::string_view server_id) {
  if (auto known = mapped(records, collection, server_side, server_id); !known.empty())
    return known;
  const bool is_taken = !mapped(records, collection, local_side, server_id).empty() ||
                        is_ours_alone(records, collection, server_id);
  return (is_taken ? "server:" : "") + std::string{server_id};
}

void localise_page(const record_reader& records, msg::DeltaPage& page) {
  for (auto* list : {page.mutable_deleted(), page.mutable_items()})
    for (auto& item : *list) {
      auto local = local_id_of(records, page.collection(), item.id());
      if (local == item.id())
        continue;
      item.mutable_server_id()->swap(*item.mutable_id());
      item.set_id(std::move(local));
    }
  msg::ClientCursor cursor;
  if (!page.has_more() && records.message(client_table::cursors, page.collection(), cursor) &&
      cursor.sweeping())
    name_missing(records, page);
}

bool accept_ids(client_work& work, const msg::DeltaPage& page) {
  const auto& records = work.records();
  std::vector<const msg::Item*> named;
  for (const auto* list : {&page.deleted(), &page.items()})
    for (const auto& item : *list) {
      const auto& server_id = item.server_id().empty() ? item.id() : item.server_id();
      if (local_id_of(records, page.collection(), server_id) != item.id())
        return false;
      if (!item.server_id().empty() && !item.deleted())
        named.push_back(&item);
    }
  for (const auto* item : named)
    if (server_id_of(records, page.collection(), item->id()) != item->server_id())
      put_pair(work, page.collection(), item->id(), item->server_id());
  return true;
}

namespace {

// All keys of the table whose side begins so, in one collection or in all of them.
void erase_side(client_work& work, std::string_view collection, std::string_view side) {
  std::vector<std::string> keys;
  const auto cursor = work.records().kv().cursor(client_table::idmap);
  for (bool more = cursor->seek({}); more; more = cursor->next()) {
    const auto key = cursor->key();
    const auto end = key.find('\0');
    if ((collection.empty() || key.substr(0, end) == collection) &&
        key.substr(end + 1).starts_with(side))
      keys.emplace_back(key);
  }
  for (const auto& key : keys)
    work.writer().erase(client_table::idmap, key);
}

} // namespace

void note_gone(client_work& work, const msg::DeltaPage& page) {
  for (const auto& item : page.deleted())
    work.writer().put_message(client_table::idmap,
                              map_key(page.collection(), gone_side,
                                      item.server_id().empty() ? item.id() : item.server_id()),
                              msg::Done{});
}

bool is_gone(const record_reader& records, std::string_view collection, std::string_view id,
             std::string_view answered_id) {
  auto name =
    answered_id.empty() ? server_id_of(records, collection, id) : std::string{answered_id};
  if (name.empty())
    name = id;
  return records.kv().get(client_table::idmap, map_key(collection, gone_side, name)).has_value();
}

void forget_gone(client_work& work) {
  erase_side(work, {}, gone_side);
}

void note_met(client_work& work, const msg::DeltaPage& page) {
  for (const auto& item : page.items())
    work.writer().put_message(client_table::idmap, map_key(page.collection(), met_side, item.id()),
                              msg::Done{});
}

void forget_met(client_work& work, std::string_view collection) {
  erase_side(work, collection, met_side);
}

namespace {

// All that waits on an item that turns out to be ours goes on under our name for it.
void move_lane(client_work& work, lane_work& from, lane_work& to) {
  from.dirty = to.dirty = true;
  // Behind the creation that is being answered: what is of the same batch is answered next.
  auto place = to.lane.entries.empty() ? 0 : 1;
  for (auto& entry : from.lane.entries) {
    entry.mutable_mutation()->set_id(to.id);
    to.changed_entries.insert(entry.local_seq());
    to.lane.entries.insert(to.lane.entries.begin() + place++, std::move(entry));
  }
  to.lane.record.clear_entries();
  for (const auto& entry : to.lane.entries)
    to.lane.record.add_entries(entry.local_seq());
  for (auto& effect : *from.lane.record.mutable_acknowledged()) {
    const auto seq = effect.stamp().seq();
    effect.mutable_mutation()->set_id(to.id);
    work.writer().erase(client_table::acknowledged,
                        acknowledged_key(from.collection, seq, from.id));
    work.writer().put_message(client_table::acknowledged,
                              acknowledged_key(to.collection, seq, to.id), msg::Done{});
    to.lane.record.add_acknowledged()->Swap(&effect);
  }
  for (const std::uint64_t seq : from.lane.record.quarantined()) {
    msg::QuarantineRecord record;
    if (work.records().message(client_table::quarantine, number_key(seq), record)) {
      record.mutable_entry()->mutable_mutation()->set_id(to.id);
      work.writer().put_message(client_table::quarantine, number_key(seq), record);
    }
    to.lane.record.add_quarantined(seq);
  }
  from.lane.entries.clear();
  from.lane.record.clear_entries();
  from.lane.record.clear_acknowledged();
  from.lane.record.clear_quarantined();
  from.changed_entries.clear();
  core::forget_conflict(from.lane);
}

} // namespace

std::string adopt_server_id(client_work& work, lane_work& lane, std::string_view server_id) {
  const auto& records = work.records();
  const auto former = server_id_of(records, lane.collection, lane.id);
  if (server_id == former)
    return {};
  // A late word about what it was before its deletion must not reach what it is now.
  if (!former.empty())
    work.writer().erase(client_table::idmap, map_key(lane.collection, server_side, former));
  auto known_as = local_id_of(records, lane.collection, server_id);
  if (was_met(records, lane.collection, known_as)) // Under its other name.
    work.writer().put_message(client_table::idmap, map_key(lane.collection, met_side, lane.id),
                              msg::Done{});
  put_pair(work, lane.collection, lane.id, server_id);
  if (known_as == lane.id)
    return {};
  // What stands here is the item that had our name before, and is gone.
  if (lane.base) {
    work.erase_base(lane.collection, lane.id);
    lane.base.reset();
    lane.base_bytes.clear();
  }
  work.settle(lane, core::foreign_tombstone_seq);
  const bool brought = has_row(records, lane.collection, known_as);
  if (!brought && !records.kv().get(client_table::overlay, item_key(lane.collection, known_as)))
    return {};
  auto& other = work.lane(lane.collection, known_as);
  if (brought) {
    lane.base_bytes = std::exchange(other.base_bytes, {});
    lane.base = core::read_item(lane.base_bytes);
    other.base.reset();
    work.put_base(lane.collection, lane.id, lane.base->header, lane.base->body);
    work.erase_base(lane.collection, known_as);
  }
  move_lane(work, other, lane);
  return known_as;
}

} // namespace syncline::storage
