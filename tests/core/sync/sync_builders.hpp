#pragma once
// Short ways to write mutations, rows and lanes in the tests of core/sync.

#include "core/data/json.hpp"
#include "core/sync/lane.hpp"
#include "core/sync/mutation.hpp"
#include "mutation.pb.h"
#include "tests/core/data/json_generator.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::test {

using optional_text = std::optional<std::string>;

/// Objects in each other, so many deep.
inline std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i)
    text += "{\"a\":";
  text += '1';
  return text.append(static_cast<std::size_t>(depth), '}');
}

inline msg::Mutation mutation(msg::MutationKind kind) {
  msg::Mutation made;
  made.set_kind(kind);
  made.set_collection("notes");
  made.set_id("n1");
  return made;
}

inline msg::Mutation create(const std::string& body) {
  auto made = mutation(msg::CREATE);
  made.set_body(body);
  return made;
}

inline msg::Mutation put(const std::string& body) {
  auto made = mutation(msg::UPDATE);
  made.set_body(body);
  return made;
}

inline msg::Mutation patch(const std::string& patch) {
  auto made = mutation(msg::UPDATE);
  made.set_patch(patch);
  return made;
}

/// `made` with an increment more.
inline msg::Mutation plus(msg::Mutation made, const std::string& field, std::int64_t amount) {
  auto& increment = *made.add_increments();
  increment.set_field(field);
  increment.set_integer(amount);
  return made;
}

inline msg::Mutation add(const std::string& field, std::int64_t amount) {
  return plus(mutation(msg::UPDATE), field, amount);
}

inline msg::Mutation remove() {
  return mutation(msg::DELETE);
}

inline core::json_value tree(const std::string& text) {
  return core::parse_json(text).value();
}

inline bool same_json(const optional_text& left, const optional_text& right) {
  if (!left || !right)
    return left.has_value() == right.has_value();
  return tree(*left) == tree(*right);
}

/// The body after the mutation, or as it was where that cannot be applied.
inline optional_text applied(const optional_text& body, const msg::Mutation& change) {
  auto result = core::apply_mutation(body, change);
  return result ? *result : body;
}

/// A row of the server start `start`. The body has to outlive it.
inline core::item_view row(std::uint64_t seq, std::string_view body, std::uint64_t start = 1) {
  core::item_view made;
  made.header.stamp = {start, seq};
  made.header.version = seq + 100;
  made.header.last_modified_ms = static_cast<std::int64_t>(seq) * 1000;
  made.header.birth_seq = 1;
  made.body = body;
  return made;
}

inline core::item_view tombstone(std::uint64_t seq, std::uint64_t start = 1) {
  auto made = row(seq, "", start);
  made.header.deleted = true;
  return made;
}

inline msg::OutboxEntry& push(core::lane& lane, const msg::Mutation& change,
                              msg::EntryState state = msg::QUEUED) {
  const std::uint64_t local_seq = lane.entries.empty() ? 1 : lane.entries.back().local_seq() + 1;
  auto& entry = lane.entries.emplace_back();
  entry.set_local_seq(local_seq);
  entry.set_state(state);
  *entry.mutable_mutation() = change;
  lane.record.add_entries(local_seq);
  return entry;
}

/// A lane made on `base`; the changes wait, oldest first, with local sequences from 1.
inline core::lane lane_on(const std::optional<core::item_view>& base,
                          const std::vector<msg::Mutation>& changes) {
  core::lane lane;
  core::begin_on(lane, base);
  for (const auto& change : changes)
    push(lane, change);
  return lane;
}

/// The same with its first entry in flight.
inline core::lane sent_lane_on(const std::optional<core::item_view>& base,
                               const std::vector<msg::Mutation>& changes) {
  auto lane = lane_on(base, changes);
  lane.entries.front().set_state(msg::SENT);
  lane.entries.front().mutable_mutation()->set_mutation_id(1);
  return lane;
}

/// SYNCED at `seq`, applied on the row of `previous_seq` (0 = there was none).
inline msg::MutationResult synced(std::uint64_t seq, std::uint64_t previous_seq) {
  msg::MutationResult result;
  result.set_status(msg::SYNCED);
  result.set_version(seq + 100);
  result.set_last_modified_ms(static_cast<std::int64_t>(seq) * 1000);
  *result.mutable_stamp() = core::to_message(core::stamp{1, seq});
  if (previous_seq != 0)
    *result.mutable_previous_stamp() = core::to_message(core::stamp{1, previous_seq});
  return result;
}

inline msg::MutationResult failed(const std::string& code, bool retryable = false) {
  msg::MutationResult result;
  result.set_status(msg::FAILED);
  result.mutable_error()->set_code(code);
  result.mutable_error()->set_retryable(retryable);
  return result;
}

inline msg::MutationResult conflict(const core::item_view& server_item) {
  msg::MutationResult result;
  result.set_status(msg::CONFLICT);
  *result.mutable_server_item() = core::to_message("n1", server_item);
  return result;
}

/// A random body: members with names in common, and a number `n` in most of them.
inline std::string any_body() {
  auto object = any_object_value(2, true);
  if (*rc::gen::inRange(0, 4) > 0)
    object.set("n", core::json_value::integer(*rc::gen::inRange<std::int64_t>(-9, 10)));
  return core::to_text(object);
}

/// A random change that is legal on `body`; it adds to the field `n` alone.
inline msg::Mutation any_change(const optional_text& body, bool may_delete = true) {
  if (!body)
    return create(any_body());
  switch (*rc::gen::inRange(0, may_delete ? 6 : 5)) {
  case 0:
    return add("n", *rc::gen::inRange(-3, 4));
  case 1:
    return put(any_body());
  case 2:
    return plus(put(any_body()), "n", *rc::gen::inRange(-3, 4));
  case 3:
    return plus(patch(any_body()), "n", *rc::gen::inRange(-3, 4));
  case 4:
    return patch(core::to_text(any_object_value(2, true)));
  default:
    return remove();
  }
}

} // namespace syncline::test
