// `syncline ot`: answers JSON lines about the algebra of texts (PROTOCOL.md section 9).

#include "command.hpp"
#include "syncline/text_algebra.hpp"

#include <iostream>

namespace syncline::app {

namespace {

int answer_all() {
  std::ios::sync_with_stdio(false);
  // Who asks one thing after the other waits for each answer: `output_failed` has it written.
  for (std::string line; !output_failed() && std::getline(std::cin, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      print_line(answer_about_texts(line));
  return exit_ok;
}

} // namespace

void add_ot(CLI::App& app, invocation& chosen) {
  auto* command = app.add_subcommand(
    "ot", "Answers JSON lines about the algebra of texts, for who writes another client");
  command->callback([&chosen] { chosen.run = answer_all; });
}

} // namespace syncline::app
