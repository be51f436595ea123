#include "core/ot/text_diff.hpp"

#include "core/ot/transform.hpp"
#include "core/ot/utf16.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace syncline::core::ot {

namespace {

// A text as a list of parts; equal parts have equal numbers.
struct parts {
  std::vector<std::string_view> texts;
  std::vector<std::uint32_t> numbers;

  [[nodiscard]] std::string_view between(std::size_t from, std::size_t to) const {
    if (from == to)
      return {};
    const auto* begin = texts[from].data();
    const auto& last = texts[to - 1];
    return {begin, static_cast<std::size_t>(last.data() + last.size() - begin)};
  }
};

// One stretch: so many parts of the first are gone, so many of the second new, so many the same.
struct stretch {
  std::size_t removed = 0;
  std::size_t inserted = 0;
  std::size_t kept = 0;
};

// More differences than this are not looked for one by one: the cost is their number times the
// length, and its square in memory.
constexpr std::ptrdiff_t lines_differing_max = 1'000;
constexpr std::ptrdiff_t characters_differing_max = 400;
// Parts compared in one search. Long texts with many differences, all far into the text, end here.
constexpr std::ptrdiff_t comparisons_max = 50'000'000;
// Bytes. Longer stretches are taken apart by words first: a list of their characters would take
// twenty times the memory of the text.
constexpr std::size_t characters_max = std::size_t{1} << 18U;

using numbering = std::unordered_map<std::string_view, std::uint32_t>;

// Each part ends with one of `ends`.
parts split_after(std::string_view ends, std::string_view text, numbering& numbers) {
  parts made;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(ends), text.size() - 1) + 1;
    const auto part = text.substr(0, end);
    made.texts.push_back(part);
    made.numbers.push_back(
      numbers.emplace(part, static_cast<std::uint32_t>(numbers.size())).first->second);
    text.remove_prefix(end);
  }
  return made;
}

parts split_characters(std::string_view text) {
  parts made;
  while (!text.empty()) {
    std::size_t end = 1;
    std::uint32_t number = static_cast<unsigned char>(text[0]);
    for (; end < text.size() && continues(text[end]); ++end)
      number = number << 8U | static_cast<unsigned char>(text[end]);
    made.texts.push_back(text.substr(0, end));
    made.numbers.push_back(number);
    text.remove_prefix(end);
  }
  return made;
}

using numbers = std::span<const std::uint32_t>;

// Myers' greedy algorithm. For each number of differences it keeps how far each diagonal reaches,
// and walks back through that. nullopt: more differences than `most`, or too far between.
class shortest_path {
public:
  shortest_path(numbers before, numbers after) : before_{before}, after_{after} {}

  std::optional<std::vector<stretch>> find(std::ptrdiff_t most) {
    const auto goal = size(before_) - size(after_);
    std::vector<std::ptrdiff_t> reach(static_cast<std::size_t>(2 * most + 3), 0);
    const auto at = [&](std::ptrdiff_t diagonal) -> std::ptrdiff_t& {
      return reach[static_cast<std::size_t>(diagonal + most + 1)];
    };
    for (std::ptrdiff_t cost = 0; cost <= most; ++cost) {
      history_.emplace_back();
      for (std::ptrdiff_t diagonal = -cost; diagonal <= cost; diagonal += 2) {
        const bool down =
          diagonal == -cost || (diagonal != cost && at(diagonal - 1) < at(diagonal + 1));
        auto x = down ? at(diagonal + 1) : at(diagonal - 1) + 1;
        x = slide(x, x - diagonal);
        at(diagonal) = x;
        history_.back().push_back(x);
        if (compared_ > comparisons_max)
          return std::nullopt;
        if (diagonal == goal && x >= size(before_) && x - diagonal >= size(after_))
          return walk_back(cost);
      }
    }
    return std::nullopt;
  }

private:
  static std::ptrdiff_t size(numbers of) {
    return static_cast<std::ptrdiff_t>(of.size());
  }
  std::ptrdiff_t slide(std::ptrdiff_t x, std::ptrdiff_t y) {
    compared_ -= x;
    while (x < size(before_) && y < size(after_) &&
           before_[static_cast<std::size_t>(x)] == after_[static_cast<std::size_t>(y)]) {
      ++x;
      ++y;
    }
    compared_ += x;
    return x;
  }
  // How far `cost` differences reach on a diagonal; below the beginning where they do not lead
  // there.
  [[nodiscard]] std::ptrdiff_t reached(std::ptrdiff_t cost, std::ptrdiff_t diagonal) const {
    if (diagonal < -cost || diagonal > cost)
      return -1;
    return history_[static_cast<std::size_t>(cost)]
                   [static_cast<std::size_t>((diagonal + cost) / 2)];
  }

