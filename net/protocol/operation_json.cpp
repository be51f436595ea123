#include "net/protocol/operation_json.hpp"

#include "core/data/json.hpp"
#include "net/protocol/item_json.hpp"

#include <utility>

namespace syncline::net {

namespace {

using core::fail;
using core::json_kind;
using core::json_value;
using core::ot::operation;

// Half of the unit that the four digits of a `\uXXXX` name.
enum class half { none, first, second };

half half_at(std::string_view text, std::size_t at) {
  const auto is = [&](std::size_t index, std::string_view those) {
    return at + index < text.size() && those.find(text[at + index]) != std::string_view::npos;
  };
  if (!is(0, "\\") || !is(1, "u") || !is(2, "dD"))
    return half::none;
  if (is(3, "89abAB"))
    return half::first;
  return is(3, "cdefCDEF") ? half::second : half::none;
}

// Whether an escaped half stands without the other one. JSON that is otherwise broken may be said
// to have one: it is refused in any case.
bool has_lone_surrogate(std::string_view text) {
  constexpr std::size_t escape_length = 6;
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    switch (half_at(text, at)) {
    case half::none:
      at += 2; // A backslash may be escaped itself.
      break;
    case half::first:
      if (half_at(text, at + escape_length) != half::second)
        return true;
      at += 2 * escape_length;
      break;
    case half::second:
      return true;
    }
  }
  return false;
}

core::expected<std::uint32_t> read_length(const json_value& component) {
  const auto* length = component.find("length");
  if (length == nullptr)
    return fail("bad_component", "a retain or delete has no `length`");
  if (length->kind() != json_kind::integer || length->as_integer() < 0 ||
      length->as_integer() > core::ot::length_max)
    return fail("bad_length",
                "a `length` is a whole number of UTF-16 code units from 0 to 2^30, not " +
                  core::to_text(*length).substr(0, 40));
  return static_cast<std::uint32_t>(length->as_integer());
}

core::expected<void> add_component(const json_value& component, operation& out) {
  const auto* type = component.find("type");
  if (type == nullptr || type->kind() != json_kind::string)
    return fail("bad_component", "a component is an object with a `type`");
  if (component.find("attributes") != nullptr)
    return fail("unsupported", "`attributes` are not supported: texts here are plain");
  const auto& what = type->as_string();
  if (what == "insert") {
    const auto* text = component.find("text");
    if (text == nullptr || text->kind() != json_kind::string)
      return fail("bad_component", "an insert has no `text`");
    out.insert(text->as_string());
    return {};
  }
  if (what != "retain" && what != "delete")
    return fail("unknown_type", "a component is of type retain, insert or delete, not '" +
                                  what.substr(0, 40) + "'");
  const auto length = read_length(component);
  if (!length)
    return length.error();
  if (out.base_length() + *length > core::ot::length_max)
    return fail("bad_length", "the lengths of an operation add up to more than 2^30");
  if (what == "retain")
    out.retain(*length);
  else
    out.remove(*length);
  return {};
}

// Calls `add_length(type, length)` or `add_text(text)` for each component.
template <class AddLength, class AddText>
void for_each_component(const operation& edit, const AddLength& add_length,
                        const AddText& add_text) {
  std::string_view text = edit.text();
  for (const auto& each : edit.components()) {
    if (each.what == core::ot::step::insert)
      add_text(text.substr(0, each.bytes));
    else
      add_length(each.what == core::ot::step::retain ? "retain" : "delete", each.length);
    text.remove_prefix(each.bytes);
  }
}

} // namespace

core::expected<json_value> parse_with_operations(std::string_view text, std::size_t bytes_max) {
  auto parsed = core::parse_json(text, {.bytes_max = bytes_max});
  if (parsed || parsed.error().code == "too_large")
    return parsed;
  if (parsed.error().code == "number_out_of_range")
    return fail("bad_length", "a number does not fit: " + parsed.error().message);
  if (parsed.error().code == "bad_json" && has_lone_surrogate(text))
    return fail("lone_surrogate", "a string has half of a surrogate pair, which is no character");
  return fail("bad_message", "this is no JSON: " + parsed.error().message);
}

core::expected<operation> read_operation(const json_value& value) {
  if (value.kind() != json_kind::array)
    return fail("not_an_array", "an operation is a list of components");
  operation made;
  for (const auto& component : value.items())
    if (auto added = add_component(component, made); !added)
      return added.error();
  if (auto good = core::ot::check_lengths(made.base_length(), made.target_length()); !good)
    return good.error();
  return made;
}

json_value operation_json(const operation& edit) {
  json_value::array_type components;
  for_each_component(
    edit,
    [&](const char* type, std::uint32_t length) {
      components.push_back(json_value::object(
        {{"type", json_value::string(type)}, {"length", json_value::integer(length)}}));
    },
    [&](std::string_view text) {
      components.push_back(json_value::object(
        {{"type", json_value::string("insert")}, {"text", json_value::string(std::string{text})}}));
    });
  return json_value::array(std::move(components));
}

void append_operation_json(std::string& out, const operation& edit) {
  out += '[';
  const auto begin = out.size();
  const auto next = [&](const char* type, const char* value) {
    if (out.size() != begin)
      out += ',';
    ((out += R"({"type":")") += type) += value;
  };
  for_each_component(
    edit,
    [&](const char* type, std::uint32_t length) {
      next(type, R"(","length":)");
      append_number(out, std::uint64_t{length});
      out += '}';
    },
    [&](std::string_view text) {
      next("insert", R"(","text":)");
      core::append_json_string(out, text);
      out += '}';
    });
  out += ']';
}

} // namespace syncline::net
