#pragma once
// Other processes: the server, and clients whose memory is to be seen alone.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace syncline::bench {

/// A process that writes lines to a pipe. It dies with this one.
class child_process {
public:
  explicit child_process(const std::vector<std::string>& command);
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  /// Asks it to end, where it still runs, and waits for that.
  ~child_process();

  /// The next line without its end; false at the end of its output.
  bool read_line(std::string& line);
  [[nodiscard]] int id() const {
    return process_;
  }
  /// SIGTERM, and waits. The exit code, or 128 and the signal.
  int terminate();
  /// Waits for its own end.
  int wait();

private:
  int process_ = -1;
  int output_ = -1;
  std::string buffer_;
};

/// `syncline server` on a directory and a free port of loopback, as a process of its own.
class server_process {
public:
  explicit server_process(const std::string& directory);
  [[nodiscard]] const std::string& url() const {
    return url_;
  }
  [[nodiscard]] int id() const {
    return process_.id();
  }

private:
  child_process process_;
  std::string url_;
};

/// What a run of this program in another role has found, by name.
using findings = std::map<std::string, double>;

/// The findings that a process tells until it ends; a process that fails has none to show.
[[nodiscard]] findings read_findings(child_process& process);

/// The next one that it tells.
[[nodiscard]] double read_finding(child_process& process, const std::string& name);

/// Runs this program as `--role=ROLE ARGUMENT...` and reads what it prints.
[[nodiscard]] findings run_role(const std::string& role, const std::vector<std::string>& arguments);

/// The other side: prints one finding.
void tell(const std::string& name, double value);

/// Does what `--role=ROLE` asks for.
int play_role(const std::string& role, const std::vector<std::string>& arguments);

} // namespace syncline::bench
