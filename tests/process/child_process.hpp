#pragma once
// Another process, its output line by line, and its death.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace syncline::tests {

/// Runs a program; what it writes to stdout is read all the time, so that it never waits for us.
/// Ended by SIGKILL where it still runs at the end. Any thread may read its lines.
class child_process {
public:
  /// `arguments[0]` is the program's path. Throws std::runtime_error where it cannot be started.
  explicit child_process(const std::vector<std::string>& arguments);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// The first line with this beginning; nothing once the output ended or the time is up.
  [[nodiscard]] std::optional<std::string> wait_for_line(const std::string& beginning,
                                                         std::chrono::milliseconds patience);
  void send_signal(int signal) const;
  /// Waits for the end of the process and of its output; the status is that of waitpid.
  int wait();
  /// All lines that were written whole. Complete after `wait`.
  [[nodiscard]] std::vector<std::string> lines();

private:
  void read_output();

  pid_t pid_ = -1;
  int output_ = -1;
  int status_ = 0;
  std::mutex mutex_; // guards the next three
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  bool ended_ = false;
  std::thread reader_;
};

} // namespace syncline::tests
