#include "net/protocol/foreign_batch.hpp"

#include "core/data/json.hpp"
#include "core/sync/lane.hpp"
#include "net/protocol/foreign_json.hpp"
#include "net/protocol/item_json.hpp"

#include <algorithm>
#include <utility>

namespace syncline::net {

namespace {

using object = core::json_value;

std::uint64_t known_version(const msg::Mutation& mutation) {
  const auto seq = mutation.base().seq();
  return seq < core::foreign_tombstone_seq ? seq : 0;
}

// What only adds up is right on every version.
bool names_version(const msg::Mutation& mutation) {
  const bool adds_up_only =
    mutation.kind() == msg::UPDATE && !mutation.has_body() && !mutation.has_patch();
  return mutation.kind() != msg::CREATE && known_version(mutation) != 0 && !adds_up_only;
}

void append_increments(std::string& out, const msg::Mutation& mutation) {
  out += ",\"increments\":{";
  bool is_first = true;
  for (const auto& increment : mutation.increments()) {
    if (!std::exchange(is_first, false))
      out += ',';
    core::append_json_string(out, increment.field());
    out += ':';
    if (increment.amount_case() == msg::Increment::kReal)
      out += core::to_text(object::real(increment.real()));
    else
      append_number(out, std::int64_t{increment.integer()});
  }
  out += '}';
}

void append_operation(std::string& out, const msg::Mutation& mutation) {
  const bool creates = mutation.kind() == msg::CREATE;
  out += creates                          ? R"({"operation":"CREATE","localId":)"
         : mutation.kind() == msg::DELETE ? R"({"operation":"DELETE","id":)"
                                          : R"({"operation":"UPDATE","id":)";
  core::append_json_string(out,
                           mutation.server_id().empty() ? mutation.id() : mutation.server_id());
  if (mutation.has_body())
    out += ",\"data\":" + mutation.body();
  else if (mutation.has_patch())
    out += ",\"data\":" + mutation.patch();
  if (mutation.has_body() && !creates)
    out += ",\"replace\":true";
  if (!mutation.increments().empty())
    append_increments(out, mutation);
  if (names_version(mutation)) {
    out += ",\"version\":";
    append_number(out, known_version(mutation));
  }
  out += '}';
}

msg::MutationStatus status_of(const object& from) {
  const auto* status = text_of(from, "status");
  constexpr std::pair<std::string_view, msg::MutationStatus> all[]{
    {"SYNCED", msg::SYNCED},
    {"CONFLICT", msg::CONFLICT},
    {"DELETE_CONFLICT", msg::DELETE_CONFLICT},
    {"FAILED", msg::FAILED}};
  for (const auto& [name, value] : all)
    if (status && *status == name)
      return value;
  return msg::MUTATION_STATUS_UNSPECIFIED;
}

void read_change(const object& from, const msg::Mutation& mutation, msg::MutationResult& out) {
  const auto base = known_version(mutation);
  auto version = integer_of(from, "newVersion");
  if (!version)
    version = integer_of(from, "version");
  // A deletion may be answered without one, or with that of what was there.
  auto now = static_cast<std::uint64_t>(version.value_or(0));
  if (now == 0 || (mutation.kind() == msg::DELETE && now <= base))
    now = base + 1;
  out.set_version(now);
  set_version_stamp(*out.mutable_stamp(), now);
  if (out.not_found())
    *out.mutable_previous_stamp() = out.stamp(); // Its tombstone is yet to come, perhaps.
  else if (names_version(mutation))
    *out.mutable_previous_stamp() = mutation.base(); // The server has compared it.
  else if (mutation.kind() != msg::CREATE)
    set_version_stamp(*out.mutable_previous_stamp(), now - 1);
  if (const auto* server_id = text_of(from, "serverId"))
    out.set_server_id(*server_id);
}

void read_error(const object& from, msg::Error& out) {
  out.set_code("failed");
  out.set_message("the server refused it and did not say why");
  const auto* error = from.find("error");
  if (!error || !error->is_object())
    return;
  if (const auto* code = text_of(*error, "code"))
    out.set_code(*code);
  if (const auto* message = text_of(*error, "message"))
    out.set_message(*message);
  out.set_retryable(flag_of(*error, "retryable"));
}

bool read_result(const object& from, const msg::Mutation& mutation, msg::MutationResult& out) {
  if (!from.is_object())
    return false;
  if (const auto* local = text_of(from, "localId"); local && *local != mutation.id())
    return false; // The answer to something else.
  out.set_mutation_id(mutation.mutation_id());
  out.set_status(status_of(from));
  out.set_last_modified_ms(integer_of(from, "lastModified").value_or(0));
  out.set_not_found(flag_of(from, "isNotFound"));
  switch (out.status()) {
  case msg::SYNCED:
    read_change(from, mutation, out);
    return out.server_id().empty() || is_foreign_id(out.server_id());
  case msg::CONFLICT:
  case msg::DELETE_CONFLICT:
    if (const auto* theirs = from.find("serverVersion"); theirs && !theirs->is_null()) {
      if (!read_foreign_item(*theirs, *out.mutable_server_item()))
        return false;
      out.mutable_server_item()->set_id(mutation.id());
    }
    return true;
  case msg::FAILED:
    read_error(from, *out.mutable_error());
    return true;
  default:
    return false;
  }
}

bool is_skip(const msg::Mutation& mutation) {
  return mutation.kind() == msg::SKIP;
}

} // namespace

bool needs_answer(const msg::BatchRequest& batch) {
  return !std::all_of(batch.mutations().begin(), batch.mutations().end(), is_skip);
}

std::string foreign_batch_body(const msg::BatchRequest& batch) {
  std::string body;
  for (const auto& mutation : batch.mutations()) {
    if (is_skip(mutation))
      continue;
    body += body.empty() ? R"({"operations":[)" : ",";
    append_operation(body, mutation);
  }
  if (!body.empty())
    body += "]}";
  return body;
}

bool read_foreign_results(const msg::BatchRequest& batch, const object::array_type& results,
                          msg::BatchResponse& out) {
  std::size_t next = 0;
  for (const auto& mutation : batch.mutations()) {
    auto& result = *out.add_results();
    if (is_skip(mutation)) { // The server never heard of it.
      result.set_mutation_id(mutation.mutation_id());
      result.set_status(msg::SKIPPED);
    } else if (next == results.size() || !read_result(results[next++], mutation, result)) {
      return false;
    }
  }
  return next == results.size();
}

} // namespace syncline::net
