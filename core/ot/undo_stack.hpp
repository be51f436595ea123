#pragma once
// Undo and redo of one's own edits, while others edit the same text.

#include "core/ot/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace syncline::core::ot {

/// Two stacks of inverses. The top of each fits the text as it is shown; each one below fits it
/// after those above it. What others do passes through both, so that undoing takes back one's own
/// edit and nothing of theirs. Pure; not synchronised.
class undo_stack {
public:
  struct limits {
    std::int64_t group_ms = 500;  ///< edits that follow within it are undone together
    std::size_t groups_max = 200; ///< the oldest are forgotten
    std::size_t bytes_max = std::size_t{16} << 20U; ///< of what they insert again; likewise
  };

  undo_stack() : undo_stack(limits{}) {}
  explicit undo_stack(limits how) : limits_{how} {}

  /// The user has made an edit, which `inverse` takes back. What could be redone is gone.
  void edited(operation inverse, std::int64_t now_ms);

  /// Others have changed the text as it is shown.
  void pass(const operation& remote);

  /// What undoes the last group, to be applied to the text as it is shown, and then reported by
  /// `undone` with its own inverse; nullopt where there is none.
  [[nodiscard]] std::optional<operation> take_undo();
  void undone(operation inverse);
  [[nodiscard]] std::optional<operation> take_redo();
  void redone(operation inverse);

  [[nodiscard]] std::size_t undo_depth() const noexcept {
    return undo_.size();
  }
  [[nodiscard]] std::size_t redo_depth() const noexcept {
    return redo_.size();
  }

private:
  limits limits_;
  std::deque<operation> undo_; // The top is the last.
  std::deque<operation> redo_;
  std::optional<std::int64_t> group_at_ms_; // when the top began or grew; none: it is closed
};

} // namespace syncline::core::ot
