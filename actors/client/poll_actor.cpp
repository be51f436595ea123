#include "actors/client/poll_actor.hpp"

#include "actors/client/activity.hpp"
#include "actors/client/waiting_list.hpp"
#include "core/sync/cursor.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace syncline::actors::client {

namespace {

/// A page that was asked for before the one ahead of it was stored.
struct page_ahead {
  std::uint64_t number = 0;
  msg::PullState asked;
  std::optional<msg::HttpReply> reply;
  bool is_awaited = false; // The page before it is stored.

  [[nodiscard]] bool follows(const msg::PullState& stored) const {
    return asked.cursor().token() == stored.cursor().token() &&
           asked.known_start() == stored.known_start();
  }
};

// idle --PullNow, PollDue--> asking --page--> applying --applied--> asking ... --caught up--> idle
//   ^                          |  ^                                                            |
//   |                       failure '---- 410: the cursor is reset, from the beginning         |
//   '------ PollDue ------- waiting (backoff, or the interval) <-------------------------------'
//
// While a page is applied, the one after it is asked for.
//
// A run goes through the collections one after the other. A failed poll never stops the loop.
class poll_state {
public:
  static inline const char* name = "poll";

  poll_state(poll_actor::pointer self, std::shared_ptr<storage::client_store> store,
             storage_actor storage, conflict_actor conflict, transport_actor transport, seams world,
             poll_options options)
    : self_{self}, store_{std::move(store)}, storage_{std::move(storage)},
      conflict_{std::move(conflict)}, transport_{std::move(transport)}, world_{std::move(world)},
      options_{std::move(options)}, backoff_{options_.backoff}, paused_{options_.paused} {
    activity_.enter(paused_ ? "paused" : "idle");
  }

  poll_actor::behavior_type make_behavior() {
    if (!paused_)
      schedule(0);
    return {
      [this](const msg::PullNow& command) { return on_pull(command); },
      [this](const msg::EndEarly& command) { on_end_early(command.ticket()); },
      [this](const msg::SetPaused& command) { return on_set_paused(command); },
      [this](const msg::ReadActivity&) { return activity_.show(); },
      [this](const msg::PollDue& due) {
        if (due.turn() == turn_ && !busy_)
          start_run();
      },
    };
  }

private:
  // A cursor that is refused again and again is a fault of the server; it must not become a storm.
  static constexpr std::uint32_t resets_in_a_run_max = 3;

  caf::result<msg::PullReport> on_pull(const msg::PullNow& command) {
    auto reply = self_->make_response_promise<msg::PullReport>();
    // The run under way may have passed their change.
    (busy_ ? next_pulls_ : pulls_).add(reply, command.attempts_max(), command.ticket());
    if (!busy_)
      start_run();
    return reply;
  }

  void on_end_early(std::uint64_t ticket) {
    pulls_.ask_to_end(ticket);
    next_pulls_.ask_to_end(ticket);
    next_pulls_.end_asked(report_); // Nothing was begun for it.
    if (!busy_ && pulls_.end_asked(report_) && is_unwanted())
      rest();
  }

  // Nobody waits, and nothing is done of its own accord.
  [[nodiscard]] bool is_unwanted() const {
    return paused_ && pulls_.empty() && next_pulls_.empty();
  }

  void rest() {
    ahead_.reset();
    busy_ = false;
    failures_in_run_ = 0;
    ++turn_; // A timer that is set must not start a run.
    activity_.enter("paused");
  }

  msg::Done on_set_paused(const msg::SetPaused& command) {
    paused_ = command.paused();
    if (!paused_ && !busy_) {
      activity_.enter("waiting"); // As `status` shows it from now on.
      schedule(after_pause_ms());
    } else if (paused_ && !busy_) {
      if (pulls_.empty())
        ++turn_; // The timer that is set must not start a run of its own accord.
      activity_.enter("paused");
    }
    return {};
  }

  // At once where a poll is due. Where none is, in a while: all clients of a server that has gone
  // lose their streams in the same moment.
  std::int64_t after_pause_ms() {
    constexpr std::int64_t spread_max_ms = 10'000;
    const auto since_ms = world_.wall_ms() - activity_.show().last_success_ms();
    if (since_ms < 0 || since_ms >= options_.interval_ms)
      return 0;
    return static_cast<std::int64_t>(
      world_.random() % static_cast<std::uint64_t>(std::min(spread_max_ms, options_.interval_ms)));
  }

  void start_run() {
    busy_ = true;
    if (failures_in_run_ == 0)
      report_ = {};
    resets_ = 0;
    queue_.clear();
    const auto snapshot = store_->snapshot();
    const auto names = snapshot ? snapshot->collections() : snapshot.error();
    if (!names)
      return fail(to_error(names.error()), 0);
    queue_.assign(names->begin(), names->end());
    next_collection();
  }

