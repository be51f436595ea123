#include "actors/client/background_actor.hpp"

#include "actors/client/activity.hpp"
#include "actors/client/waiting_list.hpp"
#include "core/jobs/job.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace syncline::actors::client {

namespace {

// A job:
//   waiting --due, and the machine is as it needs--> starting --stored--> running --ended-->
//   waiting
//                                                                          |
//                                               deadline, or a need is lost: asked to end early
//
// What is stored says "running" before the run begins: after a crash the next life knows of it.
// One that is replaced or cancelled while it runs is asked to end; a new one waits for that.
class background_state {
public:
  static inline const char* name = "background";

  background_state(background_actor::pointer self, std::shared_ptr<storage::client_store> store,
                   storage_actor storage, sync_actor sync, seams world, background_options options)
    : self_{self}, store_{std::move(store)}, storage_{std::move(storage)}, sync_{std::move(sync)},
      world_{std::move(world)}, options_{std::move(options)}, knows_conditions_{
                                                                !options_.awaits_conditions} {}

  background_actor::behavior_type make_behavior() {
    load();
    plan();
    return {
      [this](const msg::ScheduleJob& command) { return on_schedule(command); },
      [this](const msg::CancelJob& command) { return on_cancel(command.name()); },
      [this](const msg::RunJob& command) { return on_run(command.name()); },
      [this](const msg::RunUntil& command) { return on_run_until(command.deadline_ms()); },
      [this](const msg::ConditionsChanged& changed) { on_conditions(changed); },
      [this](const msg::JobDue& due) {
        if (due.turn() != turn_)
          return;
        planned_ms_.reset();
        plan();
      },
      [this](const msg::JobDeadline& deadline) { end_early(deadline.ticket()); },
    };
  }

private:
  // The wall clock may be set while we wait; so it is looked at again before long.
  static constexpr std::int64_t look_again_ms = 15 * 60'000;
  static constexpr std::uint32_t attempts_in_a_run = 3;

  struct run {
    std::uint64_t ticket = 0;
    std::uint64_t incarnation = 0;
    bool was_asked_for = false; // by the host, whatever it needs
    bool lost_need = false;
    waiting_list<msg::SyncReport> waiting;
  };

  void load() {
    const auto snapshot = store_->snapshot();
    const auto stored = snapshot ? snapshot->jobs() : snapshot.error();
    if (!stored)
      return; // The store says so to everybody who asks it.
    for (auto job : *stored) {
      core::job_loaded(job, world_.wall_ms(), world_.random());
      jobs_[job.spec().name()] = std::move(job);
    }
  }

  caf::result<msg::JobScheduled> on_schedule(const msg::ScheduleJob& command) {
    const auto& name = command.spec().name();
    if (auto valid = core::validate_job(command.spec()); !valid)
      return rt::to_caf(valid.error());
    const auto found = jobs_.find(name);
    const bool exists = found != jobs_.end();
    if (!exists && jobs_.size() >= core::jobs_max)
      return rt::to_caf({"too_many", "the store has " + std::to_string(core::jobs_max) +
                                       " jobs already; cancel one of them"});
    knows_conditions_ = knows_conditions_ && !command.awaits_conditions();
    msg::JobScheduled answer;
    answer.set_kept(exists && !command.replace());
    auto reply = self_->make_response_promise<msg::JobScheduled>();
    std::optional<msg::JobRecord> before;
    if (exists)
      before = found->second;
    if (!answer.kept()) {
      jobs_[name] = core::new_job(command.spec(), world_.wall_ms(), world_.random());
      end_runs_of(name);
    }
    // One that is kept is stored as well: it may be new, and its own commit still under way.
    rt::request(self_, storage_, rt::no_timeout, to_store(jobs_[name]))
      .then(
        [this, reply, answer](const msg::Done&) mutable {
          reply.deliver(answer);
          plan();
        },
        [this, reply, before, failed = jobs_[name]](const caf::error& error) mutable {
          take_back(failed, before);
          reply.deliver(error);
        });
    return reply;
  }

  // What could not be stored was never there, unless somebody has changed it again.
  void take_back(const msg::JobRecord& failed, const std::optional<msg::JobRecord>& before) {
    const auto& name = failed.spec().name();
    const auto found = jobs_.find(name);
    if (found == jobs_.end() || found->second.incarnation() != failed.incarnation())
      return;
    jobs_.erase(found);
    if (before)
      put_back(*before);
  }

