// The answer to a JSON batch; reading one is in batch_json.cpp.

#include "core/ensure.hpp"
#include "net/protocol/batch_json.hpp"
#include "net/protocol/item_json.hpp"

#include <cstdint>

namespace syncline::net {

namespace {

/// A result in the terms of the JSON wire.
struct outcome {
  std::string_view status = "FAILED";
  const msg::MutationResult* result = nullptr; // null if the store gave none
  const msg::Error* error = nullptr;           // set if FAILED
};

const msg::Error& unknown_outcome() {
  static const msg::Error error = [] {
    msg::Error unknown;
    unknown.set_code("outcome_unknown");
    unknown.set_message("This mutation id was answered long ago and its result is no longer kept. "
                        "Pull the item to see whether the change is in it.");
    return unknown;
  }();
  return error;
}

const msg::Error& mutated_retry() {
  static const msg::Error error = [] {
    msg::Error mutated;
    mutated.set_code("mutated_retry");
    mutated.set_message("This mutation id came before with other content. Nothing from it on was "
                        "applied. Take a new client id and number the mutations from 1.");
    return mutated;
  }();
  return error;
}

const msg::Error& not_applied() {
  static const msg::Error error = [] {
    msg::Error unapplied;
    unapplied.set_code("not_applied");
    unapplied.set_message("An earlier operation of this batch stopped it. Send this one again.");
    unapplied.set_retryable(true);
    return unapplied;
  }();
  return error;
}

outcome outcome_of_result(const json_operation& operation, const msg::MutationResult& result) {
  switch (result.status()) {
  case msg::SYNCED:
    return {"SYNCED", &result, nullptr};
  case msg::CONFLICT:
    return {"CONFLICT", &result, nullptr};
  case msg::DELETE_CONFLICT:
    return {"DELETE_CONFLICT", &result, nullptr};
  case msg::SKIPPED:
    // The SKIP that stood in for a refused operation has done its work.
    if (operation.error)
      return {"FAILED", nullptr, &*operation.error};
    return {"SYNCED", &result, nullptr};
  case msg::OUTCOME_UNKNOWN:
    return {"FAILED", &result, result.has_error() ? &result.error() : &unknown_outcome()};
  default:
    return {"FAILED", &result, &result.error()};
  }
}

outcome outcome_of(const json_batch& batch, const json_operation& operation,
                   const msg::BatchResponse& response) {
  if (operation.mutation_index < 0) {
    core::ensure(operation.error.has_value(), "an operation without a mutation has an error");
    return {"FAILED", nullptr, &*operation.error};
  }
  if (operation.mutation_index < response.results_size())
    return outcome_of_result(operation, response.results(operation.mutation_index));
  if (operation.error)
    return {"FAILED", nullptr, &*operation.error};
  const auto mutation_id = batch.request.mutations(operation.mutation_index).mutation_id();
  const bool is_named = mutation_id != 0 && mutation_id == response.mutated_retry_id();
  return {"FAILED", nullptr, is_named ? &mutated_retry() : &not_applied()};
}

void append_bool(std::string& out, std::string_view name, bool value) {
  out += ",\"";
  out += name;
  out += value ? "\":true" : "\":false";
}

template <class T>
void append_count(std::string& out, std::string_view name, T value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_number(out, value);
}

void append_error(std::string& out, const msg::Error& error) {
  out += ",\"error\":{\"code\":";
  core::append_json_string(out, error.code().empty() ? "internal" : error.code());
  out += ",\"message\":";
  core::append_json_string(out, error.message());
  append_bool(out, "retryable", error.retryable());
  out.push_back('}');
}

/// The numbers of what now stands at the server: of this change, or of what it met there.
void append_numbers(std::string& out, const msg::MutationResult* result) {
  std::uint64_t version = 0;
  std::int64_t last_modified_ms = 0;
  std::uint64_t seq = 0;
  if (result != nullptr && result->has_server_item()) {
    version = result->server_item().version();
    last_modified_ms = result->server_item().last_modified_ms();
    seq = result->server_item().stamp().seq();
  } else if (result != nullptr) {
    version = result->version();
    last_modified_ms = result->last_modified_ms();
    seq = result->stamp().seq();
  }
  append_count(out, "version", version);
  append_count(out, "newVersion", version);
  append_count(out, "lastModified", last_modified_ms);
  append_count(out, "seq", seq);
}

void append_result(std::string& out, const json_operation& operation, const outcome& found) {
  const auto* result = found.result;
  out += "{\"id\":";
  core::append_json_string(out, operation.id);
  if (!operation.local_id.empty()) {
    out += ",\"localId\":";
    core::append_json_string(out, operation.local_id);
  }
  out += ",\"serverId\":";
  const bool has_server_id = result != nullptr && !result->server_id().empty();
  core::append_json_string(out, has_server_id ? result->server_id() : operation.id);
  out += ",\"status\":\"";
  out += found.status;
  out.push_back('"');
  append_bool(out, "success", found.status == "SYNCED");
  append_bool(out, "isConflict", found.status == "CONFLICT" || found.status == "DELETE_CONFLICT");
  append_bool(out, "isNotFound", result != nullptr && result->not_found());
  append_numbers(out, result);
  if (result != nullptr && result->has_server_item()) {
    out += ",\"serverVersion\":";
    append_item_json(out, result->server_item());
  }
  if (found.error != nullptr)
    append_error(out, *found.error);
  out.push_back('}');
}

} // namespace

std::string batch_results_json(const json_batch& batch, const msg::BatchResponse& response) {
  std::string out = "{\"results\":[";
  bool first = true;
  for (const auto& operation : batch.operations) {
    if (!first)
      out.push_back(',');
    first = false;
    append_result(out, operation, outcome_of(batch, operation, response));
  }
  out += "]}";
  return out;
}

} // namespace syncline::net
