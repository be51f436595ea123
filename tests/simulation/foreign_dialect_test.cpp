// Clients of a server that is none of ours, under the faults of the network and of their own lives
// (DESIGN.md section 6). What is promised there is weaker; this is what is.

#include "actors/simulation/world.hpp"
#include "core/data/json.hpp"
#include "tests/simulation/foreign_site.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>

namespace syncline::tests {

using namespace actors::simulation;

namespace {

int seeds() {
  const char* asked = std::getenv("SYNCLINE_FOREIGN_SEEDS");
  return asked ? std::stoi(asked) : 300;
}

// Members in one order: either side keeps its own.
std::string canonical(const std::string& body) {
  auto value = core::parse_json(body).value();
  std::sort(value.members().begin(), value.members().end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  return core::to_text(value);
}

std::multiset<std::string> bodies(const std::map<std::string, std::string>& items) {
  std::multiset<std::string> made;
  for (const auto& [id, body] : items)
    made.insert(canonical(body));
  return made;
}

std::string listed(const std::multiset<std::string>& texts) {
  std::string all;
  for (const auto& text : texts)
    all += text + " ";
  return all;
}

plan make_foreign_plan(std::uint64_t seed) {
  plan made = make_plan(seed);
  made.collections = 1;
  made.streams = false;
  made.policy.strategy = core::conflict_strategy::merge;
  // Of these the other server has no promise to keep.
  for (auto* chance : {&made.crash_server, &made.restore_by_tool, &made.restore_by_hand,
                       &made.roll_back_client, &made.copy_client, &made.trim, &made.poison,
                       &made.groups, &made.depends, &made.jobs, &made.clock_jump})
    *chance = 0;
  return made;
}

/// Answers for the site.
class site_session {
public:
  static inline const char* name = "site";

  site_session(actors::server::session_actor::pointer, foreign_site* site) : site_{site} {}

  actors::server::session_actor::behavior_type make_behavior() {
    return {[this](const msg::HttpRequest& request) { return site_->answer(request); }};
  }

private:
  foreign_site* site_;
};

/// One seed: writes and faults first, then everything heals, and the sides are compared.
class foreign_run {
public:
  explicit foreign_run(std::uint64_t seed)
    : seed_{seed}, plan_{make_foreign_plan(seed)}, world_{seed, plan_}, random_{seed * 77 + 5} {
    world_.set_session(
      rt::spawn<actors::server::session_actor, site_session>(world_.system().system(), &site_));
    for (int i = 0; i < plan_.clients; ++i)
      world_.add_client(settings());
  }

  void play() {
    create_sum();
    for (int i = 0; i < plan_.actions && !world_.failure(); ++i) {
      act();
      world_.run_for(static_cast<std::int64_t>(random_() % (chance(100) ? 120'000 : 3'000)));
      for (int client = 0; client < world_.clients(); ++client)
        if (!world_.client(client).alive() && chance(600))
          world_.client(client).start();
    }
    heal();
    if (!world_.failure())
      check();
    BOOST_TEST(!world_.failure().has_value(), "seed " << seed_ << ": "
                                                      << world_.failure().value_or("") << " ("
                                                      << plan_.describe() << ")");
  }

  [[nodiscard]] std::size_t replays() const {
    return site_.replays();
  }
  [[nodiscard]] std::size_t walks() const {
    return walks_;
  }
  [[nodiscard]] std::size_t creations() const {
    return created_.size();
  }

private:
  actors::client::client_options settings() {
    actors::client::client_options options;
    const auto protocol = net::json_protocol(net::foreign_pull::delta);
    options.outbox.protocol = protocol;
    options.poll.protocol = protocol;
    options.outbox.batch_items_max = 1 + static_cast<std::uint32_t>(random_() % 6);
    options.outbox.send_timeout_ms = 20'000;
    options.outbox.batch_pause = std::chrono::milliseconds{100};
    options.poll.page_items_max = 1 + static_cast<std::uint32_t>(random_() % 4);
    options.poll.timeout_ms = 20'000;
    options.poll.interval_ms = 10'000;
    options.conflict.policy = plan_.policy;
    return options;
  }

  bool chance(unsigned thousandths) {
    return random_() % 1000 < thousandths;
  }
  int any_client() {
    return static_cast<int>(random_() % static_cast<unsigned>(world_.clients()));
  }

  void create_sum() {
    BOOST_TEST(!world_.client(0).create_now("items", "sum", R"({"sum":0})"));
    world_.run_for(300'000);
  }

  void act() {
    auto& node = world_.client(any_client());
    if (chance(plan_.crash_client))
      node.die();
    if (chance(plan_.crash_at_point))
      world_.arm_crash(crash_points[random_() % crash_points.size()]);
    if (chance(plan_.disk_full))
      node.fail_next_commit("disk_full");
    if (chance(20)) {
      site_.expire_cursors();
      ++walks_;
    }
    if (node.alive() && !chance(150))
      write(node);
  }

  void write(client_node& node) {
    const auto seen = world_.visible_items(node.index(), "items");
    msg::WriteLocal command;
    auto& mutation = *command.add_operations()->mutable_mutation();
    mutation.set_collection("items");
    accepted_write write;
    const auto kind = seen.empty() ? 0 : random_() % 10;
    const auto token = "t" + std::to_string(node.index()) + "-" + std::to_string(++tokens_) + ".";
    if (kind < 4) {
      mutation.set_kind(msg::CREATE);
      mutation.set_id(new_name());
      mutation.set_body(R"({"made":")" + token + R"("})");
      write.token = token;
      created_[token] = node.index();
    } else {
      auto picked = seen.begin();
      std::advance(picked, static_cast<std::ptrdiff_t>(random_() % seen.size()));
      const bool is_sum = picked->second.find("\"sum\"") != std::string::npos;
      mutation.set_id(picked->first);
      mutation.set_kind(kind == 9 && !is_sum ? msg::DELETE : msg::UPDATE);
      if (mutation.kind() == msg::DELETE) {
        forget_made_in(picked->second);
      } else if (is_sum || chance(300)) {
        auto& increment = *mutation.add_increments();
        increment.set_field(is_sum ? "sum" : "n");
        increment.set_integer(1 + static_cast<std::int64_t>(random_() % 3));
        write.increment = is_sum ? increment.integer() : 0;
      } else {
        mutation.set_patch(R"({"f)" + std::to_string(random_() % 3) + R"(":")" + token + R"("})");
      }
    }
    node.write(std::move(command), {{"items/" + mutation.id(), write}});
  }

  // Some are used again, and some are what the server calls something else, or will.
  std::string new_name() {
    if (chance(150))
      return "srv-" + std::to_string(1 + random_() % (site_.items().size() + 4));
    return "mine" + std::to_string(chance(300) ? random_() % 4 : tokens_);
  }

  // An item that was deleted before it was sent was never created there.
  void forget_made_in(const std::string& body) {
    for (auto made = created_.begin(); made != created_.end();)
      made = body.find(made->first) != std::string::npos ? created_.erase(made) : std::next(made);
  }

  void heal() {
    world_.end_faults();
    for (int i = 0; i < world_.clients(); ++i) {
      world_.client(i).fail_next_commit("");
      if (!world_.client(i).alive())
        world_.client(i).start();
    }
    for (int minutes = 0; minutes < 40 && !world_.failure(); ++minutes) {
      world_.run_for(60'000);
      if (minutes >= 6 && unsettled().empty())
        return;
    }
    world_.fail("not everything was settled in 40 minutes: " + unsettled());
  }

  std::string unsettled() {
    std::string text;
    for (int i = 0; i < world_.clients(); ++i)
      if (const auto counts = world_.client(i).store().snapshot()->counts();
          counts->outbox != 0 || counts->acknowledged != 0)
        text += "client " + std::to_string(i) + ": " + std::to_string(counts->outbox) +
                " waiting, " + std::to_string(counts->acknowledged) + " not seen; ";
    return text;
  }

  void check() {
    const auto there = bodies(site_.items());
    for (int i = 0; i < world_.clients(); ++i)
      if (const auto seen = bodies(world_.visible_items(i, "items")); seen != there)
        return world_.fail("client " + std::to_string(i) + " sees " + listed(seen) +
                           "| the server has " + listed(there));
    check_creations();
    check_sum();
  }

  // What the store accepted was created once, however often it was sent.
  void check_creations() {
    for (const auto& [token, client] : created_) {
      const auto times = site_.creations_with(token);
      if (times > 1)
        return world_.fail(token + " was created " + std::to_string(times) + " times");
      if (is_accepted(client, token) && !site_.ever_had(token) && !is_kept(client, token))
        return world_.fail(token + " was accepted, and is neither there nor kept as a conflict");
    }
  }
  bool is_kept(int client, const std::string& token) {
    const auto records = world_.client(client).store().snapshot()->conflicts();
    return std::any_of(records->begin(), records->end(), [&](const msg::ConflictRecord& record) {
      return record.DebugString().find(token) != std::string::npos;
    });
  }
  bool is_accepted(int client, const std::string& token) {
    for (const auto& [item, writes] : world_.client(client).accepted())
      for (const auto& write : writes)
        if (write.token == token)
          return true;
    return false;
  }

  void check_sum() {
    std::int64_t least = 0;
    std::int64_t unheard = 0;
    for (int i = 0; i < world_.clients(); ++i) {
      for (const auto& [item, writes] : world_.client(i).accepted())
        for (const auto& write : writes)
          least += write.increment;
      unheard += world_.client(i).increments_unheard();
    }
    std::int64_t sum = -1;
    for (const auto& [id, body] : site_.items())
      if (const auto value = core::parse_json(body).value(); const auto* found = value.find("sum"))
        sum = found->as_integer();
    if (sum < least || sum > least + unheard)
      world_.fail("the sum is " + std::to_string(sum) + ", and " + std::to_string(least) + " to " +
                  std::to_string(least + unheard) + " were added");
  }

  std::uint64_t seed_;
  plan plan_;
  foreign_site site_; // Outlives the world, whose actors ask it.
  world world_;
  std::mt19937_64 random_;
  std::uint64_t tokens_ = 0;
  std::size_t walks_ = 0;
  std::map<std::string, int> created_; // token -> client
};

} // namespace

BOOST_AUTO_TEST_SUITE(foreign_dialect)

BOOST_AUTO_TEST_CASE(everything_meets_once_at_a_server_of_another_make) {
  std::size_t replays = 0;
  std::size_t walks = 0;
  std::size_t creations = 0;
  for (int seed = 1; seed <= seeds(); ++seed) {
    foreign_run run{static_cast<std::uint64_t>(seed)};
    run.play();
    replays += run.replays();
    walks += run.walks();
    creations += run.creations();
  }
  std::cout << "  " << creations << " creations, " << replays << " batches repeated, " << walks
            << " walks from the beginning\n";
  BOOST_TEST(replays > 0U);
  BOOST_TEST(walks > 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
