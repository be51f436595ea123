// Background jobs, and what the host says of its machine.

#include "actors/seams_system.hpp"
#include "runtime/convert.hpp"
#include "runtime/engine.hpp"
#include "runtime/known_conditions.hpp"

namespace syncline {

using actors::client::client_actors;

result<void> engine::set_conditions(const machine_conditions& known) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  core::host_conditions said;
  said.metered = known.metered;
  said.on_battery = known.on_battery;
  said.battery_low = known.battery_low;
  said.idle = known.idle;
  host_->conditions().host_says(said);
  return {};
}

result<bool> engine::schedule_job(const job& how, existing_job policy) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (how_.server.empty())
    return no_server();
  msg::ScheduleJob command;
  command.set_awaits_conditions(how_.watch_machine && how_.run_jobs && host_->conditions().sense());
  *command.mutable_spec() = to_message(how);
  command.set_replace(policy == existing_job::replace);
  const bool is_first = command.awaits_conditions();
  const auto done = host_->ask<msg::JobScheduled>(&client_actors::background, std::move(command));
  if (is_first)
    host_->conditions().tell_conditions_again();
  if (!done)
    return to_public(done.error());
  return !done->kept();
}

result<void> engine::cancel_job(std::string name) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  msg::CancelJob command;
  command.set_name(std::move(name));
  const auto done = host_->ask<msg::Done>(&client_actors::background, std::move(command));
  if (!done)
    return to_public(done.error());
  return {};
}

job_status engine::describe_job(const msg::JobRecord& job) const {
  auto out = to_public(job);
  if (host_ && how_.run_jobs) {
    auto known = host_->conditions().current();
    if (how_.server.starts_with("http:"))
      known.network = core::reachability::unknown; // This machine needs no network.
    out.needs = core::unmet_needs(job.spec(), known);
  }
  out.state = job.running_since_ms() != 0                    ? "running"
              : out.next_start_ms > actors::system_wall_ms() ? "waiting"
              : !out.needs.empty()                           ? "blocked"
                                                             : "due";
  return out;
}

result<std::vector<job_status>> engine::jobs() {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  const auto stored = view ? view->jobs() : view.error();
  if (!stored)
    return to_public(stored.error());
  std::vector<job_status> out;
  out.reserve(stored->size());
  for (const auto& one : *stored)
    out.push_back(describe_job(one));
  return out;
}

result<sync_report> engine::run_job(std::string name) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (how_.server.empty())
    return no_server();
  msg::RunJob command;
  command.set_name(std::move(name));
  const auto report = host_->ask<msg::SyncReport>(&client_actors::background, std::move(command));
  if (!report)
    return to_public(report.error());
  return to_public(*report);
}

result<sync_report> engine::run_until(std::chrono::milliseconds deadline) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (how_.server.empty())
    return no_server();
  if (deadline.count() < 0 || deadline > std::chrono::hours{24})
    return error{"bad_options", "a deadline is from 0 to 24 hours"};
  msg::RunUntil command;
  command.set_deadline_ms(deadline.count());
  const auto report = host_->ask<msg::SyncReport>(&client_actors::background, std::move(command));
  if (!report)
    return to_public(report.error());
  return to_public(*report);
}

} // namespace syncline
