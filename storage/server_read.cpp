#include "storage/server_read.hpp"

#include "storage/keys.hpp"

#include <algorithm>

namespace syncline::storage {

namespace {

// How many rows a snapshot page may pass over for each item of its limit: a long run of
// tombstones ends the page, it does not hold up the server.
constexpr std::uint64_t scanned_per_item = 20;

std::string token_of(msg::Cursor cursor, const core::server_history& history, bool plain) {
  if (plain) {
    cursor.set_seen_start(history.start());
    cursor.set_seen_seq(history.head_seq);
  }
  return core::encode_cursor(cursor);
}

class delta_reader {
public:
  delta_reader(const record_reader& records, core::server_history history, const delta_query& query)
    : records_{records}, history_{std::move(history)}, query_{query} {
    prefix_.text(query.space).separator().text(query.collection).separator();
    records.message(server_table::collections, item_key(query.space, query.collection), group_);
    limit_ = std::clamp<std::uint32_t>(query.limit, 1, 500);
  }

  delta_output read() {
    auto cursor = core::decode_cursor(query_.cursor);
    if (!cursor)
      return bad_cursor(cursor.error().message);
    if (cursor->epoch() != 0 && cursor->collection() != query_.collection)
      return bad_cursor("the cursor belongs to collection '" + cursor->collection() +
                        "', not to '" + query_.collection + "'; start that one without a cursor");
    if (const auto problem = problem_of(*cursor); problem != core::place_problem::none)
      return expired(history_, problem);
    auto& page = answer_.page;
    page.set_collection(query_.collection);
    page.set_prev_cursor(cursor->epoch() == 0 ? "" : query_.cursor);
    *page.mutable_head() = history_.head();
    answer_.etag = entity_tag();
    answer_.cursor_seq = cursor->phase() == msg::Cursor::CHANGES ? cursor->seq() : 0;
    answer_.not_modified = query_.if_none_match == answer_.etag && nothing_after(*cursor);
    if (answer_.not_modified)
      return std::move(answer_);
    if (cursor->epoch() == 0 || cursor->phase() == msg::Cursor::SNAPSHOT)
      read_snapshot(*cursor);
    else
      read_changes(*cursor);
    return std::move(answer_);
  }

private:
  static msg::ErrorReply bad_cursor(const std::string& message) {
    msg::ErrorReply reply;
    reply.set_code("bad_cursor");
    reply.set_message(message);
    return reply;
  }

  [[nodiscard]] core::place_problem problem_of(const msg::Cursor& cursor) const {
    if (const auto seen = core::check_place(history_, query_.seen);
        seen != core::place_problem::none)
      return seen;
    if (cursor.epoch() == 0)
      return core::place_problem::none;
    msg::Place place;
    place.set_epoch(cursor.epoch());
    place.set_start(cursor.start());
    place.set_seq(cursor.seq());
    if (const auto problem = core::check_place(history_, place);
        problem != core::place_problem::none)
      return problem;
    if (cursor.seen_start() != 0) {
      place.set_start(cursor.seen_start());
      place.set_seq(cursor.seen_seq());
      if (const auto problem = core::check_place(history_, place);
          problem != core::place_problem::none)
        return problem;
    }
    return cursor.seq() < group_.floor_seq() ? core::place_problem::floor
                                             : core::place_problem::none;
  }

  [[nodiscard]] std::string entity_tag() const {
    msg::Place head;
    head.set_epoch(history_.epoch);
    head.set_start(start_of(history_, group_.head_seq()));
    head.set_seq(group_.head_seq());
    return '"' + core::encode_place(head) + '"';
  }

  [[nodiscard]] bool nothing_after(const msg::Cursor& cursor) const {
    return cursor.epoch() != 0 && cursor.phase() == msg::Cursor::CHANGES &&
           group_.head_seq() <= cursor.seq();
  }

  [[nodiscard]] bool is_full() const {
    const auto& page = answer_.page;
    return static_cast<std::uint32_t>(page.items_size() + page.deleted_size()) >= limit_ ||
           bytes_ >= query_.bytes_max;
  }

  static std::uint64_t bytes_of(std::string_view id, const core::item_view& item) {
    return id.size() + item.body.size() + core::item_header_bytes;
  }