  // Its run may have ended meanwhile, and found nothing to write that to.
  void put_back(msg::JobRecord job) {
    if (runs_.count(job.spec().name()) == 0)
      core::job_loaded(job, world_.wall_ms(), world_.random());
    jobs_.emplace(job.spec().name(), std::move(job));
    plan();
  }

  caf::result<msg::Done> on_cancel(const std::string& name) {
    const auto found = jobs_.find(name);
    if (found == jobs_.end())
      return rt::to_caf(no_such_job(name));
    auto reply = self_->make_response_promise<msg::Done>();
    const auto before = found->second;
    jobs_.erase(found); // At once: the end of a run that is under way must not store it again.
    end_runs_of(name);
    msg::EraseJob erase;
    erase.set_name(name);
    rt::request(self_, storage_, rt::no_timeout, std::move(erase))
      .then([reply](const msg::Done& done) mutable { reply.deliver(done); },
            [this, reply, before](const caf::error& error) mutable {
              put_back(before);
              reply.deliver(error);
            });
    return reply;
  }

  caf::result<msg::SyncReport> on_run(const std::string& name) {
    if (jobs_.find(name) == jobs_.end())
      return rt::to_caf(no_such_job(name));
    auto reply = self_->make_response_promise<msg::SyncReport>();
    if (runs_.count(name) == 0)
      begin(name, true);
    runs_[name].waiting.add(reply, 0, 0);
    return reply;
  }

  caf::result<msg::SyncReport> on_run_until(std::int64_t deadline_ms) {
    auto reply = self_->make_response_promise<msg::SyncReport>();
    ask_sync(++last_ticket_, std::max<std::int64_t>(0, deadline_ms),
             [reply](const msg::SyncReport& report) mutable { reply.deliver(report); });
    return reply;
  }

  void on_conditions(const msg::ConditionsChanged& changed) {
    seen_ = from_message(changed);
    knows_conditions_ = true;
    for (auto& [name, one] : runs_) {
      const auto job = jobs_.find(name);
      if (one.was_asked_for || one.lost_need || job == jobs_.end() ||
          core::unmet_needs(job->second.spec(), seen_).empty())
        continue;
      one.lost_need = true;
      end_early(one.ticket);
    }
    plan();
  }

  // Starts what is due, and sets the timer for what will be.
  void plan() {
    if (options_.paused || !knows_conditions_)
      return;
    const auto now_ms = world_.wall_ms();
    for (const auto& name : core::jobs_to_start(startable(), seen_, now_ms))
      begin(name, false);
    const auto next_ms = core::next_job_ms(startable(), seen_);
    if (!next_ms || next_ms == planned_ms_)
      return;
    planned_ms_ = next_ms;
    msg::JobDue due;
    due.set_turn(++turn_);
    rt::delayed_send(
      self_, background_actor{self_},
      std::chrono::milliseconds{std::clamp<std::int64_t>(*next_ms - now_ms, 0, look_again_ms)},
      std::move(due));
  }

  // A new job waits for the end of the run that bears its name.
  [[nodiscard]] std::vector<const msg::JobRecord*> startable() const {
    std::vector<const msg::JobRecord*> jobs;
    for (const auto& [name, job] : jobs_)
      if (runs_.count(name) == 0)
        jobs.push_back(&job);
    return jobs;
  }

  void begin(const std::string& name, bool was_asked_for) {
    auto& job = jobs_[name];
    core::job_started(job, world_.wall_ms());
    auto& started = runs_[name];
    started.ticket = ++last_ticket_;
    started.incarnation = job.incarnation();
    started.was_asked_for = was_asked_for;
    note("job started");
    rt::request(self_, storage_, rt::no_timeout, to_store(job))
      .then([this, name, ticket = started.ticket](const msg::Done&) { run_sync(name, ticket); },
            [this, name](const caf::error& error) { on_ran(name, failed(rt::from_caf(error))); });
  }

  void run_sync(const std::string& name, std::uint64_t ticket) {
    const auto job = jobs_.find(name);
    const auto& begun = runs_[name];
    // It may have been cancelled, replaced, or have lost what it needs, before this.
    const bool goes_on =
      job != jobs_.end() && job->second.incarnation() == begun.incarnation && !begun.lost_need;
    const auto limit_ms = goes_on ? job->second.spec().deadline_ms() : std::int64_t{0};
    ask_sync(ticket, limit_ms,
             [this, name](const msg::SyncReport& report) { on_ran(name, report); });
  }

