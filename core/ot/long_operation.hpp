#pragma once
// An operation of thousands of components that meets thousands of others, one after the other: what
// somebody typed for days without a network, when it comes back.

#include "core/ot/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace syncline::core::ot {

/// Changes with each operation that it passes over, and only near the places where that one edits:
/// `transform` would walk through all of it each time. The results are those of `transform`, to the
/// component. Not synchronised.
class long_operation {
public:
  explicit long_operation(const operation& from);

  [[nodiscard]] operation to_operation() const;
  [[nodiscard]] std::uint64_t base_length() const noexcept {
    return base_length_;
  }
  [[nodiscard]] std::uint64_t target_length() const noexcept {
    return target_length_;
  }

  /// Becomes what it is after `other`, which was made on the same text and is committed: where both
  /// insert at one place, this one goes first. `other_prime` becomes what `other` is after it.
  /// Errors: `base_length_mismatch`; nothing has changed then.
  [[nodiscard]] expected<void> pass_over(const operation& other, operation& other_prime);

private:
  /// Neighbouring blocks, and how much of both texts lies before them.
  struct region {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t base_before = 0;
    std::uint64_t target_before = 0;
    std::uint64_t base = 0;
    std::uint64_t target = 0;
  };

  [[nodiscard]] region around(std::uint64_t from, std::uint64_t to) const;
  void replace(const region& old, const operation& with);

  std::vector<operation> blocks_; // One after the other they are the operation.
  std::uint64_t base_length_ = 0;
  std::uint64_t target_length_ = 0;
  operation before_; // Of one call; kept for their memory.
  operation edit_;
  operation after_;
  operation edit_after_;
};

} // namespace syncline::core::ot
