#include "bench/flat_operation.hpp"

#include <algorithm>

namespace syncline::bench {

namespace {

struct reader {
  explicit reader(const flat_operation& from) : at{from.parts()}, text{from.text()} {
    load();
  }
  void load() {
    left = is_at_end() ? 0 : at[index].length;
  }
  [[nodiscard]] bool is_at_end() const {
    return index == at.size();
  }
  [[nodiscard]] bool is(flat_operation::kind what) const {
    return !is_at_end() && at[index].what == what;
  }
  void pass(std::uint32_t units) {
    left -= units;
    if (left != 0)
      return;
    ++index;
    load();
  }

  const std::vector<flat_operation::part>& at;
  const char* text;
  std::size_t index = 0;
  std::uint32_t left = 0;
};

void pass_insert(reader& from, flat_operation& to, flat_operation& over) {
  to.insert({from.text, from.left}, from.left);
  over.retain(from.left);
  from.text += from.left;
  from.pass(from.left);
}

} // namespace

void transform(const flat_operation& one, const flat_operation& other, flat_operation& one_after,
               flat_operation& other_after) {
  using kind = flat_operation::kind;
  one_after.clear();
  other_after.clear();
  reader left{one};
  reader right{other};
  while (!left.is_at_end() || !right.is_at_end()) {
    if (left.is(kind::insert)) {
      pass_insert(left, one_after, other_after);
    } else if (right.is(kind::insert)) {
      pass_insert(right, other_after, one_after);
    } else {
      const auto units = std::min(left.left, right.left);
      if (left.is(kind::retain) && right.is(kind::retain)) {
        one_after.retain(units);
        other_after.retain(units);
      } else if (right.is(kind::retain)) {
        one_after.remove(units);
      } else if (left.is(kind::retain)) {
        other_after.remove(units);
      }
      left.pass(units);
      right.pass(units);
    }
  }
}

} // namespace syncline::bench