  void ask_sync(std::uint64_t ticket, std::int64_t limit_ms,
                const std::function<void(const msg::SyncReport&)>& on_report) {
    msg::SyncNow command;
    command.set_attempts_max(attempts_in_a_run);
    command.set_ticket(ticket);
    rt::request(self_, sync_, rt::no_timeout, std::move(command))
      .then(on_report,
            [on_report](const caf::error& error) { on_report(failed(rt::from_caf(error))); });
    msg::JobDeadline deadline;
    deadline.set_ticket(ticket);
    rt::delayed_send(self_, background_actor{self_}, std::chrono::milliseconds{limit_ms},
                     std::move(deadline));
  }

  static msg::SyncReport failed(const core::error& error) {
    msg::SyncReport report;
    *report.mutable_error() = to_error(error);
    return report;
  }

  void end_early(std::uint64_t ticket) {
    msg::EndEarly command;
    command.set_ticket(ticket);
    rt::send(self_, sync_, std::move(command)); // Says nothing to one that has ended.
  }

  void end_runs_of(const std::string& name) {
    if (const auto found = runs_.find(name); found != runs_.end())
      end_early(found->second.ticket);
  }

  void on_ran(const std::string& name, const msg::SyncReport& report) {
    auto ended = runs_.extract(name);
    const auto job = jobs_.find(name);
    if (job != jobs_.end() && job->second.incarnation() == ended.mapped().incarnation) {
      const auto outcome = outcome_of(report, ended.mapped());
      core::job_ended(job->second, {outcome, report.items_processed() > 0, report.error()},
                      world_.wall_ms(), world_.random());
      note(("job " + std::string{core::to_string(outcome)}).c_str());
      // Unheard: if it cannot be stored, the next life takes the run for interrupted.
      rt::anon_send(storage_, to_store(job->second));
    }
    ended.mapped().waiting.finish(report);
    plan();
  }

  static msg::JobRecord::Outcome outcome_of(const msg::SyncReport& report, const run& ended) {
    if (report.success())
      return msg::JobRecord::DONE;
    if (ended.lost_need)
      return msg::JobRecord::CONSTRAINT_LOST;
    return report.error().code() == "expired" ? msg::JobRecord::EXPIRED : msg::JobRecord::FAILED;
  }

  static core::host_conditions from_message(const msg::ConditionsChanged& changed) {
    core::host_conditions seen;
    seen.network = changed.network() == msg::ReachabilityChanged::UP ? core::reachability::up
                   : changed.network() == msg::ReachabilityChanged::DOWN
                     ? core::reachability::down
                     : core::reachability::unknown;
    if (changed.has_metered())
      seen.metered = changed.metered();
    if (changed.has_on_battery())
      seen.on_battery = changed.on_battery();
    if (changed.has_battery_low())
      seen.battery_low = changed.battery_low();
    if (changed.has_idle())
      seen.idle = changed.idle();
    return seen;
  }

  static msg::StoreJob to_store(const msg::JobRecord& job) {
    msg::StoreJob command;
    *command.mutable_job() = job;
    return command;
  }

  static core::error no_such_job(const std::string& name) {
    return {"not_found", "the store has no job '" + name + "'; see its list of jobs"};
  }

  void note(const char* event) {
    if (options_.on_event)
      options_.on_event(event);
  }

  background_actor::pointer self_;
  std::shared_ptr<storage::client_store> store_;
  storage_actor storage_;
  sync_actor sync_;
  seams world_;
  background_options options_;
  core::host_conditions seen_;
  std::map<std::string, msg::JobRecord> jobs_;
  std::map<std::string, run> runs_;
  std::optional<std::int64_t> planned_ms_; // of the timer that is set
  std::uint64_t last_ticket_ = 0;
  std::uint64_t turn_ = 0;
  bool knows_conditions_ = false;
};

} // namespace

background_actor spawn_background(caf::actor_system& system,
                                  std::shared_ptr<storage::client_store> store,
                                  storage_actor storage, sync_actor sync, seams world,
                                  background_options options) {
  return rt::spawn<background_actor, background_state>(system, std::move(store), std::move(storage),
                                                       std::move(sync), std::move(world),
                                                       std::move(options));
}

} // namespace syncline::actors::client
