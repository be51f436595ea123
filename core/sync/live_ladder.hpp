#pragma once
// Which kind of live connection to try next, and when (DESIGN.md section 7): WebSocket, then event
// stream, then none, after three failures each; and the way back up. Pure.

#include "core/sync/backoff.hpp"

#include <cstdint>
#include <optional>

namespace syncline::core {

/// What a server asks its clients to wait before they come again; milliseconds, drawn uniformly
/// between the two.
struct reconnect_range {
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
};

/// Not synchronised; randomness is an argument. Times are milliseconds.
class live_ladder {
public:
  enum class rung { websocket, events, polling };

  struct options {
    std::uint32_t failures_max = 3; ///< in a row, before the next rung
    backoff_options backoff{.first_ms = 500, .max_ms = 60'000};
    /// From polling the top is tried again after about so long, and twice as long each time
    /// that it fails.
    std::int64_t climb_first_ms = 60'000;
    std::int64_t climb_max_ms = 600'000;
  };

  live_ladder() : live_ladder(options{}) {}
  explicit live_ladder(options how) : options_{how}, backoff_{how.backoff} {}

  /// `polling` means that nothing is to be connected before the wait is over.
  [[nodiscard]] rung current() const {
    return rung_;
  }

  /// A connection of the current rung could not be made, or ended before everything was caught up,
  /// although the server may well answer requests. How long to wait now.
  std::int64_t fail(std::uint64_t random);

  /// As above, but nothing at all reaches the server: no other rung would help.
  std::int64_t unreachable(std::uint64_t random) {
    return backoff_.fail(random);
  }

  /// A connection of the current rung has been live for long enough to count.
  void established();

  /// An established connection ended; after an event stream WebSocket is tried once. How long to
  /// wait now; `asked` is what the server wishes.
  std::int64_t end(std::uint64_t random, const std::optional<reconnect_range>& asked);

  /// The time to climb has come, or there is a new network: the top is tried, with one failure left
  /// in the first case.
  void climb();
  void start_anew();

private:
  [[nodiscard]] std::int64_t climb_wait_ms(std::uint64_t random) const;

  options options_;
  backoff backoff_;
  rung rung_ = rung::websocket;
  std::uint32_t failures_ = 0; // on this rung
  std::uint32_t climbs_ = 0;   // that have failed
};

} // namespace syncline::core
