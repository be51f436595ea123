// `syncline jobs`: syncs that are wanted again and again, at times that suit the machine.

#include "describe.hpp"
#include "end_signals.hpp"
#include "open_store.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace syncline::app {

namespace {

struct job_flags : store_flags {
  job how;
  std::int64_t interval_ms = how.interval.count();
  std::int64_t flex_ms = 0;
  std::int64_t retry_first_ms = how.retry_first.count();
  std::int64_t retry_max_ms = how.retry_max.count();
  std::int64_t deadline_ms = how.deadline.count();
  std::string name;
  bool replaces = false;
};

void print_job(const job_flags& flags, const job_status& one) {
  if (flags.as_json)
    print_json(to_json(one));
  else
    print_line(to_line(one));
}

int list(const job_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto jobs = (*open)->jobs();
  if (!jobs)
    return report(jobs.error());
  for (const auto& one : *jobs)
    print_job(flags, one);
  return exit_ok;
}

int add(const job_flags& flags) {
  const auto open = open_store(flags, access::write_or_create);
  if (!open)
    return report(open.error());
  auto how = flags.how;
  how.name = flags.name;
  how.interval = std::chrono::milliseconds{flags.interval_ms};
  how.flex = std::chrono::milliseconds{flags.flex_ms};
  how.retry_first = std::chrono::milliseconds{flags.retry_first_ms};
  how.retry_max = std::chrono::milliseconds{flags.retry_max_ms};
  how.deadline = std::chrono::milliseconds{flags.deadline_ms};
  const auto added =
    (*open)->schedule_job(how, flags.replaces ? existing_job::replace : existing_job::keep);
  if (!added)
    return close_store(**open, report(added.error()));
  if (flags.as_json)
    print_json({{"name", flags.name}, {"scheduled", *added}});
  else
    print_line(*added ? "scheduled " + flags.name
                      : "kept the job " + flags.name + " as it was; --replace changes it");
  return close_store(**open, exit_ok);
}

int remove(const job_flags& flags) {
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto done = (*open)->cancel_job(flags.name);
  return close_store(**open, done ? int{exit_ok} : report(done.error()));
}

int run_one(const job_flags& flags) {
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto done = (*open)->run_job(flags.name);
  if (!done)
    return close_store(**open, report(done.error()));
  return close_store(**open, show_report(**open, *done, flags.as_json));
}

// The runtime runs them; this waits until none is due, and says what became of each.
int wait_for_due(const job_flags& flags, const runtime& open, const end_signals& signals,
                 std::int64_t began_ms) {
  constexpr std::int64_t look_every_ms = 100;
  while (true) {
    const auto jobs = open.jobs();
    if (!jobs)
      return report(jobs.error());
    const bool is_any_busy = std::any_of(jobs->begin(), jobs->end(), [](const auto& one) {
      return one.state == "running" || one.state == "due";
    });
    if (is_any_busy && !signals.wait_for(look_every_ms))
      continue;
    int code = exit_ok;
    for (const auto& one : *jobs) {
      const bool ran = one.last_ended_ms >= began_ms;
      if (ran || one.state == "blocked")
        print_job(flags, one);
      if (ran && one.last_outcome != "done")
        code = exit_code_of(one.last_error.code);
    }
    return code;
  }
}

int run_due(job_flags flags) {
  using clock = std::chrono::system_clock;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock::now());
  flags.runs_jobs = true;
  const end_signals signals;
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  return close_store(**open, wait_for_due(flags, **open, signals, now.time_since_epoch().count()));
}

int run(const job_flags& flags) {
  return flags.name.empty() ? run_due(flags) : run_one(flags);
}

void add_schedule_flags(CLI::App& command, job_flags& flags) {
  const std::map<std::string, network_need> networks{{"any", network_need::any},
                                                     {"connected", network_need::connected},
                                                     {"unmetered", network_need::unmetered}};
  command.add_option("name", flags.name, "Its name: a-z, 0-9, _ and -")->required();
  command.add_option("--every", flags.interval_ms, "Interval, 1m to 366d; default 15m")
    ->transform(duration());
  command
    .add_option("--flex", flags.flex_ms, "How much earlier it may run, along with another job")
    ->transform(duration());
  command.add_option("--network", flags.how.network, "any, connected (default) or unmetered")
    ->transform(CLI::CheckedTransformer(networks, CLI::ignore_case).description(""));
  command.add_flag("--charging", flags.how.charging, "Only with line power");
  command.add_flag("--battery-not-low", flags.how.battery_not_low, "Not with a low battery");
  command.add_flag("--idle", flags.how.idle, "Only while nobody uses the machine");
  command.add_option("--deadline", flags.deadline_ms, "Longest run, 1s to 1d; default 10m")
    ->transform(duration());
  command.add_option("--retry-first", flags.retry_first_ms, "Pause after a failure; default 30s")
    ->transform(duration());
  command.add_option("--retry-max", flags.retry_max_ms, "It doubles up to this; default 5h")
    ->transform(duration());
  command.add_flag("--replace", flags.replaces, "Replaces a job of this name");
}

} // namespace

void add_jobs(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<job_flags>();
  auto* jobs = app.add_subcommand("jobs", "Syncs at times that suit the machine");
  jobs->require_subcommand(1);
  const auto add_command = [&](const char* name, const char* text, int (*run)(const job_flags&)) {
    auto* command = jobs->add_subcommand(name, text);
    add_store_flags(*command, *flags);
    command->callback([=, &chosen] { chosen.run = [=] { return run(*flags); }; });
    return command;
  };
  add_command("list", "Lists them: name, state, interval, runs, last outcome, next start", list);
  auto* added = add_command(
    "add", "Schedules one; it runs while `watch` or `jobs run`, or a program, has the store open",
    add);
  add_sync_flags(*added, *flags);
  add_schedule_flags(*added, *flags);
  add_command("remove", "Removes one", remove)
    ->add_option("name", flags->name, "Its name")
    ->required();
  add_command("run", "Runs one now, or all that are due, and ends", run)
    ->add_option("name", flags->name, "Its name; absent: all that are due and not blocked");
}

} // namespace syncline::app
