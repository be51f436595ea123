// Syncing, and what the engine says about it.

#include "actors/seams_system.hpp"
#include "runtime/convert.hpp"
#include "runtime/engine.hpp"
#include "runtime/known_conditions.hpp"

#include <algorithm>

namespace syncline {

using actors::client::client_actors;

namespace {

// The actors answer at once; only a machine that stands still makes this wait.
constexpr std::chrono::seconds activity_patience{2};

} // namespace

error engine::no_server() {
  return {"no_server", "the store was opened without a server; give options::server"};
}

result<void> engine::set_started(bool started) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (how_.server.empty())
    return started ? result<void>{no_server()} : result<void>{};
  shared_->started = started; // Also for a set that is spawned later.
  msg::SetPaused command;
  command.set_paused(!started);
  if (const auto done = host_->ask<msg::Done>(&client_actors::link, command, activity_patience);
      !done)
    return to_public(done.error());
  return {};
}

result<void> engine::set_network(network_state state) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  host_->conditions().host_says(to_core(state));
  return {};
}

result<sync_report> engine::sync_now(const sync_options& how) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (how_.server.empty())
    return no_server();
  msg::SyncNow command;
  command.set_attempts_max(how.attempts_max);
  const auto report =
    host_->ask<msg::SyncReport>(&client_actors::sync, std::move(command), how.timeout);
  if (!report)
    return to_public(report.error());
  return to_public(*report);
}

template <class Handle>
activity engine::activity_of(Handle client_actors::*member) const {
  activity out;
  if (!host_ || how_.server.empty()) {
    out.state = how_.read_only ? "read_only" : "offline";
    return out;
  }
  const auto shown = host_->ask<msg::Activity>(member, msg::ReadActivity{}, activity_patience);
  if (shown)
    return to_public(*shown);
  out.state = shown.error().code;
  out.last_error = to_public(shown.error());
  return out;
}

result<collection_status> engine::cursor_of(const storage::client_snapshot& view,
                                            const std::string& collection) const {
  const auto pull = view.pull_state(collection);
  if (!pull)
    return to_public(pull.error());
  collection_status out;
  out.name = collection;
  if (const auto found = shared_->collections.find(collection); found != shared_->collections.end())
    out.strategy = core::to_string(policy_of(found->second).strategy);
  out.cursor_seq = pull->cursor().seq();
  out.walking = pull->cursor().token().empty() || pull->cursor().walking();
  out.restoring = pull->cursor().restoring();
  return out;
}

result<void> engine::fill_counts(const storage::client_snapshot& view, runtime_status& out) const {
  const auto identity = view.identity();
  const auto counters = view.outbox_state();
  const auto counts = view.counts();
  const auto conflicts = view.conflicts();
  const auto names = view.collections();
  if (!identity || !counters || !counts || !conflicts || !names)
    return to_public(!identity    ? identity.error()
                     : !counters  ? counters.error()
                     : !counts    ? counts.error()
                     : !conflicts ? conflicts.error()
                                  : names.error());
  out.server = identity->server();
  out.dialect =
    identity->dialect().empty() && !identity->server().empty() ? "syncline" : identity->dialect();
  out.weaker = weaker_promises(out.dialect);
  out.space = identity->space();
  out.user = identity->user();
  out.client = counters->client();
  out.head_seq = counters->next_local_seq();
  out.waiting = counts->outbox;
  out.acknowledged = counts->acknowledged;
  out.quarantined = counts->quarantined;
  out.conflicts_kept = counts->conflicts;
  out.conflicts_open = static_cast<std::uint64_t>(std::count_if(
    conflicts->begin(), conflicts->end(), [](const auto& one) { return one.resolved_ms() == 0; }));
  for (const auto& name : *names) {
    auto cursor = cursor_of(view, name);
    if (!cursor)
      return cursor.error();
    out.collections.push_back(std::move(*cursor));
  }
  return {};
}

void engine::fill_traffic(runtime_status& out) {
  out.link = activity_of(&client_actors::link);
  out.outbox = activity_of(&client_actors::outbox);
  out.poll = activity_of(&client_actors::poll);
  out.stream = activity_of(&client_actors::stream);
  if (host_) {
    const auto restarts = host_->restarts();
    out.restarts = restarts.count;
    out.last_restart = to_public(restarts.last);
    const auto known = host_->conditions().current();
    out.network = to_public(known.network);
    out.network_source = known.network_source;
    out.machine = {known.metered, known.on_battery, known.battery_low, known.idle};
    out.power_source = known.power_source;
  }
  {
    const std::lock_guard lock{shared_->mutex};
    out.store_failure = shared_->store_failure;
  }
  const activity* worst = nullptr;
  for (const auto* half : {&out.outbox, &out.poll})
    if (half->failures_in_a_row > 0 &&
        (worst == nullptr || half->last_error_ms > worst->last_error_ms))
      worst = half;
  if (!out.store_failure.code.empty())
    out.last_error = out.store_failure;
  else if (worst != nullptr)
    out.last_error = worst->last_error;
  else if (how_.server.empty() && host_)
    out.last_error = no_server();
}

