// `syncline demo`: two devices and a server on real data, edited apart and brought together.

#include "command.hpp"
#include "demo/story.hpp"
#include "end_signals.hpp"
#include "local_server.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace syncline::app {

namespace {

struct demo_flags {
  bool once = false;
  std::string spoil = "none";
  std::string keep;
};

int play(const demo_flags& flags, const std::filesystem::path& directory,
         const std::optional<end_signals>& signals) {
  const auto began = std::chrono::steady_clock::now();
  const auto told = story::begin(directory);
  if (!told)
    return report(told.error());
  story& demo = **told;
  for (const auto& step : {&story::first_sync, &story::edit_apart, &story::meet})
    if (const auto done = (demo.*step)(); !done)
      return report(done.error());
  const auto how = flags.spoil == "edit"   ? spoiling::edit
                   : flags.spoil == "byte" ? spoiling::byte
                                           : spoiling::none;
  const auto equal = demo.compare(how);
  if (!equal)
    return report(equal.error());
  const auto seconds =
    std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  print_line(std::string{*equal ? "the three sides are equal" : "THE SIDES DIFFER"} + " (" +
             std::to_string(seconds).substr(0, 4) + " s)");
  if (*equal && signals) {
    talk("the server goes on at " + demo.url() + ", for instance " + demo.url() +
         "/delta?collection=countries&cursor=0&limit=5, until Ctrl-C; the stores are in " +
         demo.directory().string());
    static_cast<void>(signals->wait()); // Whichever it was.
  }
  return *equal ? exit_ok : exit_failed;
}

int run_demo(const demo_flags& flags) {
  std::optional<end_signals> signals;
  if (!flags.once)
    signals.emplace();
  if (!flags.keep.empty())
    return play(flags, flags.keep, signals);
  const auto directory = temporary_directory::make();
  if (!directory)
    return report(directory.error());
  return play(flags, (*directory)->path(), signals);
}

} // namespace

void add_demo(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<demo_flags>();
  auto* command = app.add_subcommand(
    "demo", "Brings two devices and a server in sync with real items, edited apart");
  command->add_flag("--once", flags->once, "Ends after the comparison");
  command
    ->add_option("--spoil", flags->spoil,
                 "Makes device B differ at the end, by an edit that is not synced or a damaged "
                 "byte; the demo then fails")
    ->check(CLI::IsMember({"none", "edit", "byte"}))
    ->capture_default_str();
  command->add_option("--keep", flags->keep, "Uses this directory, and leaves it");
  command->callback([flags, &chosen] { chosen.run = [flags] { return run_demo(*flags); }; });
}

} // namespace syncline::app
