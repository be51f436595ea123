#pragma once
// What one run contains. The seed first picks which faults and features exist at all (swarm
// testing: each on in half of the runs), then how often they strike.

#include "core/sync/conflict.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace syncline::actors::simulation {

/// Known bugs that can be planted, to prove that a run finds them.
enum class canary {
  none,
  cursor_before_rows,  ///< the cursor is stored before the rows that it covers
  entry_removed_early, ///< an outbox entry leaves with its sending, not with its answer
  dedup_forgotten,     ///< the server forgets at a restart what it has answered
  seq_outside,         ///< the sequence is drawn outside the transaction
  deletes_on_404,      ///< a 404 is read as "nothing is there"
  gap_ignored,         ///< a live page that does not begin where the store stands is dropped
  silence_trusted      ///< a live connection that says nothing is believed for ever
};

[[nodiscard]] std::optional<canary> canary_from(std::string_view name);
[[nodiscard]] std::string_view to_string(canary bug);
[[nodiscard]] std::vector<std::string> canary_list();

/// Moments at which a node can be made to die.
inline constexpr std::array crash_points{
  "client before commit", "client after commit", "server before commit", "server after commit",
  "batch arrives",        "pull arrives",        "answer arrives",       "page arrives"};

/// Chances are in thousandths.
struct plan {
  int clients = 2;
  int ids = 4;
  int collections = 1;
  int actions = 60;
  core::conflict_policy policy;

  unsigned lose_request = 0;
  unsigned lose_reply = 0;
  unsigned cut_reply = 0;
  unsigned duplicate = 0;
  unsigned slow = 0; ///< delays far beyond the others: reorders whole exchanges
  unsigned portal = 0;
  unsigned not_found = 0; ///< a proxy that answers 404 to everything
  unsigned server_error = 0;
  unsigned crash_client = 0;
  unsigned crash_server = 0;
  unsigned crash_at_point = 0;
  unsigned restore_by_tool = 0;
  unsigned restore_by_hand = 0;
  unsigned roll_back_client = 0;
  unsigned copy_client = 0;
  unsigned trim = 0;
  unsigned disk_full = 0;
  unsigned poison = 0;
  unsigned clock_jump = 0;
  unsigned groups = 0;
  unsigned depends = 0;
  unsigned jobs = 0;    ///< jobs that are scheduled, run, cut short and flapped at
  bool streams = false; ///< clients keep live connections
  bool texts = false;   ///< clients type in shared texts; see tests/simulation/documents_test
  unsigned refuse_stream = 0;
  unsigned cut_stream = 0;
  unsigned half_open = 0; ///< a stream goes silent, and nobody is told
  unsigned damage_stream = 0;

  [[nodiscard]] bool loses_history() const {
    return restore_by_tool != 0 || restore_by_hand != 0;
  }
  [[nodiscard]] bool clones_clients() const {
    return roll_back_client != 0 || copy_client != 0;
  }
  /// All options in one line, for the report of a failing seed.
  [[nodiscard]] std::string describe() const;
};

[[nodiscard]] plan make_plan(std::uint64_t seed);

} // namespace syncline::actors::simulation
