#pragma once
// What many live connections are sent at once, and who of them may be sent it.

#include "net/server/live.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace syncline::net {

/// How far somebody has come in a topic: everything up to `seq` is in what he was sent, and
/// `cursor` says the same in words that he understands.
struct live_position {
  std::uint64_t seq = 0;
  std::shared_ptr<const std::string> cursor;
};

/// The changes of a topic after `from_seq` up to the position `through`. Made once, and given to
/// everybody who has come as far as `from_seq`, and not as far as `first_seq`.
struct publication {
  std::string topic;
  std::uint64_t from_seq = 0;
  std::uint64_t first_seq = 0;
  live_position through;
  /// The bytes for those who have come as far as this cursor. Called on an io thread.
  std::function<shared_bytes(const std::string& prev_cursor)> bytes;
};

/// Who follows which topic, and how far each has come. A follower is a position, not a queue: what
/// he cannot be given at once he has to read for himself. Not thread-safe.
class follower_table {
public:
  /// Somebody who no longer follows, because he lacks something or cannot take it now.
  struct left {
    std::uint64_t follower = 0;
    live_position position;
  };

  /// False: something was published that he lacks, so he does not follow.
  bool follow(const std::string& topic, std::uint64_t follower, live_position position) {
    auto& entry = topics_[topic];
    if (position.seq < entry.published_through)
      return false;
    entry.followers.insert_or_assign(follower, std::move(position));
    return true;
  }

  /// Where he stood; without a cursor where he did not follow.
  live_position unfollow(const std::string& topic, std::uint64_t follower) {
    live_position position;
    const auto found = topics_.find(topic);
    if (found == topics_.end())
      return position;
    auto& followers = found->second.followers;
    if (const auto entry = followers.find(follower); entry != followers.end()) {
      position = std::move(entry->second);
      followers.erase(entry);
    }
    return position;
  }

  /// Nobody follows it, and whoever will has read everything by then.
  void end(const std::string& topic) {
    if (const auto found = topics_.find(topic);
        found != topics_.end() && found->second.followers.empty())
      topics_.erase(found);
  }

  /// From all topics.
  void forget(std::uint64_t follower) {
    for (auto& [name, entry] : topics_)
      entry.followers.erase(follower);
  }

  /// `send(follower, bytes)` says whether he took them. Those who did not, or who lack something
  /// before this publication, leave the topic and are returned.
  template <class Send>
  std::vector<left> publish(const publication& published, Send&& send) {
    std::vector<left> gone;
    auto& entry = topics_[published.topic];
    entry.published_through = std::max(entry.published_through, published.through.seq);
    // Nearly all have come equally far, and so get the very same bytes.
    std::shared_ptr<const std::string> last_cursor;
    shared_bytes bytes;
    for (auto at = entry.followers.begin(); at != entry.followers.end();) {
      auto& position = at->second;
      if (position.seq >= published.through.seq) {
        ++at; // He has read it for himself.
        continue;
      }
      const bool fits = position.seq >= published.from_seq && position.seq < published.first_seq;
      if (fits && (!bytes || position.cursor != last_cursor)) {
        last_cursor = position.cursor;
        bytes = published.bytes(*last_cursor);
      }
      if (fits && (bytes->empty() || send(at->first, bytes))) {
        position = published.through;
        ++at;
        continue;
      }
      gone.push_back({at->first, std::move(position)});
      at = entry.followers.erase(at);
    }
    return gone;
  }

private:
  struct topic_entry {
    std::uint64_t published_through = 0;
    std::unordered_map<std::uint64_t, live_position> followers;
  };
  std::unordered_map<std::string, topic_entry> topics_;
};

/// Hands publications to the followers on all io threads. Thread-safe.
class live_publisher {
public:
  virtual ~live_publisher() = default;
  /// Publications of one topic come in their order.
  virtual void publish(publication published) = 0;
  /// Nobody follows this topic any more.
  virtual void end_topic(std::string topic) = 0;
  /// Sends all live connections away (1001), so that they come again.
  virtual void drop_all() = 0;
};

} // namespace syncline::net
