#include "core/ot/edit_path.hpp"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace syncline::core::ot {

namespace {

using numbers = std::span<const std::uint32_t>;

// Cuts the lists in two where a shortest path goes through, found from both of its ends, and
// searches the halves: so it takes no more memory than a path has differences (section 4b of
// Myers' paper).
class path_search {
public:
  explicit path_search(std::ptrdiff_t& effort) : effort_{effort} {}

  std::optional<std::vector<stretch>> find(numbers before, numbers after) {
    search(before, after);
    if (effort_ <= 0)
      return std::nullopt;
    return std::move(path_);
  }

private:
  struct point {
    std::ptrdiff_t x = 0;
    std::ptrdiff_t y = 0;
  };
  static std::ptrdiff_t size(numbers of) {
    return static_cast<std::ptrdiff_t>(of.size());
  }

  void search(numbers before, numbers after) {
    const auto ends = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
    const auto prefix = static_cast<std::size_t>(ends.first - before.begin());
    path_.push_back({0, 0, prefix});
    before = before.subspan(prefix);
    after = after.subspan(prefix);
    const auto tails = std::mismatch(before.rbegin(), before.rend(), after.rbegin(), after.rend());
    const auto suffix = static_cast<std::size_t>(tails.first - before.rbegin());
    before = before.first(before.size() - suffix);
    after = after.first(after.size() - suffix);
    effort_ -= static_cast<std::ptrdiff_t>(prefix + suffix) + 1;
    if (before.empty() || after.empty()) {
      path_.push_back({before.size(), after.size(), 0});
    } else if (const auto middle = find_middle(before, after)) {
      const auto x = static_cast<std::size_t>(middle->x);
      const auto y = static_cast<std::size_t>(middle->y);
      search(before.first(x), after.first(y));
      search(before.subspan(x), after.subspan(y));
    }
    path_.push_back({0, 0, suffix});
  }

  // How far so many differences reach on each diagonal, from one end; -1: nowhere within the lists.
  class front {
  public:
    front(numbers before, numbers after) : width_{size(before)}, height_{size(after)} {}

    [[nodiscard]] std::ptrdiff_t at(std::ptrdiff_t diagonal) const {
      return reach_[index(diagonal)];
    }
    // Takes one difference more; `slide` says how far it is the same from a point.
    template <class Slide>
    std::ptrdiff_t advance(std::ptrdiff_t diagonal, std::ptrdiff_t cost, const Slide& slide) {
      widen(cost);
      const auto left = at(diagonal - 1);
      const auto above = at(diagonal + 1);
      const auto right = left >= 0 && left < width_ ? left + 1 : -1;
      const auto down = above >= 0 && above - diagonal <= height_ ? above : -1;
      const auto x = cost == 0 ? 0 : std::max(right, down);
      return reach_[index(diagonal)] = x < 0 ? -1 : slide(x, x - diagonal);
    }

  private:
    [[nodiscard]] std::size_t index(std::ptrdiff_t diagonal) const {
      return static_cast<std::size_t>(diagonal + static_cast<std::ptrdiff_t>(reach_.size() / 2));
    }
    void widen(std::ptrdiff_t cost) {
      if (static_cast<std::size_t>(2 * cost + 3) <= reach_.size())
        return;
      const auto more = reach_.size() / 2 + 1;
      reach_.insert(reach_.begin(), more, -1);
      reach_.insert(reach_.end(), more, -1);
    }

    std::ptrdiff_t width_;
    std::ptrdiff_t height_;
    std::vector<std::ptrdiff_t> reach_ = {-1, -1, -1}; // the middle one is diagonal 0
  };

  // A point on a shortest path that is neither of its ends; neither list is empty, and they differ
  // in their first parts and in their last. nullopt: the effort is spent.
  std::optional<point> find_middle(numbers before, numbers after) {
    const auto width = size(before);
    const auto height = size(after);
    const auto goal = width - height;
    const auto slide = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
      const auto from = x;
      while (x < width && y < height && at(before, x) == at(after, y))
        ++x, ++y;
      effort_ -= x - from;
      return x;
    };
    const auto slide_back = [&](std::ptrdiff_t x, std::ptrdiff_t y) {
      const auto from = x;
      while (x < width && y < height && at(before, width - 1 - x) == at(after, height - 1 - y))
        ++x, ++y;
      effort_ -= x - from;
      return x;
    };
    front forward{before, after};
    front backward{before, after}; // from the end, and counted from there
    const auto meet = [&](std::ptrdiff_t one, std::ptrdiff_t other) {
      return one >= 0 && other >= 0 && one + other >= width;
    };
    for (std::ptrdiff_t cost = 0; effort_ > 0; ++cost) {
      effort_ -= 2 * cost + 2;
      for (std::ptrdiff_t diagonal = -cost; diagonal <= cost; diagonal += 2) {
        const auto x = forward.advance(diagonal, cost, slide);
        const auto other = goal - diagonal;
        if (goal % 2 != 0 && std::abs(other) < cost && meet(x, backward.at(other)))
          return point{x, x - diagonal};
      }
      for (std::ptrdiff_t diagonal = -cost; diagonal <= cost; diagonal += 2) {
        const auto x = backward.advance(diagonal, cost, slide_back);
        const auto other = goal - diagonal;
        if (goal % 2 == 0 && std::abs(other) <= cost && meet(x, forward.at(other)))
          return point{width - x, height - (x - diagonal)};
      }
    }
    return std::nullopt;
  }

