#include "core/sync/batch_plan.hpp"

#include <algorithm>

namespace syncline::core {

bool batch_planner::fits(std::uint64_t items, std::uint64_t bytes) const {
  const std::uint64_t taken = grouped_.size() + single_.size();
  return taken == 0 || (taken + items <= item_limit_ && bytes_ + bytes <= byte_limit_);
}

void batch_planner::take(const std::vector<batch_candidate>& candidates) {
  for (const auto& candidate : candidates) {
    bytes_ += candidate.bytes;
    (candidate.group != 0 ? grouped_ : single_).push_back(candidate);
  }
  full_ = grouped_.size() + single_.size() >= item_limit_ || bytes_ >= byte_limit_;
}

void batch_planner::offer(const batch_candidate& candidate) {
  if (full_)
    return;
  if (candidate.group == 0) {
    if (fits(1, candidate.bytes))
      take({candidate});
    else
      full_ = true;
    return;
  }
  auto& members = incomplete_[candidate.group];
  members.push_back(candidate);
  if (members.size() < candidate.group_size)
    return;
  std::uint64_t bytes = 0;
  for (const auto& member : members)
    bytes += member.bytes;
  if (fits(members.size(), bytes))
    take(members);
  else
    full_ = true;
  incomplete_.erase(candidate.group);
}

std::vector<std::uint64_t> batch_planner::order() const {
  const auto by_kind = [](const batch_candidate& a, const batch_candidate& b) {
    return a.kind < b.kind;
  };
  auto single = single_;
  std::stable_sort(single.begin(), single.end(), by_kind);
  std::vector<std::uint64_t> order;
  order.reserve(grouped_.size() + single.size());
  for (const auto& candidate : grouped_)
    order.push_back(candidate.local_seq);
  for (const auto& candidate : single)
    order.push_back(candidate.local_seq);
  return order;
}

std::size_t next_batch_size(std::span<const frozen_mutation> frozen, std::uint32_t item_limit,
                            std::uint64_t byte_limit) {
  std::size_t taken = 0;
  std::uint64_t bytes = 0;
  while (taken < frozen.size()) {
    const std::uint64_t group = frozen[taken].group;
    std::size_t end = taken;
    do {
      bytes += frozen[end].bytes;
      ++end;
    } while (group != 0 && end < frozen.size() && frozen[end].group == group);
    if (taken != 0 && (end > item_limit || bytes > byte_limit))
      break;
    taken = end;
  }
  return taken;
}

void batch_size::halve(std::uint32_t sent) {
  now_ = std::max<std::uint32_t>(1, std::min(now_, sent) / 2);
}

void batch_size::grow() {
  now_ = std::min(max_, now_ + std::max<std::uint32_t>(1, max_ / 4));
}

} // namespace syncline::core
