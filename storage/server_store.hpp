#pragma once
// The server's store: items, their order of change, and what each client was answered.
//
// An interface, because a second back end follows; every implementation passes
// tests/storage/server_store_contract.hpp. What it promises:
//
// - `seq` is taken inside the single write transaction, so its order is the commit order.
// - An item's change, its place in the change index and the answer to its mutation are one
//   transaction; a batch is answered only after that is durable.
// - A page and the head it was read at come from one snapshot.

#include "core/expected.hpp"
#include "storage/document_store.hpp"
#include "wire.pb.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace syncline::storage {

/// One batch to apply. `request` must outlive the call.
struct batch_input {
  std::string space = "default";
  const msg::BatchRequest* request = nullptr;
  std::int64_t now_ms = 0;
  /// Plain clients name no start and no seen place, and may send no ids at all.
  bool plain = false;
  std::string idempotency_key; ///< empty = none
  std::string request_hash;    ///< SHA-256 of the request, with an idempotency key
};

/// The answer, or why the batch as a whole was refused: `cursor_expired`, `server_restarted`,
/// `mutation_gap`, `client_retired`, `bad_batch`, `idempotency_mismatch`.
using batch_output = std::variant<msg::BatchResponse, msg::ErrorReply>;

struct delta_query {
  std::string space = "default";
  std::string collection = "items";
  std::string cursor; ///< "" or "0" = the beginning
  std::uint32_t limit = 500;
  std::uint64_t bytes_max = 1u << 20;
  msg::Place seen;
  bool plain = false;
  std::string if_none_match;   ///< an entity tag, quotes included; empty = none
  bool all_tombstones = false; ///< also those that are withheld from plain clients
};

struct delta_answer {
  msg::DeltaPage page;
  std::string etag;
  std::uint64_t cursor_seq = 0; ///< of the cursor asked with: tells created from updated
  /// Phase changes: the page says the same, word for word, to everybody who has come at least as
  /// far as the cursor asked with, and not as far as this seq. 0: nothing has changed.
  std::uint64_t same_before_seq = 0;
  bool not_modified = false;
};
using delta_output = std::variant<delta_answer, msg::ErrorReply>;

struct updates_query {
  std::string space = "default";
  std::string collection = "items";
  std::int64_t since_ms = 0;
  std::uint32_t limit = 500;
  std::uint64_t bytes_max = 1u << 20;
};

struct updates_answer {
  std::vector<msg::Item> items; ///< tombstones included
  bool has_more = false;
  std::int64_t next_since_ms = 0; ///< where to go on; not below `since_ms`
};

/// A cursor from which there is nothing to be read yet.
struct head_cursor {
  std::string token;
  std::uint64_t seq = 0;
};

/// Sizes of one space, derived from the tables.
struct server_counts {
  std::uint64_t items = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t head_seq = 0;
};

struct trim_options {
  std::int64_t tombstones_kept_ms = 90LL * 24 * 3600 * 1000;
  /// What a copy of a client's store, put to use only after so long, may create a second time.
  std::int64_t births_kept_ms = 365LL * 24 * 3600 * 1000;
  std::int64_t results_kept_ms = 30LL * 24 * 3600 * 1000;
  std::int64_t idempotency_kept_ms = 24LL * 3600 * 1000;
};

/// See above. Reads may come from any thread; `apply` and `trim` from one at a time. Errors of the
/// back end: `store_full`, `disk_full`, `store_io`, `store_corrupt`.
class server_store {
public:
  virtual ~server_store() = default;

  /// Applies all batches in one durable transaction, in order. After an error none is applied.
  [[nodiscard]] virtual core::expected<std::vector<batch_output>>
  apply(std::span<const batch_input> batches) = 0;

  [[nodiscard]] virtual core::expected<delta_output> delta(const delta_query& query) const = 0;
  [[nodiscard]] virtual core::expected<updates_answer>
  updates(const updates_query& query) const = 0;
  /// Where a client begins that wants to hear of what comes, and not of what there is. `plain` as
  /// in `delta_query`.
  [[nodiscard]] virtual core::expected<head_cursor>
  head(const std::string& space, const std::string& collection, bool plain) const = 0;
  /// The item or its tombstone; nullopt: never existed, or trimmed.
  [[nodiscard]] virtual core::expected<std::optional<msg::Item>>
  get(const std::string& space, const std::string& collection, const std::string& id) const = 0;

  /// Forgets old tombstones (raising their collection's floor), results and named answers.
  [[nodiscard]] virtual core::expected<std::uint64_t> trim(std::int64_t now_ms,
                                                           const trim_options& options) = 0;

  [[nodiscard]] virtual core::expected<server_counts> counts(const std::string& space) const = 0;
  /// The texts in the same store, written from the same thread. Lives as long as this.
  [[nodiscard]] virtual document_store& documents() = 0;
  [[nodiscard]] virtual const document_store& documents() const = 0;

  [[nodiscard]] virtual std::uint64_t epoch() const = 0;
  /// Random id of this start of the server.
  [[nodiscard]] virtual std::uint64_t start() const = 0;
};

} // namespace syncline::storage
