#include "actors/server/store_actor.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace syncline::actors::server {

namespace {

std::uint64_t count_repeats(const msg::BatchResponse& response) {
  const auto& results = response.results();
  return static_cast<std::uint64_t>(std::count_if(
    results.begin(), results.end(), [](const auto& result) { return result.repeated_result(); }));
}

// idle --ApplyBatch--> parked --FlushDue--> committing --replies--> idle
class store_state {
public:
  static inline const char* name = "store";

  store_state(store_actor::pointer self, std::shared_ptr<storage::server_store> store, seams world,
              store_options options)
    : self_{self}, store_{std::move(store)}, world_{std::move(world)}, options_{
                                                                         std::move(options)} {}

  ~store_state() {
    for (auto& batch : parked_)
      batch.reply.deliver(rt::to_caf({"stopped", "the server is stopping; send it again"}));
  }

  store_actor::behavior_type make_behavior() {
    return {
      [this](msg::ApplyBatch& command) { return park(command); },
      [this](const msg::TrimStore&) { return trim(); },
      [this](const msg::FlushDue&) {
        flush_armed_ = false;
        commit_parked();
      },
    };
  }

private:
  struct parked_batch {
    msg::ApplyBatch command;
    caf::typed_response_promise<msg::BatchApplied> reply;
  };

  caf::result<msg::BatchApplied> park(msg::ApplyBatch& command) {
    auto& batch = parked_.emplace_back();
    batch.command.Swap(&command);
    batch.reply = self_->make_response_promise<msg::BatchApplied>();
    auto reply = batch.reply;
    if (parked_.size() >= options_.group_max) {
      commit_parked();
    } else if (!flush_armed_) {
      flush_armed_ = true;
      rt::send(self_, store_actor{self_}, msg::FlushDue{});
    }
    return reply;
  }

  void commit_parked() {
    std::vector<parked_batch> group;
    group.swap(parked_);
    if (group.empty())
      return;
    const auto failure = commit({group.data(), group.size()});
    if (failure.code.empty())
      return;
    for (auto& batch : group) {
      // Where one batch does not fit, the others may; a lone one has had its answer already.
      const bool retry_alone = failure.code == "store_full" && group.size() > 1;
      const auto error = retry_alone ? commit({&batch, 1}) : failure;
      if (!error.code.empty())
        batch.reply.deliver(rt::to_caf(error));
    }
    if (failure.code == "store_io" && options_.on_store_failed)
      options_.on_store_failed(failure);
  }

  core::error commit(std::span<parked_batch> group) {
    const std::int64_t now_ms = world_.wall_ms();
    std::vector<storage::batch_input> inputs;
    inputs.reserve(group.size());
    for (const auto& batch : group) {
      auto& input = inputs.emplace_back();
      input.space = batch.command.space();
      input.request = &batch.command.request();
      input.now_ms = now_ms;
      input.plain = batch.command.plain();
      input.idempotency_key = batch.command.idempotency_key();
      input.request_hash = batch.command.request_hash();
    }
    auto outputs = store_->apply(inputs);
    if (!outputs)
      return outputs.error();
    std::uint64_t repeats = 0;
    for (const auto& output : *outputs)
      if (const auto* response = std::get_if<msg::BatchResponse>(&output))
        repeats += count_repeats(*response);
    if (repeats != 0 && options_.on_repeats) // Before the answers: who has one sees it counted.
      options_.on_repeats(repeats);
    tell_what_moved(group);
    for (std::size_t i = 0; i < group.size(); ++i) {
      msg::BatchApplied applied;
      auto& output = (*outputs)[i];
      if (auto* response = std::get_if<msg::BatchResponse>(&output))
        applied.mutable_response()->Swap(response);
      else
        applied.mutable_refusal()->Swap(&std::get<msg::ErrorReply>(output));
      group[i].reply.deliver(std::move(applied));
    }
    return {};
  }

  void tell_what_moved(std::span<const parked_batch> group) const {
    if (!options_.on_moved)
      return;
    std::map<std::string, std::set<std::string>> by_space;
    for (const auto& batch : group)
      for (const auto& mutation : batch.command.request().mutations())
        by_space[batch.command.space()].insert(mutation.collection());
    for (const auto& [space, collections] : by_space) {
      msg::StoreMoved moved;
      moved.set_space(space);
      moved.mutable_collections()->Add(collections.begin(), collections.end());
      options_.on_moved(std::move(moved));
    }
  }

  caf::result<msg::Done> trim() {
    auto trimmed = store_->trim(world_.wall_ms(), options_.trim);
    if (!trimmed)
      return rt::to_caf(trimmed.error());
    return msg::Done{};
  }

  store_actor::pointer self_;
  std::shared_ptr<storage::server_store> store_;
  seams world_;
  store_options options_;
  std::vector<parked_batch> parked_;
  bool flush_armed_ = false;
};

} // namespace

store_actor spawn_store(caf::actor_system& system, std::shared_ptr<storage::server_store> store,
                        seams world, store_options options) {
  const auto where = options.where;
  return rt::spawn_placed<store_actor, store_state>(where, system, std::move(store),
                                                    std::move(world), std::move(options));
}

} // namespace syncline::actors::server
