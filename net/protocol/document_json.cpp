// /document/<id> in JSON.

#include "core/data/json.hpp"
#include "core/ensure.hpp"
#include "net/protocol/document_message.hpp"
#include "net/protocol/item_json.hpp"
#include "net/protocol/operation_json.hpp"

#include <charconv>
#include <optional>

namespace syncline::net {

namespace {

namespace ot = core::ot;
using core::fail;
using core::json_kind;
using core::json_value;

// --- Reading. Each takes a member, if it is there, and says whether it is what it should be.

bool take(const json_value& from, std::string_view name, std::uint64_t& out) {
  const auto* found = from.find(name);
  if (!found || found->is_null())
    return true;
  if (found->kind() != json_kind::integer || found->as_integer() < 0)
    return false;
  out = static_cast<std::uint64_t>(found->as_integer());
  return true;
}

bool take(const json_value& from, std::string_view name, std::optional<std::uint64_t>& out) {
  const auto* found = from.find(name);
  return !found || found->is_null() || take(from, name, out.emplace());
}

bool take(const json_value& from, std::string_view name, std::string& out) {
  const auto* found = from.find(name);
  if (!found || found->is_null())
    return true;
  if (found->kind() != json_kind::string || !is_document_name(found->as_string()))
    return false;
  out = found->as_string();
  return true;
}

// 64 bits as hexadecimal digits, since JSON readers lose digits of large numbers.
bool take_hex(const json_value& from, std::string_view name, std::uint64_t& out) {
  const auto* found = from.find(name);
  if (!found || found->is_null())
    return true;
  if (found->kind() != json_kind::string)
    return false;
  const auto& digits = found->as_string();
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, out, 16);
  return read.ec == std::errc{} && read.ptr == end;
}

refused_message bad(std::string why) {
  return {{}, fail("bad_message", std::move(why))};
}

document_message read_join(const json_value& from) {
  ot::document_room::join_message made;
  auto& request = made.request;
  bool good = take(from, "client", request.client) && take(from, "revision", request.revision) &&
              take(from, "epoch", made.epoch) && take_hex(from, "start", request.start) &&
              take(from, "attempt", made.attempt);
  if (const auto* pending = from.find("pending"); pending && !pending->is_null()) {
    auto& named = request.pending.emplace();
    named.client = request.client;
    good = good && pending->is_object() && take(*pending, "seq", named.seq) &&
           take_hex(*pending, "nonce", named.nonce);
  }
  if (!good)
    return bad("a join has client, revision, epoch, start, pending {seq, nonce} and attempt");
  return made;
}

document_message read_edit(const json_value& from) {
  submitted_operation made;
  const bool good =
    take(from, "client", made.author.client) && take(from, "seq", made.author.seq) &&
    take_hex(from, "nonce", made.author.nonce) && take(from, "revision", made.revision);
  const auto* operations = from.find("operations");
  if (!good || !operations || !from.find("revision"))
    return refused_message{made.author, fail("bad_message", "an operation has operations and the "
                                                            "revision that was read last; client, "
                                                            "seq and nonce name it")};
  auto edit = read_operation(*operations);
  if (!edit)
    return refused_message{made.author, edit.error()};
  made.edit = std::move(*edit);
  return made;
}

document_message read_presence(const json_value& from) {
  ot::presence made;
  bool good = take(from, "client", made.client) && take(from, "revision", made.revision) &&
              take(from, "name", made.name) && take(from, "colour", made.colour);
  if (const auto* selection = from.find("selection"); selection && !selection->is_null()) {
    auto& where = made.selected.emplace();
    good = good && selection->is_object() && take(*selection, "anchor", where.anchor) &&
           take(*selection, "head", where.head);
  }
  if (!good)
    return bad("presence has client, revision, selection {anchor, head} or null, name and colour");
  return made;
}

// --- Writing

void add_name(std::string& out, std::string_view name) {
  (((out += out.size() > 1 ? "," : "") += '"') += name) += "\":";
}
void add(std::string& out, std::string_view name, std::uint64_t value) {
  add_name(out, name);
  append_number(out, value);
}
void add(std::string& out, std::string_view name, std::string_view value) {
  add_name(out, name);
  core::append_json_string(out, value);
}
void add_hex(std::string& out, std::string_view name, std::uint64_t value) {
  add_name(out, name);
  append_hex64(out, value);
}
void add_attempt(std::string& out, const std::optional<std::uint64_t>& attempt) {
  if (attempt)
    add(out, "attempt", *attempt);
}
void add_author(std::string& out, const ot::operation_identity& author) {
  if (!author.client.empty())
    add(out, "client", author.client);
  if (author.seq != 0)
    add(out, "seq", author.seq);
  if (author.nonce != 0)
    add_hex(out, "nonce", author.nonce);
}

struct json_writer {
  const ot::document_room& room;
  std::string out = "{";

