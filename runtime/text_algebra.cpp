#include "syncline/text_algebra.hpp"

#include "core/data/json.hpp"
#include "core/ot/server_document.hpp"
#include "core/ot/text.hpp"
#include "core/ot/transform.hpp"
#include "core/ot/utf16.hpp"
#include "net/protocol/operation_json.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace syncline {

namespace {

namespace ot = core::ot;
using core::expected;
using core::fail;
using core::json_kind;
using core::json_value;

/// Members of an answer, but for the id.
using answer = json_value::object_type;

constexpr std::size_t line_bytes_max = std::size_t{256} << 20U;

core::error missing(const char* name, const char* what) {
  return fail("bad_message", std::string{"the request has no `"} + name + "`, " + what);
}

expected<ot::operation> operation_of(const json_value& request, const char* name) {
  const auto* value = request.find(name);
  if (value == nullptr)
    return missing(name, "an operation");
  return net::read_operation(*value);
}

expected<std::string> text_of(const json_value& request, const char* name) {
  const auto* value = request.find(name);
  if (value == nullptr || value->kind() != json_kind::string)
    return missing(name, "a text");
  return value->as_string();
}

expected<std::uint64_t> number_of(const json_value& request, const char* name) {
  const auto* value = request.find(name);
  if (value == nullptr || value->kind() != json_kind::integer || value->as_integer() < 0)
    return missing(name, "a number from 0");
  return static_cast<std::uint64_t>(value->as_integer());
}

json_value number(std::uint64_t value) {
  return json_value::unsigned_integer(value);
}

/// Two operations for one text: where one leaves out its last retain, the other says how long the
/// text is.
expected<std::pair<ot::operation, ot::operation>> both_of(const json_value& request) {
  auto a = operation_of(request, "a");
  if (!a)
    return a.error();
  auto b = operation_of(request, "b");
  if (!b)
    return b.error();
  return std::pair{std::move(*a), std::move(*b)};
}

expected<answer> do_transform(const json_value& request) {
  auto both = both_of(request);
  if (!both)
    return both.error();
  auto& [a, b] = *both;
  const auto length = std::max(a.base_length(), b.base_length());
  for (auto* each : {&a, &b})
    if (auto whole = ot::complete(*each, length); !whole)
      return whole.error();
  const auto* tie = request.find("tie");
  if (tie != nullptr && *tie != json_value::string("a") && *tie != json_value::string("b"))
    return fail("bad_message", "`tie` is \"a\" or \"b\"");
  const bool b_first = tie != nullptr && tie->as_string() == "b";
  ot::operation a_prime;
  ot::operation b_prime;
  if (auto done = transform(a, b, b_first ? ot::tie::b : ot::tie::a, a_prime, b_prime); !done)
    return done.error();
  return answer{{"a_prime", net::operation_json(a_prime)},
                {"b_prime", net::operation_json(b_prime)}};
}

expected<answer> do_compose(const json_value& request) {
  auto both = both_of(request);
  if (!both)
    return both.error();
  auto& [a, b] = *both;
  const auto more = b.base_length() - std::min(b.base_length(), a.target_length());
  if (auto whole = ot::complete(a, a.base_length() + more); !whole)
    return whole.error();
  if (auto whole = ot::complete(b, a.target_length()); !whole)
    return whole.error();
  ot::operation composed;
  if (auto done = compose(a, b, composed); !done)
    return done.error();
  return answer{{"composed", net::operation_json(composed)}};
}

/// `doc`, and `a` made whole for it.
expected<std::pair<ot::text, ot::operation>> edit_of(const json_value& request) {
  auto doc = text_of(request, "doc");
  if (!doc)
    return doc.error();
  auto a = operation_of(request, "a");
  if (!a)
    return a.error();
  ot::text text{*doc};
  if (auto whole = ot::complete(*a, text.length()); !whole)
    return whole.error();
  return std::pair{std::move(text), std::move(*a)};
}

expected<answer> do_apply(const json_value& request) {
  auto edit = edit_of(request);
  if (!edit)
    return edit.error();
  if (auto done = edit->first.apply(edit->second); !done)
    return done.error();
  return answer{{"result", json_value::string(edit->first.to_string())}};
}

expected<answer> do_invert(const json_value& request) {
  auto edit = edit_of(request);
  if (!edit)
    return edit.error();
  auto inverse = edit->first.invert(edit->second);
  if (!inverse)
    return inverse.error();
  return answer{{"inverse", net::operation_json(*inverse)}};
}

expected<answer> do_normalize(const json_value& request) {
  auto a = operation_of(request, "a");
  if (!a)
    return a.error();
  const auto length = number_of(request, "base_length");
  if (!length)
    return length.error();
  if (*length > ot::length_max)
    return fail("bad_length", "no text is longer than 2^30 UTF-16 code units");
  if (auto whole = ot::complete(*a, *length); !whole)
    return whole.error();
  return answer{{"normalized", net::operation_json(*a)}};
}

expected<answer> do_cursor(const json_value& request) {
  const auto a = operation_of(request, "a");
  if (!a)
    return a.error();
  const auto position = number_of(request, "position");
  if (!position)
    return position.error();
  const auto* bias = request.find("bias");
  if (bias != nullptr && *bias != json_value::string("left") &&
      *bias != json_value::string("right"))
    return fail("bad_message", "`bias` is \"left\" or \"right\"");
  const bool right = bias != nullptr && bias->as_string() == "right";
  return answer{{"position", number(transform_position(*a, *position,
                                                       right ? ot::bias::right : ot::bias::left))}};
}

/// One submission into the document; its places in the two lists.
expected<void> replay_one(const json_value& submission, ot::server_document& document,
                          json_value::array_type& committed, json_value::array_type& acks) {
  const auto client = text_of(submission, "client");
  if (!client)
    return client.error();
  const auto seq = number_of(submission, "seq");
  const auto revision = number_of(submission, "revision");
  auto edit = operation_of(submission, "operations");
  if (!seq || !revision || !edit)
    return !seq ? seq.error() : !revision ? revision.error() : edit.error();
  auto done = document.submit({*client, *seq, 0}, *revision, std::move(*edit));
  if (const auto* refused = std::get_if<core::error>(&done))
    return *refused;
  if (const auto* known = std::get_if<ot::server_document::repeated>(&done)) {
    committed.push_back(json_value::null());
    acks.push_back(number(known->revision));
    return {};
  }
  document.committed(document.revision());
  committed.push_back(net::operation_json(document.logged(document.revision()).edit));
  acks.push_back(number(document.revision()));
  return {};
}

expected<answer> do_replay(const json_value& request) {
  const auto doc = text_of(request, "doc");
  if (!doc)
    return doc.error();
  const auto* submissions = request.find("submissions");
  if (submissions == nullptr || submissions->kind() != json_kind::array)
    return missing("submissions", "a list");
  ot::stored_document stored;
  stored.text = *doc;
  ot::server_document document{std::move(stored), 1, {}};
  json_value::array_type committed;
  json_value::array_type acks;
  for (const auto& each : submissions->items())
    if (auto done = replay_one(each, document, committed, acks); !done)
      return done.error();
  return answer{{"committed", json_value::array(std::move(committed))},
                {"acks", json_value::array(std::move(acks))},
                {"result", json_value::string(document.head_text().to_string())}};
}

expected<answer> answer_to(const json_value& request) {
  using handler = expected<answer> (*)(const json_value&);
  constexpr std::array<std::pair<std::string_view, handler>, 7> handlers{
    {{"transform", do_transform},
     {"apply", do_apply},
     {"compose", do_compose},
     {"invert", do_invert},
     {"normalize", do_normalize},
     {"cursor", do_cursor},
     {"replay", do_replay}}};
  const auto op = text_of(request, "op");
  if (!op)
    return op.error();
  for (const auto& [name, handle] : handlers)
    if (name == *op)
      return handle(request);
  return fail("bad_message", "`op` is transform, apply, compose, invert, normalize, cursor or "
                             "replay, not '" +
                               op->substr(0, 40) + "'");
}

} // namespace

std::string answer_about_texts(std::string_view json_line) {
  const auto request = net::parse_with_operations(json_line, line_bytes_max);
  auto made = request ? answer_to(*request) : expected<answer>{request.error()};
  if (!made)
    made = answer{{"error", json_value::string(made.error().code)},
                  {"message", json_value::string(made.error().message)}};
  if (const auto* id = request ? request->find("id") : nullptr)
    made->insert(made->begin(), {"id", *id});
  return to_text(json_value::object(std::move(*made)));
}

} // namespace syncline
