// `syncline status` and `syncline explain`.

#include "describe.hpp"
#include "open_store.hpp"

namespace syncline::app {

namespace {

struct status_flags : store_flags {
  std::string collection;
  std::string id;
};

void print_half(const char* name, const activity& half) {
  std::string line = std::string{name} + half.state;
  if (half.failures_in_a_row != 0)
    line += ", " + std::to_string(half.failures_in_a_row) +
            " failures in a row, the last: " + half.last_error.message;
  print_line(line);
}

std::string power_text(const machine_conditions& known) {
  if (!known.on_battery)
    return "unknown";
  return std::string{*known.on_battery ? "battery" : "line"} +
         (known.battery_low.value_or(false) ? ", low" : "");
}

void print_status(const runtime_status& status) {
  print_line("store        " + status.store + " (" + std::to_string(status.used_bytes >> 10) +
             " KiB used, " + status.verification + ", durability " + status.durability + ")");
  print_line("server       " + (status.server.empty() ? "none yet" : status.server) + ", space " +
             status.space + (status.weaker.empty() ? "" : ", dialect " + status.dialect));
  for (const auto& one : status.weaker)
    print_line("weaker       " + one);
  print_line("client       " + status.client);
  print_line("waiting      " + std::to_string(status.waiting) + " writes to send, " +
             std::to_string(status.acknowledged) + " accepted and not yet pulled");
  print_line("quarantined  " + std::to_string(status.quarantined));
  print_line("conflicts    " + std::to_string(status.conflicts_open) + " open, " +
             std::to_string(status.conflicts_kept) + " kept");
  for (const auto& one : status.collections)
    print_line("collection   " + one.name + ": cursor " + std::to_string(one.cursor_seq) +
               (one.walking ? ", not yet read through" : "") +
               (one.restoring ? ", restoring" : ""));
  if (!status.network_source.empty())
    print_line("network      " + to_text(status.network) + " (" + status.network_source + ")");
  if (!status.power_source.empty())
    print_line("power        " + power_text(status.machine) + " (" + status.power_source + ")");
  print_half("link         ", status.link);
  print_half("push         ", status.outbox);
  print_half("pull         ", status.poll);
  print_half("stream       ", status.stream);
  if (!status.last_error.code.empty())
    print_line("trouble      " + status.last_error.message + " [" + status.last_error.code + "]");
}

int show_status(const status_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto status = (*open)->status();
  if (!status)
    return report(status.error());
  if (flags.as_json)
    print_json(to_json(*status));
  else
    print_status(*status);
  return exit_ok;
}

void print_explanation(const explanation& one) {
  print_line(one.collection + "/" + one.id + ": " +
             (one.exists ? std::string{to_string(one.state)} : "not in this store"));
  print_line("server version " + std::to_string(one.version) + ", last modified " +
             time_text(one.last_modified_ms));
  print_line("cursor of " + one.collection + ": " + std::to_string(one.cursor.cursor_seq));
  for (const auto& entry : one.waiting)
    print_line("waits        " + to_line(entry));
  for (const auto& entry : one.quarantined)
    print_line("quarantined  " + to_line(entry));
  if (one.acknowledged != 0)
    print_line("accepted and not yet pulled: " + std::to_string(one.acknowledged));
  if (one.open_conflict != 0)
    print_line("conflict     " + std::to_string(one.open_conflict) +
               "; see `syncline conflicts show " + std::to_string(one.open_conflict) + "`");
  for (const auto& reason : one.blocked_by)
    print_line("blocked by   " + reason);
}

int explain(const status_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto told = (*open)->explain(flags.collection, flags.id);
  if (!told)
    return report(told.error());
  if (flags.as_json)
    print_json(to_json(*told));
  else
    print_explanation(*told);
  return exit_ok;
}

} // namespace

void add_status(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<status_flags>();
  auto* status = app.add_subcommand("status", "Says how the store stands and what is wrong");
  add_store_flags(*status, *flags);
  status->callback([flags, &chosen] { chosen.run = [flags] { return show_status(*flags); }; });
  auto* explained = app.add_subcommand("explain", "Says why an item stands as it does");
  add_store_flags(*explained, *flags);
  explained->add_option("collection", flags->collection)->required();
  explained->add_option("id", flags->id)->required();
  explained->callback([flags, &chosen] { chosen.run = [flags] { return explain(*flags); }; });
}

} // namespace syncline::app
