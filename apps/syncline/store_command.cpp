// `syncline store`: the files of a store, of a client or of a server.

#include "content_hash.hpp"
#include "open_store.hpp"
#include "syncline/store_tools.hpp"

#include <filesystem>

namespace syncline::app {

namespace {

struct file_flags {
  std::string store;
  std::string copy;
  bool with_content = false;
  bool as_json = false;
};

json to_json(const store_check& done) {
  return {{"records", done.records},
          {"bytes", done.bytes},
          {"pagesUsed", done.pages_used},
          {"pagesFree", done.pages_free}};
}

std::string to_line(const store_check& done) {
  return std::to_string(done.records) + " records, " + std::to_string(done.bytes) + " bytes, " +
         std::to_string(done.pages_used) + " pages used, " + std::to_string(done.pages_free) +
         " free";
}

int check(const file_flags& flags) {
  const auto done = check_store(flags.store);
  if (!done)
    return report(done.error());
  if (flags.as_json)
    print_json(to_json(*done));
  else
    print_line("ok: " + to_line(*done));
  return exit_ok;
}

// What the user sees of each collection: items and a digest of their content.
result<json> content_of(const std::string& directory) {
  store_flags flags;
  flags.store = directory;
  const auto open = open_store(flags, access::read);
  if (!open)
    return open.error();
  const auto status = (*open)->status();
  const auto view = (*open)->take_snapshot();
  if (!status || !view)
    return !status ? status.error() : view.error();
  json all = json::object();
  for (const auto& collection : status->collections) {
    content_hash hash;
    std::uint64_t items = 0;
    const auto listed = view->list(collection.name, {}, [&](const item_view& one) {
      ++items;
      hash.add(one.id, one.body);
      return true;
    });
    if (!listed)
      return listed.error();
    all[collection.name] = {{"items", items}, {"sha256", hash.finish()}};
  }
  return all;
}

void print_stat(const store_stat& stat) {
  print_line(stat.kind + " store, " + (stat.is_clean ? "closed in order" : "open or not closed") +
             ", " + std::to_string(stat.file_bytes) + " bytes on disk, " +
             std::to_string(stat.used_bytes) + " used, transaction " +
             std::to_string(stat.last_transaction));
  for (const auto& [name, records] : stat.tables)
    print_line("  " + name + ": " + std::to_string(records));
}

int stat(const file_flags& flags) {
  const auto found = stat_store(flags.store);
  if (!found)
    return report(found.error());
  json content = json::object();
  if (flags.with_content) {
    if (found->kind != "client")
      return report({"usage", "--content reads what a device shows; this is the store of a server, "
                              "whose content is read with GET /delta"});
    auto read = content_of(flags.store);
    if (!read)
      return report(read.error());
    content = std::move(*read);
  }
  if (flags.as_json) {
    json tables = json::object();
    for (const auto& [name, records] : found->tables)
      tables[name] = records;
    print_json({{"kind", found->kind},
                {"clean", found->is_clean},
                {"fileBytes", found->file_bytes},
                {"usedBytes", found->used_bytes},
                {"lastTransaction", found->last_transaction},
                {"tables", tables},
                {"content", content}});
    return exit_ok;
  }
  print_stat(*found);
  for (const auto& [name, one] : content.items())
    print_line("collection " + name + ": " + one["items"].dump() + " items, sha256 " +
               one["sha256"].get<std::string>());
  return exit_ok;
}

int backup(const file_flags& flags) {
  const auto done = backup_store(flags.store, flags.copy);
  if (!done)
    return report(done.error());
  if (flags.as_json)
    print_json(to_json(*done));
  else
    print_line("copied and checked: " + to_line(*done));
  return exit_ok;
}

int compact(const file_flags& flags) {
  const auto won = compact_store(flags.store);
  if (!won)
    return report(won.error());
  if (flags.as_json)
    print_json({{"bytesBefore", won->bytes_before}, {"bytesAfter", won->bytes_after}});
  else
    print_line(std::to_string(won->bytes_before) + " bytes before, " +
               std::to_string(won->bytes_after) + " after");
  return exit_ok;
}

} // namespace

void add_store(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<file_flags>();
  auto* store = app.add_subcommand("store", "The files of a device's or a server's store");
  store->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*run)(const file_flags&)) {
    auto* command = store->add_subcommand(name, text);
    command->add_option("directory", flags->store)->required();
    command->add_flag("--json", flags->as_json, "Prints the result as JSON");
    command->callback([=, &chosen] { chosen.run = [=] { return run(*flags); }; });
    return command;
  };
  add("check", "Reads all of it and verifies every checksum", check);
  add("stat", "Prints its size and how many records it has", stat)
    ->add_flag("--content", flags->with_content,
               "Reads a device's items too, and prints a digest of each collection");
  add("backup", "Copies it to another directory, also while it is in use, and checks the copy",
      backup)
    ->add_option("copy", flags->copy, "A directory that holds no store yet")
    ->required();
  add("compact", "Rewrites it without free pages", compact);
}

} // namespace syncline::app
