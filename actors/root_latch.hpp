#pragma once
// Waits, within a bound, for the actors that nobody else waits for.

#include "actors/message_types.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

namespace syncline::actors {

/// Counts actors that still live. Any thread.
class root_latch {
public:
  void watch(const caf::actor& root) {
    {
      const std::lock_guard lock{shared_->mutex};
      ++shared_->living;
    }
    root->attach_functor([shared = shared_](const caf::error&) {
      const std::lock_guard lock{shared->mutex};
      --shared->living;
      shared->changed.notify_all();
    });
  }

  /// True once at most `count` of them live.
  [[nodiscard]] bool wait_for(std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock lock{shared_->mutex};
    return shared_->changed.wait_for(lock, timeout, [&] { return shared_->living <= count; });
  }

private:
  struct counter {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t living = 0;
  };
  std::shared_ptr<counter> shared_ = std::make_shared<counter>();
};

} // namespace syncline::actors
