#pragma once
// What goes into and comes out of a runtime. Plain structures, each easily written as JSON; times
// are milliseconds since 1970, 0 where there is none.

#include "syncline/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace syncline {

/// How an item stands.
enum class item_state {
  synced,
  pending,        ///< a write of ours waits
  failed,         ///< a write of ours was refused for good; see `outbox`
  conflict,       ///< waits for `resolve_conflict`
  delete_conflict ///< likewise; one of the sides deletes
};

/// An item as the user sees it: the server's version with the waiting writes on top. The views
/// live as long as the snapshot.
struct item_view {
  std::string_view id;
  std::string_view body;     ///< one JSON object
  std::uint64_t version = 0; ///< of the server, beneath the waiting writes
  std::int64_t last_modified_ms = 0;
  item_state state = item_state::synced;
};

/// As `item_view`, with strings of its own.
struct item {
  std::string id;
  std::string body;
  std::uint64_t version = 0;
  std::int64_t last_modified_ms = 0;
  item_state state = item_state::synced;
};

/// An integer, or else a real number.
using number = std::variant<std::int64_t, double>;

enum class operation_kind { put, create, patch, increment, remove };

/// Adds `amount` to a top-level field; an absent one counts as 0.
struct field_increment {
  std::string field;
  number amount;
};

/// One write.
struct operation {
  operation_kind kind = operation_kind::put;
  std::string collection;
  std::string id;
  std::string body; ///< put, create: one JSON object; patch: a JSON merge patch (RFC 7396)
  std::vector<field_increment> increments; ///< increment, and beside a patch
  /// Items of the same collection whose waiting writes must be answered before this one is sent.
  std::vector<std::string> depends_on;

  static operation put(std::string collection, std::string id, std::string body) {
    return {operation_kind::put, std::move(collection), std::move(id), std::move(body), {}, {}};
  }
  static operation create(std::string collection, std::string id, std::string body) {
    return {operation_kind::create, std::move(collection), std::move(id), std::move(body), {}, {}};
  }
  static operation patch(std::string collection, std::string id, std::string merge_patch) {
    return {
      operation_kind::patch, std::move(collection), std::move(id), std::move(merge_patch), {}, {}};
  }
  static operation increment(std::string collection, std::string id, std::string field,
                             number amount) {
    return {operation_kind::increment,
            std::move(collection),
            std::move(id),
            {},
            {{std::move(field), amount}},
            {}};
  }
  static operation remove(std::string collection, std::string id) {
    return {operation_kind::remove, std::move(collection), std::move(id), {}, {}, {}};
  }
};

/// Whether the machine has a network, as far as anybody knows.
enum class network_state { unknown, up, down };

/// How far a write has come. Each stage includes those before it.
enum class stage {
  pending,  ///< not yet committed here
  durable,  ///< committed here, as far as the store's durability promises
  sent,     ///< on its way, or was once
  accepted, ///< took effect at the server
  visible   ///< in what was pulled from the server
};

/// One change of an item, numbered. Numbers rise, with gaps, and outlive a restart.
struct change {
  std::uint64_t seq = 0;
  std::string collection;
  std::string id;
  bool remote = false; ///< it came from the server
  bool exists = false; ///< the item was there when this was handed out
  /// Changes after the number that was asked for are no longer kept: read everything anew. The
  /// other members are empty then, and `seq` is where to go on.
  bool resync = false;
};

/// Changes after some number.
struct change_page {
  std::vector<change> changes;
  std::uint64_t next = 0; ///< to be given as `after_seq` next time
  bool more = false;
};

/// How a sync run ended.
struct sync_report {
  bool success = false;
  std::uint64_t items_processed = 0; ///< pushed and pulled
  std::uint64_t conflicts = 0;
  std::uint64_t errors = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::int64_t duration_ms = 0;
  syncline::error error; ///< why it failed; an empty code where it did not
};

