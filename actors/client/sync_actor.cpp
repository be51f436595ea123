#include "actors/client/sync_actor.hpp"

#include "actors/client/activity.hpp"
#include "actors/client/waiting_list.hpp"

#include <algorithm>
#include <utility>

namespace syncline::actors::client {

namespace {

// idle --SyncNow--> pushing --drained--> settling --> pulling --caught up--> texts --> idle
//                    ^ |failed                          |  |failed            |
//                    '-+--------- something left -------'  '----------------->'-> the report says
//                    so
//
// ends early: those who were asked to end are told at the next batch or page. Where nobody else
// waits, the run ends there.
class sync_state {
public:
  static inline const char* name = "sync";

  sync_state(sync_actor::pointer self, std::shared_ptr<storage::client_store> store,
             outbox_actor outbox, conflict_actor conflict, poll_actor poll,
             documents_actor documents, seams world)
    : self_{self}, store_{std::move(store)}, outbox_{std::move(outbox)}, conflict_{std::move(
                                                                           conflict)},
      poll_{std::move(poll)}, documents_{std::move(documents)}, world_{std::move(world)} {}

  sync_actor::behavior_type make_behavior() {
    return {[this](const msg::SyncNow& command) { return on_sync(command); },
            [this](const msg::EndEarly& command) { on_end_early(command.ticket()); }};
  }

private:
  // Each round needs a reason that the one before it produced; this bounds a quarrel with a
  // server, or with another client that writes without a pause.
  static constexpr std::uint32_t rounds_max = 20;
  // The server has just answered; a text that it does not take by then waits for the next run.
  static constexpr std::uint32_t texts_timeout_ms = 30'000;

  caf::result<msg::SyncReport> on_sync(const msg::SyncNow& command) {
    auto reply = self_->make_response_promise<msg::SyncReport>();
    const bool joins = !waiting_.empty();
    waiting_.add(reply, 0, command.ticket());
    if (joins)
      return reply; // The run under way is its own, too.
    attempts_max_ = command.attempts_max();
    start();
    return reply;
  }

  void start() {
    report_ = {};
    began_ms_ = world_.wall_ms();
    round_ = 0;
    ++run_;
    ends_early_ = false;
    push();
  }

  void on_end_early(std::uint64_t ticket) {
    waiting_.ask_to_end(ticket);
    if (waiting_.wants_more()) {
      waiting_.end_asked(report_so_far()); // It goes on for the others.
      return;
    }
    if (waiting_.empty() || std::exchange(ends_early_, true))
      return;
    msg::EndEarly command;
    command.set_ticket(run_);
    rt::send(self_, outbox_, command);
    rt::send(self_, poll_, command);
    rt::send(self_, documents_, command);
    if (settling_)
      fail(run_expired()); // What it waits for is a function of the host.
  }

  void push() {
    msg::DrainOutbox drain;
    drain.set_attempts_max(attempts_max_);
    drain.set_ticket(run_);
    rt::request(self_, outbox_, rt::no_timeout, std::move(drain))
      .then([this](const msg::DrainReport& drained) { on_drained(drained); },
            [this](const caf::error& error) { fail(rt::from_caf(error)); });
  }

  void on_drained(const msg::DrainReport& drained) {
    report_.set_items_processed(report_.items_processed() + drained.processed());
    report_.set_conflicts(report_.conflicts() + drained.conflicts());
    report_.set_errors(report_.errors() + drained.failed());
    add_traffic(drained);
    push_error_ = drained.error();
    if (is_about_the_line(push_error_.code()) || push_error_.code() == "expired")
      return end(&push_error_);
    if (ends_early_)
      return fail(run_expired());
    settle(); // A server that takes no writes may still have news.
  }

  // A lane that is being decided has something to send in this run, or waits for the user after it.
  void settle() {
    settling_ = true;
    const auto on_settled = [this, run = run_](const auto&) {
      if (run == run_ && std::exchange(settling_, false))
        pull();
    };
    rt::request(self_, conflict_, rt::no_timeout, msg::SettleConflicts{})
      .then([on_settled](const msg::Done& done) { on_settled(done); },
            [on_settled](const caf::error& error) { on_settled(error); });
  }

