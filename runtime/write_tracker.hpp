#pragma once
// Follows writes on their way, for as long as the host holds on to them.

#include "client_storage.pb.h"
#include "core/expected.hpp"
#include "syncline/types.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace syncline {

class write_tracker;

/// How far each operation of one `write` has come. Shared by the handles of the host; the tracker
/// only knows it weakly, so a write that nobody asks about costs nothing once it is answered.
struct write_progress {
  struct operation {
    std::uint64_t seq = 0;
    stage reached = stage::pending;
    error failure; ///< ends it at `reached`; an empty code where it goes on
  };

  write_progress(std::shared_ptr<write_tracker> owner, std::size_t count)
    : tracker{std::move(owner)}, operations(count) {}
  write_progress(const write_progress&) = delete;
  write_progress& operator=(const write_progress&) = delete;
  ~write_progress();

  /// Blocks until the operation has reached `wanted`, without a bound where `timeout` is absent.
  result<void> wait(std::size_t index, stage wanted,
                    std::optional<std::chrono::milliseconds> timeout);
  void move(std::size_t index, stage to);
  void fail(std::size_t index, const error& why);
  void fail_all(const error& why);

  std::shared_ptr<write_tracker> tracker;
  std::mutex mutex; ///< guards the rest
  std::condition_variable moved;
  std::vector<operation> operations;
};

/// Any thread.
class write_tracker : public std::enable_shared_from_this<write_tracker> {
public:
  /// Takes up a write of `count` operations that goes to storage now; nullptr where too many wait.
  [[nodiscard]] std::shared_ptr<write_progress> begin(std::size_t count);
  /// Storage has answered. Called before any event of that write can arrive.
  void finish(const std::shared_ptr<write_progress>& progress,
              const core::expected<msg::LocalWritten>& outcome);
  void advance(const msg::MutationsAdvanced& event);

  /// Waits until storage has answered all writes; false where that takes longer.
  bool wait_until_answered(std::chrono::milliseconds timeout);
  /// Ends all waiting: the runtime is closing.
  void close();

  /// For the destructor of a progress only.
  void forget(const write_progress& progress);

private:
  struct follower {
    std::weak_ptr<write_progress> progress;
    std::size_t index = 0;
  };

  std::mutex mutex_;
  std::condition_variable answered_;
  std::size_t unanswered_ = 0;
  bool closed_ = false;
  std::unordered_multimap<std::uint64_t, follower> followers_; // by the entry that carries them
};

} // namespace syncline
