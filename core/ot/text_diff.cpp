#include "core/ot/text_diff.hpp"

#include "core/ot/edit_path.hpp"
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

// Of all searches together, in parts compared and ways tried. What is not found by then is replaced
// as a whole.
constexpr std::ptrdiff_t effort_max = 100'000'000;
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

std::uint32_t units(std::string_view text) {
  return static_cast<std::uint32_t>(utf16_length(text));
}

// Writes the operation, from coarse to fine.
class comparison {
public:
  explicit comparison(operation& out) : out_{out} {}

  void add_by_lines(std::string_view gone, std::string_view made) {
    numbering lines;
    const auto lines_gone = split_after("\n", gone, lines);
    const auto lines_made = split_after("\n", made, lines);
    add(lines_gone, lines_made, edit_path(lines_gone.numbers, lines_made.numbers, effort_),
        [this](auto removed, auto inserted) { add_small(removed, inserted); });
  }

private:
  // What has few differences is taken by characters at once; else words tell where to look.
  void add_small(std::string_view gone, std::string_view made) {
    if (is_one_sided(gone, made))
      return replace(gone, made);
    if (gone.size() + made.size() <= characters_max) {
      const auto characters_gone = split_characters(gone);
      const auto characters_made = split_characters(made);
      if (const auto path =
            shortest_path(characters_gone.numbers, characters_made.numbers, effort_))
        return add(characters_gone, characters_made, *path,
                   [this](auto removed, auto inserted) { replace(removed, inserted); });
    }
    numbering words;
    const auto words_gone = split_after(" ,.;\t\n", gone, words);
    const auto words_made = split_after(" ,.;\t\n", made, words);
    add(words_gone, words_made, edit_path(words_gone.numbers, words_made.numbers, effort_),
        [this](auto removed, auto inserted) { add_by_characters(removed, inserted); });
  }

  void add_by_characters(std::string_view gone, std::string_view made) {
    if (is_one_sided(gone, made) || gone.size() + made.size() > characters_max)
      return replace(gone, made);
    const auto characters_gone = split_characters(gone);
    const auto characters_made = split_characters(made);
    add(characters_gone, characters_made,
        edit_path(characters_gone.numbers, characters_made.numbers, effort_),
        [this](auto removed, auto inserted) { replace(removed, inserted); });
  }

  static bool is_one_sided(std::string_view gone, std::string_view made) {
    return gone.empty() || made.empty();
  }

  void replace(std::string_view gone, std::string_view made) {
    out_.insert(made);
    out_.remove(units(gone));
  }

  // `change` gets the two texts of each stretch; what stays behind them is kept.
  template <class Change>
  void add(const parts& before, const parts& after, const std::vector<stretch>& path,
           const Change& change) {
    std::size_t x = 0;
    std::size_t y = 0;
    for (const auto& each : path) {
      const auto kept_from = x + each.removed;
      change(before.between(x, kept_from), after.between(y, y + each.inserted));
      out_.retain(units(before.between(kept_from, kept_from + each.kept)));
      x = kept_from + each.kept;
      y += each.inserted + each.kept;
    }
  }

  operation& out_;
  std::ptrdiff_t effort_ = effort_max;
};

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
  comparison{out}.add_by_lines(before, after);
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
