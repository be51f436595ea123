#include "core/jobs/job.hpp"

#include "core/data/ids.hpp"

#include <algorithm>
#include <limits>

namespace syncline::core {

namespace {

constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t day_ms = 24LL * 3'600 * second_ms;

bool is_within(std::int64_t value, std::int64_t low, std::int64_t high) {
  return value >= low && value <= high;
}

// Half of the bound is certain: jobs do not storm a server together as requests do, and must not
// begin again at once.
std::int64_t pause_ms(const msg::JobRecord& job, std::uint32_t failures, std::uint64_t random) {
  const backoff_options options{.first_ms = job.spec().retry_first_ms(),
                                .max_ms = job.spec().retry_max_ms()};
  const auto half = backoff_bound_ms(failures, options) / 2;
  return half + static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(half) + 1));
}

bool can_start(const msg::JobRecord& job, const host_conditions& seen) {
  return job.running_since_ms() == 0 && unmet_needs(job.spec(), seen).empty();
}

} // namespace

expected<void> validate_job_name(std::string_view name) {
  if (!validate_collection(name))
    return fail("bad_job",
                "'" + std::string{name} +
                  "' is no name of a job; it has 1 to 64 bytes of a-z, 0-9, '_' and '-'");
  return {};
}

expected<void> validate_job(const msg::JobSpec& spec) {
  if (auto valid = validate_job_name(spec.name()); !valid)
    return valid;
  const auto refuse = [&](const char* what) {
    return fail("bad_job", "the job '" + spec.name() + "' cannot be scheduled: " + what);
  };
  if (!is_within(spec.interval_ms(), job_interval_min_ms, job_interval_max_ms))
    return refuse("its interval is from 1 minute to 366 days");
  if (!is_within(spec.flex_ms(), 0, spec.interval_ms()))
    return refuse("its flex is from 0 to its interval");
  if (!is_within(spec.deadline_ms(), second_ms, day_ms))
    return refuse("its deadline is from 1 second to a day");
  if (!is_within(spec.retry_first_ms(), second_ms, spec.retry_max_ms()) ||
      spec.retry_max_ms() > 30 * day_ms)
    return refuse("its pauses are from 1 second to 30 days, and the first is not above the last");
  if (!msg::JobSpec::Network_IsValid(spec.network()))
    return refuse("it needs a network of a kind that this program does not know");
  return {};
}

std::vector<std::string> unmet_needs(const msg::JobSpec& spec, const host_conditions& seen) {
  std::vector<std::string> needs;
  if (spec.network() != msg::JobSpec::ANY && seen.network == reachability::down)
    needs.emplace_back("a network");
  else if (spec.network() == msg::JobSpec::UNMETERED && seen.metered.value_or(false))
    needs.emplace_back("a network that is not metered");
  if (spec.charging() && seen.on_battery.value_or(false))
    needs.emplace_back("line power");
  if (spec.battery_not_low() && seen.battery_low.value_or(false))
    needs.emplace_back("a battery that is not low");
  if (spec.idle() && !seen.idle.value_or(true))
    needs.emplace_back("a machine that nobody uses");
  return needs;
}

msg::JobRecord new_job(msg::JobSpec spec, std::int64_t now_ms, std::uint64_t random) {
  msg::JobRecord job;
  *job.mutable_spec() = std::move(spec);
  job.set_incarnation(random);
  job.set_due_ms(now_ms);
  return job;
}

std::int64_t job_start_ms(const msg::JobRecord& job) {
  return std::max(job.due_ms(), job.not_before_ms());
}

std::vector<std::string> jobs_to_start(const std::vector<const msg::JobRecord*>& jobs,
                                       const host_conditions& seen, std::int64_t now_ms) {
  std::vector<const msg::JobRecord*> ready;
  bool is_one_due = false;
  for (const auto* job : jobs) {
    if (!can_start(*job, seen) ||
        std::max(job->due_ms() - job->spec().flex_ms(), job->not_before_ms()) > now_ms)
      continue;
    ready.push_back(job);
    is_one_due = is_one_due || job_start_ms(*job) <= now_ms;
  }
  if (!is_one_due)
    return {};
  std::stable_sort(ready.begin(), ready.end(),
                   [](const auto* a, const auto* b) { return a->due_ms() < b->due_ms(); });
  std::vector<std::string> names;
  names.reserve(ready.size());
  for (const auto* job : ready)
    names.push_back(job->spec().name());
  return names;
}

std::optional<std::int64_t> next_job_ms(const std::vector<const msg::JobRecord*>& jobs,
                                        const host_conditions& seen) {
  std::optional<std::int64_t> next;
  for (const auto* job : jobs)
    if (can_start(*job, seen))
      next = std::min(next.value_or(std::numeric_limits<std::int64_t>::max()), job_start_ms(*job));
  return next;
}

void job_started(msg::JobRecord& job, std::int64_t now_ms) {
  job.set_running_since_ms(now_ms);
  job.set_last_started_ms(now_ms);
  job.set_runs(job.runs() + 1);
}

void job_ended(msg::JobRecord& job, const job_end& end, std::int64_t now_ms, std::uint64_t random) {
  const auto started_ms = job.running_since_ms();
  job.set_running_since_ms(0);
  job.set_last_ended_ms(now_ms);
  job.set_last_outcome(end.outcome);
  *job.mutable_last_error() = end.error;
  if (end.outcome == msg::JobRecord::DONE) {
    job.set_attempts(0);
    job.set_due_ms(started_ms + job.spec().interval_ms());
    // A run that takes longer than its interval gives others a turn.
    job.set_not_before_ms(job.due_ms() > now_ms ? 0 : now_ms + pause_ms(job, 1, random));
    return;
  }
  const bool resumes = end.outcome == msg::JobRecord::EXPIRED && end.progressed;
  job.set_attempts(resumes ? 0 : job.attempts() + 1);
  job.set_not_before_ms(now_ms + pause_ms(job, std::max(1U, job.attempts()), random));
}

void job_loaded(msg::JobRecord& job, std::int64_t now_ms, std::uint64_t random) {
  if (job.running_since_ms() != 0) {
    msg::Error why;
    why.set_code("interrupted");
    why.set_message("the process ended while the job ran; it goes on where it was");
    job_ended(job, {msg::JobRecord::INTERRUPTED, false, why}, now_ms, random);
  }
  job.set_due_ms(std::min(job.due_ms(), now_ms + job.spec().interval_ms()));
  job.set_not_before_ms(std::min(job.not_before_ms(), now_ms + job.spec().retry_max_ms()));
}

std::string_view to_string(msg::JobRecord::Outcome outcome) {
  switch (outcome) {
  case msg::JobRecord::DONE:
    return "done";
  case msg::JobRecord::EXPIRED:
    return "expired";
  case msg::JobRecord::CONSTRAINT_LOST:
    return "constraint_lost";
  case msg::JobRecord::FAILED:
    return "failed";
  case msg::JobRecord::INTERRUPTED:
    return "interrupted";
  default:
    return "";
  }
}

} // namespace syncline::core
