// `syncline watch`: prints each change of the store, syncing meanwhile.

#include "end_signals.hpp"
#include "open_store.hpp"

#include <unistd.h>

#include <csignal>
#include <optional>

namespace syncline::app {

namespace {

struct watch_flags : store_flags {
  std::vector<std::string> collections;
  std::int64_t after = -1;
  std::uint64_t count = 0;
  bool beside = false;
};

void print_change(const watch_flags& flags, const runtime& open, const change& one) {
  if (one.resync) {
    if (flags.as_json)
      print_json({{"seq", one.seq}, {"resync", true}});
    else
      print_line(std::to_string(one.seq) + "\tresync\tolder changes are no longer kept");
    return;
  }
  const auto found = open.get(one.collection, one.id);
  const std::string body = found && *found ? (*found)->body : std::string{};
  if (flags.as_json)
    print_json({{"seq", one.seq},
                {"collection", one.collection},
                {"id", one.id},
                {"remote", one.remote},
                {"exists", one.exists},
                {"body", parse_body(body)}});
  else
    print_line(std::to_string(one.seq) + "\t" + (one.remote ? "remote" : "local") + "\t" +
               (one.exists ? "changed" : "removed") + "\t" + one.collection + "/" + one.id +
               (body.empty() ? "" : "\t" + body));
}

// Says to this process that the store has changed; several of it are one.
constexpr int news_signal = SIGUSR2;

/// Until there may be something new; true once the command is to end.
bool wait_for_news(const watch_flags& flags, const end_signals& signals) {
  constexpr std::int64_t look_every_ms = 100;
  // Nobody tells a reader of what another process writes.
  return flags.beside ? signals.wait_for(look_every_ms) : signals.wait() != news_signal;
}

int print_changes(const watch_flags& flags, const runtime& open, std::uint64_t after,
                  const end_signals& signals) {
  std::uint64_t printed = 0;
  while (true) {
    const auto page = open.changes(after);
    if (!page)
      return report(page.error());
    for (const auto& one : page->changes) {
      print_change(flags, open, one);
      if (flags.count != 0 && ++printed == flags.count)
        return exit_ok;
    }
    after = page->next;
    if (output_failed())
      return exit_ok; // Who read it has gone.
    if (!page->more && wait_for_news(flags, signals))
      return exit_ok;
  }
}

int watch(watch_flags flags) {
  const end_signals signals{flags.beside ? SIGTERM : news_signal};
  flags.runs_jobs = !flags.beside;
  const auto open =
    open_store(flags, flags.beside ? access::read : access::write_or_create, flags.collections);
  if (!open)
    return report(open.error());
  const auto status = (*open)->status();
  if (!status)
    return report(status.error());
  std::optional<subscription> news;
  if (!flags.beside) {
    auto told = (*open)->on_change([](const change&) { ::kill(::getpid(), news_signal); });
    if (!told)
      return report(told.error());
    news.emplace(std::move(*told));
  }
  if (!flags.beside && !status->server.empty())
    if (const auto started = (*open)->start(); !started)
      return report(started.error());
  const std::uint64_t after =
    flags.after >= 0 ? static_cast<std::uint64_t>(flags.after) : status->head_seq;
  return close_store(**open, print_changes(flags, **open, after, signals));
}

} // namespace

void add_watch(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<watch_flags>();
  auto* command =
    app.add_subcommand("watch", "Syncs in the background and prints each change, until Ctrl-C");
  add_store_flags(*command, *flags);
  add_sync_flags(*command, *flags);
  command->add_option("--collection", flags->collections,
                      "A collection to sync besides those that the store has");
  command->add_option("--after", flags->after, "Begins with the changes after this number");
  command->add_option("--count", flags->count, "Ends after that many changes; 0: never");
  command->add_flag("--beside", flags->beside,
                    "Only looks, while another process has the store open");
  command->callback([flags, &chosen] { chosen.run = [flags] { return watch(*flags); }; });
}

} // namespace syncline::app