  void operator()(const ot::say::snapshot& each) {
    add(out, "type", "snapshot");
    add(out, "text", each.whole.text);
    add(out, "revision", each.whole.revision);
    add(out, "epoch", room.epoch());
    add_hex(out, "start", each.start);
    add(out, "seq", each.whole.seq);
    if (!each.whole.pending.empty())
      add(out, "pending", each.whole.pending);
    add_attempt(out, each.attempt);
  }
  void operator()(const ot::say::joined& each) {
    add(out, "type", "joined");
    add(out, "revision", each.revision);
    add(out, "epoch", room.epoch());
    add_hex(out, "start", each.start);
    add_attempt(out, each.attempt);
  }
  void operator()(const ot::say::edit& each) {
    const auto& logged = room.document().logged(each.revision);
    add(out, "type", "operation");
    add_name(out, "operations");
    append_operation_json(out, logged.edit);
    add(out, "revision", each.revision);
    add_author(out, logged.author);
    add_hex(out, "start", logged.start);
  }
  void operator()(const ot::say::ack& each) {
    add(out, "type", "ack");
    add(out, "revision", each.revision);
    if (each.author.seq != 0)
      add(out, "seq", each.author.seq);
    if (each.author.nonce != 0)
      add_hex(out, "nonce", each.author.nonce);
    add_hex(out, "start", each.start);
  }
  void operator()(const ot::say::nack& each) {
    add(out, "type", "nack");
    add_author(out, {{}, each.seq, each.nonce});
    add(out, "code", each.why.code);
    add(out, "message", each.why.message);
    if (each.retry_after_ms > 0)
      add(out, "retryAfter", static_cast<std::uint64_t>(each.retry_after_ms));
  }
  void operator()(const ot::say::resync& each) {
    add(out, "type", "resync");
    add(out, "reason", each.reason);
    add_attempt(out, each.attempt);
  }
  void operator()(const ot::say::whole_insert& each) {
    ot::operation insert;
    insert.insert(each.text);
    add(out, "type", "operation");
    add_name(out, "operations");
    append_operation_json(out, insert);
    add(out, "revision", each.revision);
  }
  void operator()(const ot::say::close&) {
    core::ensure(false, "the end of a connection is no message");
  }
  void operator()(const ot::presence& each) {
    add(out, "type", "presence");
    add(out, "client", each.client);
    add(out, "revision", each.revision);
    add_name(out, "selection");
    if (!each.selected) {
      out += "null";
      return;
    }
    out += "{\"anchor\":";
    append_number(out, each.selected->anchor);
    out += ",\"head\":";
    append_number(out, each.selected->head);
    out += '}';
    if (!each.name.empty())
      add(out, "name", each.name);
    if (!each.colour.empty())
      add(out, "colour", each.colour);
  }
};

} // namespace

document_message read_document_json(std::string_view text) {
  const auto parsed = parse_with_operations(text, document_message_bytes_max);
  if (!parsed)
    return refused_message{{}, parsed.error()};
  const auto* type = parsed->find("type");
  if (!type || type->kind() != json_kind::string)
    return bad("a message is a JSON object with a type");
  if (type->as_string() == "join")
    return read_join(*parsed);
  if (type->as_string() == "operation")
    return read_edit(*parsed);
  if (type->as_string() == "presence")
    return read_presence(*parsed);
  return unknown_message{};
}

std::string document_text_json(std::string_view text, std::uint64_t revision,
                               std::string_view epoch) {
  std::string out = "{";
  add(out, "text", text);
  add(out, "revision", revision);
  add(out, "epoch", epoch);
  out += '}';
  return out;
}

std::string document_json(const ot::said& what, const ot::document_room& room) {
  json_writer writer{room};
  std::visit(writer, what);
  writer.out += '}';
  return std::move(writer.out);
}

} // namespace syncline::net
