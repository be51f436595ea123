#include "core/sync/backoff.hpp"

#include <algorithm>

namespace syncline::core {

std::int64_t backoff_bound_ms(std::uint32_t failures, const backoff_options& options) {
  std::int64_t bound = options.first_ms;
  for (std::uint32_t i = 1; i < failures && bound < options.max_ms; ++i)
    bound *= 2;
  return std::min(bound, options.max_ms);
}

std::int64_t backoff::fail(std::uint64_t random, std::int64_t retry_after_ms) {
  ++failures_;
  const std::int64_t bound = backoff_bound_ms(failures_, options_);
  const auto jittered = static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(bound) + 1));
  const std::int64_t asked =
    std::clamp<std::int64_t>(retry_after_ms, 0, options_.retry_after_max_ms);
  return std::max(jittered, asked);
}

} // namespace syncline::core
