#include "core/data/merge_patch.hpp"

#include "core/data/json.hpp"

#include <utility>
#include <vector>

namespace syncline::core {

namespace {

expected<json_value> parse_object(std::string_view text, const char* what) {
  auto parsed = parse_json(text);
  if (!parsed)
    return fail(parsed.error().code, std::string{what} + ": " + parsed.error().message);
  if (!parsed->is_object())
    return fail("not_an_object", std::string{what} + " is not one JSON object; wrap it in one");
  return parsed;
}

expected<std::string> text_within_limits(const json_value& value, const char* what) {
  std::string text = to_text(value);
  const std::size_t bytes_max = json_limits{}.bytes_max;
  if (text.size() > bytes_max)
    return fail("too_large", std::string{what} + " would have " + std::to_string(text.size()) +
                               " bytes, more than the " + std::to_string(bytes_max) +
                               " of a body; store less in it");
  return text;
}

void drop_marked(json_value::object_type& members, const std::vector<bool>& marked) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i < marked.size() && marked[i])
      continue;
    if (kept != i)
      members[kept] = std::move(members[i]);
    ++kept;
  }
  members.resize(kept);
}

// Whether an object in it, reached through objects alone, has a null: a patch cannot say so.
bool needs_a_null(const json_value& value) {
  if (!value.is_object())
    return value.is_null();
  for (const auto& [name, member] : value.members())
    if (needs_a_null(member))
      return true;
  return false;
}

std::optional<json_value> make_patch_of_objects(const json_value& from, const json_value& to) {
  const member_index in_from{from.members()};
  const member_index in_to{to.members()};
  json_value::object_type patch;
  for (const auto& [name, old_value] : from.members())
    if (in_to.find(name) == nullptr)
      patch.emplace_back(name, json_value::null());
  for (const auto& [name, new_value] : to.members()) {
    const json_value* old_value = in_from.find(name);
    if (old_value != nullptr && *old_value == new_value)
      continue;
    if (old_value != nullptr && old_value->is_object() && new_value.is_object()) {
      auto inner = make_patch_of_objects(*old_value, new_value);
      if (!inner)
        return std::nullopt;
      patch.emplace_back(name, *std::move(inner));
      continue;
    }
    if (needs_a_null(new_value))
      return std::nullopt;
    patch.emplace_back(name, new_value);
  }
  return json_value::object(std::move(patch));
}

/// Composes two patches member by member; remembers the path at which that failed.
class composition {
public:
  // Whether `first` now has the effect of both.
  [[nodiscard]] bool add(json_value& first, const json_value& second) {
    json_value::object_type& members = first.members();
    const member_index index{members};
    for (const auto& [name, value] : second.members()) {
      const auto at = index.position(name);
      if (!at)
        members.emplace_back(name, value);
      else if (!value.is_object())
        members[*at].second = value;
      else if (!members[*at].second.is_object() || !add(members[*at].second, value)) {
        path_ = path_.empty() ? name : name + "." + path_;
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

private:
  std::string path_;
};

} // namespace

json_value apply_merge_patch(json_value target, const json_value& patch) {
  if (!patch.is_object())
    return patch;
  if (!target.is_object())
    target = json_value::object();
  json_value::object_type& members = target.members();
  const member_index index{members};
  std::vector<bool> removed(members.size());
  bool any_removed = false;
  for (const auto& [name, value] : patch.members()) {
    const auto at = index.position(name);
    if (value.is_null()) {
      if (at)
        removed[*at] = any_removed = true;
    } else if (at) {
      members[*at].second = apply_merge_patch(std::move(members[*at].second), value);
    } else {
      members.emplace_back(name, apply_merge_patch(json_value{}, value));
    }
  }
  if (any_removed)
    drop_marked(members, removed);
  return target;
}

expected<std::string> apply_merge_patch(std::string_view body, std::string_view patch) {
  auto target = parse_object(body, "the body");
  if (!target)
    return target.error();
  const auto change = parse_object(patch, "the patch");
  if (!change)
    return change.error();
  return text_within_limits(apply_merge_patch(*std::move(target), *change), "the patched body");
}

std::optional<json_value> make_merge_patch(const json_value& from, const json_value& to) {
  if (from.is_object() && to.is_object())
    return make_patch_of_objects(from, to);
  if (to.is_object() && needs_a_null(to))
    return std::nullopt;
  return to;
}

expected<std::string> compose_merge_patches(std::string_view first, std::string_view second) {
  auto both = parse_object(first, "the first patch");
  if (!both)
    return both.error();
  const auto later = parse_object(second, "the second patch");
  if (!later)
    return later.error();
  composition composed;
  if (!composed.add(*both, *later))
    return fail("not_composable", "the first patch removes or replaces the field '" +
                                    composed.path() +
                                    "' and the second merges into it, which "
                                    "no single merge patch can say; keep the two apart");
  return text_within_limits(*both, "the composed patch");
}

} // namespace syncline::core