  static std::uint32_t at(numbers list, std::ptrdiff_t index) {
    return list[static_cast<std::size_t>(index)];
  }

  std::vector<stretch> path_;
  std::ptrdiff_t& effort_;
};

// Neighbouring differences become one, and what is kept without a difference goes with the last.
std::vector<stretch> joined(const std::vector<stretch>& path) {
  std::vector<stretch> made(1);
  for (const auto& each : path) {
    if (made.back().kept != 0 && each.removed + each.inserted != 0)
      made.emplace_back();
    made.back().removed += each.removed;
    made.back().inserted += each.inserted;
    made.back().kept += each.kept;
  }
  return made;
}

// The same part in both lists.
struct anchor {
  std::size_t before = 0;
  std::size_t after = 0;
};

// The longest chain that rises in both, by patience sorting.
std::vector<anchor> longest_chain(const std::vector<anchor>& by_before) {
  std::vector<std::size_t> tops; // of each pile
  std::vector<std::optional<std::size_t>> below(by_before.size());
  for (std::size_t i = 0; i < by_before.size(); ++i) {
    const auto pile =
      std::lower_bound(tops.begin(), tops.end(), by_before[i].after,
                       [&](auto top, auto after) { return by_before[top].after < after; });
    if (pile != tops.begin())
      below[i] = *std::prev(pile);
    if (pile == tops.end())
      tops.push_back(i);
    else
      *pile = i;
  }
  std::vector<anchor> chain;
  for (auto at = tops.empty() ? std::nullopt : std::optional{tops.back()}; at; at = below[*at])
    chain.push_back(by_before[*at]);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// Parts that each side has once: what they stand for has hardly been typed twice.
std::vector<anchor> anchors_of(numbers before, numbers after) {
  struct places {
    std::size_t before = 0;
    std::size_t after = 0;
    std::size_t times_before = 0;
    std::size_t times_after = 0;
  };
  std::unordered_map<std::uint32_t, places> seen;
  for (std::size_t i = 0; i < before.size(); ++i) {
    auto& each = seen[before[i]];
    each.before = i;
    ++each.times_before;
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    auto& each = seen[after[i]];
    each.after = i;
    ++each.times_after;
  }
  std::vector<anchor> found;
  for (const auto number : before)
    if (const auto& each = seen[number]; each.times_before == 1 && each.times_after == 1)
      found.push_back({each.before, each.after});
  return longest_chain(found);
}

// Where there are too many differences for the shortest path, it is looked for between anchors.
std::vector<stretch> path_between_anchors(numbers before, numbers after, std::ptrdiff_t& effort) {
  std::vector<stretch> path;
  std::size_t x = 0;
  std::size_t y = 0;
  auto anchors = anchors_of(before, after);
  anchors.push_back({before.size(), after.size()}); // the end
  for (const auto& next : anchors) {
    const auto gone = before.subspan(x, next.before - x);
    const auto made = after.subspan(y, next.after - y);
    if (const auto found = shortest_path(gone, made, effort))
      path.insert(path.end(), found->begin(), found->end());
    else
      path.push_back({gone.size(), made.size(), 0});
    if (next.before < before.size())
      path.push_back({0, 0, 1});
    x = next.before + 1;
    y = next.after + 1;
  }
  return path;
}

} // namespace

std::optional<std::vector<stretch>> shortest_path(numbers before, numbers after,
                                                  std::ptrdiff_t& effort) {
  // What it does not find leaves something for a coarser search.
  auto share = effort / 2;
  effort -= share;
  auto path = path_search{share}.find(before, after);
  effort += std::max<std::ptrdiff_t>(share, 0);
  if (!path)
    return std::nullopt;
  return joined(*path);
}

std::vector<stretch> edit_path(numbers before, numbers after, std::ptrdiff_t& effort) {
  if (auto found = shortest_path(before, after, effort))
    return std::move(*found);
  return joined(path_between_anchors(before, after, effort));
}

} // namespace syncline::core::ot