  void pull() {
    msg::PullNow command;
    command.set_attempts_max(attempts_max_);
    command.set_ticket(run_);
    rt::request(self_, poll_, rt::no_timeout, std::move(command))
      .then([this](const msg::PullReport& pulled) { on_pulled(pulled); },
            [this](const caf::error& error) { fail(rt::from_caf(error)); });
  }

  void on_pulled(const msg::PullReport& pulled) {
    report_.set_items_processed(report_.items_processed() + pulled.changed());
    report_.set_conflicts(report_.conflicts() + pulled.conflicts());
    add_traffic(pulled);
    if (!pulled.error().code().empty())
      return end(&pulled.error());
    if (!push_error_.code().empty())
      return end(&push_error_);
    const auto left = work_left();
    if (!left)
      return fail(left.error());
    if (*left && ends_early_)
      return fail(run_expired());
    if (*left && ++round_ < rounds_max)
      return push();
    sync_texts();
  }

  void sync_texts() {
    msg::SyncTexts command;
    command.set_timeout_ms(texts_timeout_ms);
    rt::request(self_, documents_, rt::no_timeout, std::move(command))
      .then(
        [this](const msg::TextsSynced& synced) {
          report_.set_items_processed(report_.items_processed() + synced.texts());
          end(synced.error().code().empty() ? nullptr : &synced.error());
        },
        [this](const caf::error& error) { fail(rt::from_caf(error)); });
  }

  // True while another round can move something: parked lanes wait for the user, not for us.
  core::expected<bool> work_left() {
    const auto snapshot = store_->snapshot();
    if (!snapshot)
      return snapshot.error();
    const auto counts = snapshot->counts();
    if (!counts)
      return counts.error();
    if (counts->acknowledged > 0)
      return true;
    const auto waiting = snapshot->outbox(1000);
    if (!waiting)
      return waiting.error();
    for (const auto& entry : *waiting) {
      const auto lane = snapshot->lane(entry.mutation().collection(), entry.mutation().id());
      if (!lane)
        return lane.error();
      if (lane->record.parked_by() == 0 && entry.not_before_ms() <= world_.wall_ms())
        return true;
    }
    return false;
  }

  template <class Part>
  void add_traffic(const Part& part) {
    report_.set_requests(report_.requests() + part.requests());
    report_.set_bytes_sent(report_.bytes_sent() + part.bytes_sent());
    report_.set_bytes_received(report_.bytes_received() + part.bytes_received());
  }

  void fail(const core::error& error) {
    const auto out = to_error(error);
    end(&out);
  }

  [[nodiscard]] msg::SyncReport report_so_far() const {
    auto report = report_;
    report.set_duration_ms(std::max<std::int64_t>(0, world_.wall_ms() - began_ms_));
    return report;
  }

  void end(const msg::Error* error) {
    settling_ = false;
    auto report = report_so_far();
    report.set_success(error == nullptr);
    if (error) {
      *report.mutable_error() = *error;
      report.set_errors(report.errors() + 1);
    }
    // Who joined after the others were asked to end wants all of it.
    if (ends_early_ && error && waiting_.wants_more()) {
      waiting_.end_asked(report);
      return start();
    }
    waiting_.finish(report);
  }

  sync_actor::pointer self_;
  std::shared_ptr<storage::client_store> store_;
  outbox_actor outbox_;
  conflict_actor conflict_;
  poll_actor poll_;
  documents_actor documents_;
  seams world_;
  waiting_list<msg::SyncReport> waiting_;
  msg::SyncReport report_;
  msg::Error push_error_; // of this round; an empty code where it went well
  std::int64_t began_ms_ = 0;
  std::uint32_t attempts_max_ = 0;
  std::uint32_t round_ = 0;
  std::uint64_t run_ = 0; // also the ticket of what it asks of outbox and poll
  bool ends_early_ = false;
  bool settling_ = false; // the conflict actor is asked
};

} // namespace

sync_actor spawn_sync(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                      outbox_actor outbox, conflict_actor conflict, poll_actor poll,
                      documents_actor documents, seams world) {
  return rt::spawn<sync_actor, sync_state>(system, std::move(store), std::move(outbox),
                                           std::move(conflict), std::move(poll),
                                           std::move(documents), std::move(world));
}

} // namespace syncline::actors::client
