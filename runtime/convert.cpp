#include "runtime/convert.hpp"

#include <algorithm>
#include <cctype>

namespace syncline {

namespace {

// The names of protobuf's enumerations are ours in capitals.
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  return text;
}

number amount_of(const msg::Increment& from) {
  if (from.amount_case() == msg::Increment::kInteger)
    return std::int64_t{from.integer()};
  return from.real();
}

} // namespace

std::string_view to_string(item_state state) {
  switch (state) {
  case item_state::synced:
    return "synced";
  case item_state::pending:
    return "pending";
  case item_state::failed:
    return "failed";
  case item_state::conflict:
    return "conflict";
  case item_state::delete_conflict:
    return "delete_conflict";
  }
  return "synced";
}

std::string_view to_string(stage reached) {
  switch (reached) {
  case stage::pending:
    return "pending";
  case stage::durable:
    return "durable";
  case stage::sent:
    return "sent";
  case stage::accepted:
    return "accepted";
  case stage::visible:
    return "visible";
  }
  return "pending";
}

std::string_view to_string(durability from) {
  switch (from) {
  case durability::full:
    return "full";
  case durability::consistent:
    return "consistent";
  case durability::process:
    return "process";
  }
  return "full";
}

storage::durability to_storage(durability from) {
  switch (from) {
  case durability::consistent:
    return storage::durability::consistent;
  case durability::process:
    return storage::durability::process;
  default:
    return storage::durability::full;
  }
}

item_state to_public(core::sync_status from) {
  switch (from) {
  case core::sync_status::pending:
    return item_state::pending;
  case core::sync_status::failed:
    return item_state::failed;
  case core::sync_status::conflict:
    return item_state::conflict;
  case core::sync_status::delete_conflict:
    return item_state::delete_conflict;
  default:
    return item_state::synced;
  }
}

network_state to_public(core::reachability from) {
  return from == core::reachability::up     ? network_state::up
         : from == core::reachability::down ? network_state::down
                                            : network_state::unknown;
}

core::reachability to_core(network_state from) {
  return from == network_state::up     ? core::reachability::up
         : from == network_state::down ? core::reachability::down
                                       : core::reachability::unknown;
}

job_status to_public(const msg::JobRecord& from) {
  const auto& spec = from.spec();
  const auto time = [](std::int64_t ms) { return std::chrono::milliseconds{ms}; };
  job_status to;
  to.how.name = spec.name();
  to.how.interval = time(spec.interval_ms());
  to.how.flex = time(spec.flex_ms());
  to.how.network = spec.network() == msg::JobSpec::UNMETERED   ? network_need::unmetered
                   : spec.network() == msg::JobSpec::CONNECTED ? network_need::connected
                                                               : network_need::any;
  to.how.battery_not_low = spec.battery_not_low();
  to.how.charging = spec.charging();
  to.how.idle = spec.idle();
  to.how.retry_first = time(spec.retry_first_ms());
  to.how.retry_max = time(spec.retry_max_ms());
  to.how.deadline = time(spec.deadline_ms());
  to.next_start_ms = from.running_since_ms() != 0 ? 0 : core::job_start_ms(from);
  to.attempts = from.attempts();
  to.runs = from.runs();
  to.last_started_ms = from.last_started_ms();
  to.last_ended_ms = from.last_ended_ms();
  to.last_outcome = core::to_string(from.last_outcome());
  to.last_error = to_public(from.last_error());
  return to;
}

msg::JobSpec to_message(const job& from) {
  msg::JobSpec to;
  to.set_name(from.name);
  to.set_interval_ms(from.interval.count());
  to.set_flex_ms(from.flex.count());
  to.set_network(from.network == network_need::unmetered   ? msg::JobSpec::UNMETERED
                 : from.network == network_need::connected ? msg::JobSpec::CONNECTED
                                                           : msg::JobSpec::ANY);
  to.set_battery_not_low(from.battery_not_low);
  to.set_charging(from.charging);
  to.set_idle(from.idle);
  to.set_retry_first_ms(from.retry_first.count());
  to.set_retry_max_ms(from.retry_max.count());
  to.set_deadline_ms(from.deadline.count());
  return to;
}

item to_item(const item_view& from) {
  return {std::string{from.id}, std::string{from.body}, from.version, from.last_modified_ms,
          from.state};
}

sync_report to_public(const msg::SyncReport& from) {
  sync_report out;
  out.success = from.success();
  out.items_processed = from.items_processed();
  out.conflicts = from.conflicts();
  out.errors = from.errors();
  out.requests = from.requests();
  out.bytes_sent = from.bytes_sent();
  out.bytes_received = from.bytes_received();
  out.duration_ms = from.duration_ms();
  out.error = to_public(from.error());
  return out;
}

activity to_public(const msg::Activity& from) {
  return {from.state(),           to_public(from.last_error()), from.last_error_ms(),
          from.last_success_ms(), from.failures_in_a_row(),     from.next_attempt_ms()};
}

