#pragma once
// What the subcommands share: exit codes, errors, and where output goes.
//
// Results go to stdout, talk to stderr; `--json` makes a result one JSON document.

#include "syncline/result.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace syncline::app {

using json = nlohmann::ordered_json;

/// How the program ends (DESIGN.md section 14).
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_unreachable = 3,
  exit_conflicts_left = 4,
  exit_not_allowed = 5,
  exit_store = 6, ///< locked, damaged, foreign or newer
  exit_try_again = 75
};

/// The exit code for an error's code.
[[nodiscard]] int exit_code_of(std::string_view error_code);

/// Says on stderr what went wrong; returns the exit code.
int report(const error& failure);

/// One subcommand that was given: what to do, set while the command line is parsed.
struct invocation {
  std::function<int()> run;
};

/// Writes one JSON document and a newline to stdout.
void print_json(const json& document);
/// Writes a line to stdout.
void print_line(std::string_view line);
/// Writes a line to stderr.
void talk(std::string_view line);
/// Whether stdout went to something that takes no more (a closed pipe, a full disk).
[[nodiscard]] bool output_failed();

/// The JSON value that `text` is; text that is no JSON as a string.
[[nodiscard]] json parse_body(const std::string& text);
/// `{"code":…,"message":…}`, or null for an empty code.
[[nodiscard]] json to_json(const error& failure);
/// ISO 8601 in UTC, with milliseconds; "-" for 0.
[[nodiscard]] std::string time_text(std::int64_t ms_since_1970);

/// For options in milliseconds that are given as `90s`, `15m`, `6h` or `2d`.
[[nodiscard]] CLI::AsNumberWithUnit duration();
/// As `duration` reads it: the largest unit that divides it.
[[nodiscard]] std::string duration_text(std::int64_t ms);

/// This program's own file.
[[nodiscard]] std::string own_program();

void add_server(CLI::App& app, invocation& chosen);
void add_sync(CLI::App& app, invocation& chosen);
void add_items(CLI::App& app, invocation& chosen);
void add_watch(CLI::App& app, invocation& chosen);
void add_status(CLI::App& app, invocation& chosen);
void add_outbox(CLI::App& app, invocation& chosen);
void add_conflicts(CLI::App& app, invocation& chosen);
void add_jobs(CLI::App& app, invocation& chosen);
void add_doc(CLI::App& app, invocation& chosen);
void add_ot(CLI::App& app, invocation& chosen);
void add_store(CLI::App& app, invocation& chosen);
void add_simulate(CLI::App& app, invocation& chosen);
void add_scenario(CLI::App& app, invocation& chosen);
void add_demo(CLI::App& app, invocation& chosen);

} // namespace syncline::app
