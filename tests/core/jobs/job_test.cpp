#include "core/jobs/job.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <vector>

using namespace syncline;
using core::host_conditions;
using outcome = msg::JobRecord;

namespace {

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t noon = 1'700'000'000'000;

msg::JobSpec spec(const std::string& name = "nightly") {
  msg::JobSpec made;
  made.set_name(name);
  made.set_interval_ms(15 * minute);
  made.set_retry_first_ms(30'000);
  made.set_retry_max_ms(5 * hour);
  made.set_deadline_ms(10 * minute);
  return made;
}

msg::JobRecord due_at(const std::string& name, std::int64_t due_ms, std::int64_t flex_ms = 0) {
  auto job = core::new_job(spec(name), due_ms, 1);
  job.mutable_spec()->set_flex_ms(flex_ms);
  return job;
}

std::vector<std::string> started(const std::vector<msg::JobRecord>& jobs, std::int64_t now_ms,
                                 const host_conditions& seen = {}) {
  std::vector<const msg::JobRecord*> all;
  all.reserve(jobs.size());
  for (const auto& job : jobs)
    all.push_back(&job);
  return core::jobs_to_start(all, seen, now_ms);
}

std::string refusal(const std::function<void(msg::JobSpec&)>& change) {
  auto changed = spec();
  change(changed);
  const auto valid = core::validate_job(changed);
  return valid ? "" : valid.error().code;
}

using names = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(core_jobs_job)

BOOST_AUTO_TEST_CASE(what_a_job_may_be) {
  BOOST_TEST(refusal([](auto&) {}) == "");
  BOOST_TEST(refusal([](auto& job) { job.set_name(""); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_name("Näh"); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_name(std::string(65, 'a')); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_interval_ms(minute - 1); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_interval_ms(367 * 24 * hour); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_flex_ms(-1); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_flex_ms(15 * minute); }) == "");
  BOOST_TEST(refusal([](auto& job) { job.set_flex_ms(15 * minute + 1); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_deadline_ms(999); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_deadline_ms(25 * hour); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_retry_first_ms(6 * hour); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_retry_max_ms(31 * 24 * hour); }) == "bad_job");
  BOOST_TEST(refusal([](auto& job) { job.set_network(static_cast<msg::JobSpec::Network>(9)); }) ==
             "bad_job");
}

BOOST_AUTO_TEST_CASE(needs_that_are_met_unknown_and_unmet) {
  auto all = spec();
  all.set_network(msg::JobSpec::UNMETERED);
  all.set_charging(true);
  all.set_battery_not_low(true);
  all.set_idle(true);
  BOOST_TEST(core::unmet_needs(all, {}).empty()); // Unknown is good.
  host_conditions bad;
  bad.network = core::reachability::up;
  bad.metered = bad.on_battery = bad.battery_low = true;
  bad.idle = false;
  BOOST_TEST(core::unmet_needs(all, bad).size() == 4U);
  BOOST_TEST(core::unmet_needs(spec(), bad).empty()); // It needs nothing.
  bad.network = core::reachability::down;
  BOOST_TEST(core::unmet_needs(all, bad).front() == "a network");
  BOOST_TEST(core::unmet_needs(spec(), bad).empty());
  auto connected = spec();
  connected.set_network(msg::JobSpec::CONNECTED);
  BOOST_TEST(core::unmet_needs(connected, bad).size() == 1U);
  host_conditions good;
  good.metered = good.on_battery = good.battery_low = false;
  good.idle = true;
  BOOST_TEST(core::unmet_needs(all, good).empty());
}

BOOST_AUTO_TEST_CASE(a_new_job_is_due_at_once_and_then_after_its_interval) {
  auto job = core::new_job(spec(), noon, 7);
  BOOST_TEST((started({job}, noon) == names{"nightly"}));
  core::job_started(job, noon + 5);
  BOOST_TEST(started({job}, noon + 5).empty()); // It runs.
  core::job_ended(job, {}, noon + minute, 0);
  BOOST_TEST(job.due_ms() == noon + 5 + 15 * minute);
  BOOST_TEST(job.last_outcome() == outcome::DONE);
  BOOST_TEST(started({job}, noon + 15 * minute).empty());
  BOOST_TEST((started({job}, noon + 5 + 15 * minute) == names{"nightly"}));
}

BOOST_AUTO_TEST_CASE(a_run_longer_than_its_interval_gives_others_a_turn) {
  auto job = core::new_job(spec(), noon, 7);
  core::job_started(job, noon);
  core::job_ended(job, {}, noon + hour, 0);
  BOOST_TEST(core::job_start_ms(job) == noon + hour + 15'000);
}

BOOST_AUTO_TEST_CASE(those_within_their_flex_go_along_with_one_that_is_due) {
  const auto due = due_at("due", noon);
  const auto soon = due_at("soon", noon + 5 * minute, 10 * minute);
  const auto later = due_at("later", noon + 5 * minute, 4 * minute);
  BOOST_TEST((started({later, soon, due}, noon) == names{"due", "soon"}));
  BOOST_TEST(started({soon}, noon).empty()); // Alone it waits for its time.
  auto backing_off = due_at("soon", noon + 5 * minute, 10 * minute);
  backing_off.set_not_before_ms(noon + 1);
  BOOST_TEST((started({backing_off, due}, noon) == names{"due"}));
}

BOOST_AUTO_TEST_CASE(one_that_may_not_run_takes_nobody_along_and_sets_no_timer) {
  auto blocked = due_at("blocked", noon);
  blocked.mutable_spec()->set_charging(true);
  host_conditions battery;
  battery.on_battery = true;
  const auto soon = due_at("soon", noon + minute, 5 * minute);
  BOOST_TEST(started({blocked, soon}, noon, battery).empty());
  BOOST_TEST((core::next_job_ms({&blocked, &soon}, battery) == noon + minute));
  BOOST_TEST(!core::next_job_ms({&blocked}, battery));
  BOOST_TEST((core::next_job_ms({&blocked}, {}) == noon));
}

BOOST_AUTO_TEST_CASE(pauses_double_without_progress_and_begin_anew_with_it) {
  auto job = core::new_job(spec(), noon, 7);
  const auto fail = [&](outcome::Outcome how, bool progressed) {
    core::job_started(job, noon);
    core::job_ended(job, {how, progressed}, noon, 0);
    return core::job_start_ms(job) - noon;
  };
  BOOST_TEST(fail(outcome::FAILED, false) == 15'000);
  BOOST_TEST(fail(outcome::CONSTRAINT_LOST, true) == 30'000);
  BOOST_TEST(fail(outcome::EXPIRED, false) == 60'000);
  BOOST_TEST(job.attempts() == 3U);
  BOOST_TEST(fail(outcome::EXPIRED, true) == 15'000); // The next run goes on.
  BOOST_TEST(job.attempts() == 0U);
  for (int i = 0; i < 40; ++i)
    fail(outcome::FAILED, false);
  BOOST_TEST(core::job_start_ms(job) - noon == 150 * minute);
}

BOOST_AUTO_TEST_CASE(a_run_that_its_process_did_not_survive_is_resumed_after_a_pause) {
  auto job = core::new_job(spec(), noon, 7);
  core::job_started(job, noon);
  core::job_loaded(job, noon + hour, 0);
  BOOST_TEST(job.running_since_ms() == 0);
  BOOST_TEST(job.last_outcome() == outcome::INTERRUPTED);
  BOOST_TEST(core::job_start_ms(job) == noon + hour + 15'000);
  BOOST_TEST(job.runs() == 1U);
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_makes_nobody_wait_longer) {
  auto job = core::new_job(spec(), noon, 7);
  job.set_not_before_ms(noon);
  core::job_loaded(job, noon - 1000 * hour, 0);
  BOOST_TEST(core::job_start_ms(job) == noon - 995 * hour); // The longest pause, not 1,000 hours.
}

// Whatever happens to a job: it does not start again before half of its first pause, or its
// interval where the run went well.
BOOST_AUTO_TEST_CASE(no_start_comes_sooner_than_the_pauses_allow) {
  rc::check([] {
    auto job = core::new_job(spec(), noon, 7);
    auto now = noon;
    std::int64_t last_end = 0;
    const int rounds = *rc::gen::inRange(1, 30);
    for (int i = 0; i < rounds; ++i) {
      now = std::max(now, core::job_start_ms(job));
      RC_ASSERT(last_end == 0 || now - last_end >= 15'000);
      core::job_started(job, now);
      now += *rc::gen::inRange<std::int64_t>(0, 20 * minute);
      const auto how = *rc::gen::element(outcome::DONE, outcome::EXPIRED, outcome::FAILED,
                                         outcome::CONSTRAINT_LOST);
      const bool progressed = *rc::gen::arbitrary<bool>();
      core::job_ended(job, {how, progressed}, now, *rc::gen::arbitrary<std::uint64_t>());
      RC_ASSERT(job.running_since_ms() == 0);
      last_end = how == outcome::DONE ? 0 : now;
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
