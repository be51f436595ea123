#pragma once
// When a change of the host's conditions is told. Pure.

#include "core/jobs/conditions.hpp"

#include <cstdint>
#include <optional>

namespace syncline::core {

/// How long a change is watched before it is told: one event on the machine comes as many messages,
/// and a flapping link would otherwise be told for each of them.
inline constexpr std::int64_t conditions_settle_ms = 100;
/// After this the first conditions are told, even if a sensor has not answered by then.
inline constexpr std::int64_t first_conditions_ms = 2'000;

/// Decides what to tell. Times are milliseconds of one monotonic clock. At most one telling comes
/// in `conditions_settle_ms`; a change that is gone by then is not told.
class conditions_report {
public:
  explicit conditions_report(std::int64_t started_ms) : due_ms_{started_ms + first_conditions_ms} {}

  /// True where `seen` is to be told now, and is taken as told then. `complete`: every sensor has
  /// answered, or is known to be away.
  [[nodiscard]] bool update(const host_conditions& seen, bool complete, std::int64_t now_ms) {
    if (told_ == seen) {
      due_ms_.reset();
      return false;
    }
    if (!due_ms_)
      due_ms_ = now_ms + conditions_settle_ms;
    const bool first = !told_ && complete;
    if (now_ms < *due_ms_ && !first)
      return false;
    due_ms_.reset();
    told_ = seen;
    return true;
  }

  /// When to ask again although nothing has changed.
  [[nodiscard]] std::optional<std::int64_t> due_ms() const {
    return due_ms_;
  }

private:
  std::optional<host_conditions> told_;
  std::optional<std::int64_t> due_ms_;
};

} // namespace syncline::core
