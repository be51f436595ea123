#pragma once
// Where the collections of a stream stand. Pure.

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace syncline::actors::client {

/// Knows of each collection whether what a stream brings was asked for from where the store stands.
/// Belongs to one actor.
class stream_positions {
public:
  void clear() {
    collections_.clear();
  }
  [[nodiscard]] std::size_t size() const {
    return collections_.size();
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    all.reserve(collections_.size());
    for (const auto& [name, entry] : collections_)
      all.push_back(name);
    return all;
  }
  [[nodiscard]] bool has(const std::string& collection) const {
    return collections_.count(collection) != 0;
  }
  /// It is pulled: what comes meanwhile is of no use.
  void pull(const std::string& collection) {
    auto& entry = collections_[collection] = position{};
    entry.pulling = true;
  }
  [[nodiscard]] bool is_pulling(const std::string& collection) const {
    const auto found = collections_.find(collection);
    return found != collections_.end() && found->second.pulling;
  }
  /// It was asked for from this cursor on. What was sent before the server heard of that still
  /// comes, until something begins there.
  void ask(const std::string& collection, const std::string& cursor) {
    auto& entry = collections_[collection] = position{};
    entry.from = cursor;
  }
  /// Whether something that begins, or stands, at `cursor` is to be looked at.
  [[nodiscard]] bool expects(const std::string& collection, const std::string& cursor) {
    const auto found = collections_.find(collection);
    if (found == collections_.end() || found->second.pulling)
      return false;
    auto& entry = found->second;
    entry.met = entry.met || entry.from == cursor;
    return entry.met;
  }
  void catch_up(const std::string& collection) {
    collections_.at(collection).caught_up = true;
  }
  [[nodiscard]] bool all_caught_up() const {
    return std::all_of(collections_.begin(), collections_.end(),
                       [](const auto& each) { return each.second.caught_up; });
  }

private:
  struct position {
    bool pulling = false;
    bool caught_up = false;
    std::string from;
    bool met = false; // something that begins there has come
  };

  std::map<std::string, position> collections_;
};

} // namespace syncline::actors::client