  [[nodiscard]] std::vector<stretch> walk_back(std::ptrdiff_t cost) const {
    std::vector<stretch> path;
    auto x = size(before_);
    auto y = size(after_);
    for (; cost > 0; --cost) {
      const auto diagonal = x - y;
      const bool down =
        diagonal == -cost ||
        (diagonal != cost && reached(cost - 1, diagonal - 1) < reached(cost - 1, diagonal + 1));
      const auto from_x = reached(cost - 1, down ? diagonal + 1 : diagonal - 1);
      const auto from_y = from_x - (down ? diagonal + 1 : diagonal - 1);
      const auto changed_x = down ? from_x : from_x + 1;
      path.push_back({down ? 0U : 1U, down ? 1U : 0U, static_cast<std::size_t>(x - changed_x)});
      x = from_x;
      y = from_y;
    }
    path.push_back({0, 0, static_cast<std::size_t>(x)});
    std::reverse(path.begin(), path.end());
    return path;
  }

  numbers before_;
  numbers after_;
  std::vector<std::vector<std::ptrdiff_t>> history_;
  std::ptrdiff_t compared_ = 0;
};

// Neighbouring differences become one.
std::vector<stretch> joined(const std::vector<stretch>& path) {
  std::vector<stretch> made(1);
  for (const auto& each : path) {
    if (made.back().kept != 0)
      made.emplace_back();
    made.back().removed += each.removed;
    made.back().inserted += each.inserted;
    made.back().kept += each.kept;
  }
  return made;
}

std::vector<stretch> stretches_of(const parts& before, const parts& after, std::ptrdiff_t most) {
  if (auto found = shortest_path{before.numbers, after.numbers}.find(most))
    return joined(*found);
  return {{before.texts.size(), after.texts.size(), 0}};
}

std::uint32_t units(std::string_view text) {
  return static_cast<std::uint32_t>(utf16_length(text));
}

// Each stretch as its two texts, and what stays behind them.
template <class Visit>
void for_each_change(const parts& before, const parts& after, std::ptrdiff_t most,
                     const Visit& visit) {
  std::size_t x = 0;
  std::size_t y = 0;
  for (const auto& each : stretches_of(before, after, most)) {
    const auto kept_from = x + each.removed;
    visit(before.between(x, kept_from), after.between(y, y + each.inserted),
          before.between(kept_from, kept_from + each.kept));
    x = kept_from + each.kept;
    y += each.inserted + each.kept;
  }
}

void add_by_characters(std::string_view gone, std::string_view made, operation& out) {
  if (gone.empty() || made.empty() || gone.size() + made.size() > characters_max) {
    out.insert(made);
    out.remove(units(gone));
    return;
  }
  for_each_change(split_characters(gone), split_characters(made), characters_differing_max,
                  [&](std::string_view removed, std::string_view inserted, std::string_view kept) {
                    out.insert(inserted);
                    out.remove(units(removed));
                    out.retain(units(kept));
                  });
}

void add_by_words(std::string_view gone, std::string_view made, operation& out) {
  if (gone.size() + made.size() <= characters_max)
    return add_by_characters(gone, made, out);
  numbering words;
  const auto words_gone = split_after(" ,.;\t\n", gone, words);
  for_each_change(words_gone, split_after(" ,.;\t\n", made, words), lines_differing_max,
                  [&](std::string_view removed, std::string_view inserted, std::string_view kept) {
                    add_by_characters(removed, inserted, out);
                    out.retain(units(kept));
                  });
}

std::size_t common_prefix(std::string_view one, std::string_view other) {
  const auto end = one.begin() + static_cast<std::ptrdiff_t>(std::min(one.size(), other.size()));
  auto size =
    static_cast<std::size_t>(std::mismatch(one.begin(), end, other.begin()).first - one.begin());
  const auto cuts = [size](std::string_view text, std::size_t at) {
    return at < text.size() && continues(text[at]);
  };
  while (size > 0 && (cuts(one, size) || cuts(other, size)))
    --size;
  return size;
}

std::size_t common_suffix(std::string_view one, std::string_view other) {
  const auto most = std::min(one.size(), other.size());
  std::size_t size = 0;
  while (size < most && one[one.size() - 1 - size] == other[other.size() - 1 - size])
    ++size;
  while (size > 0 && (continues(one[one.size() - size]) || continues(other[other.size() - size])))
    --size;
  return size;
}

} // namespace

operation difference(std::string_view before, std::string_view after) {
  operation out;
  const auto prefix = common_prefix(before, after);
  out.retain(units(before.substr(0, prefix)));
  before.remove_prefix(prefix);
  after.remove_prefix(prefix);
  const auto suffix = common_suffix(before, after);
  const auto kept = before.substr(before.size() - suffix);
  before.remove_suffix(suffix);
  after.remove_suffix(suffix);
  numbering lines;
  const auto lines_before = split_after("\n", before, lines);
  for_each_change(lines_before, split_after("\n", after, lines), lines_differing_max,
                  [&](std::string_view gone, std::string_view made, std::string_view stays) {
                    add_by_words(gone, made, out);
                    out.retain(units(stays));
                  });
  out.retain(units(kept));
  return out;
}

expected<merged_edits> merge_onto(std::string_view base, std::string_view theirs,
                                  const operation& mine) {
  merged_edits made;
  if (auto done = transform(mine, difference(base, theirs), tie::a, made.mine, made.theirs); !done)
    return done.error();
  return made;
}

} // namespace syncline::core::ot
