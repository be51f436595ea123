#include "bench/child_process.hpp"

#include "bench/support.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace syncline::bench {

child_process::child_process(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& one : command)
    arguments.push_back(const_cast<char*>(one.c_str())); // execv takes them so and only reads.
  arguments.push_back(nullptr);
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0)
    fail("pipe2 failed");
  const int parent = ::getpid();
  process_ = ::fork();
  if (process_ < 0)
    fail("fork failed");
  if (process_ == 0) {
    // Nothing but system calls from here to the exec: other threads may have held any lock.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() == parent && ::dup2(pipe_ends[1], STDOUT_FILENO) >= 0)
      ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  output_ = pipe_ends[0];
}

child_process::~child_process() {
  if (process_ > 0)
    terminate();
  ::close(output_);
}

bool child_process::read_line(std::string& line) {
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return true;
    }
    std::array<char, 4096> piece{};
    const auto got = ::read(output_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

int child_process::terminate() {
  if (process_ > 0)
    ::kill(process_, SIGTERM);
  return wait();
}

int child_process::wait() {
  if (process_ <= 0)
    return 0;
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0)
    if (errno != EINTR)
      fail("waitpid failed");
  process_ = -1;
  constexpr int signalled = 128;
  return WIFEXITED(status) ? WEXITSTATUS(status) : signalled + WTERMSIG(status);
}

namespace {

std::string syncline_program() {
  if (const char* chosen = std::getenv("SYNCLINE_PROGRAM"))
    return chosen;
  const auto beside = own_program().parent_path() / "syncline";
  if (!std::filesystem::exists(beside))
    fail("there is no " + beside.string() + "; build it, or name it in SYNCLINE_PROGRAM");
  return beside.string();
}

} // namespace

server_process::server_process(const std::string& directory)
  : process_{{syncline_program(), "server", "--store", directory, "--listen", "127.0.0.1:0"}} {
  constexpr std::string_view announcement = "listening on ";
  std::string line;
  while (url_.empty()) {
    if (!process_.read_line(line))
      fail("the server ended before it listened");
    if (const auto at = line.find(announcement); at != std::string::npos)
      url_ = line.substr(at + announcement.size());
  }
  url_.resize(std::min(url_.size(), url_.find_first_of(" \t\r,")));
}

findings read_findings(child_process& process) {
  findings found;
  std::string line;
  while (process.read_line(line))
    if (const auto sign = line.find('='); sign != std::string::npos)
      found[line.substr(0, sign)] = std::strtod(line.c_str() + sign + 1, nullptr);
  if (const int code = process.wait(); code != 0)
    fail("a role ended with " + std::to_string(code));
  return found;
}

double read_finding(child_process& process, const std::string& name) {
  std::string line;
  if (!process.read_line(line) || !line.starts_with(name + "="))
    fail("a role did not tell its " + name);
  return std::strtod(line.c_str() + name.size() + 1, nullptr);
}

findings run_role(const std::string& role, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{own_program().string(), "--role=" + role};
  command.insert(command.end(), arguments.begin(), arguments.end());
  child_process process{command};
  return read_findings(process);
}

void tell(const std::string& name, double value) {
  std::printf("%s=%.9g\n", name.c_str(), value);
  std::fflush(stdout);
}

} // namespace syncline::bench
