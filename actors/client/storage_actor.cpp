#include "actors/client/storage_actor.hpp"

#include <variant>
#include <vector>

namespace syncline::actors::client {

namespace {

// idle --request--> parked --FlushDue--> committing --replies, events--> idle
//                     ^  |
//                     '--' more requests join: FlushDue stands behind all that wait already
class storage_state {
public:
  static inline const char* name = "storage";

  storage_state(storage_actor::pointer self, std::shared_ptr<storage::client_store> store,
                storage_options options)
    : self_{self}, store_{std::move(store)}, options_{std::move(options)} {}

  // 0.17.6 never answers a promise that dies with its actor.
  ~storage_state() {
    for (auto& request : parked_)
      request->fail({"stopped", "the store is closing; the request was not carried out"});
  }

  storage_actor::behavior_type make_behavior() {
    using tx = storage::client_transaction;
    return {
      [this](msg::WriteLocal& m) { return park(m, &tx::write_local); },
      [this](msg::TakeOutboxBatch& m) { return park(m, &tx::take_batch); },
      [this](msg::ApplyBatchResult& m) { return park(m, &tx::apply_result); },
      [this](msg::ApplyBatchRefusal& m) { return park(m, &tx::apply_refusal); },
      [this](msg::QuarantinePoison& m) { return park(m, &tx::quarantine_poison); },
      [this](msg::ApplyRemoteChanges& m) { return park(m, &tx::apply_remote); },
      [this](msg::ResetCursor& m) { return park(m, &tx::reset_cursor); },
      [this](msg::ApplyResolution& m) { return park(m, &tx::apply_resolution); },
      [this](msg::ManageOutbox& m) { return park(m, &tx::manage_outbox); },
      [this](msg::AddCollection& m) { return park(m, &tx::add_collection); },
      [this](msg::DropCollection& m) { return park(m, &tx::drop_collection); },
      [this](msg::StoreJob& m) { return park(m, &tx::store_job); },
      [this](msg::EraseJob& m) { return park(m, &tx::erase_job); },
      [this](msg::StoreDocument& m) { return park(m, &tx::store_document); },
      [this](msg::EraseDocument& m) { return park(m, &tx::erase_document); },
      [this](msg::CloseReport& m) { return park(m, &tx::close_report); },
      [this](host_write& m) { park_host_write(m); },
      [this](const msg::FlushDue&) {
        flush_armed_ = false;
        commit_parked();
      },
    };
  }

private:
  // A request that waits for the commit. `run` may be called again after a transaction failed.
  struct request {
    virtual ~request() = default;
    virtual void run(storage::client_transaction& transaction) = 0;
    virtual void answer() = 0;
    virtual void fail(const core::error& error) = 0;
  };

  template <class In, class Out>
  struct typed_request : request {
    using command = core::expected<Out> (storage::client_transaction::*)(const In&);

    typed_request(In&& given, command called, caf::typed_response_promise<Out> promise)
      : in{std::move(given)}, method{called}, reply{std::move(promise)} {}

    void run(storage::client_transaction& transaction) override {
      outcome.emplace((transaction.*method)(in));
    }
    void answer() override {
      if (*outcome)
        reply.deliver(std::move(**outcome));
      else
        reply.deliver(rt::to_caf(outcome->error()));
    }
    void fail(const core::error& error) override {
      reply.deliver(rt::to_caf(error));
    }

    In in;
    command method;
    caf::typed_response_promise<Out> reply;
    std::optional<core::expected<Out>> outcome;
  };

  // A write of the host: no actor asked, so the answer goes to a function instead of a promise.
  struct host_request : request {
    explicit host_request(host_write&& given) : write{std::move(given)} {}

    void run(storage::client_transaction& transaction) override {
      outcome.emplace(transaction.write_local(write.command));
    }
    void answer() override {
      write.reply.deliver(std::move(*outcome));
    }
    void fail(const core::error& error) override {
      write.reply.deliver(error);
    }

    host_write write;
    std::optional<core::expected<msg::LocalWritten>> outcome;
  };

  void park_host_write(host_write& write) {
    park_request(std::make_unique<host_request>(std::exchange(write, {})));
  }

  template <class In, class Out>
  caf::result<Out> park(In& in,
                        core::expected<Out> (storage::client_transaction::*method)(const In&)) {
    auto promise = self_->template make_response_promise<Out>();
    In owned;
    owned.Swap(&in);
    park_request(std::make_unique<typed_request<In, Out>>(std::move(owned), method, promise));
    return promise;
  }

  void park_request(std::unique_ptr<request> waiting) {
    parked_.push_back(std::move(waiting));
    if (parked_.size() >= options_.group_max) {
      commit_parked();
    } else if (!flush_armed_) {
      flush_armed_ = true;
      rt::send(self_, storage_actor{self_}, msg::FlushDue{});
    }
  }

  void commit_parked() {
    std::vector<std::unique_ptr<request>> group;
    group.swap(parked_);
    if (group.empty())
      return;
    const core::error failure = commit(group);
    if (failure.code.empty())
      return;
    // A full store refuses the one that does not fit; the others, deletions among them, go on.
    if (failure.code == "store_full" && group.size() > 1) {
      for (auto& single : group) {
        std::vector<std::unique_ptr<request>> alone;
        alone.push_back(std::move(single));
        if (const auto error = commit(alone); !error.code.empty())
          alone.front()->fail(error);
      }
      return;
    }
    for (auto& request : group)
      request->fail(failure);
    if (failure.code == "store_io" && options_.on_store_failed)
      options_.on_store_failed(failure);
  }

  // One transaction; answers only after it is durable. An error leaves everybody unanswered.
  core::error commit(std::vector<std::unique_ptr<request>>& group) {
    try {
      const auto transaction = store_->begin();
      for (auto& request : group)
        request->run(*transaction);
      auto events = transaction->commit();
      for (auto& request : group)
        request->answer();
      publish(events);
      return {};
    } catch (const storage::kv_error& failure) {
      return {failure.code(), failure.what()};
    }
  }

  void publish(storage::client_events& events) {
    const auto listeners = options_.listeners();
    if (!events.advanced.steps().empty())
      rt::send(self_, listeners.observer, std::move(events.advanced));
    if (events.changed.changes() != 0)
      rt::send(self_, listeners.observer, std::move(events.changed));
    if (!events.conflicts.lanes().empty()) {
      rt::send(self_, listeners.observer, events.conflicts);
      rt::send(self_, listeners.conflict, std::move(events.conflicts));
    }
    if (events.local_writes)
      rt::send(self_, listeners.outbox, msg::LocalWritesCommitted{});
  }

  storage_actor::pointer self_;
  std::shared_ptr<storage::client_store> store_;
  storage_options options_;
  std::vector<std::unique_ptr<request>> parked_;
  bool flush_armed_ = false;
};

} // namespace

storage_actor spawn_storage(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                            storage_options options) {
  const auto where = options.where;
  return rt::spawn_placed<storage_actor, storage_state>(where, system, std::move(store),
                                                        std::move(options));
}

} // namespace syncline::actors::client
