// `syncline simulate`: the whole system under seeds, in virtual time.

#include "actors/simulation/plan.hpp"
#include "actors/simulation/world.hpp"
#include "command.hpp"
#include "progress.hpp"

#include <chrono>
#include <memory>

namespace syncline::app {

namespace {

namespace simulation = actors::simulation;

struct simulate_flags {
  std::uint64_t seed = 0;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  std::string bug = "none";
  bool twice = false;
  bool as_json = false;
};

struct hunt {
  simulation::counters counts;
  std::uint64_t runs = 0;
  std::vector<std::pair<std::uint64_t, std::string>> failures;
};

// True where the seed kept every promise.
bool run_one(std::uint64_t seed, const simulate_flags& flags, hunt& found) {
  const auto bug = simulation::canary_from(flags.bug).value_or(simulation::canary::none);
  const auto report = simulation::run_seed(seed, bug);
  found.counts.merge(report.counts);
  ++found.runs;
  std::string failure = report.failure.value_or("");
  if (failure.empty() && flags.twice &&
      simulation::run_seed(seed, bug).trace_hash != report.trace_hash)
    failure = "the same seed made another run";
  if (failure.empty())
    return true;
  found.failures.emplace_back(seed, failure + " (" + report.plan + ")");
  talk("seed " + std::to_string(seed) + ": " + found.failures.back().second +
       "; repeat it with: syncline simulate --seed " + std::to_string(seed) +
       (flags.bug == "none" ? "" : " --plant " + flags.bug));
  return false;
}

json to_json(const hunt& found, double seconds) {
  json counts = json::object();
  for (const auto& [name, count] : found.counts.all())
    counts[name] = count;
  json failures = json::array();
  for (const auto& [seed, why] : found.failures)
    failures.push_back({{"seed", seed}, {"why", why}});
  return {{"seeds", found.runs},
          {"failures", failures},
          {"seconds", seconds},
          {"seedsPerHour", static_cast<double>(found.runs) * 3600 / seconds},
          {"counts", counts}};
}

int simulate(const simulate_flags& flags) {
  const std::uint64_t first = flags.seed != 0 ? flags.seed : flags.from;
  const std::uint64_t count = flags.seed != 0 ? 1 : flags.seeds;
  hunt found;
  const auto began = std::chrono::steady_clock::now();
  {
    progress bar{"simulating"};
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool kept = run_one(first + i, flags, found);
      if (!kept && flags.bug != "none")
        break; // A planted bug is found once.
      bar.show(i + 1, count);
    }
  }
  const double seconds =
    std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (flags.as_json) {
    print_json(to_json(found, seconds));
  } else {
    for (const auto& [name, number] : found.counts.all())
      print_line("  " + name + ": " + std::to_string(number));
    print_line(
      std::to_string(found.runs) + " seeds, " + std::to_string(found.failures.size()) +
      " failures, " + std::to_string(static_cast<std::uint64_t>(seconds)) + " s, " +
      std::to_string(static_cast<std::uint64_t>(static_cast<double>(found.runs) * 3600 / seconds)) +
      " seeds/h");
  }
  return found.failures.empty() ? exit_ok : exit_failed;
}

} // namespace

void add_simulate(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<simulate_flags>();
  auto* command = app.add_subcommand(
    "simulate", "Runs server and clients in virtual time with faults that a seed decides, and "
                "checks that no promise breaks");
  command->add_option("--seed", flags->seed, "Runs this seed only")->check(CLI::PositiveNumber);
  command->add_option("--from", flags->from, "The first seed")->capture_default_str();
  command->add_option("--seeds", flags->seeds, "How many seeds")->capture_default_str();
  command->add_flag("--twice", flags->twice, "Runs each seed again and compares the traces");
  command
    ->add_option("--plant", flags->bug,
                 "A bug to plant; the run must find it (and fails where it does)")
    ->check(CLI::IsMember(simulation::canary_list()))
    ->capture_default_str();
  command->add_flag("--json", flags->as_json, "Prints the counts as JSON");
  command->callback([flags, &chosen] { chosen.run = [flags] { return simulate(*flags); }; });
}

} // namespace syncline::app