  void next_collection() {
    if (queue_.empty())
      return end_run();
    ask_page();
  }

  void ask_page() {
    const auto snapshot = store_->snapshot();
    auto state = snapshot ? snapshot->pull_state(queue_.front()) : snapshot.error();
    if (!state)
      return fail(to_error(state.error()), 0);
    activity_.enter("pulling");
    if (ahead_ && ahead_->follows(*state))
      return take_ahead();
    ahead_.reset();
    asked_ = std::move(*state);
    auto& etag = etags_[queue_.front()];
    const auto counts = snapshot->counts();
    // A tag names the head that its own cursor had reached. And "not modified" does not say how
    // far the server has come, which is what an acknowledged effect waits for.
    if (etag.first != asked_.cursor().token() || !counts || counts->acknowledged != 0)
      etag.second.clear();
    asked_etag_ = etag.second;
    request_page(asked_, [this](const msg::HttpReply& reply) { on_reply(reply); });
  }

  template <class OnReply>
  void request_page(const msg::PullState& from, OnReply on_reply) {
    report_.set_requests(report_.requests() + 1);
    rt::request(self_, transport_, rt::no_timeout,
                options_.protocol->delta_request(queue_.front(), from, options_.page_items_max,
                                                 asked_etag_, options_.timeout_ms))
      .then(on_reply, [on_reply](const caf::error& error) {
        msg::HttpReply none;
        none.set_failure(rt::from_caf(error).code);
        none.set_failure_text(rt::from_caf(error).message);
        on_reply(none);
      });
  }

  // Asks for the page after this one while this one is applied. If the store does not end up where
  // this page says, the reply is dropped and the page asked for again.
  void look_ahead(const net::delta_reply& reply) {
    asked_etag_.clear();
    auto& ahead = ahead_.emplace();
    ahead.number = ++last_ahead_;
    ahead.asked = asked_;
    ahead.asked.mutable_cursor()->set_token(reply.page.next_cursor());
    if (reply.page.head().start() != 0)
      ahead.asked.set_known_start(reply.page.head().start());
    *ahead.asked.mutable_seen() = core::later_place(ahead.asked.seen(), reply.page.head());
    request_page(ahead.asked, [this, number = ahead.number](const msg::HttpReply& http) {
      if (!ahead_ || ahead_->number != number)
        return;
      ahead_->reply = http;
      if (ahead_->is_awaited)
        take_ahead();
    });
  }

  void take_ahead() {
    ahead_->is_awaited = true;
    if (!ahead_->reply)
      return;
    const page_ahead ahead = std::move(*ahead_);
    ahead_.reset();
    asked_ = ahead.asked;
    on_reply(*ahead.reply);
  }

  void on_reply(const msg::HttpReply& http) {
    count_bytes(http, report_);
    auto reply = options_.protocol->read_delta(http, queue_.front(), asked_.cursor().token(),
                                               world_.wall_ms());
    if (options_.canary_deletes_on_404 && http.status() == 404)
      reply = empty_collection();
    if (reply.kind == net::reply_kind::not_modified && asked_etag_.empty())
      return fail(to_error({"not_our_server", "the answer to a pull is 304, although the pull "
                                              "named nothing that could be unmodified"}),
                  0);
    if (reply.kind == net::reply_kind::not_modified) {
      queue_.pop_front();
      return next_collection();
    }
    if (reply.kind == net::reply_kind::ok)
      return options_.protocol->is_foreign() ? apply_foreign(reply) : apply(reply);
    if (reply.kind == net::reply_kind::refused && reply.refusal.code() == "cursor_expired" &&
        ++resets_ <= resets_in_a_run_max)
      return reset(reply.refusal.reason());
    fail(error_of(reply), reply.retry_after_ms);
  }

  // What a client that reads a 404 as an empty list would believe.
  [[nodiscard]] net::delta_reply empty_collection() const {
    net::delta_reply reply;
    reply.kind = net::reply_kind::ok;
    reply.page.set_collection(queue_.front());
    reply.page.set_prev_cursor(asked_.cursor().token());
    reply.page.set_next_cursor(asked_.cursor().token());
    reply.page.set_range_to_end(true);
    *reply.page.mutable_head() = asked_.seen();
    return reply;
  }

  void apply(net::delta_reply& reply) {
    activity_.enter("applying");
    report_.set_pages(report_.pages() + 1);
    if (!reply.page.has_more())
      etags_[queue_.front()] = {reply.page.next_cursor(), reply.etag};
    msg::ApplyRemoteChanges changes;
    if (reply.page.has_more())
      look_ahead(reply);
    changes.mutable_page()->Swap(&reply.page);
    changes.set_request_start(asked_.known_start());
    changes.set_now_ms(world_.wall_ms());
    rt::request(self_, conflict_, rt::no_timeout, std::move(changes))
      .then([this](const msg::RemoteChangesApplied& applied) { on_applied(applied); },
            [this](const caf::error& error) { fail(to_error(rt::from_caf(error)), 0); });
  }

