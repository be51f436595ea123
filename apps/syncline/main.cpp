// The program `syncline`: everything that the library does, from a shell.

#include "command.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <numeric>
#include <vector>

namespace syncline::app {

namespace {

// Edit distance (Levenshtein), over short words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

std::string near_command(const CLI::App& within, const std::string& wrong) {
  std::string best;
  std::size_t best_distance = wrong.size() / 2 + 1;
  for (const auto* command : within.get_subcommands([](const CLI::App*) { return true; })) {
    const auto found = distance(wrong, command->get_name());
    if (found < best_distance) {
      best_distance = found;
      best = command->get_name();
    }
  }
  return best;
}

void say_unknown_command(const std::string& path, const std::string& word,
                         const std::string& near) {
  talk("syncline: there is no command '" + (path + " " + word).substr(sizeof "syncline") + "'" +
       (near.empty() ? "" : "; did you mean '" + near + "'?") + " See `" + path + " --help`.");
}

// CLI11 says that an argument is too much; a user wants to hear that the command is unknown.
int refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* within = &app;
  std::string path = "syncline";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto commands = within->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty() || word.starts_with("-"))
      return exit_ok;
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const auto* one) { return one->get_name() == word; });
    if (found == commands.end()) {
      say_unknown_command(path, word, near_command(*within, word));
      return exit_usage;
    }
    within = *found;
    path.append(" ").append(word);
  }
  return exit_ok;
}

int main(int argc, char** argv) {
  // A reader that went away is an error of a write, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"Keeps data in sync between devices, offline included."};
  app.set_version_flag("--version", std::string{"syncline "} + SYNCLINE_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  invocation chosen;
  add_server(app, chosen);
  add_items(app, chosen);
  add_sync(app, chosen);
  add_watch(app, chosen);
  add_status(app, chosen);
  add_outbox(app, chosen);
  add_conflicts(app, chosen);
  add_jobs(app, chosen);
  add_doc(app, chosen);
  add_ot(app, chosen);
  add_store(app, chosen);
  add_scenario(app, chosen);
  add_simulate(app, chosen);
  add_demo(app, chosen);
  if (argc > 1)
    if (const int refused = refuse_unknown_command(app, argc, argv); refused != exit_ok)
      return refused;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? exit_ok : exit_usage;
  }
  const int code = chosen.run ? chosen.run() : exit_usage;
  if (output_failed() && code == exit_ok) {
    talk("syncline: the output could not be written (a full disk, or a reader that has gone)");
    return exit_failed;
  }
  return code;
}

} // namespace

} // namespace syncline::app

int main(int argc, char** argv) {
  return syncline::app::main(argc, argv);
}
