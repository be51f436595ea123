// The shortest way from one list to another.

#include "core/ot/edit_path.hpp"

#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace syncline::tests {

using namespace core::ot;

namespace {

using list = std::vector<std::uint32_t>;
constexpr std::ptrdiff_t plenty = 1'000'000'000;

list random_list(random_edits& random, std::size_t length_max, std::size_t kinds) {
  list made(random.below(length_max + 1));
  std::generate(made.begin(), made.end(),
                [&] { return static_cast<std::uint32_t>(random.below(kinds)); });
  return made;
}

std::size_t differences(const std::vector<stretch>& path) {
  std::size_t sum = 0;
  for (const auto& each : path)
    sum += each.removed + each.inserted;
  return sum;
}

/// Whether what the path keeps is the same in both, and nothing is left over.
bool leads_from_to(const std::vector<stretch>& path, const list& before, const list& after) {
  std::size_t x = 0;
  std::size_t y = 0;
  for (const auto& each : path) {
    x += each.removed;
    y += each.inserted;
    for (std::size_t i = 0; i < each.kept; ++i)
      if (x >= before.size() || y >= after.size() || before[x++] != after[y++])
        return false;
  }
  return x == before.size() && y == after.size();
}

/// By the table of all pairs of beginnings.
std::size_t fewest_differences(const list& before, const list& after) {
  std::vector<std::size_t> row(after.size() + 1);
  for (std::size_t y = 0; y < row.size(); ++y)
    row[y] = y;
  for (std::size_t x = 1; x <= before.size(); ++x) {
    auto diagonal = std::exchange(row[0], x);
    for (std::size_t y = 1; y < row.size(); ++y) {
      const auto same = before[x - 1] == after[y - 1];
      const auto next = same ? diagonal : std::min(row[y], row[y - 1]) + 1;
      diagonal = std::exchange(row[y], next);
    }
  }
  return row.back();
}

} // namespace

BOOST_AUTO_TEST_SUITE(edit_paths)

BOOST_AUTO_TEST_CASE(no_path_is_shorter) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto kinds = 1 + random.below(6);
    const auto before = random_list(random, 30, kinds);
    const auto after = random_list(random, 30, kinds);
    auto effort = plenty;
    const auto path = shortest_path(before, after, effort);
    HOLDS(path.has_value());
    HOLDS(leads_from_to(*path, before, after));
    HOLDS(differences(*path) == fewest_differences(before, after));
  }
}

BOOST_AUTO_TEST_CASE(with_any_effort_there_is_a_path) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto kinds = 1 + random.below(40);
    const auto before = random_list(random, 40, kinds);
    const auto after = random_list(random, 40, kinds);
    auto effort = static_cast<std::ptrdiff_t>(random.below(400));
    HOLDS(leads_from_to(edit_path(before, after, effort), before, after));
  }
}

// What was found in both once is kept where the shortest path costs too much.
BOOST_AUTO_TEST_CASE(anchors_are_kept_where_the_effort_is_small) {
  list before;
  list after;
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    before.insert(before.end(), {1'000 + i, 1, 2, 3});
    after.insert(after.end(), {3, 2, 1'000 + i, 2, 1});
  }
  std::ptrdiff_t effort = 10'000;
  const auto path = edit_path(before, after, effort);
  BOOST_TEST(leads_from_to(path, before, after));
  std::size_t kept = 0;
  for (const auto& each : path)
    kept += each.kept;
  BOOST_TEST(kept >= 1'000U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
