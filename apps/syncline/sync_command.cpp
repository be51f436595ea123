// `syncline sync`: pushes and pulls once.

#include "open_store.hpp"
#include "progress.hpp"

#include <future>

namespace syncline::app {

namespace {

struct sync_flags : store_flags {
  std::vector<std::string> collections;
  std::uint32_t attempts = 3;
  std::int64_t deadline_ms = -1;
};

result<sync_report> sync_with_progress(runtime& open, const sync_flags& flags) {
  const auto run = [&] {
    if (flags.deadline_ms >= 0)
      return open.run_until(std::chrono::milliseconds{flags.deadline_ms});
    sync_options how;
    how.attempts_max = flags.attempts;
    return open.sync_now(how);
  };
  progress bar{"syncing"};
  if (!bar.is_shown())
    return run();
  auto running = std::async(std::launch::async, run);
  while (running.wait_for(progress::period) != std::future_status::ready)
    if (const auto status = open.status())
      bar.show(std::to_string(status->waiting) + " to send, " + status->poll.state);
  return running.get();
}

int sync(const sync_flags& flags) {
  const auto open = open_store(flags, access::write_or_create, flags.collections);
  if (!open)
    return report(open.error());
  const auto done = sync_with_progress(**open, flags);
  if (!done)
    return close_store(**open, report(done.error()));
  return close_store(**open, show_report(**open, *done, flags.as_json));
}

} // namespace

void add_sync(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<sync_flags>();
  auto* command = app.add_subcommand("sync", "Pushes what waits and pulls what is new, once");
  add_store_flags(*command, *flags);
  add_sync_flags(*command, *flags);
  command->add_option("--collection", flags->collections,
                      "A collection to sync besides those that the store has");
  command->add_option("--attempts", flags->attempts, "Failures in a row before it gives up")
    ->capture_default_str();
  command
    ->add_option("--deadline", flags->deadline_ms,
                 "Stops at the next batch or page after it: 90s, 15m, 6h, 2d; the exit code is 75 "
                 "then, and the next sync goes on")
    ->transform(duration());
  command->callback([flags, &chosen] { chosen.run = [flags] { return sync(*flags); }; });
}

} // namespace syncline::app
