#include "storage/server_batch.hpp"

#include "storage/keys.hpp"
#include "storage/payload_hash.hpp"

#include <algorithm>

namespace syncline::storage {

namespace {

// Whether a stored result answers this very mutation, and not another one that a copy of the
// client's store sent under the same id. A SKIP names what it stands for by its hash; one without
// a hash, of a plain client, is taken at its word.
bool is_of(const msg::StoredResult& known, const msg::Mutation& mutation, const std::string& hash) {
  if (mutation.kind() == msg::SKIP)
    return mutation.payload_hash().empty() || known.payload_hash() == mutation.payload_hash();
  return known.payload_hash() == hash;
}

// Names that become parts of keys. Ids and collections are judged one by one, with the mutation.
constexpr std::size_t name_bytes_max = 128;

// How many answers are kept for a client that never acknowledges any.
constexpr std::uint64_t results_kept_max = 10'000;

bool is_name(std::string_view name) {
  return name.size() <= name_bytes_max && name.find('\0') == std::string_view::npos;
}

msg::ErrorReply refusal(std::string code, std::string message) {
  msg::ErrorReply reply;
  reply.set_code(std::move(code));
  reply.set_message(std::move(message));
  return reply;
}

msg::ErrorReply gap(std::uint64_t expected) {
  auto reply =
    refusal("mutation_gap", "the next mutation id of this client is " + std::to_string(expected));
  reply.set_expected(expected);
  return reply;
}

msg::MutationResult outcome_unknown(const msg::Mutation& mutation) {
  msg::MutationResult result;
  result.set_mutation_id(mutation.mutation_id());
  result.set_status(msg::OUTCOME_UNKNOWN);
  result.set_server_id(mutation.id());
  result.mutable_error()->set_code("outcome_unknown");
  result.mutable_error()->set_message("the mutation was answered before, under another client id, "
                                      "and the answer is no longer kept; compare by hand");
  return result;
}

} // namespace

msg::SpaceState& server_transaction::space(const std::string& name) {
  auto [found, fresh] = spaces_.try_emplace(name);
  if (fresh)
    records_.message(server_table::spaces, name, found->second);
  return found->second;
}

msg::CollectionState& server_transaction::collection(const std::string& space,
                                                     const std::string& name) {
  auto [found, fresh] = collections_.try_emplace({space, name});
  if (fresh)
    records_.message(server_table::collections, item_key(space, name), found->second);
  return found->second;
}

server_transaction::client_state& server_transaction::client(const std::string& space,
                                                             const std::string& id) {
  auto [found, fresh] = clients_.try_emplace({space, id});
  if (fresh)
    records_.message(server_table::clients, item_key(space, id), found->second.record);
  return found->second;
}

std::optional<msg::ErrorReply> server_transaction::check_claims(const batch_input& batch) {
  if (batch.plain)
    return std::nullopt;
  auto history = starts_.history(batch.space, records_);
  history.head_seq = space(batch.space).head_seq(); // Of this transaction, not of the snapshot.
  const auto problem = core::check_place(history, batch.request->seen());
  if (problem != core::place_problem::none)
    return expired(history, problem);
  if (batch.request->start() == history.start())
    return std::nullopt;
  auto reply = refusal("server_restarted", "the server has started anew; send the same batch again "
                                           "and name this start");
  reply.set_start(history.start());
  reply.set_epoch(history.epoch);
  return reply;
}

std::optional<msg::ErrorReply> server_transaction::check_names(const batch_input& batch) {
  bool good = is_name(batch.request->client()) && is_name(batch.idempotency_key);
  for (const auto& mutation : batch.request->mutations())
    for (const auto& former : mutation.formers())
      good = good && is_name(former.client());
  if (good)
    return std::nullopt;
  return refusal("bad_batch", "a client id or an Idempotency-Key has at most 128 bytes, none of "
                              "them zero");
}

std::optional<msg::ErrorReply> server_transaction::check_ids(const batch_input& batch) {
  const auto& mutations = batch.request->mutations();
  for (int i = 0; i < mutations.size(); ++i) {
    const auto& mutation = mutations[i];
    if (mutation.mutation_id() == 0 ||
        mutation.mutation_id() != mutations[0].mutation_id() + static_cast<std::uint64_t>(i))
      return refusal("bad_batch", "mutation ids begin at 1 and rise by 1 within a batch");
    // That of a SKIP is of what it stands for, which nobody here has seen.
    if (mutation.kind() != msg::SKIP && !mutation.payload_hash().empty() &&
        mutation.payload_hash() != payload_hash(mutation))
      return refusal("bad_batch", "mutation " + std::to_string(mutation.mutation_id()) +
                                    " does not match its payload hash; it was damaged on the way");
  }
  return std::nullopt;
}

void server_transaction::forget_acknowledged(const batch_input& batch, client_state& sender) {
  const std::uint64_t last = sender.record.last_mutation_id();
  std::uint64_t through = std::min(batch.request->acked_through(), last);
  if (last > results_kept_max)
    through = std::max(through, last - results_kept_max);
  for (std::uint64_t id = std::max<std::uint64_t>(1, sender.record.kept_from()); id <= through;
       ++id)
    writer_.erase(server_table::results, numbered_key(batch.space, batch.request->client(), id));
  if (through + 1 > sender.record.kept_from()) {
    sender.record.set_kept_from(through + 1);
    sender.dirty = true;
  }
}

batch_output server_transaction::apply(const batch_input& batch) {
  if (auto refused = check_names(batch))
    return *refused;
  if (auto refused = check_claims(batch))
    return *refused;
  if (batch.idempotency_key.empty())
    return apply_checked(batch);
  const auto key = item_key(batch.space, batch.idempotency_key);
  msg::IdempotentAnswer known;
  if (records_.message(server_table::idempotency, key, known)) {
    if (known.request_hash() != batch.request_hash)
      return refusal("idempotency_mismatch", "this Idempotency-Key was used with another request; "
                                             "use a new key for a new request");
    return known.response();
  }
  auto output = apply_checked(batch);
  if (const auto* response = std::get_if<msg::BatchResponse>(&output)) {
    known.set_request_hash(batch.request_hash);
    *known.mutable_response() = *response;
    known.set_stored_ms(batch.now_ms);
    writer_.put_message(server_table::idempotency, key, known);
  }
  return output;
}

batch_output server_transaction::apply_checked(const batch_input& batch) {
  if (!batch.request->client().empty())
    return apply_named(batch);
  if (!batch.plain)
    return refusal("bad_batch", "the batch names no client");
  msg::BatchResponse response;
  for (int i = 0; i < batch.request->mutations_size();)
    for (auto& result : apply_next(batch, i)) {
      response.add_results()->Swap(&result);
      ++i;
    }
  *response.mutable_head() = starts_.history(batch.space, records_).head();
  response.mutable_head()->set_seq(space(batch.space).head_seq());
  return response;
}

batch_output server_transaction::apply_named(const batch_input& batch) {
  if (auto refused = check_ids(batch))
    return *refused;
  const auto& request = *batch.request;
  auto& sender = client(batch.space, request.client());
  msg::BatchResponse response;
  for (int i = 0; i < request.mutations_size();) {
    const auto& mutation = request.mutations(i);
    const std::uint64_t next = sender.record.last_mutation_id() + 1;
    if (mutation.mutation_id() > next)
      return gap(next); // Only the first can lie beyond the next, so nothing was applied.
    if (mutation.mutation_id() == next && sender.record.retired())
      return refusal("client_retired",
                     "the owner of this client id has taken a new one; two copies "
                     "of one store are in use");
    if (mutation.mutation_id() == next) {
      for (auto& result : apply_next(batch, i)) {
        response.add_results()->Swap(&result);
        ++i;
      }
      continue;
    }
    const auto known = stored(batch.space, request.client(), mutation.mutation_id());
    if (!known)
      return gap(next);
    if (!is_of(*known, mutation, payload_hash(mutation))) {
      response.set_mutated_retry_id(mutation.mutation_id());
      break;
    }
    *response.add_results() = repeat(batch.space, *known);
    ++i;
  }
  forget_acknowledged(batch, sender);
  sender.record.set_last_active_ms(batch.now_ms);
  sender.dirty = true;
  *response.mutable_head() = starts_.history(batch.space, records_).head();
  response.mutable_head()->set_seq(space(batch.space).head_seq());
  return response;
}

std::optional<msg::StoredResult> server_transaction::stored(const std::string& space,
                                                            const std::string& client,
                                                            std::uint64_t mutation_id) const {
  msg::StoredResult result;
  if (!records_.message(server_table::results, numbered_key(space, client, mutation_id), result))
    return std::nullopt;
  return result;
}

msg::MutationResult server_transaction::repeat(const std::string& space,
                                               const msg::StoredResult& stored) {
  msg::MutationResult result = stored.result();
  result.set_repeated_result(true);
  if (result.status() != msg::CONFLICT && result.status() != msg::DELETE_CONFLICT)
    return result;
  result.clear_server_item();
  if (const auto item =
        records_.item(server_table::items, item_key(space, stored.collection(), stored.id())))
    core::fill_message(*result.mutable_server_item(), stored.id(), *item);
  return result;
}

std::optional<msg::MutationResult> server_transaction::former_result(const batch_input& batch,
                                                                     const msg::Mutation& mutation,
                                                                     const std::string& hash) {
  bool unknown = false;
  for (const auto& former : mutation.formers()) {
    auto& owner = client(batch.space, former.client());
    if (!owner.record.retired()) {
      owner.record.set_retired(true);
      owner.dirty = true;
    }
    if (former.mutation_id() > owner.record.last_mutation_id())
      continue;
    const auto known = stored(batch.space, former.client(), former.mutation_id());
    if (!known) {
      unknown = true;
    } else if (is_of(*known, mutation, hash)) {
      auto result = repeat(batch.space, *known);
      result.set_mutation_id(mutation.mutation_id());
      return result;
    }
  }
  return unknown ? std::optional{outcome_unknown(mutation)} : std::nullopt;
}

void server_transaction::finish() {
  for (const auto& [name, state] : spaces_)
    writer_.put_message(server_table::spaces, name, state);
  for (const auto& [name, state] : collections_)
    writer_.put_message(server_table::collections, item_key(name.first, name.second), state);
  for (const auto& [name, state] : clients_)
    if (state.dirty)
      writer_.put_message(server_table::clients, item_key(name.first, name.second), state.record);
}

std::map<std::string, std::uint64_t> server_transaction::drawn() const {
  std::map<std::string, std::uint64_t> drawn;
  for (const auto& [name, state] : spaces_)
    drawn[name] = state.head_seq();
  return drawn;
}

void server_transaction::start_from(const std::map<std::string, std::uint64_t>& drawn) {
  for (const auto& [name, seq] : drawn)
    if (auto& state = space(name); state.head_seq() < seq)
      state.set_head_seq(seq);
}

} // namespace syncline::storage
