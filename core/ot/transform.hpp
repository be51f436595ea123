#pragma once
// The algebra of operations. Pure; any thread. Results are canonical; outputs are cleared first and
// keep their memory, so that many in a row allocate nothing.

#include "core/ot/operation.hpp"

#include <cstdint>
#include <span>

namespace syncline::core::ot {

/// Whose insert comes first where both insert at one place.
enum class tie : std::uint8_t { a, b };

/// For two operations on the same text: `a_prime` does what `a` does after `b`, `b_prime` what `b`
/// does after `a`, so that both orders end in the same text (TP1 of Ressel et al., 1996):
/// apply(apply(text, a), b_prime) == apply(apply(text, b), a_prime).
/// Errors: `base_length_mismatch`.
[[nodiscard]] expected<void> transform(const operation& a, const operation& b, tie first,
                                       operation& a_prime, operation& b_prime);

/// One operation that does `a` and then `b`. The result never depends on how many were composed in
/// which grouping, but transforming it is not transforming them one by one: see docs/ot.md.
/// Errors: `base_length_mismatch`; `splits_surrogate_pair` where `b` cuts what `a` inserts there.
[[nodiscard]] expected<void> compose(const operation& a, const operation& b, operation& composed);

/// All of them, in their order, as a balanced tree: each component is copied log n times instead of
/// n times. At least one. Errors: as `compose`.
[[nodiscard]] expected<operation> compose_all(std::span<const operation> all);

/// Which side of an insert at the very place a position keeps to.
enum class bias : std::uint8_t { left, right };

/// Where a place in the text is after the operation; both in UTF-16 code units. Inside what is
/// removed it moves to where that was. A caret keeps left of others' inserts (`left`) and goes
/// behind its own (`right`).
[[nodiscard]] std::uint64_t transform_position(const operation& over, std::uint64_t position,
                                               bias side);

/// The way back: where a place behind the operation was before it. Inside what is inserted it is
/// where that went in.
[[nodiscard]] std::uint64_t position_before(const operation& over, std::uint64_t position);

/// Two positions, as of a selection: it grows and shrinks with what is written inside it.
struct selection {
  std::uint64_t anchor = 0; ///< where it began
  std::uint64_t head = 0;   ///< where the caret is

  friend bool operator==(const selection&, const selection&) = default;
};
[[nodiscard]] selection transform_selection(const operation& over, const selection& from,
                                            bias side);

} // namespace syncline::core::ot
