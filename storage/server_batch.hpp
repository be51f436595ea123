#pragma once
// Applying batches inside one write transaction; private to the key-value server store.

#include "core/data/item.hpp"
#include "core/sync/server_apply.hpp"
#include "storage/keys.hpp"
#include "storage/server_history.hpp"
#include "storage/server_store.hpp"
#include "storage/server_store_kv.hpp"

#include <map>

namespace syncline::storage {

/// One write transaction of the server. Keeps the states of the spaces, collections and clients
/// that it touches and writes each once, in `finish`.
class server_transaction {
public:
  server_transaction(kv_writer& kv, start_register& starts, const server_canaries& canaries)
    : starts_{starts}, canaries_{canaries}, records_{kv, server_tables()}, writer_{kv} {}

  [[nodiscard]] batch_output apply(const batch_input& batch);

  /// Writes the states. The caller commits.
  void finish();

  /// Spaces that got their first change here; to be registered once committed.
  [[nodiscard]] const std::vector<std::string>& new_spaces() const {
    return new_spaces_;
  }

  /// Planted bug only: where the sequence had come to, though the transaction may fail.
  [[nodiscard]] std::map<std::string, std::uint64_t> drawn() const;
  void start_from(const std::map<std::string, std::uint64_t>& drawn);

private:
  struct client_state {
    msg::ClientRecord record;
    bool dirty = false;
  };

  msg::SpaceState& space(const std::string& name);
  msg::CollectionState& collection(const std::string& space, const std::string& name);
  client_state& client(const std::string& space, const std::string& id);

  [[nodiscard]] std::optional<msg::ErrorReply> check_claims(const batch_input& batch);
  [[nodiscard]] static std::optional<msg::ErrorReply> check_names(const batch_input& batch);
  [[nodiscard]] std::optional<msg::ErrorReply> check_ids(const batch_input& batch);
  void forget_acknowledged(const batch_input& batch, client_state& sender);

  batch_output apply_checked(const batch_input& batch);
  batch_output apply_named(const batch_input& batch);

  /// The stored answer of a mutation that this client has sent before.
  std::optional<msg::StoredResult> stored(const std::string& space, const std::string& client,
                                          std::uint64_t mutation_id) const;
  msg::MutationResult repeat(const std::string& space, const msg::StoredResult& stored);
  /// The item or tombstone that a mutation meets; nullopt: never existed, or trimmed.
  [[nodiscard]] std::optional<core::item_view> current(const batch_input& batch,
                                                       const msg::Mutation& mutation) const;
  /// What became of the mutation under a former name; nullopt: it never arrived.
  std::optional<msg::MutationResult>
  former_result(const batch_input& batch, const msg::Mutation& mutation, const std::string& hash);

  /// Applies new mutations from `index` on: one, or a whole atomic group. Returns their results.
  std::vector<msg::MutationResult> apply_next(const batch_input& batch, int index);
  std::vector<msg::MutationResult> apply_group(const batch_input& batch, int first, int end);
  msg::MutationResult apply_one(const batch_input& batch, const msg::Mutation& mutation,
                                std::uint64_t group_end_seq);
  /// What `mutation` is judged with, besides the item that it meets.
  [[nodiscard]] core::server_moment moment_of(const batch_input& batch,
                                              const msg::Mutation& mutation,
                                              const std::optional<core::item_view>& before);
  void write_change(const std::string& space, const msg::Mutation& mutation,
                    const std::optional<core::item_header>& before, const core::item_header& header,
                    std::string_view body, std::uint64_t group_end_seq);
  void store_result(const batch_input& batch, const msg::Mutation& mutation,
                    const msg::MutationResult& result);

  start_register& starts_;
  const server_canaries& canaries_;
  record_reader records_;
  record_writer writer_;
  std::map<std::string, msg::SpaceState> spaces_;
  std::map<std::pair<std::string, std::string>, msg::CollectionState> collections_;
  std::map<std::pair<std::string, std::string>, client_state> clients_;
  std::vector<std::string> new_spaces_;
};

} // namespace syncline::storage
