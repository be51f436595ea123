#include "describe.hpp"

namespace syncline::app {

namespace {

json number_json(const number& value) {
  return std::visit([](const auto& held) { return json(held); }, value);
}

json body_json(const std::optional<std::string>& body) {
  return body ? parse_body(*body) : json(nullptr);
}

json known(const std::optional<bool>& value) {
  return value ? json(*value) : json(nullptr);
}

std::string_view to_text(network_need need) {
  return need == network_need::unmetered   ? "unmetered"
         : need == network_need::connected ? "connected"
                                           : "any";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : ", ") + word;
  return out;
}

json entries_json(const std::vector<outbox_entry>& entries) {
  json all = json::array();
  for (const auto& one : entries)
    all.push_back(to_json(one));
  return all;
}

} // namespace

std::string to_text(network_state state) {
  return state == network_state::up ? "up" : state == network_state::down ? "down" : "unknown";
}

json to_json(const activity& one) {
  return {{"state", one.state},
          {"lastError", to_json(one.last_error)},
          {"lastErrorAt", one.last_error_ms},
          {"lastSuccessAt", one.last_success_ms},
          {"failuresInARow", one.failures_in_a_row},
          {"nextAttemptAt", one.next_attempt_ms}};
}

json to_json(const collection_status& one) {
  return {{"name", one.name},
          {"strategy", one.strategy},
          {"cursor", one.cursor_seq},
          {"walking", one.walking},
          {"restoring", one.restoring}};
}

json to_json(const runtime_status& one) {
  json collections = json::array();
  for (const auto& collection : one.collections)
    collections.push_back(to_json(collection));
  return {{"store", one.store},
          {"server", one.server},
          {"dialect", one.dialect},
          {"weaker", one.weaker},
          {"space", one.space},
          {"user", one.user},
          {"client", one.client},
          {"started", one.started},
          {"readOnly", one.read_only},
          {"durability", one.durability},
          {"verification", one.verification},
          {"waiting", one.waiting},
          {"acknowledged", one.acknowledged},
          {"quarantined", one.quarantined},
          {"conflictsOpen", one.conflicts_open},
          {"conflictsKept", one.conflicts_kept},
          {"collections", collections},
          {"network", to_text(one.network)},
          {"networkSource", one.network_source},
          {"metered", known(one.machine.metered)},
          {"onBattery", known(one.machine.on_battery)},
          {"batteryLow", known(one.machine.battery_low)},
          {"idle", known(one.machine.idle)},
          {"powerSource", one.power_source},
          {"link", to_json(one.link)},
          {"outbox", to_json(one.outbox)},
          {"poll", to_json(one.poll)},
          {"stream", to_json(one.stream)},
          {"lastError", to_json(one.last_error)},
          {"storeFailure", to_json(one.store_failure)},
          {"restarts", one.restarts},
          {"lastRestart", to_json(one.last_restart)},
          {"callbackFailures", one.callback_failures},
          {"headSeq", one.head_seq},
          {"mapBytes", one.map_bytes},
          {"usedBytes", one.used_bytes},
          {"fileBytes", one.file_bytes},
          {"snapshotsOpen", one.snapshots_open},
          {"snapshotsLate", one.snapshots_late}};
}

json to_json(const outbox_entry& one) {
  json increments = json::object();
  for (const auto& increment : one.increments)
    increments[increment.field] = number_json(increment.amount);
  return {{"seq", one.seq},
          {"state", one.state},
          {"kind", one.kind},
          {"collection", one.collection},
          {"id", one.id},
          {"body", parse_body(one.body)},
          {"patch", parse_body(one.patch)},
          {"increments", increments},
          {"mutationId", one.mutation_id},
          {"attempts", one.attempts},
          {"createdAt", one.created_ms},
          {"notBefore", one.not_before_ms},
          {"lastError", to_json(one.last_error)},
          {"after", one.after}};
}

json to_json(const explanation& one) {
  return {{"collection", one.collection},
          {"id", one.id},
          {"exists", one.exists},
          {"state", to_string(one.state)},
          {"version", one.version},
          {"lastModified", one.last_modified_ms},
          {"waiting", entries_json(one.waiting)},
          {"quarantined", entries_json(one.quarantined)},
          {"acknowledged", one.acknowledged},
          {"openConflict", one.open_conflict},
          {"attempts", one.attempts},
          {"lastError", to_json(one.last_error)},
          {"blockedBy", one.blocked_by},
          {"cursor", to_json(one.cursor)}};
}

