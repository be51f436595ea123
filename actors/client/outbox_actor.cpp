#include "actors/client/outbox_actor.hpp"

#include "actors/client/activity.hpp"
#include "actors/client/frozen_batches.hpp"
#include "actors/client/waiting_list.hpp"
#include "core/sync/batch_answer.hpp"
#include "core/sync/batch_plan.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace syncline::actors::client {

namespace {

// idle --LocalWritesCommitted--> taking --batch--> sending --answer--> storing it, sending the next
//   ^------------ empty -----------' ^               |  ^---------------------------------------'
//                                    |            failure, or a pause between batches
//                                    '--Drain due-- waiting
//
// While a batch is on its way, those after it are frozen: the next goes out as soon as the answer
// is there, which is stored meanwhile. Never are two on their way. Whatever is not a whole answer
// drops those that are ready; they stay frozen, and are taken again when their turn comes.
//
// paused: nothing is taken; needs_auth: nothing is taken until the host resumes.
class outbox_state {
public:
  static inline const char* name = "outbox";

  outbox_state(outbox_actor::pointer self, storage_actor storage, transport_actor transport,
               seams world, outbox_options options)
    : self_{self}, storage_{std::move(storage)},
      transport_{std::move(transport)}, world_{std::move(world)}, options_{std::move(options)},
      backoff_{options_.backoff}, size_{options_.batch_items_max}, paused_{options_.paused} {
    activity_.enter(paused_ ? "paused" : "idle");
  }

  outbox_actor::behavior_type make_behavior() {
    // What an earlier life of the store left is sent without waiting for a new write.
    rt::send(self_, outbox_actor{self_}, msg::LocalWritesCommitted{});
    return {
      [this](const msg::LocalWritesCommitted&) { on_local_writes(); },
      [this](const msg::DrainOutbox& drain) { return on_drain(drain); },
      [this](const msg::EndEarly& command) { on_end_early(command.ticket()); },
      [this](const msg::SetPaused& command) { return on_set_paused(command); },
      [this](const msg::ReadActivity&) { return activity_.show(); },
      [this](const msg::OutboxDrainDue& due) {
        if (due.turn() == turn_ && waiting_)
          take_batch();
      },
    };
  }

private:
  static constexpr std::uint32_t refusals_in_a_row_max = 3;
  static constexpr std::uint32_t frozen_ahead = 4; // batches

  // Storage sends its replies and this event in order, so no wake-up is lost while we are busy.
  void on_local_writes() {
    if (busy_) {
      more_ = true;
      return;
    }
    // During a backoff new writes wait with the others.
    if (!waiting_ || !backing_off_)
      take_batch();
  }

  caf::result<msg::DrainReport> on_drain(const msg::DrainOutbox& command) {
    auto reply = self_->make_response_promise<msg::DrainReport>();
    if (drains_.empty())
      report_ = {};
    drains_.add(reply, command.attempts_max(), command.ticket());
    needs_auth_ = false;
    if (!busy_)
      take_batch();
    return reply;
  }

  void on_end_early(std::uint64_t ticket) {
    drains_.ask_to_end(ticket);
    if (!busy_)
      drains_.end_asked(report_);
  }

  msg::Done on_set_paused(const msg::SetPaused& command) {
    paused_ = command.paused();
    needs_auth_ = false;
    if (!paused_ && !busy_)
      take_batch();
    else if (paused_ && !busy_)
      activity_.enter("paused");
    return {};
  }

  [[nodiscard]] bool can_take() const {
    return !(paused_ && !drains_.wants_more()) && !needs_auth_;
  }

  void take_batch() {
    waiting_ = false;
    backing_off_ = false;
    if (!can_take())
      return settle_down(paused_ ? "paused" : "needs_auth");
    ask_batches(0, 1);
  }

  // The oldest batches, or those after what is sent, or ready to be, up to `above`.
  void ask_batches(std::uint64_t above, std::uint32_t count) {
    busy_ = true;
    more_ = false;
    msg::TakeOutboxBatch take;
    take.set_item_limit(size_.limit());
    take.set_byte_limit(options_.batch_bytes_max);
    take.set_now_ms(world_.wall_ms());
    take.set_above_mutation_id(above);
    take.set_batches_max(count);
    take.set_divide(std::exchange(divides_, false));
    const auto asked = next_.ask();
    rt::request(self_, storage_, rt::no_timeout, std::move(take))
      .then(
        [this, asked, above](msg::OutboxBatch& batch) {
          if (next_.end_question(asked))
            on_batches(batch, above != 0);
        },
        [this, asked](const caf::error& error) {
          if (!next_.end_question(asked) || in_flight_)
            return; // It is asked again after the answer.
          store_failure_.reset();
          retry_later(to_error(rt::from_caf(error)));
        });
  }

