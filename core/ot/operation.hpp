#pragma once
// An edit of a whole text: what to keep, to insert and to remove, from its beginning to its end.
// The model is that of Ellis and Gibbs (1989) with the components of Google Wave; see docs/ot.md.

#include "core/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::core::ot {

/// What one component does.
enum class step : std::uint8_t { retain, insert, remove };

/// One component. The text of an insert is `operation::text()`, after the texts of those before it.
struct component {
  step what = step::retain;
  std::uint32_t length = 0; ///< UTF-16 code units, never 0
  std::uint32_t bytes = 0;  ///< of an insert's text in UTF-8; 0 for the others

  friend bool operator==(const component&, const component&) = default;
};

/// Longest text, and longest component, in UTF-16 code units.
inline constexpr std::uint32_t length_max = 1U << 30;

/// A list of components, in canonical form at every moment: none is empty, neighbours differ, and
/// at one place the insert stands before the removal. Two operations that do the same in the same
/// places are equal. Building it costs no memory but its own; `clear` keeps that for the next one.
class operation {
public:
  /// Each adds to the end; nothing happens for a length of 0. `utf8` is valid; `units` is its
  /// length in UTF-16.
  void retain(std::uint32_t units) {
    if (units == 0)
      return;
    base_length_ += units;
    target_length_ += units;
    extend_or_add(step::retain, units, 0);
  }
  void insert(std::string_view utf8, std::uint32_t units) {
    if (units == 0)
      return;
    text_.append(utf8);
    target_length_ += units;
    const auto bytes = static_cast<std::uint32_t>(utf8.size());
    if (!components_.empty() && components_.back().what == step::remove)
      return insert_before_removal(units, bytes);
    extend_or_add(step::insert, units, bytes);
  }
  void insert(std::string_view utf8);
  void remove(std::uint32_t units) {
    if (units == 0)
      return;
    base_length_ += units;
    extend_or_add(step::remove, units, 0);
  }
  void clear() noexcept;

  [[nodiscard]] const std::vector<component>& components() const noexcept {
    return components_;
  }
  /// The texts of all inserts, in their order.
  [[nodiscard]] std::string_view text() const noexcept {
    return text_;
  }
  /// Length of the texts that it fits, and of those that it makes, in UTF-16 code units.
  [[nodiscard]] std::uint64_t base_length() const noexcept {
    return base_length_;
  }
  [[nodiscard]] std::uint64_t target_length() const noexcept {
    return target_length_;
  }
  /// Whether it leaves every text as it is.
  [[nodiscard]] bool is_noop() const noexcept;

  friend bool operator==(const operation& left, const operation& right) = default;

private:
  void extend_or_add(step what, std::uint32_t units, std::uint32_t bytes) {
    if (!components_.empty() && components_.back().what == what) {
      components_.back().length += units;
      components_.back().bytes += bytes;
    } else {
      components_.push_back({what, units, bytes});
    }
  }
  void insert_before_removal(std::uint32_t units, std::uint32_t bytes);

  std::vector<component> components_;
  std::string text_;
  std::uint64_t base_length_ = 0;
  std::uint64_t target_length_ = 0;
};

/// Adds the retain up to `base_length` that sloppy operations leave out.
/// Errors: `base_length_mismatch` where it is longer than that.
[[nodiscard]] expected<void> complete(operation& sloppy, std::uint64_t base_length);

/// Error: `too_large` where one of the two lengths of an operation is above `length_max`. Two that
/// are not can be combined without an overflow.
[[nodiscard]] expected<void> check_lengths(std::uint64_t base, std::uint64_t target);

/// Reads an operation in pieces, as the components of another one ask for them.
class component_reader {
public:
  explicit component_reader(const operation& from)
    : at_{from.components().data()}, end_{at_ + from.components().size()}, text_{
                                                                             from.text().data()} {
    load();
  }

  [[nodiscard]] bool is_at_end() const noexcept {
    return at_ == end_;
  }
  [[nodiscard]] bool is(step what) const noexcept {
    return at_ != end_ && at_->what == what;
  }
  /// UTF-16 code units of the component that are left.
  [[nodiscard]] std::uint32_t left() const noexcept {
    return left_;
  }
  /// An insert's text that is left.
  [[nodiscard]] std::string_view text() const noexcept {
    return {text_, bytes_left_};
  }
  /// Passes over the rest of the component.
  void skip() noexcept {
    text_ += bytes_left_;
    ++at_;
    load();
  }
  /// Passes over `units` of the component; `bytes` of its text, for an insert.
  void skip(std::uint32_t units, std::uint32_t bytes = 0) noexcept {
    if (units == left_)
      return skip();
    left_ -= units;
    bytes_left_ -= bytes;
    text_ += bytes;
  }

private:
  void load() noexcept {
    left_ = at_ == end_ ? 0 : at_->length;
    bytes_left_ = at_ == end_ ? 0 : at_->bytes;
  }

  const component* at_;
  const component* end_;
  const char* text_;
  std::uint32_t left_ = 0;
  std::uint32_t bytes_left_ = 0;
};

} // namespace syncline::core::ot
