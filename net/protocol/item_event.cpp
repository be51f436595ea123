#include "net/protocol/item_event.hpp"

#include "core/data/json.hpp"
#include "net/protocol/batch_operation.hpp"
#include "net/protocol/delta_json.hpp"
#include "net/protocol/item_json.hpp"

#include <array>

namespace syncline::net {

namespace {

using core::json_value;

struct event_name {
  std::string_view websocket;
  std::string_view sse; // never `error`, which EventSource keeps for itself
  std::string_view operation;
};
constexpr event_name created{"item_created", "item-created", "CREATE"};
constexpr event_name updated{"item_updated", "item-updated", "UPDATE"};
constexpr event_name deleted{"item_deleted", "item-deleted", "DELETE"};

std::string data_of(const msg::Item& item) {
  std::string data;
  if (item.deleted()) {
    data += "{\"id\":";
    core::append_json_string(data, item.id());
    data.push_back('}');
  } else {
    append_item_json(data, item);
  }
  return data;
}

// A body keeps its white space, and an event ends at an empty line: each line gets its field.
void append_data_lines(std::string& out, std::string_view data) {
  while (true) {
    const auto end = data.find_first_of("\r\n");
    out += "data: ";
    out += data.substr(0, end);
    out.push_back('\n');
    if (end == std::string_view::npos)
      return;
    data.remove_prefix(end + 1);
  }
}

std::string sse_text(const event_name& name, const std::string& data, const std::string& cursor) {
  std::string out = "event: ";
  out += name.sse;
  out.push_back('\n');
  append_data_lines(out, data);
  if (!cursor.empty())
    out += "id: " + cursor + "\n";
  out.push_back('\n');
  return out;
}

std::string websocket_text(const event_name& name, const std::string& data,
                           const std::string& cursor) {
  std::string out = "{\"type\":\"";
  out += name.websocket;
  out += "\",\"data\":" + data;
  if (!cursor.empty()) {
    out += ",\"cursor\":";
    core::append_json_string(out, cursor);
  }
  out.push_back('}');
  return out;
}

core::error bad_message(std::string why) {
  return core::fail("bad_message", std::move(why));
}

} // namespace

std::vector<std::string> item_events(const msg::DeltaPage& page, std::uint64_t cursor_seq,
                                     std::uint64_t walk_end_seq, event_form form) {
  std::vector<std::pair<const event_name*, const msg::Item*>> changes;
  for (const auto& tombstone : page.deleted())
    if (is_known_tombstone(tombstone, cursor_seq, walk_end_seq))
      changes.emplace_back(&deleted, &tombstone);
  for (const auto& item : page.items())
    changes.emplace_back(is_created(page, item, cursor_seq) ? &created : &updated, &item);
  std::vector<std::string> events;
  events.reserve(changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const std::string cursor = i + 1 == changes.size() ? page.next_cursor() : std::string{};
    const auto data = data_of(*changes[i].second);
    events.push_back(form == event_form::sse ? sse_text(*changes[i].first, data, cursor)
                                             : websocket_text(*changes[i].first, data, cursor));
  }
  return events;
}

core::expected<msg::Mutation> parse_item_write(std::string_view text, std::string_view collection,
                                               std::string& id, const batch_json_limits& limits) {
  constexpr std::size_t depth_around_item = 1;
  constexpr std::size_t bytes_around_item = 4096;
  auto root = core::parse_json(
    text, {limits.item.bytes_max + bytes_around_item, limits.item.depth_max + depth_around_item});
  if (!root)
    return root.error().code == "too_large" ? root.error() : bad_message(root.error().message);
  const auto* type = root->find("type");
  auto* data = root->find("data");
  if (type == nullptr || type->kind() != core::json_kind::string || data == nullptr ||
      !data->is_object())
    return bad_message("a message is {\"type\":\"item_created\"|\"item_updated\"|\"item_deleted\","
                       "\"data\":{\"id\":…}}");
  const event_name* name = nullptr;
  for (const auto* each : {&created, &updated, &deleted})
    if (type->as_string() == each->websocket)
      name = each;
  if (name == nullptr)
    return bad_message("'" + type->as_string() + "' is no type of message that is taken here");
  auto operation = json_value::object();
  operation.set("operation", json_value::string(std::string{name->operation}));
  if (const auto* found = data->find("id"); found != nullptr) {
    if (found->kind() == core::json_kind::string)
      id = found->as_string();
    operation.set("id", *found);
  }
  if (name == &deleted) {
    if (const auto* version = data->find("version"))
      operation.set("version", *version);
  } else {
    operation.set("data", std::move(*data));
  }
  operation_draft draft;
  if (auto read = read_operation(operation, false, limits, draft); !read)
    return read.error();
  draft.mutation.set_collection(std::string{collection});
  return std::move(draft.mutation);
}

std::string write_answer_json(std::string_view id, const msg::MutationResult& result) {
  if (result.status() != msg::SYNCED) {
    core::error error{result.error().code(), result.error().message()};
    if (result.status() == msg::CONFLICT)
      error = {"conflict", "the item is at version " +
                             std::to_string(result.server_item().version()) + " by now"};
    else if (result.status() == msg::DELETE_CONFLICT)
      error = {"delete_conflict",
               result.server_item().id().empty() || result.server_item().deleted()
                 ? "the item is not there"
                 : "the item has changed since"};
    return write_error_json(id, error);
  }
  std::string out = "{\"type\":\"ack\",\"data\":{\"id\":";
  core::append_json_string(out, id);
  out += ",\"version\":";
  append_number(out, std::uint64_t{result.version()});
  out += ",\"lastModified\":";
  append_number(out, std::int64_t{result.last_modified_ms()});
  out += "}}";
  return out;
}

std::string write_error_json(std::string_view id, const core::error& error) {
  std::string out = "{\"type\":\"error\",\"data\":{\"id\":";
  core::append_json_string(out, id);
  out += ",\"code\":";
  core::append_json_string(out, error.code);
  out += ",\"message\":";
  core::append_json_string(out, error.message);
  out += "}}";
  return out;
}

} // namespace syncline::net