  void on_batches(msg::OutboxBatch& batch, bool ahead) {
    next_.add(batch);
    if (in_flight_)
      return;
    // The answer before it could not be stored, so the same batch comes again: not at once.
    if (const auto failed = std::exchange(store_failure_, std::nullopt))
      return retry_later(*failed);
    if (!next_.empty())
      return send_next();
    // What was in flight may have held back what is free by now.
    if (ahead || more_)
      return take_batch();
    busy_ = false;
    report_.set_blocked_by_restore(batch.blocked_by_restore());
    if (batch.wait_until_ms() != 0)
      wait(std::max<std::int64_t>(1, batch.wait_until_ms() - world_.wall_ms()), false);
    settle_down(batch.blocked_by_restore() ? "restoring" : "idle");
  }

  void send_next() {
    activity_.enter("sending");
    sent_ = next_.pop();
    in_flight_ = true;
    auto request = options_.protocol->batch_request(sent_, options_.send_timeout_ms);
    if (!request)
      return on_reply({}); // The server need not hear of it.
    report_.set_requests(report_.requests() + 1);
    rt::request(self_, transport_, rt::no_timeout, std::move(*request))
      .then([this](const msg::HttpReply& reply) { on_reply(reply); },
            [this](const caf::error& error) {
              in_flight_ = false;
              retry_later(to_error(rt::from_caf(error)));
            });
  }

  void on_reply(const msg::HttpReply& http) {
    in_flight_ = false;
    count_bytes(http, report_);
    auto reply = options_.protocol->read_batch(sent_, http, world_.wall_ms());
    if (reply.kind != net::reply_kind::ok)
      next_.drop();
    // The answer before this one could not be stored, so this one cannot be either.
    else if (const auto failed = std::exchange(store_failure_, std::nullopt))
      return retry_later(*failed);
    if (reply.kind != net::reply_kind::server_error)
      server_errors_ = 0;
    switch (reply.kind) {
    case net::reply_kind::ok:
      if (!core::answers_first(sent_, reply.response))
        return retry_later(
          to_error({"not_our_server", "a batch's answer has no result for its first mutation"}));
      return store_result(reply.response);
    case net::reply_kind::refused:
      return store_refusal(reply);
    case net::reply_kind::bad_content:
      return isolate(reply);
    case net::reply_kind::server_error:
      if (++server_errors_ < options_.server_errors_max)
        return retry_later(error_of(reply), reply.retry_after_ms);
      server_errors_ = 0;
      return isolate(reply);
    case net::reply_kind::needs_auth:
      needs_auth_ = true;
      busy_ = false;
      note_failure(error_of(reply));
      return settle_down("needs_auth");
    default:
      // A batch that timed out may have been too large for the line. A foreign server may have
      // taken it all the same, and knows it only as a whole.
      if (http.failure() == "timeout" && !options_.protocol->is_foreign())
        size_.halve(static_cast<std::uint32_t>(sent_.mutations_size()));
      return retry_later(error_of(reply), reply.retry_after_ms);
    }
  }

  // Only where the server answers: what is frozen takes no later edit into itself.
  void freeze_ahead() {
    if (next_.is_asked() || !next_.more_waits() || next_.size() >= frozen_ahead / 2)
      return;
    const auto& last = next_.empty() ? sent_ : next_.newest();
    ask_batches(last.mutations(last.mutations_size() - 1).mutation_id(), frozen_ahead);
  }

  // A batch leaves the outbox only in the transaction that records its outcome: after a crash
  // before that commit it is sent again, and the server gives the same answers.
  void store_result(msg::BatchResponse& response) {
    const bool goes_on =
      can_take() && options_.batch_pause.count() == 0 && response.mutated_retry_id() == 0;
    if (!goes_on || !core::answers_all(sent_, response) || std::exchange(start_over_, false))
      next_.drop();
    msg::ApplyBatchResult apply;
    name_batch(apply);
    apply.mutable_response()->Swap(&response);
    size_.grow();
    if (!next_.empty())
      send_next();
    rt::request(self_, storage_, rt::no_timeout, std::move(apply))
      .then(
        [this, goes_on](const msg::BatchResultApplied& applied) { on_stored(applied, goes_on); },
        [this, goes_on](const caf::error& error) {
          const auto failure = to_error(rt::from_caf(error));
          if (!goes_on)
            return retry_later(failure);
          store_failure_ = failure;
        });
    // The batch after it is taken in the commit that stores this answer: one commit a batch.
    if (in_flight_)
      freeze_ahead();
    else if (goes_on && !next_.is_asked())
      ask_batches(0, frozen_ahead);
  }

  void on_stored(const msg::BatchResultApplied& applied, bool goes_on) {
    if (!applied.new_identity())
      refusals_in_a_row_ = 0;
    report_.set_processed(report_.processed() + applied.processed());
    report_.set_conflicts(report_.conflicts() + applied.conflicts());
    report_.set_failed(report_.failed() + applied.failed());
    backoff_.succeed();
    activity_.succeeded(world_.wall_ms());
    start_over_ = applied.superseded();
    drains_.end_asked(report_);
    if (goes_on)
      return;
    if (applied.new_identity())
      return after_refusal(to_error({"mutated_retry", "the server knows other writes by our ids"}));
    next_batch();
  }

  // One that is refused for its place in history is right the next time; a server that goes on
  // refusing has to be given a rest.
  void after_refusal(const msg::Error& error) {
    if (++refusals_in_a_row_ <= refusals_in_a_row_max)
      return next_batch();
    retry_later(error);
  }

