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

/// What a put leaves in four tables: the row as it is seen with its lane, the entry of the outbox,
/// the change, and the counters.
class same_shape {
public:
  explicit same_shape(const std::filesystem::path& directory) : store_{directory, 4} {}

  void begin() {
    store_.begin();
  }
  void put(const std::string& id, const std::string& body) {
    constexpr std::size_t lane_bytes = 100;
    constexpr std::size_t entry_bytes = 120;
    constexpr std::size_t change_bytes = 50;
    constexpr std::size_t counter_bytes = 90;
    const std::string number = rising_key(++writes_);
    store_.put(id, body + std::string(lane_bytes, 'l'), 0);
    store_.put(number, body + std::string(entry_bytes, 'e'), 1);
    store_.put(number, std::string(change_bytes, 'c'), 2);
    store_.put("counters", std::string(counter_bytes, 'n'), 3);
  }
  void commit() {
    store_.commit();
  }

private:
  static std::string rising_key(std::uint64_t value) {
    std::string key(sizeof value, '\0');
    for (auto digit = key.rbegin(); digit != key.rend(); ++digit, value >>= 8)
      *digit = static_cast<char>(value & 0xff);
    return key;
  }

  raw_lmdb store_;
  std::uint64_t writes_ = 0;
};

template <class Write>
double timed_us(Write write) {
  const stopwatch watch;
  write();
  return watch.seconds() * 1e6;
}

template <class Store>
double one_commit_us(Store& store, const std::string& id, const std::string& body) {
  return timed_us([&] {
    store.begin();
    store.put(id, body);
    store.commit();
  });
}

// Ours and LMDB's take turns, because the disk changes from one second to the next.
void one_write(benchmark::State& state) {
  constexpr std::size_t writes = 1000;
  const data_directory place;
  const auto ids = make_ids(id_kind::random, 10'000);
  const auto ours = open_local(place);
  raw_lmdb raw{place / "raw"};
  same_shape shaped{place / "shaped"};
  std::mt19937_64 random{7};
  for (auto _ : state) {
    std::vector<double> our_us;
    std::vector<double> raw_us;
    std::vector<double> shaped_us;
    for (std::size_t i = 0; i < writes; ++i) {
      const auto& id = ids[random() % ids.size()];
      const auto body = make_body(i, 1, id_kind::random);
      raw_us.push_back(one_commit_us(raw, id, body));
      shaped_us.push_back(one_commit_us(shaped, id, body));
      our_us.push_back(
        timed_us([&] { static_cast<void>(value_or_fail(ours->put(collection, id, body))); }));
    }
    const double p50 = median(our_us);
    state.SetIterationTime(p50 / 1e6);
    state.counters["p50_us"] = p50;
    state.counters["p99_us"] = our_us[writes * 99 / 100];
    state.counters["raw_p50_us"] = median(raw_us);
    state.counters["raw_same_shape_p50_us"] = median(shaped_us);
    state.counters["times_raw"] = p50 / median(raw_us);
    state.counters["times_raw_same_shape"] = p50 / median(shaped_us);
    show_calibration(state);
  }
  check_done(ours->close());
}

constexpr std::size_t writers = 64;
constexpr std::size_t writes_each = 1000;

// The floor: one thread that commits 64 random keys at a time, which is as large as a group of 64
// writers can be when each waits for its own.
template <class Store>
double raw_grouped_per_second(const std::vector<std::string>& ids) {
  const data_directory place;
  Store raw{place / "raw"};
  std::mt19937_64 random{7};
  const stopwatch watch;
  for (std::size_t group = 0; group < writes_each; ++group) {
    raw.begin();
    for (std::size_t i = 0; i < writers; ++i)
      raw.put(ids[random() % ids.size()], make_body(i, 1, id_kind::random));
    raw.commit();
  }
  return static_cast<double>(writers * writes_each) / watch.seconds();
}

void many_writers(benchmark::State& state) {
  const auto ids = make_ids(id_kind::random, 100'000);
  for (auto _ : state) {
    const double floor = raw_grouped_per_second<raw_lmdb>(ids);
    const double shaped = raw_grouped_per_second<same_shape>(ids);
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
    state.counters["floor_same_shape_per_s"] = shaped;
    state.counters["of_floor_same_shape"] = rate / shaped;
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
