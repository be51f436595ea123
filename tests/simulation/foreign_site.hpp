#pragma once
// A server that is none of ours, in memory, written from the JSON shapes alone: it names the items
// itself, counts their versions and remembers answers by Idempotency-Key.

#include "core/data/json_value.hpp"
#include "http.pb.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::tests {

class foreign_site {
public:
  /// One reply to one request, at once.
  [[nodiscard]] msg::HttpReply answer(const msg::HttpRequest& request);

  /// The cursors that were given until now are too old.
  void expire_cursors() {
    ++age_;
  }
  /// Bodies of all living items, by the server's ids.
  [[nodiscard]] std::map<std::string, std::string> items() const;
  /// How often an item was created whose body has this in it.
  [[nodiscard]] std::size_t creations_with(std::string_view token) const;
  /// Whether an item ever had this in its body.
  [[nodiscard]] bool ever_had(std::string_view token) const;
  [[nodiscard]] std::size_t replays() const {
    return replays_;
  }

private:
  using json = core::json_value;
  struct row {
    json data;
    bool deleted = false;
    std::uint64_t version = 0;
    std::uint64_t seq = 0;
    std::uint64_t birth = 0;
  };

  [[nodiscard]] msg::HttpReply batch(const msg::HttpRequest& request);
  [[nodiscard]] msg::HttpReply delta(const std::string& cursor, std::size_t limit);
  [[nodiscard]] json apply(const json& operation, std::map<std::string, std::string>& local_ids);
  [[nodiscard]] json create(const json& operation, std::map<std::string, std::string>& local_ids);
  [[nodiscard]] json result(const json& operation, const std::string& id, const char* status,
                            bool missing) const;
  void commit(const std::string& id, row changed);

  std::map<std::string, row> rows_;
  std::map<std::string, std::string> answers_; // by Idempotency-Key
  std::vector<std::string> creations_;
  std::vector<std::string> bodies_; // of every version
  std::uint64_t head_ = 0;
  std::uint64_t age_ = 1; // cursors of an earlier one are refused
  std::uint64_t last_id_ = 0;
  std::size_t replays_ = 0;
};

} // namespace syncline::tests
