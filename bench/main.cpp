// The benchmarks of PERFORMANCE.md that this version can run. See README.md.

#include "bench/benchmarks.hpp"
#include "bench/child_process.hpp"
#include "bench/fixtures.hpp"

#include <sys/utsname.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace syncline::bench {

namespace {

std::string first_line_of(const char* command) {
  std::string line;
  if (FILE* pipe = ::popen(command, "r")) {
    for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe))
      line += static_cast<char>(c);
    ::pclose(pipe);
  }
  return line;
}

void describe_machine() {
  utsname system{};
  ::uname(&system);
  benchmark::AddCustomContext("kernel", system.release);
  benchmark::AddCustomContext("cores", std::to_string(std::thread::hardware_concurrency()));
  benchmark::AddCustomContext("data_file_system", file_system_name());
  const auto commit = first_line_of("git describe --always --dirty 2>/dev/null");
  benchmark::AddCustomContext("commit", commit.empty() ? "unknown" : commit);
  benchmark::AddCustomContext("fdatasync_p50_us", std::to_string(fdatasync_p50_us()));
}

int main(int argc, char** argv) {
  constexpr std::string_view role = "--role=";
  if (argc > 1 && std::string_view{argv[1]}.starts_with(role))
    return play_role(std::string{argv[1]}.substr(role.size()), {argv + 2, argv + argc});

  settings how;
  how.large = std::getenv("SYNCLINE_BENCH_LARGE") != nullptr;
  // The middle of several rounds, unless something else is asked for: given ones come later and
  // win.
  std::string repetitions = "--benchmark_repetitions=3";
  std::vector<char*> arguments{argv[0], repetitions.data()};
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--large")
      how.large = true;
    else
      arguments.push_back(argv[i]);
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
    return 2;
  describe_machine();
  register_messages(how);
  register_local_writes(how);
  register_push(how);
  register_live(how);
  register_texts(how);
  register_documents(how);
  register_first_sync(how);
  register_local_reads(how);
  register_open(how);
  register_delta_bytes(how);
  benchmark::RunSpecifiedBenchmarks();
  drop_fixtures();
  benchmark::Shutdown();
  return 0;
}

} // namespace

} // namespace syncline::bench

int main(int argc, char** argv) {
  return syncline::bench::main(argc, argv);
}
