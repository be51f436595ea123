// Background jobs through the public interface, with a real server.

#include "tests/runtime/runtime_support.hpp"

#include <thread>

BOOST_AUTO_TEST_SUITE(runtime_jobs)

using namespace syncline;
using namespace syncline::tests;

namespace {

job hourly(const std::string& name = "often") {
  job how;
  how.name = name;
  how.interval = 60min;
  return how;
}

/// Nothing is asked of the machine that runs the tests.
options quiet_options(const temporary_directory& directory, const std::string& server) {
  auto how = test_options(directory, server);
  how.watch_machine = false;
  return how;
}

job_status only_job(const runtime& one) {
  const auto all = value_or_fail(one.jobs());
  BOOST_REQUIRE(all.size() == 1U);
  return all.front();
}

/// Looks until the job has ended that often.
job_status after_runs(const runtime& one, std::uint64_t runs) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    auto seen = only_job(one);
    if (seen.runs >= runs && seen.state != "running")
      return seen;
    std::this_thread::sleep_for(1ms);
  }
  BOOST_FAIL("the job did not run");
  return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_job_syncs_a_runtime_that_is_not_started) {
  test_server server;
  temporary_directory directory;
  const auto one = open_or_fail(quiet_options(directory, server.url()));
  const auto written = value_or_fail(one->put("notes", "a", "{}"));
  BOOST_TEST(value_or_fail(one->schedule_job(hourly())));
  check_done(written.wait(stage::visible, patience));
  const auto done = after_runs(*one, 1);
  BOOST_TEST(done.state == "waiting");
  BOOST_TEST(done.last_outcome == "done");
  BOOST_TEST(done.next_start_ms == done.last_started_ms + 60 * 60'000);
  BOOST_TEST(done.attempts == 0U);
}

BOOST_AUTO_TEST_CASE(jobs_outlive_the_runtime) {
  test_server server;
  temporary_directory directory;
  {
    const auto one = open_or_fail(quiet_options(directory, server.url()));
    BOOST_TEST(value_or_fail(one->schedule_job(hourly())));
    after_runs(*one, 1);
    check_done(one->close());
  }
  const auto again = open_or_fail(quiet_options(directory, server.url()));
  const auto kept = only_job(*again);
  BOOST_TEST(kept.how.name == "often");
  BOOST_TEST((kept.how.interval == 60min));
  BOOST_TEST(kept.runs == 1U);
  BOOST_TEST(!value_or_fail(again->schedule_job(hourly()))); // It is there.
  check_done(again->cancel_job("often"));
  BOOST_TEST(value_or_fail(again->jobs()).empty());
  BOOST_TEST(code_of(again->cancel_job("often")) == "not_found");
}

BOOST_AUTO_TEST_CASE(with_run_jobs_off_they_run_only_when_they_are_asked_to) {
  test_server server;
  temporary_directory directory;
  auto how = quiet_options(directory, server.url());
  how.run_jobs = false;
  const auto one = open_or_fail(how);
  value_or_fail(one->put("notes", "a", "{}"));
  BOOST_TEST(value_or_fail(one->schedule_job(hourly())));
  BOOST_TEST(only_job(*one).state == "due");
  const auto report = value_or_fail(one->run_job("often"));
  BOOST_TEST(report.success);
  BOOST_TEST(server.get().status().items == 1U);
  BOOST_TEST(only_job(*one).runs == 1U);
  BOOST_TEST(code_of(one->run_job("none")) == "not_found");
}

BOOST_AUTO_TEST_CASE(what_the_host_says_of_its_machine_blocks_a_job_and_frees_it) {
  test_server server;
  temporary_directory directory;
  const auto one = open_or_fail(quiet_options(directory, server.url()));
  machine_conditions battery;
  battery.on_battery = true;
  check_done(one->set_conditions(battery));
  auto how = hourly();
  how.charging = true;
  BOOST_TEST(value_or_fail(one->schedule_job(how)));
  const auto blocked = only_job(*one);
  BOOST_TEST(blocked.state == "blocked");
  BOOST_REQUIRE(blocked.needs.size() == 1U);
  BOOST_TEST(blocked.needs[0] == "line power");
  BOOST_TEST(value_or_fail(one->status()).power_source == "host");
  battery.on_battery = false;
  check_done(one->set_conditions(battery));
  BOOST_TEST(after_runs(*one, 1).last_outcome == "done");
}

BOOST_AUTO_TEST_CASE(run_until_syncs_and_says_when_the_time_was_over) {
  test_server server;
  temporary_directory directory;
  const auto one = open_or_fail(quiet_options(directory, server.url()));
  value_or_fail(one->put("notes", "a", "{}"));
  const auto brief = value_or_fail(one->run_until(0ms));
  BOOST_TEST(!brief.success);
  BOOST_TEST(brief.error.code == "expired");
  const auto rest = value_or_fail(one->run_until(20s));
  BOOST_TEST(rest.success);
  BOOST_TEST(body_of(*one, "a") == "{}");
  BOOST_TEST(server.get().status().items == 1U);
  BOOST_TEST(code_of(one->run_until(-1ms)) == "bad_options");
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_be_is_refused) {
  temporary_directory directory;
  const auto alone = open_or_fail(quiet_options(directory, ""));
  BOOST_TEST(code_of(alone->schedule_job(hourly())) == "no_server");
  BOOST_TEST(code_of(alone->run_until(1s)) == "no_server");
  check_done(alone->close());
  test_server server;
  auto how = quiet_options(directory, server.url());
  how.run_jobs = false;
  const auto one = open_or_fail(how);
  auto often = hourly();
  often.interval = 59s;
  BOOST_TEST(code_of(one->schedule_job(often)) == "bad_job");
  BOOST_TEST(code_of(one->schedule_job(hourly("No Name"))) == "bad_job");
  for (int i = 0; i < 100; ++i)
    value_or_fail(one->schedule_job(hourly("job" + std::to_string(i))));
  BOOST_TEST(code_of(one->schedule_job(hourly())) == "too_many");
  BOOST_TEST(!value_or_fail(one->schedule_job(hourly("job7"))));
}

// Whatever this machine is: it is asked first, and nothing hangs.
BOOST_AUTO_TEST_CASE(a_job_runs_where_the_machine_is_asked_too) {
  test_server server;
  temporary_directory directory;
  const auto one = open_or_fail(test_options(directory, server.url()));
  auto how = hourly();
  BOOST_TEST(value_or_fail(one->schedule_job(how)));
  BOOST_TEST(after_runs(*one, 1).last_outcome == "done");
  check_done(one->close());
  const auto again = open_or_fail(test_options(directory, server.url()));
  how.interval = 30min;
  BOOST_TEST(value_or_fail(again->schedule_job(how, existing_job::replace)));
  BOOST_TEST(after_runs(*again, 1).last_outcome == "done");
}

BOOST_AUTO_TEST_SUITE_END()