  // A foreign server's names become ours before anybody compares them with what waits here.
  void apply_foreign(net::delta_reply& reply) {
    const auto snapshot = store_->snapshot();
    const auto named = snapshot ? snapshot->localise(reply.page) : snapshot.error();
    if (!named)
      return fail(to_error(named.error()), 0);
    apply(reply);
  }

  void on_applied(const msg::RemoteChangesApplied& applied) {
    report_.set_changed(report_.changed() + applied.changed());
    report_.set_conflicts(report_.conflicts() + applied.conflicts());
    if (pulls_.end_asked(report_) && is_unwanted())
      return rest();
    // A page that was superseded is asked for again, from where the store stands now.
    if (applied.superseded() || applied.has_more())
      return ask_page();
    queue_.pop_front();
    next_collection();
  }

  void reset(const std::string& reason) {
    msg::ResetCursor command;
    command.set_collection(queue_.front());
    command.set_reason(reason);
    command.set_token(asked_.cursor().token());
    *command.mutable_seen() = asked_.seen();
    command.set_now_ms(world_.wall_ms());
    rt::request(self_, storage_, rt::no_timeout, std::move(command))
      .then([this](const msg::Done&) { start_again(); },
            [this](const caf::error& error) { fail(to_error(rt::from_caf(error)), 0); });
  }

  // After a lost history every collection walks again, those of this run that were done included.
  void start_again() {
    const auto snapshot = store_->snapshot();
    const auto names = snapshot ? snapshot->collections() : snapshot.error();
    if (!names)
      return fail(to_error(names.error()), 0);
    queue_.assign(names->begin(), names->end());
    next_collection();
  }

  void end_run() {
    busy_ = false;
    failures_in_run_ = 0;
    backoff_.succeed();
    activity_.succeeded(world_.wall_ms());
    tell({});
    activity_.enter(paused_ ? "paused" : "idle");
    pulls_.finish(report_);
    if (!next_pulls_.empty()) {
      pulls_.take(next_pulls_);
      return start_run();
    }
    if (!paused_)
      schedule(core::next_poll_ms(options_.interval_ms, world_.random()));
  }

  void fail(const msg::Error& error, std::int64_t retry_after_ms) {
    ahead_.reset();
    busy_ = false;
    ++failures_in_run_;
    activity_.failed(error, world_.wall_ms());
    tell(error);
    pulls_.take(next_pulls_);
    msg::PullReport report = report_;
    *report.mutable_error() = error;
    const bool auth = error.code() == "needs_auth";
    if (auth)
      pulls_.finish(report);
    else
      pulls_.end_impatient(report);
    const std::int64_t delay_ms = backoff_.fail(world_.random(), retry_after_ms);
    activity_.enter(auth ? "needs_auth" : "waiting");
    if (!paused_ || !pulls_.empty()) {
      schedule(delay_ms);
      return;
    }
    failures_in_run_ = 0;
  }

  void tell(const msg::Error& error) {
    if (!options_.on_line)
      return;
    msg::LineTried tried;
    *tried.mutable_error() = error;
    options_.on_line(std::move(tried));
  }

  void schedule(std::int64_t delay_ms) {
    msg::PollDue due;
    due.set_turn(++turn_);
    activity_.waits_until(world_.wall_ms() + delay_ms);
    rt::delayed_send(self_, poll_actor{self_}, std::chrono::milliseconds{delay_ms}, std::move(due));
  }

  poll_actor::pointer self_;
  std::shared_ptr<storage::client_store> store_;
  storage_actor storage_;
  conflict_actor conflict_;
  transport_actor transport_;
  seams world_;
  poll_options options_;
  core::backoff backoff_;
  activity_log activity_;
  std::deque<std::string> queue_;
  msg::PullState asked_;
  std::optional<page_ahead> ahead_;
  std::uint64_t last_ahead_ = 0;
  std::string asked_etag_; // empty: the page was asked for whatever the head
  msg::PullReport report_;
  std::map<std::string, std::pair<std::string, std::string>> etags_; // collection: cursor, tag
  waiting_list<msg::PullReport> pulls_;
  waiting_list<msg::PullReport> next_pulls_;
  std::uint64_t turn_ = 0;
  std::uint32_t resets_ = 0;
  std::uint32_t failures_in_run_ = 0;
  bool busy_ = false;
  bool paused_ = false;
};

} // namespace

poll_actor spawn_poll(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                      storage_actor storage, conflict_actor conflict, transport_actor transport,
                      seams world, poll_options options) {
  return rt::spawn<poll_actor, poll_state>(system, std::move(store), std::move(storage),
                                           std::move(conflict), std::move(transport),
                                           std::move(world), std::move(options));
}

} // namespace syncline::actors::client
