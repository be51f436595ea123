// `syncline put`, `get`, `rm`, `ls`: items of the local store.

#include "open_store.hpp"

#include <charconv>
#include <iostream>
#include <iterator>
#include <limits>

namespace syncline::app {

namespace {

struct item_flags : store_flags {
  std::string collection;
  std::string id;
  std::string body;
  bool is_patch = false;
  bool is_new = false;
  std::vector<std::string> increments;
  std::string after;
  std::uint64_t limit = 1000;
};

result<field_increment> parse_increment(const std::string& text) {
  const error wrong{"usage", "--increment takes FIELD=NUMBER, as in views=1, not '" + text + "'"};
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return wrong;
  const char* first = text.data() + equals + 1;
  const char* last = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto read = std::from_chars(first, last, whole);
      read.ec == std::errc{} && read.ptr == last)
    return field_increment{text.substr(0, equals), whole};
  double real = 0;
  if (const auto read = std::from_chars(first, last, real);
      read.ec == std::errc{} && read.ptr == last)
    return field_increment{text.substr(0, equals), real};
  return wrong;
}

result<operation> make_write(const item_flags& flags) {
  std::string body = flags.body;
  if (body == "-" || (body.empty() && flags.increments.empty()))
    body.assign(std::istreambuf_iterator<char>{std::cin}, {});
  const bool patches = flags.is_patch || !flags.increments.empty();
  if (flags.is_new && patches)
    return error{"usage", "--create makes a whole item; leave out --patch and --increment"};
  auto made = operation::put(flags.collection, flags.id, std::move(body));
  if (flags.is_new)
    made.kind = operation_kind::create;
  if (patches)
    made.kind = made.body.empty() ? operation_kind::increment : operation_kind::patch;
  for (const auto& text : flags.increments) {
    auto one = parse_increment(text);
    if (!one)
      return one.error();
    made.increments.push_back(std::move(*one));
  }
  return made;
}

int write(const item_flags& flags, operation what) {
  const auto open = open_store(flags, access::write_or_create, {flags.collection});
  if (!open)
    return report(open.error());
  const auto written = (*open)->write({std::move(what)});
  if (!written)
    return report(written.error());
  if (flags.as_json)
    print_json(
      {{"collection", flags.collection}, {"id", flags.id}, {"seq", written->front().seq()}});
  return close_store(**open, exit_ok);
}

int put(const item_flags& flags) {
  auto made = make_write(flags);
  if (!made)
    return report(made.error());
  return write(flags, std::move(*made));
}

int get(const item_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  const auto found = (*open)->get(flags.collection, flags.id);
  if (!found)
    return report(found.error());
  if (!*found) {
    talk("syncline: " + flags.collection + " has no item '" + flags.id +
         "' in this store; `syncline ls " + flags.collection + "` lists what it has [not_found]");
    return exit_failed;
  }
  const auto& one = **found;
  if (flags.as_json)
    print_json({{"collection", flags.collection},
                {"id", one.id},
                {"body", parse_body(one.body)},
                {"version", one.version},
                {"lastModified", one.last_modified_ms},
                {"state", to_string(one.state)}});
  else
    print_line(one.body);
  return exit_ok;
}

int list_items(const runtime& open, const item_flags& flags) {
  const auto view = open.take_snapshot();
  if (!view)
    return report(view.error());
  const std::uint64_t limit =
    flags.limit == 0 ? std::numeric_limits<std::uint64_t>::max() : flags.limit;
  std::uint64_t shown = 0;
  bool more = false;
  const auto listed = view->list(flags.collection, flags.after, [&](const item_view& one) {
    if (shown == limit) {
      more = true;
      return false;
    }
    ++shown;
    if (flags.as_json)
      print_json({{"id", one.id},
                  {"body", parse_body(std::string{one.body})},
                  {"version", one.version},
                  {"state", to_string(one.state)}});
    else
      print_line(std::string{one.id} + "\t" + std::string{to_string(one.state)} + "\t" +
                 std::string{one.body});
    return !output_failed();
  });
  if (!listed)
    return report(listed.error());
  if (more)
    talk("the first " + std::to_string(shown) + " items; see --after and --limit");
  return exit_ok;
}

int list(const item_flags& flags) {
  const auto open = open_store(flags, access::read);
  if (!open)
    return report(open.error());
  if (!flags.collection.empty())
    return list_items(**open, flags);
  const auto status = (*open)->status();
  if (!status)
    return report(status.error());
  for (const auto& one : status->collections)
    if (flags.as_json)
      print_json({{"collection", one.name}});
    else
      print_line(one.name);
  return exit_ok;
}

} // namespace

void add_items(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<item_flags>();
  const auto add = [&](const char* name, const char* text, int (*run)(const item_flags&)) {
    auto* command = app.add_subcommand(name, text);
    add_store_flags(*command, *flags);
    command->callback([=, &chosen] { chosen.run = [=] { return run(*flags); }; });
    return command;
  };
  auto* put_command = add("put", "Writes an item: a whole one, a merge patch, or increments", put);
  put_command->add_option("collection", flags->collection)->required();
  put_command->add_option("id", flags->id)->required();
  put_command->add_option("body", flags->body, "One JSON object; absent or -: from stdin");
  put_command->add_flag("--patch", flags->is_patch, "The body is a merge patch (RFC 7396)");
  put_command->add_flag("--create", flags->is_new, "Fails where the item exists");
  put_command->add_option("--increment", flags->increments, "FIELD=NUMBER, added to the field");

  auto* get_command = add("get", "Prints an item", get);
  get_command->add_option("collection", flags->collection)->required();
  get_command->add_option("id", flags->id)->required();

  auto* remove_command = add("rm", "Removes an item", [](const item_flags& given) {
    return write(given, operation::remove(given.collection, given.id));
  });
  remove_command->add_option("collection", flags->collection)->required();
  remove_command->add_option("id", flags->id)->required();

  auto* list_command =
    add("ls", "Lists the collections, or a collection's items: id, state, body", list);
  list_command->add_option("collection", flags->collection);
  list_command->add_option("--after", flags->after, "Only ids above this one");
  list_command->add_option("--limit", flags->limit, "Items at most; 0: all")->capture_default_str();
}

} // namespace syncline::app
