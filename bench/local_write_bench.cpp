// W5a: one durable write after the other. W5b: 64 threads that write at once.

#include "bench/benchmarks.hpp"
#include "bench/fixtures.hpp"
#include "bench/raw_lmdb.hpp"
#include "syncline/runtime.hpp"

#include <algorithm>
#include <thread>

namespace syncline::bench {

namespace {

std::unique_ptr<runtime> open_local(const data_directory& place) {
  return value_or_fail(runtime::open(client_options(place / "store", {})));
}

// Ours and LMDB's take turns, because the disk changes from one second to the next.
void one_write(benchmark::State& state) {
  constexpr std::size_t writes = 1000;
  const data_directory place;
  const auto ids = make_ids(id_kind::random, 10'000);
  const auto ours = open_local(place);
  raw_lmdb raw{place / "raw"};
  std::mt19937_64 random{7};
  std::vector<double> our_us;
  std::vector<double> raw_us;
  for (auto _ : state) {
    our_us.clear();
    raw_us.clear();
    for (std::size_t i = 0; i < writes; ++i) {
      const auto& id = ids[random() % ids.size()];
      const auto body = make_body(i, 1, id_kind::random);
      const stopwatch raw_watch;
      raw.begin();
      raw.put_sealed(id, body);
      raw.commit();
      raw_us.push_back(raw_watch.seconds() * 1e6);
      const stopwatch watch;
      static_cast<void>(value_or_fail(ours->put(collection, id, body)));
      our_us.push_back(watch.seconds() * 1e6);
    }
    const double p50 = median(our_us);
    const double floor = median(raw_us);
    state.SetIterationTime(p50 / 1e6);
    state.counters["p50_us"] = p50;
    state.counters["p99_us"] = our_us[our_us.size() * 99 / 100];
    state.counters["raw_p50_us"] = floor;
    state.counters["raw_p99_us"] = raw_us[raw_us.size() * 99 / 100];
    state.counters["times_raw"] = p50 / floor;
    show_calibration(state);
  }
  check_done(ours->close());
}

constexpr std::size_t writers = 64;
constexpr std::size_t writes_each = 1000;

// The floor: one thread that commits 64 random keys at a time, which is as large as a group of 64
// writers can be when each waits for its own.
double raw_grouped_per_second(const std::vector<std::string>& ids) {
  const data_directory place;
  raw_lmdb raw{place / "raw"};
  std::mt19937_64 random{7};
  const stopwatch watch;
  for (std::size_t group = 0; group < writes_each; ++group) {
    raw.begin();
    for (std::size_t i = 0; i < writers; ++i)
      raw.put_sealed(ids[random() % ids.size()], make_body(i, 1, id_kind::random));
    raw.commit();
  }
  return static_cast<double>(writers * writes_each) / watch.seconds();
}

void many_writers(benchmark::State& state) {
  const auto ids = make_ids(id_kind::random, 100'000);
  for (auto _ : state) {
    const double floor = raw_grouped_per_second(ids);
    const data_directory place;
    const auto ours = open_local(place);
    std::vector<double> times_us(writers * writes_each);
    std::vector<std::thread> threads;
    const double busy_before = processor_seconds();
    const stopwatch watch;
    for (std::size_t writer = 0; writer < writers; ++writer)
      threads.emplace_back([&, writer] {
        std::mt19937_64 random{writer};
        for (std::size_t i = 0; i < writes_each; ++i) {
          const stopwatch one;
          static_cast<void>(
            value_or_fail(ours->put(collection, ids[random() % ids.size()],
                                    make_body(writer * writes_each + i, 1, id_kind::random))));
          times_us[writer * writes_each + i] = one.seconds() * 1e6;
        }
      });
    for (auto& thread : threads)
      thread.join();
    const double seconds = watch.seconds();
    const double busy = processor_seconds() - busy_before;
    const double rate = static_cast<double>(writers * writes_each) / seconds;
    state.SetIterationTime(seconds);
    state.counters["writes_per_s"] = rate;
    state.counters["floor_per_s"] = floor;
    state.counters["of_floor"] = rate / floor;
    state.counters["p50_us"] = median(times_us);
    state.counters["p99_us"] = times_us[times_us.size() * 99 / 100];
    state.counters["cpu_us_per_write"] = busy * 1e6 / static_cast<double>(writers * writes_each);
    show_calibration(state);
    check_done(ours->close());
  }
}

} // namespace

void register_local_writes(const settings&) {
  benchmark::RegisterBenchmark("W5a/one_durable_write", one_write)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("W5b/64_durable_writers", many_writers)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
}

} // namespace syncline::bench