  // One more item would overrun the page; the first always fits.
  [[nodiscard]] bool overruns(std::string_view id, const core::item_view& item) const {
    return is_full() || (bytes_ > 0 && bytes_ + bytes_of(id, item) > query_.bytes_max);
  }

  void add(std::string_view id, const core::item_view& item) {
    auto& page = answer_.page;
    core::fill_message(item.header.deleted ? *page.add_deleted() : *page.add_items(), id, item);
    bytes_ += bytes_of(id, item);
  }

  // How far the page had come when an atomic group began.
  struct page_mark {
    int items = 0;
    int deleted = 0;
    std::uint64_t last = 0;
  };
  [[nodiscard]] page_mark mark(std::uint64_t last) const {
    return {answer_.page.items_size(), answer_.page.deleted_size(), last};
  }
  void rewind_to(const page_mark& mark) {
    auto& page = answer_.page;
    page.mutable_items()->DeleteSubrange(mark.items, page.items_size() - mark.items);
    page.mutable_deleted()->DeleteSubrange(mark.deleted, page.deleted_size() - mark.deleted);
  }

  void set_next(msg::Cursor cursor) {
    answer_.page.set_next_cursor(token_of(std::move(cursor), history_, query_.plain));
  }

  // A walk in key order. Each page says which ids it covers completely.
  void read_snapshot(const msg::Cursor& cursor) {
    const std::uint64_t noted = cursor.epoch() == 0 ? history_.head_seq : cursor.seq();
    key_buffer from = prefix_;
    from.text(cursor.last_key());
    auto& page = answer_.page;
    std::string last = cursor.last_key();
    bool ended = true;
    std::uint64_t scanned = 0;
    const auto rows = records_.kv().cursor(server_table::items);
    for (bool more = rows->seek(from); more && rows->key().starts_with(prefix_.view());
         more = rows->next()) {
      const auto id = rows->key().substr(prefix_.view().size());
      if (!cursor.last_key().empty() && id <= cursor.last_key())
        continue;
      const auto item = records_.open_item(server_table::items, rows->key(), rows->value());
      if (scanned++ >= limit_ * scanned_per_item || overruns(id, item)) {
        ended = false;
        break;
      }
      if (!item.header.deleted)
        add(id, item);
      last = id;
    }
    page.set_phase(msg::Cursor::SNAPSHOT);
    page.set_range_after(cursor.last_key());
    page.set_range_through(ended ? "" : last);
    page.set_range_to_end(ended);
    page.set_seq_through(noted);
    page.set_has_more(!ended || group_.head_seq() > noted);
    auto next = cursor_at(history_, query_.collection,
                          ended ? msg::Cursor::CHANGES : msg::Cursor::SNAPSHOT, noted);
    if (ended)
      next.set_walk_end(history_.head_seq);
    else
      next.set_last_key(last);
    set_next(next);
  }

  void read_changes(const msg::Cursor& cursor) {
    auto& page = answer_.page;
    std::uint64_t last = cursor.seq();
    std::uint64_t group_end = 0;
    page_mark before_group;
    bool ended = true;
    const auto rows = records_.kv().cursor(server_table::change_index);
    msg::ChangeEntry entry;
    for (bool more = rows->seek(numbered_key(query_.space, query_.collection, cursor.seq() + 1));
         more && rows->key().starts_with(prefix_.view()) &&
         rows->key().size() == prefix_.view().size() + 8;
         more = rows->next()) {
      const std::uint64_t seq = trailing_number(rows->key());
      records_.open_message(server_table::change_index, rows->key(), rows->value(), entry);
      const auto key = item_key(query_.space, query_.collection, entry.id());
      const auto item = records_.item(server_table::items, key);
      if (!item)
        throw_corrupt(server_tables()[server_table::items], key);
      // A group that does not fit goes to the next page as a whole; there it may overrun it.
      const bool inside = seq <= group_end;
      const bool can_end = !inside || before_group.items + before_group.deleted > 0;
      if (overruns(entry.id(), *item) && can_end) {
        if (inside) {
          rewind_to(before_group);
          last = before_group.last;
        }
        ended = false;
        break;
      }
      if (!inside)
        before_group = mark(last);
      group_end = std::max(group_end, entry.group_end_seq());
      last = seq;
      // To plain clients it matters whether they have known an item before.
      const auto told_apart_at =
        query_.plain && item->header.birth_seq > cursor.seq() ? item->header.birth_seq : seq;
      same_before_ = same_before_ == 0 ? told_apart_at : std::min(same_before_, told_apart_at);
      if (!withheld(item->header, cursor))
        add(entry.id(), *item);
    }
    answer_.same_before_seq = same_before_;
    if (ended)
      last = history_.head_seq;
    page.set_phase(msg::Cursor::CHANGES);
    page.set_seq_through(last);
    page.set_has_more(!ended);
    auto next = cursor_at(history_, query_.collection, msg::Cursor::CHANGES, last);
    // Behind the end of its walk every client's cursor says the same.
    if (cursor.walk_end() > last)
      next.set_walk_end(cursor.walk_end());
    set_next(next);
  }

