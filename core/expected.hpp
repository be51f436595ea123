#pragma once
// A value or an error, for every failure that a caller is expected to meet: network, parsing,
// conflict, "not found", a store that refuses. Broken invariants are `ensure()` instead.

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace syncline::core {

/// What went wrong. `code` is stable and machine readable (`snake_case`, listed in
/// docs/errors.md); `message` says what, where, why and what to do next, for a person.
struct error {
  std::string code;
  std::string message;

  friend bool operator==(const error&, const error&) = default;
};

/// Shorthand for returning an error from a function that returns `expected<T>`.
[[nodiscard]] inline error fail(std::string code, std::string message) {
  return error{std::move(code), std::move(message)};
}

/// Either a `T` or an `error`. Reading the side that is not there is a broken invariant and throws
/// `std::logic_error`. Not synchronised; as thread-safe as `T`.
template <class T>
class [[nodiscard]] expected {
public:
  using value_type = T;

  expected(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  expected(core::error failure) : state_{std::in_place_index<1>, std::move(failure)} {}

  [[nodiscard]] bool has_value() const noexcept {
    return state_.index() == 0;
  }
  explicit operator bool() const noexcept {
    return has_value();
  }

  [[nodiscard]] T& value() & {
    require(has_value());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    require(has_value());
    return *std::get_if<0>(&state_);
  }
  /// By value: a reference into a temporary would dangle in `for (auto& x : *f())`.
  [[nodiscard]] T value() && {
    require(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] T& operator*() & {
    return value();
  }
  [[nodiscard]] const T& operator*() const& {
    return value();
  }
  [[nodiscard]] T operator*() && {
    return std::move(*this).value();
  }
  [[nodiscard]] T* operator->() {
    return &value();
  }
  [[nodiscard]] const T* operator->() const {
    return &value();
  }

  [[nodiscard]] const core::error& error() const {
    require(!has_value());
    return *std::get_if<1>(&state_);
  }

private:
  static void require(bool holds) {
    if (!holds)
      throw std::logic_error{"expected: the other side is set"};
  }

  std::variant<T, core::error> state_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] expected<void> {
public:
  using value_type = void;

  expected() = default;
  expected(core::error failure) : error_{std::move(failure)}, failed_{true} {}

  [[nodiscard]] bool has_value() const noexcept {
    return !failed_;
  }
  explicit operator bool() const noexcept {
    return has_value();
  }
  [[nodiscard]] const core::error& error() const {
    if (!failed_)
      throw std::logic_error{"expected: the other side is set"};
    return error_;
  }

private:
  core::error error_;
  bool failed_ = false;
};

} // namespace syncline::core
