// W5c: one thread reads items in random order through a snapshot.

#include "bench/benchmarks.hpp"
#include "bench/fixtures.hpp"
#include "bench/raw_lmdb.hpp"
#include "syncline/runtime.hpp"

#include <algorithm>

namespace syncline::bench {

namespace {

constexpr std::size_t reads = 1'000'000;

// The same records under the same ids in LMDB alone, read in one transaction. A byte of each value
// is touched on both sides.
double raw_reads_per_second(const std::vector<std::string>& ids,
                            const std::vector<std::uint32_t>& order) {
  const data_directory place;
  raw_lmdb raw{place / "raw"};
  raw.begin();
  for (std::size_t i = 0; i < ids.size(); ++i)
    raw.put(ids[i], make_body(i, 1, id_kind::uuid7));
  raw.commit();
  raw.begin_reading();
  std::size_t sum = 0;
  const stopwatch watch;
  for (const auto index : order)
    sum += static_cast<unsigned char>(raw.get(ids[index]).back());
  const double seconds = watch.seconds();
  benchmark::DoNotOptimize(sum);
  raw.end_reading();
  return static_cast<double>(order.size()) / seconds;
}

void read_items(benchmark::State& state, std::size_t count) {
  const auto ids = make_ids(id_kind::uuid7, count);
  options how;
  how.store = store_with(count, id_kind::uuid7).string();
  const auto one = value_or_fail(runtime::open(how));
  const auto view = value_or_fail(one->take_snapshot());
  std::mt19937_64 random{11};
  std::vector<std::uint32_t> order(reads);
  for (auto& index : order)
    index = static_cast<std::uint32_t>(random() % count);
  for (auto _ : state) {
    const double floor = raw_reads_per_second(ids, order);
    std::size_t sum = 0;
    const stopwatch watch;
    for (const auto index : order) {
      const auto found = view.get(collection, ids[index]);
      if (!found || !*found)
        fail("an item is not there");
      sum += static_cast<unsigned char>((*found)->body.back());
    }
    const double seconds = watch.seconds();
    benchmark::DoNotOptimize(sum);
    const double rate = reads / seconds;
    state.SetIterationTime(seconds);
    state.counters["reads_per_s"] = rate;
    state.counters["floor_per_s"] = floor;
    state.counters["of_floor"] = rate / floor;
  }
}

} // namespace

void register_local_reads(const settings& how) {
  for (const auto count : sizes(how))
    benchmark::RegisterBenchmark(("W5c/snapshot_reads/" + std::to_string(count)).c_str(),
                                 [count](benchmark::State& state) { read_items(state, count); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
}

} // namespace syncline::bench
