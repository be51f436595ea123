// `syncline outbox`: what waits to be sent, and what was refused.

#include "describe.hpp"
#include "open_store.hpp"

#include <iostream>
#include <iterator>
#include <limits>

namespace syncline::app {

namespace {

struct outbox_flags : store_flags {
  std::uint64_t seq = 0;
  std::uint64_t limit = 1000;
  std::string body;
  bool is_patch = false;
};

int list(const outbox_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto entries = (*open)->outbox(flags.limit);
  if (!entries)
    return report(entries.error());
  for (const auto& one : *entries)
    if (flags.as_json)
      print_json(to_json(one));
    else
      print_line(to_line(one));
  return exit_ok;
}

int retry(const outbox_flags& flags) {
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto queued = (*open)->outbox_retry(flags.seq);
  if (!queued)
    return close_store(**open, report(queued.error()));
  if (flags.as_json)
    print_json({{"seq", *queued}});
  else
    print_line("queued again as " + std::to_string(*queued));
  return close_store(**open, exit_ok);
}

int discard(const outbox_flags& flags) {
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto done = (*open)->outbox_discard(flags.seq);
  return close_store(**open, done ? int{exit_ok} : report(done.error()));
}

// The replacement goes to the item that the entry is of.
int edit(const outbox_flags& flags) {
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto entries = (*open)->outbox(std::numeric_limits<std::size_t>::max());
  if (!entries)
    return close_store(**open, report(entries.error()));
  for (const auto& one : *entries) {
    if (one.seq != flags.seq)
      continue;
    std::string body = flags.body;
    if (body.empty() || body == "-")
      body.assign(std::istreambuf_iterator<char>{std::cin}, {});
    auto replacement = flags.is_patch ? operation::patch(one.collection, one.id, std::move(body))
                                      : operation::put(one.collection, one.id, std::move(body));
    const auto queued = (*open)->outbox_edit(flags.seq, std::move(replacement));
    if (!queued)
      return close_store(**open, report(queued.error()));
    print_line("queued as " + std::to_string(*queued));
    return close_store(**open, exit_ok);
  }
  return close_store(**open,
                     report({"not_found", "no entry has the number " + std::to_string(flags.seq) +
                                            "; see `syncline outbox list`"}));
}

} // namespace

void add_outbox(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<outbox_flags>();
  auto* outbox = app.add_subcommand("outbox", "Writes that wait to be sent or were refused");
  outbox->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*run)(const outbox_flags&)) {
    auto* command = outbox->add_subcommand(name, text);
    add_store_flags(*command, *flags);
    command->callback([=, &chosen] { chosen.run = [=] { return run(*flags); }; });
    return command;
  };
  add("list", "Lists them: number, state, kind, item, attempts, last error", list)
    ->add_option("--limit", flags->limit)
    ->capture_default_str();
  add("retry", "Queues a quarantined write again", retry)
    ->add_option("seq", flags->seq, "Its number")
    ->required();
  add("discard", "Drops a quarantined write, or one that was not sent yet", discard)
    ->add_option("seq", flags->seq, "Its number")
    ->required();
  auto* edited = add("edit", "Queues another body in the place of a quarantined write", edit);
  edited->add_option("seq", flags->seq, "Its number")->required();
  edited->add_option("body", flags->body, "One JSON object; absent or -: from stdin");
  edited->add_flag("--patch", flags->is_patch, "The body is a merge patch (RFC 7396)");
}

} // namespace syncline::app
