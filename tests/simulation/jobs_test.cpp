// Background jobs in virtual time: deadlines, needs that come and go, crashes.

#include "actors/simulation/world.hpp"
#include "core/jobs/job.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>

namespace syncline::tests {

using namespace actors::simulation;

namespace {

constexpr std::int64_t minute_ms = 60'000;

/// One client that syncs only when a job says so, over a line that takes its time.
struct jobs_world {
  jobs_world() : world{1, {}} {
    world.set_fate([this](int client, const msg::HttpRequest& request) {
      auto fate = world.seeded_fate(client, request);
      fate.reply_delay_ms = reply_delay_ms;
      fate.lose_request = is_away;
      return fate;
    });
    actors::client::client_options options;
    options.link.paused = options.outbox.paused = options.poll.paused = true;
    options.background.paused = false;
    options.outbox.batch_items_max = 5;
    options.poll.timeout_ms = options.outbox.send_timeout_ms = 20'000;
    world.add_client(options);
  }

  static msg::JobSpec spec(const std::string& name = "often") {
    msg::JobSpec made;
    made.set_name(name);
    made.set_interval_ms(15 * minute_ms);
    made.set_retry_first_ms(30'000);
    made.set_retry_max_ms(5LL * 60 * minute_ms);
    made.set_deadline_ms(10 * minute_ms);
    return made;
  }

  /// Nothing: it was refused.
  template <class Answer, class Command>
  std::shared_ptr<std::optional<Answer>> ask(Command command) {
    auto answer = std::make_shared<std::optional<Answer>>();
    world.system().system().spawn(
      [answer, command](caf::event_based_actor* self, actors::client::background_actor asked) {
        self->request(asked, caf::infinite, command)
          .then([answer](const Answer& given) { *answer = given; }, [](const caf::error&) {});
      },
      world.client(0).actors().background);
    world.run_for(0);
    return answer;
  }

  /// Whether a job of this name was there and stayed; nothing where it was refused.
  std::optional<bool> schedule(const msg::JobSpec& spec, bool replace = false) {
    msg::ScheduleJob command;
    *command.mutable_spec() = spec;
    command.set_replace(replace);
    const auto answer = ask<msg::JobScheduled>(command);
    return answer->has_value() ? std::optional{(*answer)->kept()} : std::nullopt;
  }

  void sees(const std::function<void(msg::ConditionsChanged&)>& change) {
    msg::ConditionsChanged changed;
    change(changed);
    rt::anon_send(world.client(0).actors().background, changed);
    world.run_for(0);
  }

  void put(int items) {
    for (int i = 0; i < items; ++i)
      BOOST_TEST(!world.client(0).create_now("items", "n" + std::to_string(next_++), "{}"));
  }

  std::size_t at_server() {
    return world.server_items("items").size();
  }
  std::uint64_t count(const char* event) {
    return world.counts().of(event);
  }
  /// As it is stored.
  msg::JobRecord stored(const std::string& name = "often") {
    const auto all = world.client(0).store().snapshot()->jobs();
    for (const auto& job : *all)
      if (job.spec().name() == name)
        return job;
    return {};
  }

  actors::simulation::world world;
  std::int64_t reply_delay_ms = 1;
  bool is_away = false;

private:
  int next_ = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(jobs, jobs_world)

BOOST_AUTO_TEST_CASE(a_job_runs_at_once_and_after_each_interval) {
  put(3);
  BOOST_TEST((schedule(spec()) == false));
  world.run_for(minute_ms);
  BOOST_TEST(at_server() == 3U);
  BOOST_TEST(stored().last_outcome() == msg::JobRecord::DONE);
  world.run_for(60 * minute_ms);
  BOOST_TEST(count("job done") == 5U);
}

// C13
BOOST_AUTO_TEST_CASE(a_run_that_expires_in_mid_batch_resumes_without_a_duplicate) {
  put(40); // 8 batches of 2 s
  reply_delay_ms = 2'000;
  auto brief = spec();
  brief.set_deadline_ms(5'000);
  BOOST_TEST((schedule(brief) == false));
  world.run_for(15'000);
  BOOST_TEST(count("job expired") == 1U);
  const auto sent = at_server();
  BOOST_TEST(sent >= 10U); // The batch under way when the time was over is stored as well.
  BOOST_TEST(sent < 40U);
  const auto rest = world.client(0).store().snapshot()->counts();
  BOOST_TEST(rest->outbox == 40U - sent);
  world.run_for(15 * minute_ms);
  BOOST_TEST(at_server() == 40U);
  BOOST_TEST(count("job expired") >= 2U);
  BOOST_TEST(count("job done") >= 1U);
  BOOST_TEST(count("suppressed duplicates") == 0U);
  BOOST_TEST(world.server().payloads().size() == 40U);
  BOOST_TEST(stored().attempts() == 0U);
}

BOOST_AUTO_TEST_CASE(keep_never_runs_a_job_twice) {
  put(10);
  reply_delay_ms = 5'000;
  BOOST_TEST((schedule(spec()) == false));
  BOOST_TEST((schedule(spec()) == true));
  world.run_for(2'000);
  auto hourly = spec();
  hourly.set_interval_ms(60 * minute_ms);
  BOOST_TEST((schedule(hourly) == true)); // While it runs.
  msg::RunJob now;
  now.set_name("often");
  const auto joined = ask<msg::SyncReport>(now);
  world.run_for(5 * minute_ms);
  BOOST_TEST(joined->has_value());
  BOOST_TEST((*joined)->success());
  BOOST_TEST(count("job started") == 1U);
  BOOST_TEST(count("job done") == 1U);
  BOOST_TEST(stored().spec().interval_ms() == 15 * minute_ms);
}

BOOST_AUTO_TEST_CASE(one_that_is_replaced_while_it_runs_ends_before_the_new_one_begins) {
  put(40);
  reply_delay_ms = 2'000;
  schedule(spec());
  world.run_for(3'000);
  auto hourly = spec();
  hourly.set_interval_ms(60 * minute_ms);
  BOOST_TEST((schedule(hourly, true) == false));
  BOOST_TEST(count("job started") == 1U);
  world.run_for(2'000);
  BOOST_TEST(count("job started") == 2U); // After the batch that was under way.
  BOOST_TEST(at_server() < 40U);
  world.run_for(5 * minute_ms);
  BOOST_TEST(at_server() == 40U);
  BOOST_TEST(count("job started") == 2U);
  BOOST_TEST(stored().runs() == 1U); // Of the new one.
  BOOST_TEST(stored().spec().interval_ms() == 60 * minute_ms);
}

BOOST_AUTO_TEST_CASE(one_that_is_cancelled_while_it_runs_does_not_come_back) {
  put(40);
  reply_delay_ms = 2'000;
  schedule(spec());
  world.run_for(3'000);
  msg::CancelJob cancel;
  cancel.set_name("often");
  BOOST_TEST(ask<msg::Done>(cancel)->has_value());
  BOOST_TEST(!ask<msg::Done>(cancel)->has_value()); // There is none any more.
  world.run_for(60 * minute_ms);
  BOOST_TEST(count("job started") == 1U);
  BOOST_TEST(at_server() < 40U);
  BOOST_TEST(world.client(0).store().snapshot()->jobs()->empty());
}

// C14
BOOST_AUTO_TEST_CASE(constraints_that_flap_start_no_more_than_the_pauses_allow) {
  put(40);
  reply_delay_ms = 2'000;
  auto picky = spec();
  picky.set_charging(true);
  schedule(picky);
  for (int i = 0; i < 6'000; ++i) { // Ten times a second, for ten minutes.
    sees([i](auto& seen) { seen.set_on_battery(i % 2 == 1); });
    world.run_for(100);
  }
  // Pauses of at least 15, 30, 60, 120 and 240 s lie between the starts.
  BOOST_TEST(count("job started") >= 3U);
  BOOST_TEST(count("job started") <= 6U);
  BOOST_TEST(count("job constraint_lost") == count("job started"));
  sees([](auto& seen) { seen.set_on_battery(false); });
  world.run_for(60 * minute_ms);
  BOOST_TEST(at_server() == 40U);
  BOOST_TEST(count("suppressed duplicates") == 0U);
}

BOOST_AUTO_TEST_CASE(a_job_waits_for_what_it_needs) {
  put(1);
  sees([](auto& seen) { seen.set_metered(true); });
  auto unmetered = spec();
  unmetered.set_network(msg::JobSpec::UNMETERED);
  schedule(unmetered);
  world.run_for(60 * minute_ms);
  BOOST_TEST(count("job started") == 0U);
  sees([](auto& seen) { seen.set_metered(false); });
  world.run_for(1'000);
  BOOST_TEST(count("job done") == 1U);
}

BOOST_AUTO_TEST_CASE(a_run_that_fails_is_repeated_after_longer_and_longer_pauses) {
  put(1);
  is_away = true;
  schedule(spec());
  world.run_for(60 * minute_ms);
  const auto failed = count("job failed");
  BOOST_TEST(failed >= 4U);
  BOOST_TEST(failed <= 8U);
  BOOST_TEST(stored().attempts() == failed);
  is_away = false;
  world.run_for(120 * minute_ms);
  BOOST_TEST(at_server() == 1U);
  BOOST_TEST(stored().attempts() == 0U);
}

BOOST_AUTO_TEST_CASE(a_crash_while_a_job_runs_is_known_to_the_next_life) {
  put(40);
  reply_delay_ms = 2'000;
  schedule(spec());
  world.run_for(3'000);
  world.client(0).die();
  world.run_for(1'000);
  world.client(0).start();
  world.run_for(5'000);
  BOOST_TEST(count("job started") == 1U); // Not again at once: a crash may come of it.
  BOOST_TEST(stored().running_since_ms() != 0);
  world.run_for(5 * minute_ms);
  BOOST_TEST(count("job started") == 2U);
  BOOST_TEST(at_server() == 40U);
  BOOST_TEST(world.server().payloads().size() == 40U);
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_be_stored_is_refused_and_does_not_run) {
  put(1);
  world.client(0).fail_next_commit("disk_full");
  BOOST_TEST(!schedule(spec()).has_value());
  world.run_for(minute_ms);
  BOOST_TEST(count("job started") == 0U);
  BOOST_TEST((schedule(spec()) == false));
  world.run_for(minute_ms);
  BOOST_TEST(count("job done") == 1U);
}

BOOST_AUTO_TEST_CASE(run_until_pushes_first_and_stops_at_the_deadline) {
  put(40);
  reply_delay_ms = 2'000;
  msg::RunUntil command;
  command.set_deadline_ms(9'000);
  const auto report = ask<msg::SyncReport>(command);
  world.run_for(15'000);
  BOOST_REQUIRE(report->has_value());
  BOOST_TEST(!(*report)->success());
  BOOST_TEST((*report)->error().code() == "expired");
  BOOST_TEST((*report)->items_processed() == at_server());
  BOOST_TEST(at_server() >= 20U);
  world.run_for(60 * minute_ms);
  BOOST_TEST(at_server() < 40U); // Nothing is sent after it.
  command.set_deadline_ms(10 * minute_ms);
  const auto rest = ask<msg::SyncReport>(command);
  world.run_for(10 * minute_ms);
  BOOST_REQUIRE(rest->has_value());
  BOOST_TEST((*rest)->success());
  BOOST_TEST(at_server() == 40U);
}

BOOST_AUTO_TEST_CASE(a_pull_stops_at_the_deadline_and_goes_on_from_there) {
  put(20);
  BOOST_TEST(world.sync(0).success());
  actors::client::client_options options;
  options.link.paused = options.outbox.paused = options.poll.paused = true;
  options.poll.page_items_max = 1;
  const int late = world.add_client(options);
  reply_delay_ms = 1'000;
  msg::RunUntil command;
  command.set_deadline_ms(5'000);
  world.system().system().spawn(
    [command](caf::event_based_actor*, const actors::client::background_actor& asked) {
      rt::anon_send(asked, command);
    },
    world.client(late).actors().background);
  world.run_for(minute_ms);
  const auto some = world.visible_items(late, "items").size();
  BOOST_TEST(some >= 4U);
  BOOST_TEST(some < 20U);
  BOOST_TEST(world.pull(late).pages() == 20U - some);
  BOOST_TEST(world.visible_items(late, "items").size() == 20U);
}

// The deadline is its own: whoever joined the run gets all of it.
BOOST_AUTO_TEST_CASE(a_deadline_ends_nobody_elses_sync) {
  put(40);
  reply_delay_ms = 2'000;
  auto brief = spec();
  brief.set_deadline_ms(3'000);
  schedule(brief);
  const auto all = world.sync(0);
  BOOST_TEST(all.success());
  BOOST_TEST(at_server() == 40U);
  BOOST_TEST(count("job expired") == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
