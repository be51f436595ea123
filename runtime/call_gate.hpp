#pragma once
// Lets calls in until the runtime closes, and then waits for those that are inside.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

namespace syncline {

/// Any thread.
class call_gate {
public:
  /// Inside, for as long as it lives and is true.
  class pass {
  public:
    explicit pass(call_gate* gate) : gate_{gate} {}
    pass(pass&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
    pass& operator=(pass&&) = delete;
    pass(const pass&) = delete;
    pass& operator=(const pass&) = delete;
    ~pass() {
      if (gate_)
        gate_->state_.fetch_sub(1, std::memory_order_release);
    }
    explicit operator bool() const {
      return gate_ != nullptr;
    }

  private:
    call_gate* gate_;
  };

  [[nodiscard]] pass enter() {
    if ((state_.fetch_add(1, std::memory_order_acquire) & closed) == 0)
      return pass{this};
    state_.fetch_sub(1, std::memory_order_release);
    return pass{nullptr};
  }
  /// False where it was closed already.
  bool close() {
    return (state_.fetch_or(closed, std::memory_order_acq_rel) & closed) == 0;
  }
  /// After `close`: true once nobody is inside any more.
  [[nodiscard]] bool wait_empty(std::chrono::steady_clock::time_point deadline) const {
    while ((state_.load(std::memory_order_acquire) & ~closed) != 0) {
      if (std::chrono::steady_clock::now() >= deadline)
        return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return true;
  }

private:
  static constexpr std::uint64_t closed = std::uint64_t{1} << 63;
  std::atomic<std::uint64_t> state_{0};
};

} // namespace syncline
