#include "core/ot/plain_bridge.hpp"

#include "core/ot/transform.hpp"

#include <utility>

namespace syncline::core::ot {

plain_bridge::plain_bridge(std::uint64_t revision, operation whole_text)
  : begin_{revision}, known_{revision} {
  unread_.push_back({revision, std::move(whole_text)});
}

expected<void> plain_bridge::read_through(std::uint64_t revision, const server_document& document) {
  const auto named = "revision " + std::to_string(revision);
  if (revision > document.revision())
    return fail("revision_in_future",
                named + " is above the head, which is " + std::to_string(document.revision()));
  if (revision != 0 && revision < *begin_)
    return fail("revision_too_old", named + " is below " + std::to_string(*begin_) +
                                      ", the first one that this client was given");
  if (revision < read_)
    return fail("in_flight", named + " is below " + std::to_string(read_) +
                               ", which this client has read before");
  // What it has read it has moved over its own ones itself.
  const bool has_text = revision != 0 || *begin_ == 0;
  while (!unread_.empty() && has_text && unread_.front().revision <= revision)
    unread_.pop_front();
  if (has_text && revision > known_)
    known_ = revision;
  read_ = revision;
  own_.erase(own_.begin(), own_.upper_bound(revision));
  return {};
}

expected<operation> plain_bridge::to_head(operation edit, std::uint64_t revision,
                                          const server_document& document) {
  if (auto read = read_through(revision, document); !read)
    return read.error();
  if (known_ < document.log_begin())
    return fail("revision_too_old", "what came after revision " + std::to_string(known_) +
                                      " is no longer in the log; connect again");
  for (; known_ < document.revision(); ++known_)
    if (!own_.contains(known_ + 1))
      unread_.push_back({known_ + 1, document.logged(known_ + 1).edit});
  const auto base =
    unread_.empty() ? document.head_text().length() : unread_.front().edit.base_length();
  if (auto whole = complete(edit, base); !whole)
    return whole.error();
  operation next;
  operation over;
  std::deque<unread> moved;
  for (const auto& each : unread_) {
    if (auto done = transform(edit, each.edit, tie::a, next, over); !done)
      return done.error();
    std::swap(edit, next);
    moved.push_back({each.revision, over});
  }
  unread_ = std::move(moved);
  return edit;
}

void plain_bridge::accepted(std::uint64_t revision) {
  own_.insert(revision);
}

} // namespace syncline::core::ot
