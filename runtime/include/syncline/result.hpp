#pragma once
// What calls of the runtime return: a value, or an error that a program and a person can read.

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace syncline {

/// Why something was not done. `code` is stable and meant for programs (snake_case); `message` is
/// for people: what, where, why, and what to do next.
struct error {
  std::string code;
  std::string message;

  friend bool operator==(const error&, const error&) = default;
};

/// A `T` or an `error`. Asking for the side that is not there is a bug of the caller and throws
/// `std::logic_error`; nothing else here throws.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  result(syncline::error failure) : state_{std::in_place_index<1>, std::move(failure)} {}

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
  [[nodiscard]] T&& value() && {
    require(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] T& operator*() & {
    return value();
  }
  [[nodiscard]] const T& operator*() const& {
    return value();
  }
  [[nodiscard]] T&& operator*() && {
    return std::move(*this).value();
  }
  [[nodiscard]] T* operator->() {
    return &value();
  }
  [[nodiscard]] const T* operator->() const {
    return &value();
  }
  [[nodiscard]] const syncline::error& error() const {
    require(!has_value());
    return *std::get_if<1>(&state_);
  }

private:
  static void require(bool holds) {
    if (!holds)
      throw std::logic_error{"syncline::result: the other side is set; test it first"};
  }

  std::variant<T, syncline::error> state_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(syncline::error failure) : failure_{std::move(failure)} {}

  [[nodiscard]] bool has_value() const noexcept {
    return !failure_.has_value();
  }
  explicit operator bool() const noexcept {
    return has_value();
  }
  [[nodiscard]] const syncline::error& error() const {
    if (!failure_)
      throw std::logic_error{"syncline::result: the other side is set; test it first"};
    return *failure_;
  }

private:
  std::optional<syncline::error> failure_;
};

} // namespace syncline