  // Simple clients stumble over deletions of ids that they never had.
  [[nodiscard]] bool withheld(const core::item_header& header, const msg::Cursor& cursor) const {
    return query_.plain && !query_.all_tombstones && header.deleted &&
           header.birth_seq > std::max(cursor.seq(), cursor.walk_end());
  }

  const record_reader& records_;
  core::server_history history_;
  const delta_query& query_;
  key_buffer prefix_;
  msg::CollectionState group_;
  delta_answer answer_;
  std::uint32_t limit_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t same_before_ = 0;
};

} // namespace

delta_output read_delta(const record_reader& records, const start_register& starts,
                        const delta_query& query) {
  return delta_reader{records, starts.history(query.space, records), query}.read();
}

head_cursor read_head(const record_reader& records, const start_register& starts,
                      const std::string& space, const std::string& collection, bool plain) {
  const auto history = starts.history(space, records);
  auto cursor = cursor_at(history, collection, msg::Cursor::CHANGES, history.head_seq);
  return {token_of(std::move(cursor), history, plain), history.head_seq};
}

namespace {

// The first change at or after a time: the change index is in the order of time too, because
// `last_modified` never falls along the sequence.
std::uint64_t first_seq_since(const record_reader& records, const updates_query& query,
                              std::uint64_t head_seq, const key_buffer& prefix) {
  const auto rows = records.kv().cursor(server_table::change_index);
  msg::ChangeEntry entry;
  std::uint64_t low = 1;
  std::uint64_t high = head_seq + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const bool found = rows->seek(numbered_key(query.space, query.collection, middle)) &&
                       rows->key().starts_with(prefix.view());
    if (!found) {
      high = middle;
      continue;
    }
    records.open_message(server_table::change_index, rows->key(), rows->value(), entry);
    if (entry.changed_ms() >= query.since_ms)
      high = middle;
    else
      low = std::max(middle + 1, trailing_number(rows->key()) + 1);
  }
  return low;
}

} // namespace

updates_answer read_updates(const record_reader& records, const updates_query& query) {
  updates_answer answer;
  answer.next_since_ms = query.since_ms;
  key_buffer prefix;
  prefix.text(query.space).separator().text(query.collection).separator();
  msg::CollectionState group;
  records.message(server_table::collections, item_key(query.space, query.collection), group);
  const std::uint64_t first = first_seq_since(records, query, group.head_seq(), prefix);
  const std::uint32_t limit = std::clamp<std::uint32_t>(query.limit, 1, 500);
  const auto rows = records.kv().cursor(server_table::change_index);
  msg::ChangeEntry entry;
  std::uint64_t bytes = 0;
  for (bool more = rows->seek(numbered_key(query.space, query.collection, first));
       more && rows->key().starts_with(prefix.view()); more = rows->next()) {
    records.open_message(server_table::change_index, rows->key(), rows->value(), entry);
    // All changes of one millisecond go together: such a client cannot name a place inside it.
    const bool full = answer.items.size() >= limit || bytes >= query.bytes_max;
    if (full && entry.changed_ms() > answer.next_since_ms) {
      answer.has_more = true;
      answer.next_since_ms = entry.changed_ms();
      return answer;
    }
    const auto key = item_key(query.space, query.collection, entry.id());
    const auto item = records.item(server_table::items, key);
    if (!item)
      throw_corrupt(server_tables()[server_table::items], key);
    answer.items.push_back(core::to_message(entry.id(), *item));
    bytes += item->body.size() + core::item_header_bytes;
    answer.next_since_ms = entry.changed_ms();
  }
  return answer;
}

} // namespace syncline::storage
