#pragma once
// Background jobs: when each of them runs, and what becomes of it afterwards. Pure.
//
// A job is a sync that is wanted again and again, at times and under conditions that suit the
// machine (DESIGN.md section 10). Times are wall milliseconds, for jobs outlive the process.

#include "core/expected.hpp"
#include "core/jobs/conditions.hpp"
#include "core/sync/backoff.hpp"
#include "jobs.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::core {

inline constexpr std::int64_t job_interval_min_ms = 60'000;
inline constexpr std::int64_t job_interval_max_ms = 366LL * 24 * 3'600 * 1'000;
inline constexpr std::size_t jobs_max = 100; ///< in one store

/// A job's name, by the rule of collections. Error: `bad_job`.
[[nodiscard]] expected<void> validate_job_name(std::string_view name);
/// Interval 1 minute to 366 days; flex 0 to the interval; deadline 1 s to a day; pauses 1 s to 30
/// days, the first not above the last. Error: `bad_job`.
[[nodiscard]] expected<void> validate_job(const msg::JobSpec& spec);

/// What the job needs and does not have, in words; empty: it may run. What is not known of the
/// machine is taken as good.
[[nodiscard]] std::vector<std::string> unmet_needs(const msg::JobSpec& spec,
                                                   const host_conditions& seen);

/// A job as it is scheduled: due at once.
[[nodiscard]] msg::JobRecord new_job(msg::JobSpec spec, std::int64_t now_ms, std::uint64_t random);

/// From when on it is started, needs apart.
[[nodiscard]] std::int64_t job_start_ms(const msg::JobRecord& job);

/// What to start now: as soon as one job is due and may run, all that may run and are within their
/// flex go along, the most overdue first. None that runs already.
[[nodiscard]] std::vector<std::string> jobs_to_start(const std::vector<const msg::JobRecord*>& jobs,
                                                     const host_conditions& seen,
                                                     std::int64_t now_ms);
/// When to look again although nothing has changed; none where only a change of the conditions, or
/// the end of a run, can start anything.
[[nodiscard]] std::optional<std::int64_t>
next_job_ms(const std::vector<const msg::JobRecord*>& jobs, const host_conditions& seen);

/// How a run ended.
struct job_end {
  msg::JobRecord::Outcome outcome = msg::JobRecord::DONE;
  bool progressed = false; ///< something was sent or stored
  msg::Error error = {};
};

void job_started(msg::JobRecord& job, std::int64_t now_ms);
/// After success it is due an interval after its start. Otherwise it stays due, behind a pause that
/// doubles with each run without progress: from half of the bound to all of it, so that conditions
/// that flap start no more than the pauses allow.
void job_ended(msg::JobRecord& job, const job_end& end, std::int64_t now_ms, std::uint64_t random);
/// As it is found in the store: a run that its process did not survive has ended, and a clock that
/// was set back makes nobody wait for longer than he would have.
void job_loaded(msg::JobRecord& job, std::int64_t now_ms, std::uint64_t random);

/// done, expired, constraint_lost, failed, interrupted; empty where it never ran.
[[nodiscard]] std::string_view to_string(msg::JobRecord::Outcome outcome);

} // namespace syncline::core
