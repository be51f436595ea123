#pragma once
// Hands changes to the host: on one callback thread, or through a file descriptor.
//
// A subscriber is a cursor in the store's feed, not a queue: however slow its callback is, nothing
// piles up, and a host that comes back asks for the numbers after the last one it saw.

#include "syncline/types.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace syncline {

/// Any thread.
class event_pump {
public:
  /// Reads changes after a number, up to a limit.
  using reader = std::function<result<change_page>(std::uint64_t after_seq, std::size_t limit)>;
  using callback = std::function<void(const change&)>;

  /// `poll_from`: with it there is an event descriptor and `take`, beginning after that number.
  event_pump(reader read, std::optional<std::uint64_t> poll_from);
  ~event_pump();
  event_pump(const event_pump&) = delete;
  event_pump& operator=(const event_pump&) = delete;

  /// There is something new. Does not block.
  void wake();
  /// Runs `task` on the callback thread, before further changes.
  void post(std::function<void()> task);
  /// Returns what cancels it. See `syncline::subscription`.
  [[nodiscard]] std::function<void()> subscribe(callback called, std::uint64_t after_seq);

  [[nodiscard]] int descriptor() const;
  [[nodiscard]] result<std::vector<change>> take(std::size_t limit);

  /// Callbacks and tasks that threw.
  [[nodiscard]] std::uint64_t failures() const;
  [[nodiscard]] bool is_callback_thread() const;

  /// No callback begins afterwards. Waits for one under way, but not on the callback thread, and
  /// not beyond `timeout`: then false. Nothing here keeps the store open once this has returned.
  bool stop(std::chrono::milliseconds timeout);

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace syncline
