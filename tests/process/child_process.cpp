#include "tests/process/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace syncline::tests {

child_process::child_process(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe for " + arguments.at(0)};
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const auto& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str())); // posix_spawn does not write to them.
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int failure = ::posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  output_ = ends[0];
  if (failure != 0) {
    ::close(output_);
    throw std::runtime_error{"cannot start " + arguments.at(0)};
  }
  reader_ = std::thread{[this] { read_output(); }};
}

child_process::~child_process() {
  if (pid_ > 0)
    send_signal(SIGKILL);
  static_cast<void>(wait());
  ::close(output_);
}

void child_process::read_output() {
  std::string unread;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto size = ::read(output_, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR)
      continue;
    const std::lock_guard lock{mutex_};
    if (size <= 0) {
      ended_ = true;
      changed_.notify_all();
      return;
    }
    unread.append(buffer.data(), static_cast<std::size_t>(size));
    for (auto end = unread.find('\n'); end != std::string::npos; end = unread.find('\n')) {
      lines_.push_back(unread.substr(0, end));
      unread.erase(0, end + 1);
    }
    changed_.notify_all();
  }
}

std::optional<std::string> child_process::wait_for_line(const std::string& beginning,
                                                        std::chrono::milliseconds patience) {
  const auto find = [&] {
    return std::find_if(lines_.begin(), lines_.end(),
                        [&](const std::string& line) { return line.starts_with(beginning); });
  };
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, patience, [&] { return ended_ || find() != lines_.end(); });
  const auto found = find();
  return found == lines_.end() ? std::nullopt : std::optional{*found};
}

void child_process::send_signal(int signal) const {
  if (pid_ > 0)
    ::kill(pid_, signal);
}

int child_process::wait() {
  if (pid_ > 0) {
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    reader_.join();
  }
  return status_;
}

std::vector<std::string> child_process::lines() {
  const std::lock_guard lock{mutex_};
  return lines_;
}

} // namespace syncline::tests