json to_json(const conflict_record& one) {
  if (one.document)
    return {{"conflictId", one.conflict_id}, {"document", one.id},
            {"reason", one.reason},          {"note", one.note},
            {"mine", one.mine.value_or("")}, {"recordedAt", one.recorded_ms},
            {"resolvedAt", one.resolved_ms}, {"open", one.open}};
  return {{"conflictId", one.conflict_id},
          {"collection", one.collection},
          {"id", one.id},
          {"reason", one.reason},
          {"strategy", one.strategy},
          {"decision", one.decision},
          {"base", body_json(one.base)},
          {"mine", body_json(one.mine)},
          {"theirs", body_json(one.theirs)},
          {"outcome", body_json(one.outcome)},
          {"fields", one.fields},
          {"recordedAt", one.recorded_ms},
          {"resolvedAt", one.resolved_ms},
          {"open", one.open}};
}

std::string to_line(const outbox_entry& one) {
  std::string line = std::to_string(one.seq) + "\t" + one.state + "\t" + one.kind + "\t" +
                     one.collection + "/" + one.id + "\tattempts " + std::to_string(one.attempts);
  if (!one.last_error.code.empty())
    line += "\t" + one.last_error.message + " [" + one.last_error.code + "]";
  return line;
}

std::string to_line(const conflict_record& one) {
  std::string line = std::to_string(one.conflict_id) + "\t" + (one.open ? "open" : "decided") +
                     "\t" + (one.document ? "text " : one.collection + "/") + one.id + "\t" +
                     one.reason + "\t" + (one.document ? one.note : one.decision) + "\t" +
                     time_text(one.recorded_ms);
  for (std::size_t i = 0; i < one.fields.size(); ++i)
    line += (i == 0 ? "\tfields " : ",") + one.fields[i];
  return line;
}

json to_json(const job_status& one) {
  return {{"name", one.how.name},
          {"state", one.state},
          {"needs", one.needs},
          {"intervalMs", one.how.interval.count()},
          {"flexMs", one.how.flex.count()},
          {"network", to_text(one.how.network)},
          {"batteryNotLow", one.how.battery_not_low},
          {"charging", one.how.charging},
          {"idle", one.how.idle},
          {"retryFirstMs", one.how.retry_first.count()},
          {"retryMaxMs", one.how.retry_max.count()},
          {"deadlineMs", one.how.deadline.count()},
          {"nextStartAt", one.next_start_ms},
          {"attempts", one.attempts},
          {"runs", one.runs},
          {"lastStartedAt", one.last_started_ms},
          {"lastEndedAt", one.last_ended_ms},
          {"lastOutcome", one.last_outcome},
          {"lastError", to_json(one.last_error)}};
}

json to_json(const sync_report& done, const runtime_status& status) {
  return {{"success", done.success},
          {"itemsProcessed", done.items_processed},
          {"conflicts", done.conflicts},
          {"conflictsOpen", status.conflicts_open},
          {"quarantined", status.quarantined},
          {"waiting", status.waiting},
          {"errors", done.errors},
          {"requests", done.requests},
          {"bytesSent", done.bytes_sent},
          {"bytesReceived", done.bytes_received},
          {"durationMs", done.duration_ms},
          {"error", to_json(done.error)}};
}

std::string to_line(const job_status& one) {
  std::string line = one.how.name + "\t" + one.state + "\tevery " +
                     duration_text(one.how.interval.count()) + "\truns " + std::to_string(one.runs);
  if (!one.last_outcome.empty())
    line += "\tlast " + one.last_outcome + " " + time_text(one.last_ended_ms);
  if (one.next_start_ms != 0 && one.state == "waiting")
    line += "\tnext " + time_text(one.next_start_ms);
  if (!one.needs.empty())
    line += "\tneeds " + joined(one.needs);
  if (!one.last_error.code.empty())
    line += "\t" + one.last_error.message + " [" + one.last_error.code + "]";
  return line;
}

std::string to_line(const sync_report& one) {
  return std::to_string(one.items_processed) + " items processed, " +
         std::to_string(one.conflicts) + " conflicts, " + std::to_string(one.errors) + " errors, " +
         std::to_string(one.requests) + " requests, " + std::to_string(one.bytes_sent) +
         " bytes sent, " + std::to_string(one.bytes_received) + " received, " +
         std::to_string(one.duration_ms) + " ms";
}

} // namespace syncline::app
