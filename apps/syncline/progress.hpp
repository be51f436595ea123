#pragma once
// One line on a terminal that says how far something is; nothing elsewhere.

#include <chrono>
#include <cstdint>
#include <string>

namespace syncline::app {

/// From one thread.
class progress {
public:
  static constexpr std::chrono::milliseconds period{100};

  explicit progress(std::string what);
  /// Takes the line away.
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Whether stderr is a terminal.
  [[nodiscard]] bool is_shown() const {
    return shown_;
  }
  void show(const std::string& how_far);
  /// With a bar, which `NO_COLOR` keeps plain.
  void show(std::uint64_t done, std::uint64_t of);

private:
  std::string what_;
  bool shown_;
  bool colored_;
};

} // namespace syncline::app
