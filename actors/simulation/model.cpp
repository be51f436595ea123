#include "actors/simulation/model.hpp"

#include "core/data/json.hpp"
#include "core/sync/mutation.hpp"

namespace syncline::actors::simulation {

const model_item* model::find(const std::string& collection, const std::string& id) const {
  const auto found = items_.find(collection + '/' + id);
  return found == items_.end() ? nullptr : &found->second;
}

std::optional<std::string> model::commit(const storage::batch_input& batch,
                                         const storage::batch_output& output, bool clones) {
  const auto* response = std::get_if<msg::BatchResponse>(&output);
  if (response == nullptr)
    return std::nullopt;
  for (int i = 0; i < response->results_size(); ++i) {
    const auto& result = response->results(i);
    const auto& mutation = batch.request->mutations(i);
    if (result.mutation_id() != mutation.mutation_id())
      return "a result names mutation " + std::to_string(result.mutation_id()) + " instead of " +
             std::to_string(mutation.mutation_id());
    if (result.repeated_result()) {
      ++suppressed_;
      continue;
    }
    if (!answered_.emplace(batch.request->client(), mutation.mutation_id()).second)
      return "mutation " + std::to_string(mutation.mutation_id()) + " of client " +
             batch.request->client() + " was carried out twice";
    if (result.status() != msg::SYNCED || result.not_found())
      continue;
    if (auto wrong = apply(mutation, result, clones))
      return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> model::apply(const msg::Mutation& mutation,
                                        const msg::MutationResult& result, bool clones) {
  auto& item = items_[mutation.collection() + '/' + mutation.id()];
  const auto stamp = core::from_message(result.stamp());
  if (stamp == item.stamp && !stamp.is_none())
    return std::nullopt; // An equal CREATE changed nothing.
  const std::string what =
    "seq " + std::to_string(stamp.seq) + " (" + mutation.collection() + '/' + mutation.id() + ")";
  const bool first = applied_.insert(mutation.nonce()).second;
  if (!first && !(clones && core::is_increments_only(mutation)))
    return what + ": one mutation took effect twice (its nonce is in the log already)";
  if (stamp.seq != head_seq_ + 1)
    return what + ": the log goes on from " + std::to_string(head_seq_) +
           ", so a seq was skipped "
           "or given twice";
  head_seq_ = stamp.seq;
  const bool lives = item.version != 0 && !item.deleted;
  if (mutation.kind() == msg::UPDATE && !lives)
    return what + ": an UPDATE changed what is not there";
  if (mutation.kind() == msg::CREATE && lives)
    return what + ": a CREATE replaced a living item";
  if (mutation.kind() != msg::CREATE && !core::is_increments_only(mutation) &&
      core::from_message(mutation.base()) != item.stamp)
    return what + ": a mutation was applied on a version that it was not made on";
  // A tombstone that was trimmed is forgotten, and with it how often the item had changed.
  const bool forgotten = mutation.kind() == msg::CREATE && result.version() == 1;
  if (result.version() != item.version + 1 && !forgotten)
    return what + ": the version does not go on from " + std::to_string(item.version);
  auto body = core::apply_mutation(
    lives ? std::optional<std::string_view>{item.body} : std::nullopt, mutation);
  if (!body)
    return what + ": the model cannot apply what the server did: " + body.error().message;
  item.deleted = !body->has_value();
  item.body = std::move(*body).value_or(std::string{});
  item.stamp = stamp;
  item.version = result.version();
  return std::nullopt;
}

} // namespace syncline::actors::simulation