/// What a part of the runtime is doing.
struct activity {
  /// Push and pull: idle, sending, pulling, applying, waiting, paused, needs_auth, offline ...
  /// Stream: paused, connecting, catching_up, live, waiting.
  /// Link: stopped, online (changes come as they are made), degraded (the server is polled),
  /// offline.
  std::string state;
  syncline::error last_error;
  std::int64_t last_error_ms = 0;
  std::int64_t last_success_ms = 0;
  std::uint32_t failures_in_a_row = 0;
  std::int64_t next_attempt_ms = 0;
};

/// Where the pull of a collection stands.
struct collection_status {
  std::string name;
  std::string strategy;
  std::uint64_t cursor_seq = 0; ///< every change of the server up to here is in the store
  bool walking = false;         ///< the first pull, or one after a lost history, is under way
  bool restoring = false;
};

/// What is known of the machine beside its network. Absent: not known, which is taken as good.
struct machine_conditions {
  std::optional<bool> metered;     ///< the traffic costs money
  std::optional<bool> on_battery;  ///< no line power
  std::optional<bool> battery_low; ///< only where there is a battery
  std::optional<bool> idle;        ///< nobody uses the machine; only the host can say it
};

/// Which network a job needs.
enum class network_need {
  any,       ///< it runs without one as well
  connected, ///< one that is not known to be away
  unmetered  ///< and is not known to cost money
};

