#pragma once
// Which waiting mutations go into the next batch, and in which order (DESIGN.md section 5).

#include "mutation.pb.h"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace syncline::core {

/// A waiting entry that may be sent now: the head of its lane, with nothing before it to wait for.
struct batch_candidate {
  std::uint64_t local_seq = 0;
  msg::MutationKind kind = msg::UPDATE;
  std::uint64_t bytes = 0;
  std::uint64_t group = 0; ///< atomic group, 0 = none
  std::uint32_t group_size = 0;
};

/// Chooses from candidates offered in the order of their local sequence. Groups go first, each in
/// one piece; then CREATE, UPDATE, DELETE. A first entry or a whole group always fits, so that
/// nothing waits for ever behind a limit that is smaller than itself.
class batch_planner {
public:
  /// @param item_limit at least 1
  batch_planner(std::uint32_t item_limit, std::uint64_t byte_limit)
    : item_limit_{item_limit}, byte_limit_{byte_limit} {}

  void offer(const batch_candidate& candidate);

  /// No further candidate can be taken.
  [[nodiscard]] bool is_full() const {
    return full_;
  }

  /// Local sequences in the order of sending.
  [[nodiscard]] std::vector<std::uint64_t> order() const;

private:
  [[nodiscard]] bool fits(std::uint64_t items, std::uint64_t bytes) const;
  void take(const std::vector<batch_candidate>& candidates);

  std::uint32_t item_limit_;
  std::uint64_t byte_limit_;
  std::uint64_t bytes_ = 0;
  bool full_ = false;
  std::vector<batch_candidate> grouped_;
  std::vector<batch_candidate> single_;
  std::map<std::uint64_t, std::vector<batch_candidate>> incomplete_;
};

/// A mutation that has its number, as far as its batch is concerned.
struct frozen_mutation {
  std::uint64_t bytes = 0;
  std::uint64_t group = 0; ///< atomic group, 0 = none
};

/// How many of `frozen`, in the order of their numbers, make up the next batch: at least one, and
/// never a part of a group, whatever the limits say.
[[nodiscard]] std::size_t next_batch_size(std::span<const frozen_mutation> frozen,
                                          std::uint32_t item_limit, std::uint64_t byte_limit);

/// How many mutations the next batch may have: it halves with each failure that may be the batch's
/// size or content, and grows back by a quarter with each success.
class batch_size {
public:
  explicit batch_size(std::uint32_t max) : max_{max}, now_{max} {}
  [[nodiscard]] std::uint32_t limit() const {
    return now_;
  }
  void halve(std::uint32_t sent);
  void grow();

private:
  std::uint32_t max_;
  std::uint32_t now_;
};

} // namespace syncline::core
