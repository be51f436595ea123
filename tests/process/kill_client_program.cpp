// A client to be killed: kill_client_program STORE URL NUMBER. Writes on and on where its store
// ends, syncs in the background, and says on stdout what it begins and what was accepted here.

#include "syncline/runtime.hpp"
#include "tests/process/kill_load.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <deque>

namespace {

using namespace syncline;
using namespace std::chrono_literals;

constexpr std::size_t unanswered_max = 16; // Writes that the server may be behind.

// A line has to leave the process before the next step is taken.
void say(const char* what, std::uint64_t number) {
  std::printf("%s %llu\n", what, static_cast<unsigned long long>(number));
  std::fflush(stdout);
}

template <class T>
T value_or_exit(result<T> outcome) {
  if (!outcome) {
    std::fprintf(stderr, "kill_client_program: %s: %s\n", outcome.error().code.c_str(),
                 outcome.error().message.c_str());
    std::exit(1);
  }
  return std::move(*outcome);
}

std::uint64_t written_so_far(const runtime& one, std::uint64_t client) {
  const auto marker = value_or_exit(one.get("notes", tests::kill_marker(client)));
  return marker ? nlohmann::json::parse(marker->body).at("n").get<std::uint64_t>() : 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4)
    return 2;
  const std::uint64_t client = std::strtoull(argv[3], nullptr, 10);
  options how;
  how.store = argv[1];
  how.server = argv[2];
  how.collections.push_back({"notes"});
  how.retry_first = 1ms;
  how.retry_max = 10ms;
  how.poll_interval = 50ms;
  how.start = true;
  const auto one = value_or_exit(runtime::open(how));
  // The counters are the server's; without them there is nothing to count up.
  if (!value_or_exit(one->get("notes", tests::kill_counter(0))))
    static_cast<void>(value_or_exit(one->sync_now({.attempts_max = 0})));
  auto number = written_so_far(*one, client);
  say("recovered", number);
  std::deque<mutation> unanswered;
  for (;;) {
    say("begin", ++number);
    auto written = value_or_exit(one->write(tests::kill_write(client, number)));
    say("done", number);
    unanswered.push_back(std::move(written.back()));
    if (unanswered.size() < unanswered_max)
      continue;
    // Whatever comes of it: a server that is down must not stop the writes, only slow them.
    static_cast<void>(unanswered.front().wait(stage::accepted, 20ms));
    unanswered.pop_front();
  }
}
