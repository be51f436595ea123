// Reading a JSON batch; answering one is in batch_results_json.cpp.

#include "net/protocol/batch_json.hpp"

#include "core/data/ids.hpp"
#include "net/protocol/batch_operation.hpp"

#include <cstdint>
#include <map>
#include <set>

namespace syncline::net {

namespace {

/// Levels of nesting around an item: batch, operations, operation; and some more, so that an item
/// that is too deep fails alone and not its batch.
constexpr std::size_t depth_around_item = 64;

void set_error(json_operation& operation, const core::error& error) {
  auto& target = operation.error.emplace();
  target.set_code(error.code);
  target.set_message(error.message);
}

/// An atomic group happens whole or not at all: one refused member takes the others with it.
void settle_groups(std::vector<operation_draft>& drafts) {
  std::map<std::uint64_t, std::uint32_t> sizes;
  std::set<std::uint64_t> broken;
  for (const auto& draft : drafts) {
    const auto group = draft.mutation.group();
    if (group == 0)
      continue;
    ++sizes[group];
    if (draft.operation.error)
      broken.insert(group);
  }
  for (auto& draft : drafts) {
    const auto group = draft.mutation.group();
    if (group == 0)
      continue;
    draft.mutation.set_group_size(sizes[group]);
    if (broken.contains(group) && !draft.operation.error)
      set_error(draft.operation,
                core::fail("group", "Another operation of the same atomic group was refused, so "
                                    "none of the group was applied. Correct that one."));
  }
}

/// What stands in for a refused operation. Answering its id with a SKIP keeps the next ids of its
/// client from being a gap; if the id was applied earlier, the store gives that result instead.
msg::Mutation make_skip(const msg::Mutation& refused) {
  msg::Mutation skip;
  skip.set_kind(msg::SKIP);
  skip.set_id(refused.id());
  skip.set_nonce(refused.nonce());
  skip.set_mutation_id(refused.mutation_id());
  return skip;
}

json_batch assemble(std::vector<operation_draft>& drafts, std::string_view collection) {
  json_batch batch;
  batch.operations.reserve(drafts.size());
  for (auto& draft : drafts) {
    if (!draft.operation.error || draft.mutation.mutation_id() != 0) {
      draft.operation.mutation_index = batch.request.mutations_size();
      auto& mutation = *batch.request.add_mutations();
      mutation = draft.operation.error ? make_skip(draft.mutation) : std::move(draft.mutation);
      mutation.set_collection(std::string{collection});
    }
    batch.operations.push_back(std::move(draft.operation));
  }
  return batch;
}

core::error bad_batch(std::string message) {
  return core::fail("bad_batch", std::move(message));
}

core::error bad_client(const batch_json_limits& limits) {
  return bad_batch("`client` must be a string of at most " + std::to_string(limits.label_max) +
                   " bytes.");
}

core::expected<core::json_value> parse_root(std::string_view body,
                                            const batch_json_limits& limits) {
  const core::json_limits whole{limits.body_max, limits.item.depth_max + depth_around_item};
  auto root = core::parse_json(body, whole);
  if (root)
    return root;
  if (root.error().code == "too_large" || root.error().code == "bad_json")
    return root;
  return core::fail("bad_json", root.error().message);
}

} // namespace

core::expected<json_batch> parse_batch_json(std::string_view body, std::string_view collection,
                                            const batch_json_limits& limits) {
  if (auto valid = core::validate_collection(collection); !valid)
    return valid.error();
  auto root = parse_root(body, limits);
  if (!root)
    return root.error();
  auto* operations = root->is_object() ? root->find("operations") : nullptr;
  if (operations == nullptr || operations->kind() != core::json_kind::array)
    return bad_batch("The body must be an object with an array `operations`.");
  auto& elements = operations->items();
  if (elements.size() > limits.operations_max)
    return core::fail("too_many", "The batch has " + std::to_string(elements.size()) +
                                    " operations; at most " +
                                    std::to_string(limits.operations_max) +
                                    " are taken at once. Send it in parts.");
  std::string client;
  if (const auto* found = find_set(*root, "client")) {
    if (found->kind() != core::json_kind::string || found->as_string().size() > limits.label_max)
      return bad_client(limits);
    client = found->as_string();
  }
  std::optional<std::uint64_t> acked_through = 0;
  if (const auto* found = find_set(*root, "ackedThrough"))
    acked_through = to_unsigned(*found);
  if (!acked_through)
    return bad_batch("`ackedThrough` must be an integer from 0.");
  std::vector<operation_draft> drafts(elements.size());
  for (std::size_t at = 0; at < elements.size(); ++at) {
    if (auto read = read_operation(elements[at], !client.empty(), limits, drafts[at]); !read)
      set_error(drafts[at].operation, read.error());
  }
  settle_groups(drafts);
  auto batch = assemble(drafts, collection);
  batch.request.set_client(std::move(client));
  batch.request.set_acked_through(*acked_through);
  return batch;
}

} // namespace syncline::net
