#include "core/sync/batch_plan.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace syncline;
using core::batch_candidate;
using core::batch_planner;
using core::batch_size;

namespace {

constexpr std::uint64_t mebibyte = 1u << 20;

batch_candidate single(std::uint64_t local_seq, msg::MutationKind kind, std::uint64_t bytes = 10) {
  return {local_seq, kind, bytes, 0, 0};
}

batch_candidate member(std::uint64_t local_seq, std::uint64_t group, std::uint32_t group_size,
                       std::uint64_t bytes = 10) {
  return {local_seq, msg::UPDATE, bytes, group, group_size};
}

std::string planned(const std::vector<batch_candidate>& candidates, std::uint32_t item_limit = 100,
                    std::uint64_t byte_limit = mebibyte) {
  batch_planner planner{item_limit, byte_limit};
  for (const auto& candidate : candidates)
    planner.offer(candidate);
  std::string text;
  for (const auto local_seq : planner.order())
    text += std::to_string(local_seq) + " ";
  return text + (planner.is_full() ? "full" : "");
}

std::vector<batch_candidate> any_candidates() {
  std::vector<batch_candidate> candidates;
  const int count = *rc::gen::inRange(0, 25);
  const int groups = *rc::gen::inRange(1, 4);
  std::map<std::uint64_t, std::uint32_t> sizes;
  for (int i = 1; i <= count; ++i) {
    const auto group = static_cast<std::uint64_t>(*rc::gen::inRange(0, 2 * groups));
    const bool is_member = group != 0 && group < static_cast<std::uint64_t>(groups);
    const auto kind = static_cast<msg::MutationKind>(*rc::gen::inRange(1, 4));
    candidates.push_back({static_cast<std::uint64_t>(i), kind,
                          static_cast<std::uint64_t>(*rc::gen::inRange(1, 60)),
                          is_member ? group : 0, 0});
    if (is_member)
      ++sizes[group];
  }
  // Now and then a member is not ready yet.
  for (auto& candidate : candidates)
    if (candidate.group != 0)
      candidate.group_size = sizes[candidate.group] + (candidate.group == 1 ? 1 : 0);
  return candidates;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_batch_plan)

BOOST_AUTO_TEST_CASE(creates_go_first_then_updates_then_deletes_each_in_order) {
  BOOST_TEST(planned({single(1, msg::DELETE), single(2, msg::UPDATE), single(3, msg::CREATE),
                      single(4, msg::UPDATE), single(5, msg::CREATE), single(6, msg::DELETE)}) ==
             "3 5 2 4 1 6 ");
  BOOST_TEST(planned({}) == "");
}

BOOST_AUTO_TEST_CASE(a_batch_has_at_most_its_items) {
  std::vector<batch_candidate> many;
  for (std::uint64_t i = 1; i <= 150; ++i)
    many.push_back(single(i, msg::UPDATE));
  batch_planner planner{100, mebibyte};
  for (const auto& candidate : many)
    planner.offer(candidate);
  BOOST_TEST(planner.order().size() == 100u);
  BOOST_TEST(planner.order().back() == 100u);
  BOOST_TEST(planner.is_full());
  BOOST_TEST(planned(many, 1) == "1 full");
}

BOOST_AUTO_TEST_CASE(a_batch_has_at_most_its_bytes_and_takes_nothing_behind_what_did_not_fit) {
  BOOST_TEST(
    planned({single(1, msg::UPDATE, 60), single(2, msg::UPDATE, 60), single(3, msg::UPDATE, 10)},
            100, 100) == "1 full");
  BOOST_TEST(planned({single(1, msg::UPDATE, 60), single(2, msg::UPDATE, 40)}, 100, 100) ==
             "1 2 full");
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_the_limit_goes_alone) {
  BOOST_TEST(planned({single(1, msg::UPDATE, 500), single(2, msg::UPDATE, 1)}, 100, 100) ==
             "1 full");
  BOOST_TEST(planned({member(1, 7, 3), member(2, 7, 3), member(3, 7, 3), single(4, msg::CREATE)},
                     2) == "1 2 3 full");
}

BOOST_AUTO_TEST_CASE(a_group_goes_in_one_piece_and_first) {
  BOOST_TEST(planned({single(1, msg::CREATE), member(2, 7, 2), single(3, msg::CREATE),
                      member(4, 7, 2)}) == "2 4 1 3 ");
  BOOST_TEST(planned({member(1, 7, 2), member(2, 8, 2), member(3, 7, 2), member(4, 8, 2)}) ==
             "1 3 2 4 ");
}

BOOST_AUTO_TEST_CASE(a_group_waits_until_all_of_it_may_go_and_holds_nobody_up) {
  BOOST_TEST(planned({member(1, 7, 3), member(2, 7, 3), single(3, msg::CREATE)}) == "3 ");
}

BOOST_AUTO_TEST_CASE(a_group_that_does_not_fit_any_more_is_left_whole_for_the_next_batch) {
  BOOST_TEST(
    planned({single(1, msg::UPDATE), member(2, 7, 2), member(3, 7, 2), single(4, msg::UPDATE)},
            2) == "1 full");
}

BOOST_AUTO_TEST_CASE(plans_keep_limits_groups_and_order) {
  BOOST_TEST(rc::check("a plan", [] {
    const auto candidates = any_candidates();
    const auto item_limit = *rc::gen::inRange<std::uint32_t>(1, 12);
    const auto byte_limit = *rc::gen::inRange<std::uint64_t>(1, 300);
    batch_planner planner{item_limit, byte_limit};
    std::map<std::uint64_t, batch_candidate> by_seq;
    for (const auto& candidate : candidates) {
      planner.offer(candidate);
      by_seq[candidate.local_seq] = candidate;
    }
    std::uint64_t bytes = 0;
    std::map<std::uint64_t, std::uint32_t> taken_of_group;
    std::vector<std::uint64_t> groups_in_order;
    std::vector<std::pair<int, std::uint64_t>> singles;
    const auto order = planner.order();
    for (const auto local_seq : order) {
      RC_ASSERT(by_seq.count(local_seq) == 1);
      const auto& candidate = by_seq[local_seq];
      bytes += candidate.bytes;
      if (candidate.group == 0) {
        singles.emplace_back(candidate.kind, local_seq);
        continue;
      }
      RC_ASSERT(singles.empty());
      ++taken_of_group[candidate.group];
      if (groups_in_order.empty() || groups_in_order.back() != candidate.group)
        groups_in_order.push_back(candidate.group);
    }
    // Never the same twice, and within a kind in the order in which they were written.
    RC_ASSERT(std::is_sorted(singles.begin(), singles.end()));
    RC_ASSERT(std::adjacent_find(singles.begin(), singles.end()) == singles.end());
    RC_ASSERT(groups_in_order.size() == taken_of_group.size());
    for (const auto& candidate : candidates)
      if (candidate.group != 0 && taken_of_group.count(candidate.group) != 0)
        RC_ASSERT(taken_of_group[candidate.group] == candidate.group_size);
    const bool one_piece = order.size() == 1 || (singles.empty() && taken_of_group.size() == 1);
    RC_ASSERT((one_piece || (order.size() <= item_limit && bytes <= byte_limit)));
    // Nobody waits for ever: where a single mutation may go, something goes.
    const bool any_single = std::any_of(candidates.begin(), candidates.end(),
                                        [](const auto& each) { return each.group == 0; });
    RC_ASSERT((!any_single || !order.empty()));
  }));
}

BOOST_AUTO_TEST_CASE(frozen_mutations_are_cut_into_batches_and_a_group_never_is) {
  const std::vector<core::frozen_mutation> frozen{{10, 0}, {10, 7}, {10, 7}, {10, 0}};
  BOOST_TEST(core::next_batch_size(frozen, 100, mebibyte) == 4u);
  BOOST_TEST(core::next_batch_size(frozen, 2, mebibyte) == 1u); // The group does not fit any more.
  BOOST_TEST(core::next_batch_size(frozen, 100, 25) == 1u);
  BOOST_TEST(core::next_batch_size(std::span{frozen}.subspan(1), 1, 1) == 2u);
  BOOST_TEST(core::next_batch_size(frozen, 0, 0) == 1u);
  BOOST_TEST(core::next_batch_size({}, 100, mebibyte) == 0u);
}

BOOST_AUTO_TEST_CASE(any_cut_is_whole_within_its_limits_and_as_long_as_they_allow) {
  BOOST_TEST(rc::check("cuts of frozen mutations", [] {
    std::vector<core::frozen_mutation> frozen;
    const int runs = *rc::gen::inRange(0, 12);
    for (int i = 1; i <= runs; ++i) {
      const bool is_group = *rc::gen::inRange(0, 2) == 0;
      const int members = is_group ? *rc::gen::inRange(1, 5) : 1;
      for (int member = 0; member < members; ++member)
        frozen.push_back({static_cast<std::uint64_t>(*rc::gen::inRange(1, 50)),
                          is_group ? static_cast<std::uint64_t>(i) : 0});
    }
    const auto items = static_cast<std::uint32_t>(*rc::gen::inRange(1, 12));
    const auto bytes = static_cast<std::uint64_t>(*rc::gen::inRange(1, 300));
    const auto fits = [&](std::size_t count) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < count; ++i)
        sum += frozen[i].bytes;
      return count <= items && sum <= bytes;
    };
    const auto end_of_run = [&](std::size_t from) {
      std::size_t end = from + 1;
      while (frozen[from].group != 0 && end < frozen.size() &&
             frozen[end].group == frozen[from].group)
        ++end;
      return end;
    };
    const auto cut = core::next_batch_size(frozen, items, bytes);
    if (frozen.empty())
      return RC_ASSERT(cut == 0u);
    RC_ASSERT((cut == end_of_run(0) || fits(cut)));
    if (cut < frozen.size()) {
      RC_ASSERT(!fits(end_of_run(cut)));
      RC_ASSERT((frozen[cut].group == 0 || frozen[cut].group != frozen[cut - 1].group));
    }
  }));
}

BOOST_AUTO_TEST_CASE(batches_halve_after_a_failure_and_grow_back_by_quarters) {
  batch_size size{100};
  BOOST_TEST(size.limit() == 100u);
  size.halve(100);
  BOOST_TEST(size.limit() == 50u);
  size.halve(50);
  BOOST_TEST(size.limit() == 25u);
  size.grow();
  BOOST_TEST(size.limit() == 50u);
  for (int i = 0; i < 5; ++i)
    size.grow();
  BOOST_TEST(size.limit() == 100u);
}

BOOST_AUTO_TEST_CASE(a_failure_halves_what_was_sent_not_what_was_allowed) {
  batch_size size{100};
  size.halve(8);
  BOOST_TEST(size.limit() == 4u);
}

BOOST_AUTO_TEST_CASE(a_batch_of_one_stays_one_and_still_grows_back) {
  batch_size size{3};
  for (int i = 0; i < 5; ++i)
    size.halve(size.limit());
  BOOST_TEST(size.limit() == 1u);
  size.halve(0);
  BOOST_TEST(size.limit() == 1u);
  size.grow();
  BOOST_TEST(size.limit() == 2u);
  size.grow();
  size.grow();
  BOOST_TEST(size.limit() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
