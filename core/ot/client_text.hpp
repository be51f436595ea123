#pragma once
// A text as a client has it: what the server said last, what was sent since, what was typed since.

#include "core/expected.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/shown_history.hpp"
#include "core/ot/text.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace syncline::core::ot {

/// shown = base + outstanding + buffer
///
/// Pure; not synchronised.
class client_text {
public:
  /// What stands on the base.
  struct pending {
    std::optional<operation> outstanding; ///< sent, and not answered; nothing is composed into it
    operation buffer; ///< typed since; without any component: nothing, and it fits every text
  };

  client_text() : client_text(text{}) {}
  explicit client_text(text base);
  /// Errors: `base_length_mismatch`, `splits_surrogate_pair` where they do not fit the base.
  [[nodiscard]] static expected<client_text> with(text base, pending on_it);

  [[nodiscard]] const text& base() const noexcept {
    return base_;
  }
  [[nodiscard]] const text& shown() const noexcept {
    return shown_;
  }
  /// What was done to the text as it is shown; loading begins it anew.
  [[nodiscard]] const shown_history& history() const noexcept {
    return history_;
  }
  [[nodiscard]] shown_history& history() noexcept {
    return history_;
  }
  [[nodiscard]] const std::optional<operation>& outstanding() const noexcept {
    return outstanding_;
  }
  /// What was typed since, as one operation.
  [[nodiscard]] const operation& buffer() const;
  [[nodiscard]] bool has_typed() const {
    return !buffer().is_noop();
  }
  /// False: certainly not. Costs nothing, where `has_typed` composes.
  [[nodiscard]] bool may_have_typed() const noexcept {
    return !typed_.empty() || !buffer_.is_noop();
  }

  /// Does an edit to the text as it is shown. It stands on top of all that is pending: it is
  /// composed, not transformed. Errors: as `text::apply`.
  [[nodiscard]] expected<void> type(const operation& edit);
  /// What was typed, or the first part of it where it has more components than this, becomes the
  /// outstanding one. There is none, and something was typed.
  void freeze(std::size_t components_max);
  /// The outstanding one is in the base.
  void acknowledge();
  /// Somebody else has changed the base. Returns what that does to the text as it is shown. Errors,
  /// after which all is as before: as `text::apply`.
  [[nodiscard]] expected<operation> receive(const operation& committed, const std::string& author);
  /// The outstanding one never happens. Returns what that does to the text as it is shown.
  [[nodiscard]] operation take_back();
  /// The base is this text now, made of the former one by nobody knows whom; what is pending moves
  /// over what changed there, and all of it is typed again. Returns what that does to the text as
  /// it is shown.
  [[nodiscard]] operation merge_onto_base(const std::string& utf8);

private:
  void show(const operation& remote, const std::string& author = {});

  text base_;
  text shown_;
  shown_history history_;
  std::optional<operation> outstanding_;
  // Composed when somebody asks: ten thousand edits typed without a network are composed once.
  mutable operation buffer_;
  mutable std::vector<operation> typed_; // on top of it
};

/// The first `components` of an operation, and the others, so that the second follows the first.
struct operation_parts {
  operation first;
  operation second;
};
[[nodiscard]] operation_parts split_after(const operation& whole, std::size_t components);

} // namespace syncline::core::ot
