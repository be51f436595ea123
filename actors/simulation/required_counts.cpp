// What many seeds together must have reached, or they prove little.

#include "actors/simulation/world.hpp"

namespace syncline::actors::simulation {

const std::vector<std::string>& required_counts() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"410 ahead",
                                 "410 epoch",
                                 "410 floor",
                                 "410 start",
                                 "SKIP that had been applied",
                                 "atomic refusal",
                                 "client_retired",
                                 "gap: the client was rolled back",
                                 "gap: the server lost history",
                                 "host function asked",
                                 "job constraint_lost",
                                 "job done",
                                 "job expired",
                                 "job failed",
                                 "job started",
                                 "lane decided",
                                 "local writes accepted",
                                 "mutated_retry",
                                 "result CONFLICT",
                                 "result DELETE_CONFLICT",
                                 "result FAILED",
                                 "result OUTCOME_UNKNOWN",
                                 "result SKIPPED",
                                 "result SYNCED",
                                 "rollback of a refused write",
                                 "server_restarted",
                                 "stale page",
                                 "stale resolution",
                                 "stream live",
                                 "stream live by events",
                                 "stream page applied",
                                 "stream page elsewhere",
                                 "stream silent",
                                 "suppressed duplicates",
                                 "tombstones trimmed",
                                 "fault poison"};
    for (const char* point : crash_points)
      all.push_back(std::string{"crash at "} + point);
    for (
      const char* fault :
      {"lose_request",   "lose_reply",      "cut_reply",       "duplicate",        "slow",
       "portal",         "not_found",       "server_error",    "crash_client",     "crash_server",
       "crash_at_point", "restore_by_tool", "restore_by_hand", "roll_back_client", "copy_client",
       "trim",           "disk_full",       "clock_jump",      "groups",           "depends",
       "refuse_stream",  "cut_stream",      "half_open",       "damage_stream",    "jobs"})
      all.push_back(std::string{"fault "} + fault);
    return all;
  }();
  return names;
}

} // namespace syncline::actors::simulation
