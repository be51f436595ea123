#pragma once
// `POST /batch-sync` in JSON (PROTOCOL.md section 4), to and from the messages that our own clients
// send.

#include "core/data/json.hpp"
#include "core/expected.hpp"
#include "wire.pb.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::net {

/// Limits on one JSON batch; what is exactly at a limit is allowed.
struct batch_json_limits {
  core::json_limits item;            // each body or patch
  std::size_t operations_max = 1000; // beyond: too_many
  std::size_t body_max = 64u << 20;  // bytes of the request body; beyond: too_large
  std::size_t label_max = 128;       // bytes of `client`, and of a `nonce` or `group` string
};

/// What became of one element of `operations`.
struct json_operation {
  /// Set if the operation was refused here. It never reaches the store; see `mutation_index`.
  std::optional<msg::Error> error;
  /// Its place among `request.mutations`; -1 if it has none. A refused operation that has a
  /// `mutationId` is there as a SKIP, so that the sequence of its client stays dense.
  int mutation_index = -1;
  std::string id;       // `id`, else `localId`; empty if neither could be read
  std::string local_id; // empty if there was none
};

/// A JSON batch, read: one `operations` entry for each element of the request, in its order.
struct json_batch {
  msg::BatchRequest request;
  std::vector<json_operation> operations;
};

/// Reads a batch. What is wrong with one operation fails that operation alone (codes bad_operation,
/// bad_id, and those of `core::validate_body`: reserved_name, too_large, ...; `group` for the other
/// members of its atomic group). What is wrong with the whole is an error: bad_json (also for
/// duplicate keys, bad UTF-8 and numbers out of range anywhere in it), bad_batch, bad_collection,
/// too_many, too_large.
///
/// Members that are not known are ignored; those that are known have exactly the right type, or are
/// null, which is the same as absent. Numbers in `data` keep their value, not their spelling. Of an
/// item given back as it was received, `id`, `version` and `lastModified` are taken out of `data`;
/// its `version` becomes the base version of an operation that names none. `nonce` and `group` are
/// integers from 1, or strings: 16 hex digits are taken as the number, others are hashed to one.
/// `payload_hash` is not set: hashing is the caller's. Any thread.
[[nodiscard]] core::expected<json_batch> parse_batch_json(std::string_view body,
                                                          std::string_view collection = "items",
                                                          const batch_json_limits& limits = {});

/// `{"results":[...]}`, one for each operation, in the order of the request. `response.results` is
/// a prefix of `batch.request.mutations`, as the store answers; an operation behind it was not
/// applied and is FAILED with code mutated_retry (the one that the response names) or not_applied
/// (retryable). Status OUTCOME_UNKNOWN is FAILED with that code; an answered SKIP is SYNCED. After
/// a conflict, `version` and `lastModified` are those of the server's item; numbers that do not
/// apply are 0. Any thread.
[[nodiscard]] std::string batch_results_json(const json_batch& batch,
                                             const msg::BatchResponse& response);

} // namespace syncline::net
