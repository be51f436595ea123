// `syncline conflicts`: versions that met, and what becomes of them.

#include "describe.hpp"
#include "open_store.hpp"

#include <map>

namespace syncline::app {

namespace {

struct conflict_flags : store_flags {
  std::uint64_t conflict_id = 0;
  std::string choice;
  std::string body;
  bool only_open = false;
};

const std::map<std::string, conflict_choice>& choices() {
  static const std::map<std::string, conflict_choice> all{{"mine", conflict_choice::mine},
                                                          {"theirs", conflict_choice::theirs},
                                                          {"body", conflict_choice::body},
                                                          {"remove", conflict_choice::remove}};
  return all;
}

int list(const conflict_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto records = (*open)->conflicts();
  if (!records)
    return report(records.error());
  for (const auto& one : *records) {
    if (flags.only_open && !one.open)
      continue;
    if (flags.as_json)
      print_json(to_json(one));
    else
      print_line(to_line(one));
  }
  return exit_ok;
}

void print_side(const char* name, const std::optional<std::string>& body, const char* absent) {
  print_line(std::string{name} + (body ? *body : std::string{absent}));
}

int show(const conflict_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto found = (*open)->conflict(flags.conflict_id);
  if (!found)
    return report(found.error());
  if (!*found)
    return report({"not_found", "no conflict has the number " + std::to_string(flags.conflict_id) +
                                  "; see `syncline conflicts list`"});
  const auto& one = **found;
  if (flags.as_json) {
    print_json(to_json(one));
    return exit_ok;
  }
  print_line(to_line(one));
  print_side("base     ", one.base, "unknown");
  print_side("mine     ", one.mine, "removed");
  print_side("theirs   ", one.theirs, "removed");
  if (!one.open)
    print_side("outcome  ", one.outcome, "removed");
  else
    talk("decide it with `syncline conflicts resolve " + std::to_string(one.conflict_id) +
         " mine|theirs|body|remove`");
  return exit_ok;
}

int resolve(const conflict_flags& flags) {
  const auto choice = choices().at(flags.choice);
  if ((choice == conflict_choice::body) != !flags.body.empty())
    return report({"usage", "the choice 'body', and only that one, takes a JSON object after it"});
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto done = (*open)->resolve_conflict(flags.conflict_id, choice, flags.body);
  return close_store(**open, done ? int{exit_ok} : report(done.error()));
}

} // namespace

void add_conflicts(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<conflict_flags>();
  auto* conflicts = app.add_subcommand("conflicts", "Versions that met, decided or waiting");
  conflicts->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*run)(const conflict_flags&)) {
    auto* command = conflicts->add_subcommand(name, text);
    add_store_flags(*command, *flags);
    command->callback([=, &chosen] { chosen.run = [=] { return run(*flags); }; });
    return command;
  };
  add("list", "Lists them: number, item, reason, decision", list)
    ->add_flag("--open", flags->only_open, "Only those that wait for a decision");
  add("show", "Prints both sides of one", show)
    ->add_option("conflict", flags->conflict_id, "Its number")
    ->required();
  auto* resolved = add("resolve", "Decides one, also one that was decided already", resolve);
  resolved->add_option("conflict", flags->conflict_id, "Its number")->required();
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices())
    names.push_back(name);
  resolved->add_option("choice", flags->choice)->required()->check(CLI::IsMember(names));
  resolved->add_option("body", flags->body, "With the choice 'body': one JSON object");
}

} // namespace syncline::app
