// What this program does in a process of its own.

#include "bench/child_process.hpp"
#include "bench/editors.hpp"
#include "bench/fixtures.hpp"
#include "bench/live_roles.hpp"
#include "bench/raw_lmdb.hpp"
#include "bench/support.hpp"
#include "syncline/runtime.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <thread>

namespace syncline::bench {

namespace {

/// Looks at this process's anonymous memory while something runs.
class memory_watch {
public:
  memory_watch() : before_{anonymous_bytes()}, peak_{before_} {
    thread_ = std::thread{[this] {
      while (!done_) {
        peak_ = std::max<std::uint64_t>(peak_, anonymous_bytes());
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
      }
    }};
  }
  ~memory_watch() {
    done_ = true;
    thread_.join();
  }
  [[nodiscard]] double growth_mib() {
    peak_ = std::max<std::uint64_t>(peak_, anonymous_bytes());
    return static_cast<double>(peak_ - before_) / (1 << 20);
  }

private:
  std::uint64_t before_;
  std::atomic<std::uint64_t> peak_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

sync_report sync_or_fail(runtime& one) {
  auto report = value_or_fail(one.sync_now());
  if (!report.success)
    fail(report.error.code + ": " + report.error.message);
  return report;
}

// STORE URL COUNT KIND: pushes items to an empty server.
int seed(const std::vector<std::string>& arguments) {
  auto how = client_options(arguments[0], arguments[1]);
  how.batch_items_max = 1000;
  how.durable = durability::process; // The server's is full; this store is thrown away.
  const auto one = value_or_fail(runtime::open(how));
  const auto kind = id_kind_of(arguments[3]);
  const auto ids = make_ids(kind, std::strtoull(arguments[2].c_str(), nullptr, 10));
  constexpr std::size_t at_once = 10'000;
  for (std::size_t from = 0; from < ids.size(); from += at_once) {
    std::vector<operation> operations;
    for (std::size_t i = from; i < std::min(ids.size(), from + at_once); ++i)
      operations.push_back(operation::put(collection, ids[i], make_body(i, 1, kind)));
    static_cast<void>(value_or_fail(one->write(std::move(operations))));
    sync_or_fail(*one);
  }
  check_done(one->close());
  return 0;
}

// STORE URL COUNT: the first sync of an empty store.
int pull(const std::vector<std::string>& arguments) {
  const auto one = value_or_fail(runtime::open(client_options(arguments[0], arguments[1])));
  memory_watch memory;
  const double busy_before = processor_seconds();
  const stopwatch watch;
  const auto report = sync_or_fail(*one);
  tell("seconds", watch.seconds());
  tell("processor_seconds", processor_seconds() - busy_before);
  tell("growth_mib", memory.growth_mib());
  tell("items", static_cast<double>(report.items_processed));
  tell("bytes_received", static_cast<double>(report.bytes_received));
  tell("requests", static_cast<double>(report.requests));
  if (report.items_processed != std::strtoull(arguments[2].c_str(), nullptr, 10))
    fail("pulled " + std::to_string(report.items_processed) + " items of " + arguments[2]);
  check_done(one->close());
  return 0;
}

// STORE ID: opens a store and reads one item.
int open_and_read(const std::vector<std::string>& arguments) {
  const auto memory = anonymous_bytes();
  options how;
  how.store = arguments[0];
  how.create = false;
  const stopwatch watch;
  const auto one = value_or_fail(runtime::open(how));
  tell("open_ms", watch.seconds() * 1e3);
  const auto found = value_or_fail(one->get(collection, arguments[1]));
  tell("ms", watch.seconds() * 1e3);
  tell("growth_mib", static_cast<double>(anonymous_bytes() - memory) / (1 << 20));
  if (!found || value_or_fail(one->status()).verification != "clean")
    fail("the store is not clean or lacks " + arguments[1]);
  check_done(one->close());
  return 0;
}

// DIRECTORY ID: the same with LMDB alone.
int open_raw(const std::vector<std::string>& arguments) {
  const stopwatch watch;
  raw_lmdb store{arguments[0]};
  store.begin_reading();
  const auto found = store.get(arguments[1]);
  tell("ms", watch.seconds() * 1e3);
  if (found.empty())
    fail("the store lacks " + arguments[1]);
  store.end_reading();
  return 0;
}

} // namespace

int play_role(const std::string& role, const std::vector<std::string>& arguments) {
  using player = int (*)(const std::vector<std::string>&);
  struct part {
    std::string name;
    std::size_t arguments;
    player play;
  };
  for (const auto& [name, count, play] :
       {part{"seed", 4, seed}, part{"pull", 3, pull}, part{"open", 2, open_and_read},
        part{"open-raw", 2, open_raw}, part{"subscribe", 3, subscribe}, part{"fan-out", 2, fan_out},
        part{"edit", 6, edit}, part{"come-back", 3, come_back}, part{"type-paper", 2, type_paper}})
    if (name == role && arguments.size() == count)
      return play(arguments);
  fail("there is no role '" + role + "' with " + std::to_string(arguments.size()) + " arguments");
}

} // namespace syncline::bench
