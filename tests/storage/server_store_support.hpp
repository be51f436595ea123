#pragma once
// What the tests of the server's store share: mutations, batches, and a client that only pulls.

#include "core/sync/cursor.hpp"
#include "storage/payload_hash.hpp"
#include "storage/server_store.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace syncline::storage::test {

inline constexpr std::int64_t noon_ms = 1'700'000'000'000;

/// Random numbers of a store, the same in every run.
inline std::function<std::uint64_t()> seeded_random(std::uint64_t seed) {
  return [engine = std::make_shared<std::mt19937_64>(seed)] { return (*engine)(); };
}

inline msg::Mutation mutation_of(msg::MutationKind kind, std::string id) {
  msg::Mutation mutation;
  mutation.set_kind(kind);
  mutation.set_collection("items");
  mutation.set_id(std::move(id));
  return mutation;
}

/// As a client sends it: with the hash of what it stands for.
inline msg::Mutation skipping(const msg::Mutation& frozen) {
  auto mutation = mutation_of(msg::SKIP, frozen.id());
  mutation.set_payload_hash(frozen.payload_hash());
  return mutation;
}

inline msg::Mutation creating(std::string id, std::string body = "{}") {
  auto mutation = mutation_of(msg::CREATE, std::move(id));
  mutation.set_body(std::move(body));
  return mutation;
}

inline msg::Mutation patching(std::string id, std::string patch, const msg::Stamp& base) {
  auto mutation = mutation_of(msg::UPDATE, std::move(id));
  mutation.set_patch(std::move(patch));
  *mutation.mutable_base() = base;
  return mutation;
}

inline msg::Mutation adding(std::string id, std::string field, std::int64_t amount) {
  auto mutation = mutation_of(msg::UPDATE, std::move(id));
  auto& increment = *mutation.add_increments();
  increment.set_field(std::move(field));
  increment.set_integer(amount);
  return mutation;
}

inline msg::Mutation deleting(std::string id, const msg::Stamp& base = {}) {
  auto mutation = mutation_of(msg::DELETE, std::move(id));
  *mutation.mutable_base() = base;
  return mutation;
}

inline msg::Mutation in_collection(msg::Mutation mutation, std::string collection) {
  mutation.set_collection(std::move(collection));
  return mutation;
}

inline std::vector<msg::Mutation> in_group(std::vector<msg::Mutation> members,
                                           std::uint64_t group) {
  for (auto& member : members) {
    member.set_group(group);
    member.set_group_size(static_cast<std::uint32_t>(members.size()));
  }
  return members;
}

/// Numbers mutations as a client of ours does.
struct sender {
  std::string client;
  std::string space = "default";
  std::uint64_t next_id = 1;
  std::uint64_t acked_through = 0;
  std::uint64_t nonce = 1000;

  /// The next batch. Sending it again is a retry.
  msg::BatchRequest batch(const server_store& store, std::vector<msg::Mutation> mutations) {
    msg::BatchRequest request;
    request.set_client(client);
    request.set_acked_through(acked_through);
    request.set_start(store.start());
    for (auto& mutation : mutations) {
      mutation.set_mutation_id(next_id++);
      mutation.set_nonce(++nonce);
      if (mutation.kind() != msg::SKIP)
        mutation.set_payload_hash(payload_hash(mutation));
      *request.add_mutations() = std::move(mutation);
    }
    return request;
  }
};

inline batch_input input_of(const msg::BatchRequest& request, std::int64_t now_ms = noon_ms) {
  batch_input input;
  input.request = &request;
  input.now_ms = now_ms;
  return input;
}

inline batch_output output_of(server_store& store, const batch_input& input) {
  auto outputs = store.apply(std::span{&input, 1});
  BOOST_REQUIRE_MESSAGE(outputs.has_value(), (outputs ? std::string{} : outputs.error().message));
  return std::move(outputs->front());
}

/// The answer to a batch that has to be taken.
inline msg::BatchResponse answer_to(server_store& store, const msg::BatchRequest& request,
                                    std::int64_t now_ms = noon_ms) {
  auto output = output_of(store, input_of(request, now_ms));
  const auto* refused = std::get_if<msg::ErrorReply>(&output);
  BOOST_REQUIRE_MESSAGE(refused == nullptr, (refused ? refused->ShortDebugString() : ""));
  return std::move(std::get<msg::BatchResponse>(output));
}

/// The refusal of a batch; its code is `taken` where there was none.
inline msg::ErrorReply refusal_of(const batch_output& output) {
  if (const auto* refused = std::get_if<msg::ErrorReply>(&output))
    return *refused;
  msg::ErrorReply taken;
  taken.set_code("taken");
  return taken;
}

inline msg::ErrorReply refusal_of(server_store& store, const msg::BatchRequest& request) {
  return refusal_of(output_of(store, input_of(request)));
}

/// Sends mutations in one batch and gives their results.
inline std::vector<msg::MutationResult> send(server_store& store, sender& from,
                                             std::vector<msg::Mutation> mutations,
                                             std::int64_t now_ms = noon_ms) {
  const auto request = from.batch(store, std::move(mutations));
  auto input = input_of(request, now_ms);
  input.space = from.space;
  const auto output = output_of(store, input);
  BOOST_REQUIRE_MESSAGE(std::holds_alternative<msg::BatchResponse>(output),
                        refusal_of(output).ShortDebugString());
  const auto& response = std::get<msg::BatchResponse>(output);
  return {response.results().begin(), response.results().end()};
}

