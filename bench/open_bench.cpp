// W6: a store that was closed in order is opened, and one item read. A process of its own each
// time, as at the start of a program; the file is in the page cache.

#include "bench/benchmarks.hpp"
#include "bench/child_process.hpp"
#include "bench/fixtures.hpp"
#include "bench/raw_lmdb.hpp"

namespace syncline::bench {

namespace {

void open_store(benchmark::State& state, std::size_t count) {
  const auto store = store_with(count, id_kind::uuid7);
  const auto ids = make_ids(id_kind::uuid7, count);
  const auto& wanted = ids[count / 2];
  const data_directory place;
  {
    raw_lmdb raw{place / "raw"};
    raw.begin();
    for (std::size_t i = 0; i < count; ++i)
      raw.put(ids[i], make_body(i, 1, id_kind::uuid7));
    raw.commit();
  }
  constexpr int opens = 11;
  for (auto _ : state) {
    std::vector<double> ours_ms;
    std::vector<double> open_ms;
    std::vector<double> raw_ms;
    std::vector<double> growth_mib;
    for (int i = 0; i < opens; ++i) {
      auto found = run_role("open", {store.string(), wanted});
      ours_ms.push_back(found["ms"]);
      open_ms.push_back(found["open_ms"]);
      growth_mib.push_back(found["growth_mib"]);
      raw_ms.push_back(run_role("open-raw", {(place / "raw").string(), wanted})["ms"]);
    }
    const double ms = median(ours_ms);
    state.SetIterationTime(ms / 1e3);
    state.counters["open_and_read_ms"] = ms;
    state.counters["best_ms"] = ours_ms.front();
    state.counters["open_ms"] = median(open_ms);
    state.counters["floor_ms"] = median(raw_ms);
    state.counters["rss_anon_growth_mib"] = median(growth_mib);
    show_calibration(state);
  }
}

} // namespace

void register_open(const settings& how) {
  for (const auto count : sizes(how))
    benchmark::RegisterBenchmark(("W6/open_and_read/" + std::to_string(count)).c_str(),
                                 [count](benchmark::State& state) { open_store(state, count); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
}

} // namespace syncline::bench
