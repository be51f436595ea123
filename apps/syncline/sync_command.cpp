// `syncline sync`: pushes and pulls once.

#include "open_store.hpp"
#include "progress.hpp"

#include <future>

namespace syncline::app {

namespace {

struct sync_flags : store_flags {
  std::vector<std::string> collections;
  std::uint32_t attempts = 3;
};

json report_json(const sync_report& done, const runtime_status& status) {
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

void print_report(const sync_report& done, const runtime_status& status) {
  print_line(
    std::to_string(done.items_processed) + " items processed, " + std::to_string(done.conflicts) +
    " conflicts, " + std::to_string(done.errors) + " errors, " + std::to_string(done.requests) +
    " requests, " + std::to_string(done.bytes_sent) + " bytes sent, " +
    std::to_string(done.bytes_received) + " received, " + std::to_string(done.duration_ms) + " ms");
  if (status.quarantined != 0)
    talk(std::to_string(status.quarantined) +
         " writes were refused for good; see `syncline outbox list`");
  if (status.conflicts_open != 0)
    talk(std::to_string(status.conflicts_open) +
         " conflicts wait for a decision; see `syncline conflicts list`");
}

result<sync_report> sync_with_progress(runtime& open, const sync_flags& flags) {
  sync_options how;
  how.attempts_max = flags.attempts;
  progress bar{"syncing"};
  if (!bar.is_shown())
    return open.sync_now(how);
  auto running = std::async(std::launch::async, [&] { return open.sync_now(how); });
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
  const auto status = (*open)->status();
  if (!status)
    return close_store(**open, report(status.error()));
  if (flags.as_json)
    print_json(report_json(*done, *status));
  else
    print_report(*done, *status);
  int code = exit_ok;
  if (!done->success)
    code = report(done->error);
  else if (status->conflicts_open != 0)
    code = exit_conflicts_left;
  return close_store(**open, code);
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
  command->callback([flags, &chosen] { chosen.run = [flags] { return sync(*flags); }; });
}

} // namespace syncline::app
