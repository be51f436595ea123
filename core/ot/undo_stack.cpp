#include "core/ot/undo_stack.hpp"

#include "core/ensure.hpp"
#include "core/ot/transform.hpp"

#include <numeric>
#include <ranges>
#include <utility>

namespace syncline::core::ot {

namespace {

// What remote makes of the stack; it meets each one as those above it would have left the text.
void pass_through(std::deque<operation>& stack, operation remote) {
  operation next;
  operation over;
  for (auto& each : stack | std::views::reverse) {
    ensure(transform(each, remote, tie::a, next, over).has_value(), "an inverse fits the text");
    std::swap(each, next);
    std::swap(remote, over);
  }
}

std::optional<operation> take_top(std::deque<operation>& stack) {
  // What others have removed meanwhile cannot be undone: such a group is passed over.
  while (!stack.empty()) {
    auto top = std::move(stack.back());
    stack.pop_back();
    if (!top.is_noop())
      return top;
  }
  return std::nullopt;
}

} // namespace

void undo_stack::edited(operation inverse, std::int64_t now_ms) {
  redo_.clear();
  const bool belongs = !undo_.empty() && group_at_ms_ && now_ms >= *group_at_ms_ &&
                       now_ms - *group_at_ms_ < limits_.group_ms;
  group_at_ms_ = now_ms;
  if (belongs) {
    operation both;
    ensure(compose(inverse, undo_.back(), both).has_value(), "inverses of one group follow");
    undo_.back() = std::move(both);
    return;
  }
  undo_.push_back(std::move(inverse));
  const auto add = [](std::size_t sum, const operation& each) { return sum + each.text().size(); };
  auto bytes = std::accumulate(undo_.begin(), undo_.end(), std::size_t{0}, add);
  // The last one stays, however long it is.
  while (undo_.size() > limits_.groups_max || (bytes > limits_.bytes_max && undo_.size() > 1)) {
    bytes -= undo_.front().text().size();
    undo_.pop_front();
  }
}

void undo_stack::pass(const operation& remote) {
  pass_through(undo_, remote);
  pass_through(redo_, remote);
}

std::optional<operation> undo_stack::take_undo() {
  group_at_ms_.reset();
  return take_top(undo_);
}

void undo_stack::undone(operation inverse) {
  redo_.push_back(std::move(inverse));
}

std::optional<operation> undo_stack::take_redo() {
  group_at_ms_.reset();
  return take_top(redo_);
}

void undo_stack::redone(operation inverse) {
  undo_.push_back(std::move(inverse));
}

} // namespace syncline::core::ot
