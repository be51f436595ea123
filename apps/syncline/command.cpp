#include "command.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <utility>

namespace syncline::app {

namespace {

constexpr std::pair<std::string_view, int> codes[]{
  {"network_unreachable", exit_unreachable},
  {"connection_refused", exit_unreachable},
  {"connection_cut", exit_unreachable},
  {"unreachable", exit_unreachable},
  {"not_our_server", exit_unreachable},
  {"timeout", exit_try_again},
  {"expired", exit_try_again},
  {"busy", exit_try_again},
  {"restarting", exit_try_again},
  {"overloaded", exit_try_again},
  {"server_error", exit_try_again},
  {"not_allowed", exit_not_allowed},
  {"needs_auth", exit_not_allowed},
  {"unauthorized", exit_not_allowed},
  {"forbidden", exit_not_allowed},
  {"not_loopback", exit_not_allowed},
  {"tls_refused", exit_not_allowed},
  {"store_locked", exit_store},
  {"store_corrupt", exit_store},
  {"store_foreign", exit_store},
  {"store_newer", exit_store},
  {"store_not_private", exit_store},
  {"store_of_another", exit_store},
  {"bad_options", exit_usage},
  {"bad_collection", exit_usage},
  {"bad_space", exit_usage},
  {"bad_address", exit_usage},
  {"bad_job", exit_usage},
  {"usage", exit_usage},
};

} // namespace

int exit_code_of(std::string_view error_code) {
  for (const auto& [code, exit] : codes)
    if (code == error_code)
      return exit;
  return exit_failed;
}

int report(const error& failure) {
  talk("syncline: " + failure.message + " [" + failure.code + "]");
  return exit_code_of(failure.code);
}

void print_json(const json& document) {
  print_line(document.dump(-1, ' ', false, json::error_handler_t::replace));
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void talk(std::string_view line) {
  std::fflush(stdout); // So that both appear in order on a terminal.
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fputc('\n', stderr);
}

bool output_failed() {
  return std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
}

json parse_body(const std::string& text) {
  if (text.empty())
    return nullptr;
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

json to_json(const error& failure) {
  if (failure.code.empty())
    return nullptr;
  return {{"code", failure.code}, {"message", failure.message}};
}

std::string time_text(std::int64_t ms_since_1970) {
  if (ms_since_1970 == 0)
    return "-";
  const std::time_t seconds = ms_since_1970 / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 16> rest{};
  std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(ms_since_1970 % 1000));
  return std::string{text.data(), length} + rest.data();
}

namespace {
constexpr std::pair<const char*, std::int64_t> time_units[]{
  {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}};
} // namespace

CLI::AsNumberWithUnit duration() {
  std::map<std::string, std::int64_t> units;
  for (const auto& [name, ms] : time_units)
    units.emplace(name, ms);
  return CLI::AsNumberWithUnit{units, CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME"};
}

std::string duration_text(std::int64_t ms) {
  for (const auto& [name, unit_ms] : time_units)
    if (ms % unit_ms == 0)
      return std::to_string(ms / unit_ms) + name;
  return std::to_string(ms) + "ms";
}

std::string own_program() {
  std::error_code failure;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? std::string{} : path.string();
}

} // namespace syncline::app
