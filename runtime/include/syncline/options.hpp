#pragma once
// How a store is opened.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace syncline {

/// How a collection settles a write that met another one.
enum class conflict_strategy {
  server_wins,
  client_wins,
  last_write_wins, ///< by the writers' hybrid logical time, then by client
  merge,           ///< by field, with the version that both started from
  manual,          ///< nothing of the item is sent until `resolve_conflict`
  custom           ///< `collection_options::decide` says
};

/// Whose value `merge` takes for a field that both sides changed to different values.
enum class preferred_side { server, client };

/// What met. An absent body: deleted there, or never existed.
struct conflict_sides {
  std::string collection;
  std::string id;
  std::optional<std::string> base; ///< what both sides started from, where it is known
  std::optional<std::string> mine;
  std::optional<std::string> theirs;
};

/// What a `conflict_function` decides.
struct conflict_verdict {
  enum class choice {
    body,     ///< `body` becomes the item
    remove,   ///< the item goes
    keep_both ///< undecided: both are kept until `resolve_conflict`
  };
  choice what = choice::keep_both;
  std::string body;
};

/// Decides a conflict. Runs on the callback thread, for 5 s at most: where it throws or is late,
/// the conflict is left to the user. It may read from the runtime but should not sync with it.
using conflict_function = std::function<conflict_verdict(const conflict_sides&)>;

/// One collection that is kept in sync. Names have 1 to 64 bytes of `[a-z0-9_-]`.
struct collection_options {
  std::string name;
  conflict_strategy strategy = conflict_strategy::merge;
  preferred_side prefer = preferred_side::server;
  conflict_function decide = {}; ///< for `custom`
};

/// What is promised when a write returns.
enum class durability {
  full,       ///< it survives power loss
  consistent, ///< power loss may cost the last commit, never consistency; about twice as fast
  process     ///< it survives the death of the process only
};

/// Whether requests and replies are compressed.
enum class compression {
  automatic, ///< except to a server on this machine, where the line costs less than the work
  always,
  never
};

/// What the server speaks.
enum class server_dialect {
  syncline, ///< this project's protocol
  /// The plain JSON routes of a server that is none of ours: it names new items itself, knows no
  /// mutation ids, and is polled. `runtime_status::weaker` says what cannot be promised then.
  json,
  json_since ///< as `json`, pulling by `/updates?since=` instead of `/delta`: weaker still
};

/// How to open a store. Only `store` must be given.
struct options {
  std::string store; ///< directory; made where it is missing and `create` is set
  bool create = true;
  /// Looks at a store that another process may have open. Nothing is written or synced.
  bool read_only = false;

  /// Base URL; empty: nothing is synced, all else works. Plain http is for loopback hosts only.
  /// The first URL, dialect, space and user that a store is opened with are its own for good.
  std::string server = {};
  server_dialect dialect = server_dialect::syncline;
  std::string space = "default";
  std::string user = {};

  /// The collections to sync. New ones are added; ones that the store has and this does not name
  /// are dropped: what the server said of them is forgotten, writes that wait are not. Empty: those
  /// that the store has, with the default strategy.
  std::vector<collection_options> collections = {};

  /// Syncs in the background from the open on, as `runtime::start` does.
  bool start = false;
  /// While it is started, changes of others come over a live connection as they are made, and the
  /// server is polled only while there is none. False: it is always polled.
  bool live = true;
  /// Runs the store's jobs while it is open, started or not; see `runtime::schedule_job`.
  bool run_jobs = true;
  /// Asks the machine for its network and power (rtnetlink, and NetworkManager and UPower where
  /// they are), on a thread of its own, where that matters: to a server elsewhere, or to jobs.
  /// What the host says counts for more; see `set_network` and `set_conditions`.
  bool watch_machine = true;
  std::chrono::milliseconds poll_interval{30'000}; ///< between two pulls, +-10 %
  std::chrono::milliseconds request_timeout{60'000};
  std::chrono::milliseconds retry_first{1'000}; ///< bound of the first pause after a failure
  std::chrono::milliseconds retry_max{300'000};
  std::uint32_t batch_items_max = 100; ///< 1 to 1000
  std::string ca_file = {};            ///< PEM; one more authority beside the system's
  compression compress = compression::automatic;

  durability durable = durability::full;
  std::uint64_t map_bytes = std::uint64_t{16} << 30; ///< what the store can grow to
  std::chrono::milliseconds snapshot_limit{std::chrono::minutes{10}};
  /// Of the numbered changes, at least this many of the last ones can be asked for again.
  std::uint64_t changes_kept = 100'000;

  /// The `syncline` program. With it a store that was not closed in order is verified by
  /// `PROGRAM store check DIRECTORY`, whose death is an answer. Without it the same is checked in
  /// this process, and `status` says `unverified`.
  std::string store_check = {};

  /// Gives `event_fd` and `take_changes` instead of a thread of the runtime's own.
  bool poll_events = false;

  std::size_t threads = 2; ///< that run the actors; storage has one of its own
};

} // namespace syncline
