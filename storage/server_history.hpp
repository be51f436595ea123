#pragma once
// The starts of the server, for each space; private to the key-value server store.

#include "core/sync/cursor.hpp"
#include "storage/records.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace syncline::storage {

/// Remembers the starts of each space, so that a request does not read them again. Thread-safe.
class start_register {
public:
  using starts = std::shared_ptr<const std::vector<msg::StartRecord>>;

  /// Stands for every space that has no change yet; no space has this name.
  static constexpr std::string_view idle_space = "";

  start_register(std::uint64_t epoch, msg::StartRecord current)
    : epoch_{epoch}, current_{std::move(current)} {}

  /// Starts of a space, oldest first. Those before its first own one committed nothing of it, but
  /// clients may have seen the empty space under them; `idle_space` is to be added first.
  void add(std::string space, std::vector<msg::StartRecord> own);

  /// The history of a space at a snapshot.
  [[nodiscard]] core::server_history history(std::string_view space,
                                             const record_reader& records) const;

  /// True where the space is known; else its first write has to record the start.
  [[nodiscard]] bool knows(std::string_view space) const;

  [[nodiscard]] const msg::StartRecord& current() const {
    return current_;
  }
  [[nodiscard]] std::uint64_t epoch() const {
    return epoch_;
  }

private:
  std::uint64_t epoch_;
  msg::StartRecord current_;
  mutable std::mutex mutex_;
  std::map<std::string, starts, std::less<>> by_space_;
};

/// The start under which `seq` was committed.
[[nodiscard]] std::uint64_t start_of(const core::server_history& history, std::uint64_t seq);

/// A cursor record at `seq`.
[[nodiscard]] msg::Cursor cursor_at(const core::server_history& history,
                                    const std::string& collection, msg::Cursor::Phase phase,
                                    std::uint64_t seq);

/// The refusal for a place that cannot be trusted.
[[nodiscard]] msg::ErrorReply expired(const core::server_history& history,
                                      core::place_problem problem);

} // namespace syncline::storage