outbox_entry to_public(const msg::OutboxEntry& from) {
  const auto& mutation = from.mutation();
  outbox_entry out;
  out.seq = from.local_seq();
  out.state = lower(msg::EntryState_Name(from.state()));
  out.kind = lower(msg::MutationKind_Name(mutation.kind()));
  out.collection = mutation.collection();
  out.id = mutation.id();
  out.body = mutation.body();
  out.patch = mutation.patch();
  for (const auto& increment : mutation.increments())
    out.increments.push_back({increment.field(), amount_of(increment)});
  out.mutation_id = mutation.mutation_id();
  out.attempts = from.attempts();
  out.created_ms = from.created_ms();
  out.not_before_ms = from.not_before_ms();
  out.last_error = to_public(from.last_error());
  out.after.assign(from.after().begin(), from.after().end());
  return out;
}

outbox_entry to_public(const msg::QuarantineRecord& from) {
  auto out = to_public(from.entry());
  out.state = from.awaits_skip() ? "awaits_server" : "quarantined";
  out.last_error = to_public(from.error());
  return out;
}

conflict_record to_public(const msg::ConflictRecord& from) {
  conflict_record out;
  out.conflict_id = from.conflict_id();
  out.collection = from.collection();
  out.id = from.id();
  out.reason = lower(msg::ConflictReason_Name(from.reason()));
  out.strategy = from.strategy();
  out.decision = lower(msg::ConflictDecision_Name(from.decision()));
  if (from.has_base_body())
    out.base = from.base_body();
  if (from.has_mine_body())
    out.mine = from.mine_body();
  if (from.has_theirs_body())
    out.theirs = from.theirs_body();
  if (from.has_result_body())
    out.outcome = from.result_body();
  out.fields.assign(from.fields().begin(), from.fields().end());
  out.document = from.document();
  out.note = from.note();
  out.recorded_ms = from.recorded_ms();
  out.resolved_ms = from.resolved_ms();
  out.open = from.resolved_ms() == 0;
  return out;
}

conflict_sides to_public(const msg::AskHost& from) {
  conflict_sides out;
  out.collection = from.collection();
  out.id = from.id();
  if (from.has_base())
    out.base = from.base();
  if (from.has_mine())
    out.mine = from.mine();
  if (from.has_theirs())
    out.theirs = from.theirs();
  return out;
}

msg::WriteLocal::Operation to_message(operation from) {
  msg::WriteLocal::Operation out;
  auto& mutation = *out.mutable_mutation();
  mutation.set_collection(std::move(from.collection));
  mutation.set_id(std::move(from.id));
  for (auto& id : from.depends_on)
    out.add_depends_on(std::move(id));
  for (auto& [field, amount] : from.increments) {
    auto& increment = *mutation.add_increments();
    increment.set_field(std::move(field));
    if (const auto* integer = std::get_if<std::int64_t>(&amount))
      increment.set_integer(*integer);
    else
      increment.set_real(std::get<double>(amount));
  }
  switch (from.kind) {
  case operation_kind::put:
    out.set_upsert(true);
    [[fallthrough]];
  case operation_kind::create:
    mutation.set_kind(msg::CREATE);
    mutation.set_body(std::move(from.body));
    break;
  case operation_kind::patch:
    mutation.set_kind(msg::UPDATE);
    mutation.set_patch(std::move(from.body));
    break;
  case operation_kind::increment:
    mutation.set_kind(msg::UPDATE);
    break;
  case operation_kind::remove:
    mutation.set_kind(msg::DELETE);
    break;
  }
  return out;
}

msg::HostVerdict to_message(conflict_verdict from) {
  msg::HostVerdict out;
  if (from.what == conflict_verdict::choice::body) {
    out.set_kind(msg::HostVerdict::BODY);
    out.set_body(std::move(from.body));
  } else if (from.what == conflict_verdict::choice::remove) {
    out.set_kind(msg::HostVerdict::REMOVE);
  }
  return out;
}

core::conflict_policy policy_of(const collection_options& from) {
  core::conflict_policy policy;
  switch (from.strategy) {
  case conflict_strategy::server_wins:
    policy.strategy = core::conflict_strategy::server_wins;
    break;
  case conflict_strategy::client_wins:
    policy.strategy = core::conflict_strategy::client_wins;
    break;
  case conflict_strategy::last_write_wins:
    policy.strategy = core::conflict_strategy::last_write_wins;
    break;
  case conflict_strategy::merge:
    policy.strategy = core::conflict_strategy::merge;
    break;
  case conflict_strategy::manual:
    policy.strategy = core::conflict_strategy::manual;
    break;
  case conflict_strategy::custom:
    policy.strategy = core::conflict_strategy::custom;
    break;
  }
  if (from.prefer == preferred_side::client)
    policy.prefer = core::prefer_side::client;
  return policy;
}

std::string_view to_string(server_dialect from) {
  return from == server_dialect::json         ? "json"
         : from == server_dialect::json_since ? "json-since"
                                              : "syncline";
}

std::vector<std::string> weaker_promises(std::string_view dialect) {
  if (!dialect.starts_with("json"))
    return {};
  std::vector<std::string> weaker{
    "a write takes effect once only if the server honours Idempotency-Key, for as long as it keeps "
    "the keys",
    "the members of an atomic write are sent one by one",
    "changes come by polls, not as they are made"};
  if (dialect == "json-since")
    weaker.emplace_back(
      "a change is skipped if the server's clock steps back by more than the time "
      "that it looks back");
  return weaker;
}

} // namespace syncline