  void store_refusal(const net::batch_reply& reply) {
    if (reply.refusal.code() == "cursor_expired") {
      msg::ResetCursor reset;
      reset.set_reason(reply.refusal.reason());
      *reset.mutable_seen() = sent_.seen();
      reset.set_now_ms(world_.wall_ms());
      rt::request(self_, storage_, rt::no_timeout, std::move(reset))
        .then([this, error = error_of(reply)](const msg::Done&) { after_refusal(error); },
              on_store_error());
      return;
    }
    msg::ApplyBatchRefusal apply;
    name_batch(apply);
    *apply.mutable_refusal() = reply.refusal;
    rt::request(self_, storage_, rt::no_timeout, std::move(apply))
      .then(
        [this, error = error_of(reply)](const msg::BatchResultApplied&) { after_refusal(error); },
        [this, error = error_of(reply)](const caf::error&) { retry_later(error); });
  }

  // Halves the batch until the poison stands alone; then its id is sent as SKIP.
  void isolate(const net::batch_reply& reply) {
    if (sent_.mutations_size() > 1 && !core::is_one_group(sent_)) {
      size_.halve(static_cast<std::uint32_t>(sent_.mutations_size()));
      divides_ = true;
      return next_batch();
    }
    const auto& suspect = sent_.mutations(0);
    if (suspect.kind() == msg::SKIP)
      return retry_later(error_of(reply), reply.retry_after_ms); // It has no content to blame.
    msg::QuarantinePoison poison;
    poison.set_mutation_id(suspect.mutation_id());
    *poison.mutable_error() = error_of(reply);
    poison.set_now_ms(world_.wall_ms());
    report_.set_failed(report_.failed() + 1);
    rt::request(self_, storage_, rt::no_timeout, std::move(poison))
      .then([this](const msg::Done&) { next_batch(); }, on_store_error());
  }

  template <class Apply>
  void name_batch(Apply& apply) {
    apply.set_client(sent_.client());
    apply.set_request_start(sent_.start());
    apply.set_first_mutation_id(sent_.mutations(0).mutation_id());
    apply.set_now_ms(world_.wall_ms());
  }

  void next_batch() {
    busy_ = false;
    if (options_.batch_pause.count() > 0)
      wait(options_.batch_pause.count(), false);
    else
      take_batch();
  }

  void retry_later(const msg::Error& error, std::int64_t retry_after_ms = 0) {
    busy_ = false;
    next_.drop();
    note_failure(error);
    wait(backoff_.fail(world_.random(), retry_after_ms), true);
    drains_.end_impatient(report_);
  }

  void note_failure(const msg::Error& error) {
    *report_.mutable_error() = error;
    activity_.failed(error, world_.wall_ms());
  }

  void wait(std::int64_t delay_ms, bool backing_off) {
    waiting_ = true;
    backing_off_ = backing_off;
    activity_.enter("waiting");
    activity_.waits_until(world_.wall_ms() + delay_ms);
    msg::OutboxDrainDue due;
    due.set_turn(++turn_);
    rt::delayed_send(self_, outbox_actor{self_}, std::chrono::milliseconds{delay_ms},
                     std::move(due));
  }

  // Nothing more can be sent now.
  void settle_down(std::string_view state) {
    busy_ = false;
    if (!waiting_)
      activity_.enter(state);
    if (!needs_auth_)
      report_.clear_error();
    drains_.finish(report_);
  }

  std::function<void(const caf::error&)> on_store_error() {
    return [this](const caf::error& error) { retry_later(to_error(rt::from_caf(error))); };
  }

  outbox_actor::pointer self_;
  storage_actor storage_;
  transport_actor transport_;
  seams world_;
  outbox_options options_;
  core::backoff backoff_;
  core::batch_size size_;
  activity_log activity_;
  msg::BatchRequest sent_;
  frozen_batches next_;
  msg::DrainReport report_; // of those who wait at the same time
  waiting_list<msg::DrainReport> drains_;
  std::optional<msg::Error> store_failure_; // of an answer, after which the next was asked for
  std::uint64_t turn_ = 0;
  std::uint32_t server_errors_ = 0;
  std::uint32_t refusals_in_a_row_ = 0;
  bool in_flight_ = false;   // `sent_` is on its way.
  bool start_over_ = false;  // An answer came too late: what is sent is not the oldest.
  bool busy_ = false;        // A request to storage or transport is open.
  bool waiting_ = false;     // A timer is set.
  bool backing_off_ = false; // ... after a failure.
  bool more_ = false;        // Writes were committed while busy.
  bool divides_ = false;     // What was sent was refused, and goes in halves.
  bool needs_auth_ = false;
  bool paused_ = false;
};

} // namespace

outbox_actor spawn_outbox(caf::actor_system& system, storage_actor storage,
                          transport_actor transport, seams world, outbox_options options) {
  return rt::spawn<outbox_actor, outbox_state>(system, std::move(storage), std::move(transport),
                                               std::move(world), std::move(options));
}

} // namespace syncline::actors::client