result<runtime_status> engine::status() {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  runtime_status out;
  out.store = how_.store;
  out.started = shared_->started;
  out.read_only = how_.read_only;
  out.durability = to_string(how_.durable);
  out.verification = to_string(opened_.how);
  {
    const auto view = opened_.store->snapshot();
    if (!view)
      return to_public(view.error());
    if (auto filled = fill_counts(*view, out); !filled)
      return filled.error();
  }
  fill_traffic(out);
  out.callback_failures = pump_->failures();
  const auto usage = opened_.files->usage();
  out.map_bytes = usage.map_bytes;
  out.used_bytes = usage.used_bytes;
  out.file_bytes = usage.file_bytes;
  for (const auto& lease : opened_.files->leases()) {
    ++out.snapshots_open;
    out.snapshots_late += lease.is_late ? 1 : 0;
  }
  return out;
}

void engine::find_obstacles(const core::lane& lane, const msg::OutboxState& counters,
                            explanation& out) {
  auto& why = out.blocked_by;
  if (!out.quarantined.empty())
    why.emplace_back(
      "a write was refused for good and is in quarantine: retry, edit or discard it");
  if (lane.entries.empty())
    return;
  const auto& head = lane.entries.front();
  if (out.open_conflict != 0)
    why.push_back("conflict " + std::to_string(out.open_conflict) + " waits for your decision");
  else if (lane.record.undecided())
    why.emplace_back("it met another version of the server; the decision is under way");
  if (head.state() == msg::SENT)
    why.push_back("mutation " + std::to_string(head.mutation().mutation_id()) +
                  " was given to a batch; its answer is awaited");
  for (const std::uint64_t before : head.after())
    why.push_back("entry " + std::to_string(before) + " goes first");
  if (head.not_before_ms() > actors::system_wall_ms())
    why.emplace_back("the server asked for a pause");
  if (counters.restoring())
    why.emplace_back("the server lost history: all collections are pulled anew before anything is "
                     "sent");
  if (how_.server.empty())
    why.emplace_back("no server is configured");
  else if (!shared_->started)
    why.emplace_back("syncing is not started; sync_now and start send it");
  const auto traffic = activity_of(&client_actors::outbox);
  if (traffic.failures_in_a_row > 0)
    why.push_back("the last attempt failed (" + traffic.last_error.code + ": " +
                  traffic.last_error.message + ")");
  if (shared_->collections.count(out.collection) == 0)
    why.emplace_back("the collection is not synced; name it in options::collections");
}

result<explanation> engine::explain(const std::string& collection, const std::string& id) {
  const auto inside = enter(false);
  if (!inside)
    return inside.error();
  const auto view = opened_.store->snapshot();
  if (!view)
    return to_public(view.error());
  const auto item = view->get(collection, id);
  const auto lane = view->lane(collection, id);
  const auto counters = view->outbox_state();
  const auto quarantine = view->quarantine();
  if (!item || !lane || !counters || !quarantine)
    return to_public(!item       ? item.error()
                     : !lane     ? lane.error()
                     : !counters ? counters.error()
                                 : quarantine.error());
  explanation out;
  out.collection = collection;
  out.id = id;
  out.exists = item->has_value();
  if (out.exists) {
    const auto seen = to_public(**item);
    out.state = seen.state;
    out.version = seen.version;
    out.last_modified_ms = seen.last_modified_ms;
  }
  for (const auto& entry : lane->entries)
    out.waiting.push_back(to_public(entry));
  for (const auto& record : *quarantine)
    if (record.entry().mutation().collection() == collection &&
        record.entry().mutation().id() == id)
      out.quarantined.push_back(to_public(record));
  out.acknowledged = static_cast<std::uint64_t>(lane->record.acknowledged_size());
  out.open_conflict = lane->record.parked_by();
  if (!out.waiting.empty()) {
    out.attempts = out.waiting.front().attempts;
    out.last_error = out.waiting.front().last_error;
  }
  auto cursor = cursor_of(*view, collection);
  if (!cursor)
    return cursor.error();
  out.cursor = std::move(*cursor);
  find_obstacles(*lane, *counters, out);
  return out;
}

} // namespace syncline
