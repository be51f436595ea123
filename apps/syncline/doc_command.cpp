// `syncline doc`: texts that several people type in.

#include "end_signals.hpp"
#include "open_store.hpp"
#include "text_editor.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <thread>

namespace syncline::app {

namespace {

struct doc_flags : store_flags {
  std::string id;
  std::string after;
  std::uint64_t limit = 1000;
  std::optional<std::uint64_t> at;
  std::uint64_t remove = 0;
  std::string insert;
  std::string append;
  std::string from;
  std::string name;
  std::uint64_t count = 0;
  std::int64_t timeout_ms = 10'000;
  bool bytes = false;
  bool syncs = false;
  bool again = false;
};

document_options options_of(const doc_flags& flags) {
  return {flags.bytes ? text_units::utf8 : text_units::utf16, flags.again};
}

int list(const doc_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto listed = (*open)->documents(flags.after, flags.limit);
  if (!listed)
    return report(listed.error());
  for (const auto& one : *listed)
    if (flags.as_json)
      print_json({{"id", one.id},
                  {"revision", one.revision},
                  {"pending", one.pending},
                  {"changedAt", one.changed_ms}});
    else
      print_line(one.id + "\t" + std::to_string(one.revision) + "\t" +
                 (one.pending ? "pending" : "synced") + "\t" + time_text(one.changed_ms));
  return exit_ok;
}

int show_text(const doc_flags& flags, const std::string& text, const char* state) {
  if (flags.as_json)
    print_json({{"id", flags.id}, {"text", text}, {"state", state}});
  else
    std::cout << text << std::flush;
  return exit_ok;
}

int cat_stored(const doc_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto found = (*open)->stored_text(flags.id);
  if (!found)
    return report(found.error());
  if (*found)
    return show_text(flags, **found, "stored");
  talk("syncline: this store has no text '" + flags.id +
       "'; `syncline doc cat --sync` asks the server for it [not_found]");
  return exit_failed;
}

/// Opens the store and the text, and syncs where that was asked for.
struct open_text {
  std::unique_ptr<runtime> store;
  std::optional<document> text;

