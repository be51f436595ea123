#include "actors/simulation/plan.hpp"

#include <array>
#include <utility>

namespace syncline::actors::simulation {

namespace {

constexpr std::array<std::pair<canary, std::string_view>, 8> canary_names{{
  {canary::none, "none"},
  {canary::cursor_before_rows, "cursor-before-rows"},
  {canary::entry_removed_early, "entry-removed-early"},
  {canary::dedup_forgotten, "dedup-forgotten"},
  {canary::seq_outside, "seq-outside"},
  {canary::deletes_on_404, "deletes-on-404"},
  {canary::gap_ignored, "gap-ignored"},
  {canary::silence_trusted, "silence-trusted"},
}};

constexpr std::array<std::pair<const char*, unsigned plan::*>, 26> chances{{
  {"lose_request", &plan::lose_request},
  {"lose_reply", &plan::lose_reply},
  {"cut_reply", &plan::cut_reply},
  {"duplicate", &plan::duplicate},
  {"slow", &plan::slow},
  {"portal", &plan::portal},
  {"not_found", &plan::not_found},
  {"server_error", &plan::server_error},
  {"crash_client", &plan::crash_client},
  {"crash_server", &plan::crash_server},
  {"crash_at_point", &plan::crash_at_point},
  {"restore_by_tool", &plan::restore_by_tool},
  {"restore_by_hand", &plan::restore_by_hand},
  {"roll_back_client", &plan::roll_back_client},
  {"copy_client", &plan::copy_client},
  {"trim", &plan::trim},
  {"disk_full", &plan::disk_full},
  {"poison", &plan::poison},
  {"clock_jump", &plan::clock_jump},
  {"groups", &plan::groups},
  {"depends", &plan::depends},
  {"refuse_stream", &plan::refuse_stream},
  {"cut_stream", &plan::cut_stream},
  {"half_open", &plan::half_open},
  {"damage_stream", &plan::damage_stream},
  {"jobs", &plan::jobs},
}};

// Faults that change what the other checks may demand are rarer than the rest.
bool is_rare(unsigned plan::*chance) {
  return chance == &plan::restore_by_tool || chance == &plan::restore_by_hand ||
         chance == &plan::roll_back_client || chance == &plan::copy_client;
}

} // namespace

std::optional<canary> canary_from(std::string_view name) {
  for (const auto& [bug, known] : canary_names)
    if (known == name)
      return bug;
  return std::nullopt;
}

std::string_view to_string(canary bug) {
  for (const auto& [known, name] : canary_names)
    if (known == bug)
      return name;
  return "none";
}

std::vector<std::string> canary_list() {
  std::vector<std::string> names;
  names.reserve(canary_names.size());
  for (const auto& [bug, name] : canary_names)
    names.emplace_back(name);
  return names;
}

std::string plan::describe() const {
  std::string text =
    "clients=" + std::to_string(clients) + " ids=" + std::to_string(ids) +
    " collections=" + std::to_string(collections) + " actions=" + std::to_string(actions) +
    " strategy=" + std::string{core::to_string(policy.strategy)} + (streams ? " streams" : "");
  for (const auto& [name, chance] : chances)
    if (this->*chance != 0)
      text += std::string{" "} + name + "=" + std::to_string(this->*chance);
  return text;
}

plan make_plan(std::uint64_t seed) {
  std::mt19937_64 random{seed * 0x9e3779b97f4a7c15ull + 1};
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  plan made;
  made.clients = 2 + static_cast<int>(below(3));
  made.ids = 2 + static_cast<int>(below(5));
  made.collections = 1 + static_cast<int>(below(2));
  made.actions = 30 + static_cast<int>(below(101));
  constexpr std::array strategies{
    core::conflict_strategy::merge,           core::conflict_strategy::merge,
    core::conflict_strategy::server_wins,     core::conflict_strategy::client_wins,
    core::conflict_strategy::last_write_wins, core::conflict_strategy::manual,
    core::conflict_strategy::custom};
  made.policy.strategy = strategies[below(strategies.size())];
  made.policy.prefer = below(2) == 0 ? core::prefer_side::server : core::prefer_side::client;
  for (const auto& [name, chance] : chances) {
    const bool on = is_rare(chance) ? below(4) == 0 : below(2) == 0;
    if (on)
      made.*chance = static_cast<unsigned>(10 + below(is_rare(chance) ? 30 : 120));
  }
  made.streams = below(3) != 0;
  // There are far fewer connections than requests.
  for (auto* chance : {&made.refuse_stream, &made.cut_stream, &made.half_open, &made.damage_stream})
    *chance *= 4;
  return made;
}

} // namespace syncline::actors::simulation
