#include "runtime/change_reader.hpp"

#include "runtime/convert.hpp"

namespace syncline {

result<change_page> read_changes(const storage::client_store& store, std::uint64_t kept,
                                 std::uint64_t after_seq, std::size_t limit) {
  const auto view = store.snapshot();
  const auto counters = view ? view->outbox_state() : view.error();
  if (!counters)
    return to_public(counters.error());
  const std::uint64_t head = counters->next_local_seq();
  change_page page;
  // Numbers beyond the head are those of another store, or of this one before it was rolled back.
  if (after_seq > head || (head > kept && after_seq < head - kept)) {
    auto& gap = page.changes.emplace_back();
    gap.seq = page.next = head;
    gap.resync = true;
    return page;
  }
  const auto feed = view->changes(after_seq, limit);
  if (!feed)
    return to_public(feed.error());
  for (const auto& [seq, record] : feed->records) {
    const auto item = view->get(record.collection(), record.id());
    if (!item)
      return to_public(item.error());
    page.changes.push_back(
      {seq, record.collection(), record.id(), record.remote(), item->has_value(), false});
  }
  page.more = limit > 0 && feed->records.size() == limit;
  page.next = page.more ? page.changes.back().seq : head;
  return page;
}

} // namespace syncline