  [[nodiscard]] static result<open_text> open(const doc_flags& flags) {
    auto store = open_store(flags, access::write_or_create);
    if (!store)
      return store.error();
    open_text made{std::move(*store), {}};
    if (flags.syncs)
      if (const auto started = made.store->start(); !started)
        return started.error();
    auto text = made.store->document(flags.id, options_of(flags));
    if (!text)
      return text.error();
    made.text.emplace(std::move(*text));
    return made;
  }
  /// What is at the server comes here, and what was typed here goes there.
  [[nodiscard]] result<void> settle(const doc_flags& flags) {
    if (!flags.syncs)
      return {};
    auto settled = text->settle(std::chrono::milliseconds{flags.timeout_ms});
    if (settled || settled.error().code != "timeout")
      return settled;
    const auto status = text->status();
    return error{"timeout", "the server did not answer in time" +
                              (status && !status->last_error.code.empty()
                                 ? " (" + status->last_error.message + ")"
                                 : std::string{}) +
                              "; what was typed here is kept, and sent by the next sync"};
  }
};

int cat(const doc_flags& flags) {
  if (!flags.syncs)
    return cat_stored(flags);
  auto open = open_text::open(flags);
  if (!open)
    return report(open.error());
  const auto settled = open->settle(flags);
  const auto text = open->text->text();
  if (!text)
    return close_store(*open->store, report(text.error()));
  const int shown = show_text(flags, text->text, settled ? "synced" : "stored");
  return close_store(*open->store, settled ? shown : report(settled.error()));
}

result<std::string> read_new_text(const doc_flags& flags, const std::string& old) {
  if (flags.from == "-")
    return std::string{std::istreambuf_iterator<char>{std::cin}, {}};
  if (flags.from.empty())
    return edit_in_editor(old);
  std::error_code ignored;
  std::ifstream file{flags.from, std::ios::binary};
  if (!file || std::filesystem::is_directory(flags.from, ignored))
    return error{"not_found", "the file " + flags.from + " cannot be read"};
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

result<void> do_edit(const doc_flags& flags, document& text) {
  const auto before = text.text();
  if (!before)
    return before.error();
  const auto done = [](const result<edit_result>& edited) {
    return edited ? result<void>{} : result<void>{edited.error()};
  };
  if (flags.at)
    return done(text.edit(text_edit::replace(*flags.at, flags.remove, flags.insert)));
  if (!flags.append.empty())
    return done(text.set_text(before->text + flags.append, *before));
  const auto after = read_new_text(flags, before->text);
  if (!after)
    return after.error();
  auto edited = done(text.set_text(*after, *before));
  if (!edited && flags.from.empty()) // Nobody is to type it again.
    if (const auto kept = keep_for_user(*after); !kept.empty())
      talk("syncline: what you wrote is kept in " + kept);
  return edited;
}

int edit(const doc_flags& flags) {
  if (!flags.at && (flags.remove != 0 || !flags.insert.empty()))
    return report({"usage", "--insert and --remove need --at, the place; see --append, --from"});
  auto open = open_text::open(flags);
  if (!open)
    return report(open.error());
  // Whoever edits the whole text wants to see what others have written.
  const bool is_whole = !flags.at && flags.append.empty();
  auto settled = is_whole ? open->settle(flags) : result<void>{};
  if (!settled)
    talk("syncline: " + settled.error().message + "; editing what is here");
  if (const auto edited = do_edit(flags, *open->text); !edited)
    return close_store(*open->store, report(edited.error()));
  settled = open->settle(flags);
  const auto status = open->text->status();
  if (flags.as_json && status)
    print_json({{"id", flags.id},
                {"revision", status->revision},
                {"synchronized", status->synchronized},
                {"units", status->units},
                {"bytes", status->bytes}});
  return close_store(*open->store, settled ? int{exit_ok} : report(settled.error()));
}

int remove(const doc_flags& flags) {
  const auto open = open_store(flags, access::write);
  if (!open)
    return report(open.error());
  const auto removed = (*open)->remove_document(flags.id);
  if (!removed)
    return close_store(**open, report(removed.error()));
  if (flags.syncs)
    if (const auto report_of_sync = (*open)->sync_now(); !report_of_sync)
      return close_store(**open, report(report_of_sync.error()));
  return close_store(**open, exit_ok);
}

json step_json(const text_step& step) {
  if (step.what == text_step::kind::insert)
    return {{"type", "insert"}, {"text", step.text}};
  return {{"type", step.what == text_step::kind::retain ? "retain" : "delete"},
          {"length", step.length}};
}

void print_change(const doc_flags& flags, const text_change& one) {
  if (flags.as_json) {
    auto steps = json::array();
    for (const auto& step : one.edit.steps)
      steps.push_back(step_json(step));
    return print_json({{"version", one.version},
                       {"author", one.author},
                       {"reset", one.reset},
                       {"operations", steps}});
  }
  std::string line = one.author.substr(0, 8);
  std::uint64_t at = 0;
  for (const auto& step : one.edit.steps) {
    if (step.what == text_step::kind::insert)
      line += "\tat " + std::to_string(at) + " +" + json(step.text).dump();
    else if (step.what == text_step::kind::remove)
      line += "\tat " + std::to_string(at) + " -" + std::to_string(step.length);
    at += step.what == text_step::kind::insert ? 0 : step.length;
  }
  print_line(one.reset ? line + "\tanother text" : line);
}

void print_carets(const doc_flags& flags, const std::vector<text_caret>& carets) {
  if (flags.as_json) {
    auto all = json::array();
    for (const auto& one : carets)
      all.push_back({{"client", one.client},
                     {"anchor", one.at.anchor},
                     {"head", one.at.head},
                     {"name", one.name},
                     {"colour", one.colour}});
    return print_json({{"carets", all}});
  }
  std::string line = "carets";
  for (const auto& one : carets)
    line += "\t" + json(one.name.empty() ? one.client.substr(0, 8) : one.name).dump() + " at " +
            std::to_string(one.at.head); // Others choose their names.
  print_line(line);
}

// Callbacks come on a thread of the runtime's, which may print; the count ends it by a signal.
constexpr int news_signal = SIGUSR2;

int watch(doc_flags flags) {
  flags.syncs = true;
  const end_signals signals{news_signal};
  auto open = open_text::open(flags);
  if (!open)
    return report(open.error());
  std::uint64_t printed = 0;
  const auto changed = open->text->on_remote([&](const text_change& one) {
    if (flags.count != 0 && printed >= flags.count)
      return;
    print_change(flags, one);
    if (++printed == flags.count || output_failed())
      ::kill(::getpid(), news_signal);
  });
  if (!changed)
    return close_store(*open->store, report(changed.error()));
  const auto moved = open->text->on_presence(
    [&](const std::vector<text_caret>& carets) { print_carets(flags, carets); });
  if (!moved)
    return close_store(*open->store, report(moved.error()));
  signals.wait();
  return close_store(*open->store, exit_ok);
}

} // namespace

void add_doc(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<doc_flags>();
  auto* doc = app.add_subcommand("doc", "Texts that several people type in at once");
  doc->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, auto run) {
    auto* command = doc->add_subcommand(name, text);
    add_store_flags(*command, *flags);
    command->callback([=, &chosen] { chosen.run = [=] { return run(*flags); }; });
    return command;
  };
  const auto add_text = [&](CLI::App* command) {
    command->add_option("id", flags->id, "Of the text, as in notes/monday")->required();
    return command;
  };
  const auto add_sync = [&](CLI::App* command, const char* text) {
    add_sync_flags(*command, *flags);
    command->add_flag("--sync", flags->syncs, text);
    command->add_option("--timeout", flags->timeout_ms, "How long to wait for the server")
      ->transform(duration())
      ->default_str("10s");
  };
  auto* listed = add("ls", "Lists the texts: id, revision, whether anything waits", list);
  listed->add_option("--after", flags->after, "Only ids above this one");
  listed->add_option("--limit", flags->limit, "Texts at most")->capture_default_str();
  add_sync(add_text(add("cat", "Prints a text", cat)), "Asks the server first");
  auto* edited =
    add_text(add("edit", "Edits a text: in $VISUAL or $EDITOR, from a file, or at a place", edit));
  add_sync(edited, "Waits until the server has it");
  auto* at = edited->add_option("--at", flags->at, "The place; counted in UTF-16 code units");
  edited->add_option("--remove", flags->remove, "So much behind the place goes");
  edited->add_option("--insert", flags->insert, "And this comes");
  edited->add_flag("--bytes", flags->bytes, "Counts in bytes of UTF-8 instead");
  auto* append =
    edited->add_option("--append", flags->append, "This comes at the end")->excludes(at);
  edited->add_option("--from", flags->from, "The text becomes that of a file, or of stdin (-)")
    ->excludes(at)
    ->excludes(append);
  edited->add_flag("--create-again", flags->again, "Where somebody else has deleted it");
  auto* removed = add_text(add("rm", "Deletes a text, for everybody", remove));
  add_sync_flags(*removed, *flags);
  removed->add_flag("--sync", flags->syncs, "Tells the server now");
  auto* watched =
    add_text(add("watch", "Prints what others type, and where they are, until Ctrl-C", watch));
  add_sync_flags(*watched, *flags);
  watched->add_option("--count", flags->count, "Ends after that many changes; 0: never");
}

} // namespace syncline::app
