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
    const auto stopped = rt::to_caf({"stopped", "the server is stopping; send it again"});
    for (auto& batch : parked_)
      batch.reply.deliver(stopped);
    for (auto& edits : edits_)
      edits.reply.deliver(stopped);
  }

  store_actor::behavior_type make_behavior() {
    return {
      [this](msg::ApplyBatch& command) { return park(command); },
      [this](const msg::TrimStore&) { return trim(); },
      [this](const msg::OpenDocument& command) { return open(command); },
      [this](const msg::ReadDocumentLog& command) { return read_log(command); },
      [this](msg::CommitDocument& command) { return park(command); },
      [this](const msg::DeleteDocument& command) { return erase(command); },
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

  struct parked_edits {
    msg::CommitDocument command;
    caf::typed_response_promise<msg::DocumentCommitted> reply;
  };

  caf::result<msg::BatchApplied> park(msg::ApplyBatch& command) {
    return park_in<msg::BatchApplied>(parked_, command);
  }
  caf::result<msg::DocumentCommitted> park(msg::CommitDocument& command) {
    return park_in<msg::DocumentCommitted>(edits_, command);
  }

  template <class Reply, class Parked, class Command>
  caf::result<Reply> park_in(std::vector<Parked>& list, Command& command) {
    auto& parked = list.emplace_back();
    parked.command.Swap(&command);
    parked.reply = self_->make_response_promise<Reply>();
    auto reply = parked.reply;
    if (parked_.size() + edits_.size() >= options_.group_max) {
      commit_parked();
    } else if (!flush_armed_) {
      flush_armed_ = true;
      rt::send(self_, store_actor{self_}, msg::FlushDue{});
    }
    return reply;
  }

  void commit_parked() {
    commit_edits();
    commit_batches();
  }

  void commit_edits() {
    const auto group = std::exchange(edits_, {});
    if (group.empty())
      return;
    std::vector<storage::document_commit> commits;
    commits.reserve(group.size());
    for (const auto& each : group)
      commits.push_back(commit_of(each.command));
    auto outcomes = store_->documents().commit_documents(commits);
    if (!outcomes && outcomes.error().code == "store_full" && group.size() > 1)
      outcomes = commit_each_alone(commits);
    for (std::size_t i = 0; i < group.size(); ++i) {
      auto reply = group[i].reply;
      const auto refused = !outcomes         ? outcomes.error()
                           : !(*outcomes)[i] ? (*outcomes)[i].error()
                                             : core::error{};
      if (!refused.code.empty()) {
        reply.deliver(rt::to_caf(refused));
        continue;
      }
      msg::DocumentCommitted committed;
      committed.set_revision(group[i].command.base() +
                             static_cast<std::uint64_t>(group[i].command.edits_size()));
      reply.deliver(std::move(committed));
    }
    if (!outcomes && outcomes.error().code == "store_io" && options_.on_store_failed)
      options_.on_store_failed(outcomes.error());
  }

  // Where one does not fit, the others may.
  std::vector<core::expected<void>>
  commit_each_alone(std::span<const storage::document_commit> commits) {
    std::vector<core::expected<void>> outcomes;
    outcomes.reserve(commits.size());
    for (const auto& each : commits) {
      auto alone = store_->documents().commit_documents({&each, 1});
      outcomes.push_back(alone ? alone->front() : alone.error());
    }
    return outcomes;
  }

  storage::document_commit commit_of(const msg::CommitDocument& command) const {
    storage::document_commit commit;
    commit.space = command.space();
    commit.id = command.id();
    commit.incarnation = command.incarnation();
    commit.session = command.session();
    commit.base = command.base();
    commit.edits = &command.edits();
    if (command.has_snapshot())
      commit.snapshot = command.snapshot();
    commit.trim_through = command.trim_through();
    commit.now_ms = world_.wall_ms();
    return commit;
  }

  caf::result<document_loaded> open(const msg::OpenDocument& command) {
    commit_parked(); // What its last session has sent comes before.
    auto opened = store_->documents().open_document(command.space(), command.id(), command.again(),
                                                    command.log_wanted());
    if (!opened)
      return rt::to_caf(opened.error());
    return document_loaded{std::make_shared<storage::opened_document>(std::move(*opened))};
  }

  caf::result<document_log_read> read_log(const msg::ReadDocumentLog& command) const {
    auto log = store_->documents().read_log(command.space(), command.id(), command.incarnation(),
                                            command.after(), command.through());
    if (!log)
      return rt::to_caf(log.error());
    return document_log_read{
      std::make_shared<std::deque<core::ot::logged_operation>>(std::move(*log))};
  }

  caf::result<msg::Done> erase(const msg::DeleteDocument& command) {
    commit_parked();
    auto erased =
      store_->documents().delete_document(command.space(), command.id(), world_.wall_ms());
    if (!erased)
      return rt::to_caf(erased.error());
    return msg::Done{};
  }

  void commit_batches() {
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
  std::vector<parked_edits> edits_;
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
