#include "core/data/three_way_merge.hpp"

#include "core/data/json.hpp"

#include <utility>

namespace syncline::core {

namespace {

// A side's value of one field; null where the side has no such field.
using side = const json_value*;

bool same(side left, side right) {
  if (left == nullptr || right == nullptr)
    return left == right;
  return *left == *right;
}

/// Merges trees and collects the paths of the fields that clash.
class merger {
public:
  merger(bool has_base, prefer_side prefer) : has_base_{has_base}, prefer_{prefer} {}

  // `base` is null where the common ancestor had no object here: all members are additions then.
  [[nodiscard]] json_value objects(side base, const json_value& mine, const json_value& theirs) {
    static const json_value::object_type none;
    const bool base_is_object = base != nullptr && base->is_object();
    const member_index in_base{base_is_object ? base->members() : none};
    const member_index in_mine{mine.members()};
    const member_index in_theirs{theirs.members()};
    json_value::object_type merged;
    for (const auto& [name, value] : theirs.members())
      add_field(merged, name, in_base.find(name), in_mine.find(name), &value);
    for (const auto& [name, value] : mine.members())
      if (in_theirs.find(name) == nullptr)
        add_field(merged, name, in_base.find(name), &value, nullptr);
    return json_value::object(std::move(merged));
  }

  [[nodiscard]] std::vector<std::string> take_clashes() {
    return std::move(clashes_);
  }

private:
  void add_field(json_value::object_type& merged, const std::string& name, side base, side mine,
                 side theirs) {
    const std::size_t parent_length = path_.size();
    if (parent_length > 0)
      path_ += '.';
    path_ += name;
    if (both_objects(mine, theirs) && !same(mine, theirs))
      merged.emplace_back(name, objects(base, *mine, *theirs));
    else if (const side winner = choose(base, mine, theirs))
      merged.emplace_back(name, *winner);
    path_.resize(parent_length);
  }

  static bool both_objects(side mine, side theirs) {
    return mine != nullptr && theirs != nullptr && mine->is_object() && theirs->is_object();
  }

  [[nodiscard]] side choose(side base, side mine, side theirs) {
    if (same(mine, theirs))
      return theirs;
    if (!has_base_ && (mine == nullptr || theirs == nullptr))
      return mine == nullptr ? theirs : mine;
    if (has_base_ && same(base, mine))
      return theirs;
    if (has_base_ && same(base, theirs))
      return mine;
    clashes_.push_back(path_);
    return prefer_ == prefer_side::server ? theirs : mine;
  }

  bool has_base_;
  prefer_side prefer_;
  std::string path_;
  std::vector<std::string> clashes_;
};

expected<json_value> parse_side(std::string_view text, const char* what) {
  auto parsed = parse_json(text);
  if (!parsed)
    return fail(parsed.error().code,
                std::string{what} + " of the merge: " + parsed.error().message);
  if (!parsed->is_object())
    return fail("not_an_object", std::string{what} + " of the merge is not one JSON object; "
                                                     "resolve the conflict by hand");
  return parsed;
}

} // namespace

expected<merge_outcome> merge_three_way(std::optional<std::string_view> base, std::string_view mine,
                                        std::string_view theirs, prefer_side prefer) {
  const auto my_tree = parse_side(mine, "my side");
  if (!my_tree)
    return my_tree.error();
  const auto their_tree = parse_side(theirs, "the server's side");
  if (!their_tree)
    return their_tree.error();
  std::optional<json_value> base_tree;
  if (base) {
    auto parsed = parse_side(*base, "the base");
    if (!parsed)
      return parsed.error();
    base_tree = *std::move(parsed);
  }
  // Nothing of mine to bring in: the bytes stay as they are, numbers' spelling included.
  if (*my_tree == *their_tree || (base_tree && *my_tree == *base_tree))
    return merge_outcome{std::string{theirs}, {}};
  merger merge{base_tree.has_value(), prefer};
  merge_outcome outcome;
  outcome.body = to_text(merge.objects(base_tree ? &*base_tree : nullptr, *my_tree, *their_tree));
  outcome.clashing_fields = merge.take_clashes();
  if (outcome.body.size() > json_limits{}.bytes_max)
    return fail("too_large", "the merged body would have " + std::to_string(outcome.body.size()) +
                               " bytes, more than a body may have; resolve the conflict by hand");
  return outcome;
}

} // namespace syncline::core
