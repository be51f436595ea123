#pragma once
// When to try again: exponential, capped, full jitter after the cap (RELIABILITY.md P16).

#include <cstdint>

namespace syncline::core {

/// Bounds of a backoff, milliseconds.
struct backoff_options {
  std::int64_t first_ms = 1'000;
  std::int64_t max_ms = 300'000;
  /// A `Retry-After` beyond this is obeyed only this far: a broken server cannot silence a client.
  std::int64_t retry_after_max_ms = 3'600'000;
};

/// The bound after `failures` failures in a row (from 1): `first * 2^(failures - 1)`, capped.
[[nodiscard]] std::int64_t backoff_bound_ms(std::uint32_t failures,
                                            const backoff_options& options = {});

/// Counts failures and says how long to wait. Not synchronised; randomness is an argument.
class backoff {
public:
  explicit backoff(backoff_options options = {}) : options_{options} {}

  /// The wait after one more failure: uniform in [0, bound] by `random`, but never below what the
  /// server asked for (0 = it did not), within its own bound.
  std::int64_t fail(std::uint64_t random, std::int64_t retry_after_ms = 0);
  void succeed() {
    failures_ = 0;
  }
  [[nodiscard]] std::uint32_t failures() const {
    return failures_;
  }

private:
  backoff_options options_;
  std::uint32_t failures_ = 0;
};

} // namespace syncline::core
