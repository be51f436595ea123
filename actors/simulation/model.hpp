#pragma once
// The model: a plain replay of the server's log. One writer gives the total order, so what the
// server must hold, and what each client must have seen at a cursor, follows from the log alone.

#include "core/data/item.hpp"
#include "storage/server_store.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace syncline::actors::simulation {

/// An item as the log says it should be.
struct model_item {
  std::string body;
  core::stamp stamp;
  std::uint64_t version = 0;
  bool deleted = false;
};

/// Copied with each image of the server's store, so that a restored server has a restored model.
class model {
public:
  /// Takes a committed batch with its answer. Returns what is wrong with it, or nothing.
  /// `clones`: a client's store was copied or rolled back, so that increments which were queued
  /// then may take effect twice.
  [[nodiscard]] std::optional<std::string> commit(const storage::batch_input& batch,
                                                  const storage::batch_output& output, bool clones);

  [[nodiscard]] const std::map<std::string, model_item>& items() const {
    return items_;
  }
  [[nodiscard]] const model_item* find(const std::string& collection, const std::string& id) const;
  [[nodiscard]] std::uint64_t head_seq() const {
    return head_seq_;
  }
  /// Results that were given again instead of applied again.
  [[nodiscard]] std::uint64_t suppressed() const {
    return suppressed_;
  }
  /// Nonces with an effect in this history.
  [[nodiscard]] const std::set<std::uint64_t>& applied() const {
    return applied_;
  }

private:
  [[nodiscard]] std::optional<std::string> apply(const msg::Mutation& mutation,
                                                 const msg::MutationResult& result, bool clones);

  std::map<std::string, model_item> items_; // key: collection, '/', id
  std::set<std::uint64_t> applied_;
  std::set<std::pair<std::string, std::uint64_t>> answered_; // client, mutation id
  std::uint64_t head_seq_ = 0;
  std::uint64_t suppressed_ = 0;
};

} // namespace syncline::actors::simulation