/// As `send`, for one mutation that has to be SYNCED: the stamp of its effect.
inline msg::Stamp sent(server_store& store, sender& from, msg::Mutation mutation,
                       std::int64_t now_ms = noon_ms) {
  const auto results = send(store, from, {std::move(mutation)}, now_ms);
  BOOST_REQUIRE_MESSAGE(results.size() == 1 && results[0].status() == msg::SYNCED,
                        (results.empty() ? "" : results[0].ShortDebugString()));
  return results[0].stamp();
}

/// An item as text: body, or `-` for a tombstone, or `(nothing)`.
inline std::string shown(const server_store& store, const std::string& id,
                         const std::string& collection = "items",
                         const std::string& space = "default") {
  const auto item = store.get(space, collection, id);
  BOOST_REQUIRE(item.has_value());
  if (!*item)
    return "(nothing)";
  return (*item)->deleted() ? "-" : (*item)->body();
}

inline delta_query query_from(std::string cursor, std::uint32_t limit = 500) {
  delta_query query;
  query.cursor = std::move(cursor);
  query.limit = limit;
  return query;
}

inline delta_output output_of(const server_store& store, const delta_query& query) {
  auto output = store.delta(query);
  BOOST_REQUIRE_MESSAGE(output.has_value(), (output ? std::string{} : output.error().message));
  return std::move(*output);
}

inline delta_answer answer_to(const server_store& store, const delta_query& query) {
  auto output = output_of(store, query);
  const auto* refused = std::get_if<msg::ErrorReply>(&output);
  BOOST_REQUIRE_MESSAGE(refused == nullptr, (refused ? refused->ShortDebugString() : ""));
  return std::move(std::get<delta_answer>(output));
}

inline msg::DeltaPage page_of(const server_store& store, const delta_query& query) {
  return answer_to(store, query).page;
}

/// "code/reason" of a refused pull; `taken` where it was not refused.
inline std::string refusal_of(const server_store& store, const delta_query& query) {
  const auto output = output_of(store, query);
  const auto* refused = std::get_if<msg::ErrorReply>(&output);
  return refused ? refused->code() + "/" + refused->reason() : "taken";
}

inline std::vector<std::string> ids_of(const google::protobuf::RepeatedPtrField<msg::Item>& items) {
  std::vector<std::string> ids;
  for (const auto& item : items)
    ids.push_back(item.id());
  return ids;
}

using names = std::vector<std::string>;

/// A client that only pulls: what it holds is what the pages say, and nothing else.
class mirror {
public:
  explicit mirror(std::string collection = "items") : collection_{std::move(collection)} {}

  /// Pulls one page. False where nothing is left.
  bool pull(const server_store& store, std::uint32_t limit, std::uint64_t bytes_max = 1u << 20) {
    auto query = query_from(cursor_, limit);
    query.collection = collection_;
    query.bytes_max = bytes_max;
    query.seen = seen_;
    const auto page = page_of(store, query);
    take(page);
    return page.has_more();
  }

  void pull_all(const server_store& store, std::uint32_t limit = 500) {
    while (pull(store, limit)) {
    }
  }

  void take(const msg::DeltaPage& page) {
    BOOST_TEST(page.prev_cursor() == cursor_);
    if (page.phase() == msg::Cursor::SNAPSHOT)
      clear_range(page);
    for (const auto& item : page.deleted())
      items_.erase(item.id());
    for (const auto& item : page.items())
      items_[item.id()] = item;
    cursor_ = page.next_cursor();
    seen_ = core::later_place(seen_, page.head());
  }

  [[nodiscard]] const std::map<std::string, msg::Item>& items() const {
    return items_;
  }
  [[nodiscard]] const std::string& cursor() const {
    return cursor_;
  }
  [[nodiscard]] const msg::Place& seen() const {
    return seen_;
  }

  /// Whether each of `ids` is here as it is at the server, and nothing else is.
  [[nodiscard]] bool equals(const server_store& store, const std::vector<std::string>& ids) const {
    std::size_t living = 0;
    for (const auto& id : ids) {
      const auto item = store.get("default", collection_, id);
      BOOST_REQUIRE(item.has_value());
      if (!*item || (*item)->deleted())
        continue;
      ++living;
      const auto found = items_.find(id);
      if (found == items_.end() ||
          found->second.SerializeAsString() != (*item)->SerializeAsString())
        return false;
    }
    return living == items_.size();
  }

private:
  void clear_range(const msg::DeltaPage& page) {
    std::erase_if(items_, [&](const auto& entry) {
      return entry.first > page.range_after() &&
             (page.range_to_end() || entry.first <= page.range_through());
    });
  }

  std::string collection_;
  std::string cursor_;
  msg::Place seen_;
  std::map<std::string, msg::Item> items_;
};

inline std::string numbered(int number) {
  return "id" + std::to_string(1000 + number);
}

/// Creates the items of these numbers, in one batch.
inline void create(server_store& store, sender& from, int first, int end) {
  std::vector<msg::Mutation> mutations;
  for (int i = first; i < end; ++i)
    mutations.push_back(creating(numbered(i)));
  send(store, from, std::move(mutations));
}

inline msg::Stamp stamp_of(const server_store& store, const std::string& id) {
  return store.get("default", "items", id).value()->stamp();
}

} // namespace syncline::storage::test