/// A sync that is wanted again and again while a store is open, at times that suit the machine.
/// Jobs are stored, and go on with the next open.
struct job {
  std::string name;                                ///< 1 to 64 bytes of `[a-z0-9_-]`
  std::chrono::milliseconds interval{15 * 60'000}; ///< 1 minute to 366 days, between starts
  /// How much earlier it may run, along with another job that is due. At most the interval.
  std::chrono::milliseconds flex{0};
  network_need network = network_need::connected;
  bool battery_not_low = false;
  bool charging = false;
  bool idle = false;
  std::chrono::milliseconds retry_first{30'000};            ///< pause after a run that failed; it
  std::chrono::milliseconds retry_max{5LL * 3'600 * 1'000}; ///< doubles up to this
  /// A run that takes longer stops at the next batch or page; the next one goes on from there.
  /// 1 second to a day.
  std::chrono::milliseconds deadline{10 * 60'000};
};

/// What becomes of a job of the same name.
enum class existing_job { keep, replace };

/// A job and how it stands. Times are milliseconds since 1970, 0 = never.
struct job_status {
  job how;
  std::string state;              ///< waiting (for its time), blocked (see `needs`), due, running
  std::vector<std::string> needs; ///< in words: what the machine lacks for it now
  std::int64_t next_start_ms = 0; ///< not before; 0 while it runs
  std::uint32_t attempts = 0;     ///< runs in a row without success or progress
  std::uint64_t runs = 0;
  std::int64_t last_started_ms = 0;
  std::int64_t last_ended_ms = 0;
  /// done, expired, constraint_lost, failed, interrupted; empty before the first end.
  std::string last_outcome;
  syncline::error last_error;
};

/// The state of a runtime and its store.
struct runtime_status {
  std::string store;
  std::string server;
  std::string dialect; ///< syncline, json, json-since; empty before the first server
  /// What a server of another dialect cannot promise, in words.
  std::vector<std::string> weaker;
  std::string space;
  std::string user;
  std::string client; ///< id of this store at the server
  bool started = false;
  bool read_only = false;
  std::string durability;         ///< full, consistent, process
  std::string verification;       ///< new, clean, verified, unverified (see `options::store_check`)
  std::uint64_t waiting = 0;      ///< writes that the server has not answered
  std::uint64_t acknowledged = 0; ///< accepted, not yet pulled
  std::uint64_t quarantined = 0;
  std::uint64_t conflicts_open = 0;
  std::uint64_t conflicts_kept = 0; ///< open and decided ones
  std::vector<collection_status> collections;
  network_state network = network_state::unknown; ///< a hint; see `runtime::set_network`
  /// Who says so: `host`, `rtnetlink`, `networkmanager`, both with a `+`, or `none: <why>`.
  std::string network_source;
  machine_conditions machine; ///< hints, too
  std::string power_source;   ///< `host`, `upower` or `none: <why>`
  activity link;
  activity outbox;
  activity poll;
  activity stream;
  /// What keeps syncing from working now; an empty code where nothing does. Codes: unreachable,
  /// not_our_server, needs_auth, no_server, store_io, ...
  syncline::error last_error;
  /// Set once the store can no longer be written: close and open it again.
  syncline::error store_failure;
  std::uint64_t restarts = 0; ///< of the actors, after one of them failed
  syncline::error last_restart;
  std::uint64_t callback_failures = 0; ///< callbacks that threw
  std::uint64_t head_seq = 0;          ///< number of the last change
  std::uint64_t map_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t snapshots_open = 0;
  std::uint64_t snapshots_late = 0; ///< open for more than 5 s; they keep the store growing
};

/// One write in the outbox or in quarantine.
struct outbox_entry {
  std::uint64_t seq = 0; ///< names it
  std::string state;     ///< queued, sent, refused, quarantined, awaits_server
  std::string kind;      ///< create, update, delete
  std::string collection;
  std::string id;
  std::string body;  ///< JSON; empty where it has none
  std::string patch; ///< likewise
  std::vector<field_increment> increments;
  std::uint64_t mutation_id = 0; ///< on the wire; 0 = never sent
  std::uint32_t attempts = 0;
  std::int64_t created_ms = 0;
  std::int64_t not_before_ms = 0;
  syncline::error last_error;
  std::vector<std::uint64_t> after; ///< entries that are sent first
};

/// Why an item stands as it does.
struct explanation {
  std::string collection;
  std::string id;
  bool exists = false;
  item_state state = item_state::synced;
  std::uint64_t version = 0;
  std::int64_t last_modified_ms = 0;
  std::vector<outbox_entry> waiting;     ///< its lane, oldest first
  std::vector<outbox_entry> quarantined; ///< writes of it that were refused for good
  std::uint64_t acknowledged = 0;        ///< accepted, not yet pulled
  std::uint64_t open_conflict = 0;       ///< the one that parks it; 0 = none
  std::uint32_t attempts = 0;            ///< of the oldest waiting write
  syncline::error last_error;
  std::vector<std::string> blocked_by; ///< in words; empty: nothing is in the way
  collection_status cursor;
};

/// Two versions that met, and what became of them.
struct conflict_record {
  std::uint64_t conflict_id = 0;
  std::string collection;
  std::string id;
  /// edit_edit, edit_delete, delete_edit, create_create, server_restored; of a text:
  /// document_refused, document_unknown (whether it is at the server), document_deleted.
  std::string reason;
  std::string strategy;
  std::string decision; ///< undecided, took_server, took_client, merged, deleted, equal, parked,
                        ///< user_decided, superseded
  std::optional<std::string> base;
  std::optional<std::string> mine;   ///< absent: mine deletes
  std::optional<std::string> theirs; ///< absent: theirs is deleted or never existed
  std::optional<std::string> outcome;
  std::vector<std::string> fields; ///< that both sides changed to different values
  /// About the shared text `id`: `mine` is what was typed, or what the text was. It is put away
  /// with `conflict_choice::theirs`.
  bool document = false;
  std::string note; ///< of a text: the code of what happened
  std::int64_t recorded_ms = 0;
  std::int64_t resolved_ms = 0;
  bool open = false; ///< waits for `resolve_conflict`
};

/// What the user decides.
enum class conflict_choice { mine, theirs, body, remove };

[[nodiscard]] std::string_view to_string(item_state state);
[[nodiscard]] std::string_view to_string(stage reached);

} // namespace syncline
