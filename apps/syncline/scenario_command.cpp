// `syncline scenario`: runs small stories with a known end.

#include "command.hpp"
#include "scenario/scenarios.hpp"

#include <chrono>
#include <memory>

namespace syncline::app {

namespace {

struct scenario_flags {
  std::vector<std::string> names;
  bool as_json = false;
};

json to_json(const scenario& one, const scenario_outcome& outcome, std::int64_t duration_ms) {
  json facts = json::array();
  for (const auto& fact : outcome.facts)
    facts.push_back({{"what", fact.what}, {"expected", fact.expected}, {"seen", fact.seen}});
  return {
    {"scenario", one.name}, {"ok", outcome.holds()}, {"durationMs", duration_ms}, {"facts", facts}};
}

// True where it ended as it should.
bool run(const scenario& one, bool as_json) {
  const auto began = std::chrono::steady_clock::now();
  const auto outcome = one.run();
  const auto duration_ms =
    std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began)
      .count();
  if (!outcome) {
    talk(std::string{one.name} + ": a step failed");
    report(outcome.error());
    return false;
  }
  if (as_json) {
    print_json(to_json(one, *outcome, duration_ms));
    return outcome->holds();
  }
  std::string line = std::string{outcome->holds() ? "ok      " : "FAILED  "} + one.name + ":";
  for (const auto& fact : outcome->facts)
    line += " " + fact.what + " " + fact.seen +
            (fact.expected == fact.seen ? "," : " instead of " + fact.expected + ",");
  print_line(line + " " + std::to_string(duration_ms) + " ms");
  return outcome->holds();
}

int run_all(const scenario_flags& flags) {
  bool all_hold = true;
  for (const auto& one : scenarios()) {
    bool wanted = flags.names.empty();
    for (const auto& name : flags.names)
      wanted = wanted || std::string_view{one.name}.starts_with(name);
    if (wanted)
      all_hold = run(one, flags.as_json) && all_hold;
  }
  return all_hold ? exit_ok : exit_failed;
}

} // namespace

void add_scenario(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<scenario_flags>();
  auto* command = app.add_subcommand(
    "scenario", "Plays stories with a known end on a server and devices of its own");
  std::string names;
  for (const auto& one : scenarios())
    names += std::string{names.empty() ? "" : ", "} + one.name;
  const auto known = [names](const std::string& given) {
    for (const auto& one : scenarios())
      if (std::string_view{one.name}.starts_with(given))
        return std::string{};
    return "there is no scenario '" + given + "'; they are " + names;
  };
  command->add_option("name", flags->names, names + "; none: all")->check(known);
  command->add_flag("--json", flags->as_json, "Prints what was expected and seen as JSON");
  command->callback([flags, &chosen] { chosen.run = [flags] { return run_all(*flags); }; });
}

} // namespace syncline::app
