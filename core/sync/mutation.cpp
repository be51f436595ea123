#include "core/sync/mutation.hpp"

#include "core/data/ids.hpp"
#include "core/data/increments.hpp"
#include "core/data/json.hpp"
#include "core/data/merge_patch.hpp"

#include <bit>
#include <cstring>

namespace syncline::core {

namespace {

void add_number(std::string& out, std::uint64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void add_text(std::string& out, std::string_view text) {
  add_number(out, text.size());
  out.append(text);
}

void add_optional(std::string& out, bool present, std::string_view text) {
  out.push_back(present ? '\1' : '\0');
  if (present)
    add_text(out, text);
}

bool has_absolute_part(const msg::Mutation& mutation) {
  return mutation.has_body() || mutation.has_patch();
}

expected<std::optional<std::string>> checked_size(std::string body) {
  if (const json_limits limits; body.size() > limits.bytes_max)
    return fail("too_large", "the item's body would have " + std::to_string(body.size()) +
                               " bytes, the limit is " + std::to_string(limits.bytes_max) +
                               "; split the item or store less in it");
  return std::optional{std::move(body)};
}

} // namespace

std::string payload_bytes(const msg::Mutation& mutation) {
  std::string out;
  out.reserve(160 + mutation.body().size() + mutation.patch().size());
  add_number(out, static_cast<std::uint64_t>(mutation.kind()));
  add_text(out, mutation.collection());
  add_text(out, mutation.id());
  add_optional(out, mutation.has_body(), mutation.body());
  add_optional(out, mutation.has_patch(), mutation.patch());
  add_number(out, static_cast<std::uint64_t>(mutation.increments_size()));
  for (const auto& increment : mutation.increments()) {
    add_text(out, increment.field());
    add_number(out, static_cast<std::uint64_t>(increment.amount_case()));
    add_number(out, increment.has_real() ? std::bit_cast<std::uint64_t>(increment.real())
                                         : static_cast<std::uint64_t>(increment.integer()));
  }
  add_number(out, mutation.nonce());
  add_number(out, mutation.base().start());
  add_number(out, mutation.base().seq());
  add_number(out, static_cast<std::uint64_t>(mutation.client_time().wall_ms()));
  add_number(out, mutation.client_time().counter());
  add_number(out, mutation.group());
  add_number(out, mutation.group_size());
  return out;
}

bool is_increments_only(const msg::Mutation& mutation) {
  return mutation.kind() == msg::UPDATE && !has_absolute_part(mutation);
}

expected<std::optional<std::string>> apply_without_increments(std::optional<std::string_view> body,
                                                              const msg::Mutation& mutation) {
  if (mutation.kind() == msg::DELETE)
    return std::optional<std::string>{};
  if (mutation.has_body())
    return checked_size(mutation.body());
  if (!mutation.has_patch())
    return body ? std::optional{std::string{*body}} : std::optional<std::string>{};
  auto patched = apply_merge_patch(body.value_or("{}"), mutation.patch());
  if (!patched)
    return patched.error();
  return checked_size(std::move(*patched));
}

expected<std::optional<std::string>> apply_mutation(std::optional<std::string_view> body,
                                                    const msg::Mutation& mutation) {
  if (mutation.kind() == msg::SKIP)
    return body ? std::optional{std::string{*body}} : std::optional<std::string>{};
  auto absolute = apply_without_increments(body, mutation);
  if (!absolute || mutation.increments().empty())
    return absolute;
  const std::string& start = *absolute ? **absolute : std::string{"{}"};
  auto sum = apply_increments(start, mutation.increments());
  if (!sum)
    return sum.error();
  return checked_size(std::move(*sum));
}

expected<void> validate_mutation(const msg::Mutation& mutation) {
  if (auto valid = validate_collection(mutation.collection()); !valid)
    return valid;
  if (auto valid = validate_item_id(mutation.id()); !valid)
    return valid;
  const auto bad = [&](const char* why) {
    return fail("bad_mutation", "the mutation of '" + mutation.id() + "' " + why);
  };
  switch (mutation.kind()) {
  case msg::CREATE:
    if (!mutation.has_body() || mutation.has_patch() || !mutation.increments().empty())
      return bad("creates an item: it needs a body, and neither patch nor increments");
    return validate_body(mutation.body());
  case msg::UPDATE:
    if (mutation.has_body() && mutation.has_patch())
      return bad("has both a body and a patch; give one of them");
    if (!has_absolute_part(mutation) && mutation.increments().empty())
      return bad("changes nothing: give a body, a patch or increments");
    for (const auto& increment : mutation.increments())
      if (increment.amount_case() == msg::Increment::AMOUNT_NOT_SET)
        return bad("has an increment without an amount");
    if (mutation.has_body())
      return validate_body(mutation.body());
    return mutation.has_patch() ? validate_patch(mutation.patch()) : expected<void>{};
  case msg::DELETE:
    if (has_absolute_part(mutation) || !mutation.increments().empty())
      return bad("deletes an item: it takes neither body, patch nor increments");
    return {};
  case msg::SKIP:
    return {};
  default:
    return bad("has no known kind; use CREATE, UPDATE or DELETE");
  }
}

namespace {

expected<coalesced> fold_into_body(msg::Mutation& into, const msg::Mutation& next) {
  auto first = apply_mutation(std::nullopt, into);
  if (!first)
    return first.error();
  auto both = apply_mutation(**first, next);
  if (!both)
    return both.error();
  into.set_body(std::move(**both));
  into.clear_increments();
  return coalesced::merged;
}

// Whether one body or patch can say both; `into` then has it.
bool fold_patch(msg::Mutation& into, const msg::Mutation& next) {
  if (into.has_body()) {
    auto patched = apply_merge_patch(into.body(), next.patch());
    if (patched)
      into.set_body(std::move(*patched));
    return patched.has_value();
  }
  if (!into.has_patch()) {
    into.set_patch(next.patch());
    return true;
  }
  auto composed = compose_merge_patches(into.patch(), next.patch());
  if (composed)
    into.set_patch(std::move(*composed));
  return composed.has_value();
}

expected<coalesced> fold_updates(msg::Mutation& into, const msg::Mutation& next) {
  if (next.has_body()) {
    into.clear_patch();
    into.set_body(next.body());
    *into.mutable_increments() = next.increments();
    return coalesced::merged;
  }
  // The order was body or patch, increments, patch, increments: what the second patch sets or
  // removes makes the first increments of that field void. The others stay increments, also beside
  // a body: should the body lose a conflict, they are still owed.
  auto increments = into.increments();
  if (next.has_patch()) {
    auto patch = parse_json(next.patch());
    if (!patch)
      return patch.error();
    drop_increments_touched_by(increments, *patch);
    if (!fold_patch(into, next))
      return coalesced::separate; // Not composable or too large as one; as two they are legal.
  }
  if (auto added = add_increments(increments, next.increments()); !added)
    return coalesced::separate; // The sum overflows: two mutations can still say it.
  *into.mutable_increments() = std::move(increments);
  return coalesced::merged;
}

} // namespace

expected<coalesced> coalesce(msg::Mutation& into, const msg::Mutation& next) {
  if (into.group() != 0 || next.group() != 0 || into.kind() == msg::SKIP)
    return coalesced::separate;
  msg::Mutation merged = into;
  *merged.mutable_client_time() = next.client_time();
  expected<coalesced> outcome = coalesced::merged;
  if (next.kind() == msg::DELETE) {
    if (into.kind() == msg::CREATE)
      return coalesced::cancelled;
    merged.set_kind(msg::DELETE);
    merged.clear_body();
    merged.clear_patch();
    merged.clear_increments();
  } else if (next.kind() == msg::CREATE) {
    merged.set_kind(into.kind() == msg::DELETE ? msg::UPDATE : msg::CREATE);
    merged.clear_patch();
    merged.clear_increments();
    merged.set_body(next.body());
  } else if (into.kind() == msg::CREATE) {
    outcome = fold_into_body(merged, next);
  } else if (into.kind() == msg::UPDATE) {
    outcome = fold_updates(merged, next);
  } else {
    return coalesced::separate; // An update behind a deletion: its own answer will say what it is.
  }
  if (!outcome || *outcome != coalesced::merged)
    return outcome;
  // A copy of the store may send the same increments, and the base would not tell: it moves on for
  // them. What is no mere increment any more needs a name of its own.
  if (is_increments_only(into) && !is_increments_only(merged) && next.nonce() != 0)
    merged.set_nonce(next.nonce());
  into = std::move(merged);
  return outcome;
}

} // namespace syncline::core
