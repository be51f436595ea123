#pragma once
// The signals that end a command: Ctrl-C, SIGTERM and SIGHUP, taken by waiting for them.

#include <csignal>
#include <cstdint>
#include <initializer_list>

namespace syncline::app {

/// Make it before any other thread is started: it blocks the signals for all of them, so that only
/// the waits here take one.
class end_signals {
public:
  /// `more` end the wait as well.
  explicit end_signals(std::initializer_list<int> more = {});

  /// Blocks until one comes; its number.
  int wait() const;
  /// True once one has come, false after `ms` without one.
  [[nodiscard]] bool wait_for(std::int64_t ms) const;

private:
  sigset_t set_{};
};

} // namespace syncline::app
