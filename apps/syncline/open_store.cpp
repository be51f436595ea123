#include "open_store.hpp"

#include "describe.hpp"

#include <algorithm>
#include <map>

namespace syncline::app {

namespace {

const std::map<std::string, conflict_strategy>& strategies() {
  static const std::map<std::string, conflict_strategy> all{
    {"merge", conflict_strategy::merge},
    {"client_wins", conflict_strategy::client_wins},
    {"server_wins", conflict_strategy::server_wins},
    {"last_write_wins", conflict_strategy::last_write_wins},
    {"manual", conflict_strategy::manual}};
  return all;
}

const std::map<std::string, server_dialect>& dialects() {
  static const std::map<std::string, server_dialect> all{
    {"syncline", server_dialect::syncline},
    {"json", server_dialect::json},
    {"json-since", server_dialect::json_since}};
  return all;
}

const std::map<std::string, durability>& durabilities() {
  static const std::map<std::string, durability> all{{"full", durability::full},
                                                     {"consistent", durability::consistent},
                                                     {"process", durability::process}};
  return all;
}

template <class T>
std::vector<std::string> names_of(const std::map<std::string, T>& all) {
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const auto& [name, value] : all)
    names.push_back(name);
  return names;
}

options base_options(const store_flags& flags, access how) {
  options made;
  made.store = flags.store;
  made.create = how == access::write_or_create;
  made.read_only = how == access::read;
  made.server = flags.server;
  made.dialect = dialects().at(flags.dialect);
  made.space = flags.space;
  made.ca_file = flags.ca_file;
  made.durable = durabilities().at(flags.durability);
  made.store_check = own_program();
  made.run_jobs = flags.runs_jobs;
  return made;
}

} // namespace

void add_store_flags(CLI::App& command, store_flags& flags) {
  flags.store = "syncline-data";
  command.add_option("--store", flags.store, "Directory of the store on this device")
    ->envname("SYNCLINE_STORE")
    ->capture_default_str();
  command.add_flag("--json", flags.as_json, "Prints the result as JSON");
}

void add_sync_flags(CLI::App& command, store_flags& flags) {
  command.add_option("--server", flags.server, "Base URL of the server, http://127.0.0.1:8440")
    ->envname("SYNCLINE_SERVER");
  command
    .add_option("--ca-file", flags.ca_file,
                "PEM file of one more authority that may vouch for an https server")
    ->check(CLI::ExistingFile)
    ->envname("SYNCLINE_CA_FILE");
  command
    .add_option("--dialect", flags.dialect,
                "What it speaks: json and json-since are the plain routes of other servers")
    ->check(CLI::IsMember(names_of(dialects())))
    ->capture_default_str();
  command.add_option("--space", flags.space, "Space at the server")->capture_default_str();
  command.add_option("--strategy", flags.strategy, "How conflicts are settled")
    ->check(CLI::IsMember(names_of(strategies())))
    ->capture_default_str();
  command
    .add_option("--durability", flags.durability,
                "What survives: power loss (full), or all but the last commit (consistent), or "
                "the death of a process only")
    ->check(CLI::IsMember(names_of(durabilities())))
    ->capture_default_str();
}

result<std::unique_ptr<runtime>> open_store(const store_flags& flags, access how,
                                            const std::vector<std::string>& collections) {
  options made = base_options(flags, how);
  if (how == access::read) {
    made.server.clear();
    return runtime::open(made);
  }
  // What the store has is asked first: an open names all collections, or drops them.
  std::vector<std::string> names = collections;
  auto peek = base_options(flags, how);
  peek.server.clear();
  peek.run_jobs = false;
  {
    auto opened = runtime::open(peek);
    if (!opened)
      return opened.error();
    const auto status = (*opened)->status();
    if (!status)
      return status.error();
    if (made.server.empty())
      made.server = status->server;
    if (!status->server.empty()) {
      made.user = status->user;
      if (flags.dialect == store_flags{}.dialect)
        made.dialect = dialects().at(status->dialect);
      if (flags.space == store_flags{}.space)
        made.space = status->space;
    }
    for (const auto& one : status->collections)
      names.push_back(one.name);
    if (auto closed = (*opened)->close(); !closed)
      return closed.error();
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (auto& name : names)
    made.collections.push_back({std::move(name), strategies().at(flags.strategy)});
  return runtime::open(std::move(made));
}

int show_report(const runtime& open, const sync_report& done, bool as_json) {
  const auto status = open.status();
  if (!status)
    return report(status.error());
  if (as_json)
    print_json(to_json(done, *status));
  else
    print_line(to_line(done));
  if (!as_json && status->quarantined != 0)
    talk(std::to_string(status->quarantined) +
         " writes were refused for good; see `syncline outbox list`");
  if (!as_json && status->conflicts_open != 0)
    talk(std::to_string(status->conflicts_open) +
         " conflicts wait for a decision; see `syncline conflicts list`");
  if (!done.success)
    return report(done.error);
  return status->conflicts_open != 0 ? exit_conflicts_left : exit_ok;
}

int close_store(runtime& open, int code) {
  const auto closed = open.close();
  if (!closed && code == exit_ok)
    return report(closed.error());
  return code;
}

} // namespace syncline::app
