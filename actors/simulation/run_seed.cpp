// One seeded run: faults and work first; then everything heals, and the promises are due.

#include "actors/simulation/audit.hpp"
#include "actors/simulation/world.hpp"
#include "core/ensure.hpp"

#include <array>

namespace syncline::actors::simulation {

namespace {

// The item that is only ever added to: its sum must be exact.
constexpr const char* sum_id = "sum";

class driver {
public:
  driver(world& world, std::uint64_t seed) : world_{world}, random_{seed * 31 + 7} {
    for (int i = 0; i < world_.options().clients; ++i)
      world_.add_client(client_settings());
    world_.set_on_arrival([this](int client) {
      for (int i = 0; i < 3 && chance(250); ++i)
        write_something(world_.client(client));
    });
  }

  void work() {
    create_sum();
    for (int i = 0; i < world_.options().actions && !world_.failure(); ++i) {
      act();
      world_.run_for(static_cast<std::int64_t>(random_() % (chance(100) ? 120'000 : 3'000)));
      revive_some();
      if (i % 8 == 0)
        check_cursors(world_);
    }
  }

  void heal() {
    world_.end_faults();
    if (!world_.server().alive())
      world_.server().start();
    world_.server().fail_next_commit(""); // A disk that was full may not have been met yet.
    for (int i = 0; i < world_.clients(); ++i) {
      world_.client(i).fail_next_commit("");
      if (!world_.client(i).alive())
        world_.client(i).start();
      world_.client(i).set_clock_offset(0);
    }
    // Twice the longest backoff, the longest delay of a late copy, and the time to decide.
    for (int round = 0; round < 40 && !world_.failure(); ++round) {
      world_.run_for(60'000);
      for (int i = 0; i < world_.clients(); ++i)
        decide_parked(world_, i);
      if (round >= 6 && is_settled(world_))
        return check_live();
    }
    if (!world_.failure())
      world_.fail("not everything was settled in 40 minutes without faults: " +
                  describe_unsettled(world_));
  }

private:
  // Without a fault everybody is live again, and a change is with the others at once: nobody polls.
  void check_live() {
    if (!world_.options().streams)
      return;
    const auto all_online = [this] {
      for (int i = 0; i < world_.clients(); ++i)
        if (world_.link_state(i) != "online")
          return false;
      return true;
    };
    end_jobs();
    // Longer than the longest wait before WebSocket is tried again.
    for (int minutes = 0; !all_online() && !world_.failure(); ++minutes) {
      if (minutes == 15)
        return world_.fail("15 minutes after the last fault not everybody was live");
      world_.run_for(60'000);
    }
    // A client that was rolled back learns of it by the refusal of its first write.
    const int tries = world_.options().clones_clients() ? 3 : 1;
    for (int i = 0; i < tries && !world_.failure(); ++i)
      if (is_heard_live("live" + std::to_string(i)))
        return world_.run_for(60'000);
    world_.fail("a write was not with the server after 3 s: " + describe_unsettled(world_));
  }

  bool is_heard_live(const std::string& id) {
    const auto made = world_.counts().of("stream page applied");
    core::ensure(!world_.client(0).create_now("items", id, "{}"), "a new item can be created");
    world_.run_for(3'000);
    if (world_.server_items("items").count(id) == 0)
      return false;
    for (int i = 0; i < world_.clients() && !world_.failure(); ++i)
      if (world_.visible_items(i, "items").count(id) == 0)
        world_.fail("a change was not with client " + std::to_string(i) +
                    " after 3 s: " + describe_unsettled(world_));
    if (world_.counts().of("stream page applied") == made)
      world_.fail("a live change came without a page of a stream");
    return true;
  }

  client::client_options client_settings() {
    client::client_options options;
    options.outbox.batch_items_max = 1 + static_cast<std::uint32_t>(random_() % 6);
    options.outbox.send_timeout_ms = 20'000;
    options.poll.page_items_max = 1 + static_cast<std::uint32_t>(random_() % 4);
    options.poll.timeout_ms = 20'000;
    options.poll.interval_ms = 10'000;
    options.conflict.policy = world_.options().policy;
    options.background.paused = false;
    return options;
  }

  bool chance(unsigned thousandths) {
    return random_() % 1000 < thousandths;
  }
  bool strikes(unsigned thousandths, const char* fault) {
    if (thousandths == 0 || !chance(thousandths))
      return false;
    world_.counts().add(std::string{"fault "} + fault);
    return true;
  }

  client_node& any_client() {
    return world_.client(static_cast<int>(random_() % static_cast<unsigned>(world_.clients())));
  }
  const std::string& any_collection() {
    return world_.collections()[random_() % world_.collections().size()];
  }
  std::string any_id() {
    return "i" + std::to_string(random_() % static_cast<unsigned>(world_.options().ids));
  }

  void create_sum() {
    core::ensure(!world_.client(0).create_now("items", sum_id, R"({"n":0})"),
                 "the sum can be created");
    world_.run_for(120'000);
    world_.server().back_up();
    for (int i = 0; i < world_.clients(); ++i)
      world_.client(i).back_up();
  }

  void act() {
    const auto& plan = world_.options();
    if (strikes(plan.crash_client, "crash_client"))
      any_client().die();
    if (strikes(plan.crash_server, "crash_server"))
      world_.server().die();
    if (strikes(plan.crash_at_point, "crash_at_point"))
      world_.arm_crash(crash_points[random_() % crash_points.size()]);
    if (strikes(plan.disk_full, "disk_full")) {
      if (chance(500))
        world_.server().fail_next_commit("disk_full");
      else
        any_client().fail_next_commit("disk_full");
    }
    if (strikes(plan.clock_jump, "clock_jump"))
      any_client().set_clock_offset(static_cast<std::int64_t>(random_() % 600'000'000'000) -
                                    300'000'000'000);
    if (chance(100))
      world_.server().back_up();
    if (chance(100))
      any_client().back_up();
    if (strikes(plan.jobs, "jobs"))
      disturb_jobs(any_client());
    if (strikes(plan.trim, "trim"))
      world_.server().trim(static_cast<std::int64_t>(random_() % 60'000));
    restore_some();
    if (!chance(150))
      write_something(any_client());
  }

  // Most of them end in the middle of something, in one way or another.
  void disturb_jobs(client_node& client) {
    if (!client.alive())
      return;
    const auto& background = client.actors().background;
    msg::ScheduleJob schedule;
    auto& job = *schedule.mutable_spec();
    job.set_name("job" + std::to_string(random_() % 2));
    job.set_interval_ms(60'000);
    job.set_retry_first_ms(1'000);
    job.set_retry_max_ms(20'000);
    job.set_deadline_ms(1'000 + static_cast<std::int64_t>(random_() % 10'000));
    job.set_charging(chance(500));
    schedule.set_replace(chance(300));
    rt::anon_send(background, schedule);
    msg::ConditionsChanged seen;
    seen.set_on_battery(chance(400));
    rt::anon_send(background, seen);
    if (!chance(300))
      return;
    msg::RunUntil command;
    command.set_deadline_ms(static_cast<std::int64_t>(random_() % 5'000));
    rt::anon_send(background, command);
  }

  // From then on only what is live may bring a change. A job's pull moves a cursor to a head that
  // its stream has not heard of: the first page after it meets a gap, and is pulled.
  void end_jobs() {
    if (world_.options().jobs == 0)
      return;
    for (int i = 0; i < world_.clients(); ++i)
      for (const auto* name : {"job0", "job1"}) {
        msg::CancelJob command;
        command.set_name(name);
        rt::anon_send(world_.client(i).actors().background, command);
      }
    world_.run_for(60'000);
    core::ensure(!world_.client(0).create_now("items", "afterjobs", "{}"), "it can be created");
    world_.run_for(60'000);
  }

  void restore_some() {
    const auto& plan = world_.options();
    auto& server = world_.server();
    const bool by_tool = strikes(plan.restore_by_tool, "restore_by_tool");
    if (by_tool || strikes(plan.restore_by_hand, "restore_by_hand")) {
      server.die();
      server.restore(random_() % server.backups());
      server.start(by_tool);
    }
    auto& client = any_client();
    if (strikes(plan.roll_back_client, "roll_back_client") && client.has_backup()) {
      client.die();
      client.roll_back();
    }
    auto& other = any_client();
    if (&other != &client && strikes(plan.copy_client, "copy_client")) {
      client.die();
      client.copy_from(other);
    }
  }

  // The dead come back after a while, each in its own time.
  void revive_some() {
    if (!world_.server().alive() && chance(600))
      world_.server().start();
    for (int i = 0; i < world_.clients(); ++i)
      if (!world_.client(i).alive() && chance(600))
        world_.client(i).start();
  }

  std::string new_token(const client_node& client) {
    return "t" + std::to_string(client.index()) + "-" + std::to_string(++tokens_);
  }

  // A body or patch with a unique text in it.
  accepted_write fill(const client_node& client, msg::Mutation& mutation) {
    accepted_write write;
    write.token = new_token(client);
    write.field = "f0";
    write.whole = true;
    std::string text = "\"" + write.token + "\"";
    if (world_.options().poison != 0 && strikes(world_.options().poison, "poisoned write"))
      text = "\"poison " + write.token + "\"";
    if (mutation.kind() == msg::UPDATE && chance(700)) {
      write.whole = false;
      write.field = "f" + std::to_string(random_() % 3);
      mutation.set_patch("{\"" + write.field + "\":" + text + "}");
    } else {
      mutation.set_body("{\"f0\":" + text + ",\"n\":" + std::to_string(random_() % 5) + "}");
    }
    return write;
  }

  void add_operation(const client_node& client, msg::WriteLocal& command,
                     std::map<std::string, accepted_write>& writes, const std::string& collection,
                     const std::string& id) {
    auto& operation = *command.add_operations();
    auto& mutation = *operation.mutable_mutation();
    mutation.set_collection(collection);
    mutation.set_id(id);
    const auto kind = random_() % 10;
    accepted_write write;
    if (kind < 4) {
      mutation.set_kind(msg::CREATE);
      operation.set_upsert(true);
      write = fill(client, mutation);
    } else if (kind < 8) {
      mutation.set_kind(msg::UPDATE);
      if (chance(600))
        write = fill(client, mutation);
      if (write.token.empty() || chance(200))
        add_increment(mutation, "n");
    } else if (kind < 9) {
      mutation.set_kind(msg::DELETE);
      write.whole = true;
    } else {
      mutation.set_kind(msg::CREATE);
      write = fill(client, mutation);
    }
    writes[collection + '/' + id] = write;
    if (strikes(world_.options().depends, "depends"))
      operation.add_depends_on(any_id());
  }

  void add_increment(msg::Mutation& mutation, const char* field) {
    auto& increment = *mutation.add_increments();
    increment.set_field(field);
    increment.set_integer(1 + static_cast<std::int64_t>(random_() % 3));
  }

  void write_something(client_node& client) {
    msg::WriteLocal command;
    std::map<std::string, accepted_write> writes;
    if (chance(250)) {
      auto& mutation = *command.add_operations()->mutable_mutation();
      mutation.set_kind(msg::UPDATE);
      mutation.set_collection("items");
      mutation.set_id(sum_id);
      add_increment(mutation, "n");
      writes[std::string{"items/"} + sum_id].increment = mutation.increments(0).integer();
    } else if (strikes(world_.options().groups, "groups")) {
      command.set_atomic(true);
      const auto& collection = any_collection();
      const int members = 2 + static_cast<int>(random_() % 2);
      for (int i = 0; i < members && i < world_.options().ids; ++i)
        add_operation(client, command, writes, collection, "i" + std::to_string(i));
    } else {
      add_operation(client, command, writes, any_collection(), any_id());
    }
    client.write(std::move(command), std::move(writes));
  }

  world& world_;
  std::mt19937_64 random_;
  std::uint64_t tokens_ = 0;
};

} // namespace

run_report run_seed(std::uint64_t seed, canary planted) {
  const plan made = make_plan(seed);
  run_report report;
  report.plan = made.describe();
  world world{seed, made, planted};
  try {
    driver driver{world, seed};
    driver.work();
    driver.heal();
    if (!world.failure())
      check_at_rest(world);
  } catch (const core::broken_invariant& broken) {
    world.fail(broken.what());
  }
  report.failure = world.failure();
  report.trace_hash = world.system().trace_hash();
  report.steps = world.system().steps();
  report.counts = world.counts();
  return report;
}

} // namespace syncline::actors::simulation
