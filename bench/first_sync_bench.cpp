// W1: an empty store pulls all items of a server. The client is a process of its own, so that its
// memory is seen alone.

#include "bench/benchmarks.hpp"
#include "bench/child_process.hpp"
#include "bench/fixtures.hpp"
#include "bench/raw_lmdb.hpp"

#include <algorithm>

namespace syncline::bench {

namespace {

// The floor: the same records appended to LMDB, one fsynced commit a page of 500. Pages come in the
// order of ids whatever the ids are; `in_order` false shows what it would cost if they did not.
double raw_items_per_second(std::size_t count, id_kind kind, bool in_order) {
  auto ids = make_ids(kind, count);
  if (in_order)
    std::sort(ids.begin(), ids.end());
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < 1000; ++i)
    bodies.push_back(make_body(i, 1, kind));
  const data_directory place;
  raw_lmdb store{place / "raw"};
  constexpr std::size_t page_items = 500;
  const stopwatch watch;
  for (std::size_t from = 0; from < count; from += page_items) {
    store.begin();
    for (std::size_t i = from; i < std::min(count, from + page_items); ++i)
      store.put(ids[i], bodies[i % bodies.size()]);
    store.commit();
  }
  return static_cast<double>(count) / watch.seconds();
}

void first_sync(benchmark::State& state, std::size_t count, id_kind kind) {
  auto& server = server_with(count, kind);
  for (auto _ : state) {
    const double floor = raw_items_per_second(count, kind, true);
    const data_directory client;
    const double server_before = processor_seconds(server.process());
    auto found =
      run_role("pull", {(client / "store").string(), server.url(), std::to_string(count)});
    const double server_seconds = processor_seconds(server.process()) - server_before;
    state.SetIterationTime(found["seconds"]);
    const double rate = static_cast<double>(count) / found["seconds"];
    const auto per_item_us = [count](double seconds) {
      return seconds * 1e6 / static_cast<double>(count);
    };
    state.counters["items_per_s"] = rate;
    state.counters["floor_per_s"] = floor;
    state.counters["of_floor"] = rate / floor;
    state.counters["rss_anon_growth_mib"] = found["growth_mib"];
    state.counters["bytes_per_item"] = found["bytes_received"] / static_cast<double>(count);
    state.counters["requests"] = found["requests"];
    state.counters["client_cpu_us_per_item"] = per_item_us(found["processor_seconds"]);
    state.counters["server_cpu_us_per_item"] = per_item_us(server_seconds);
    state.counters["server_rss_anon_mib"] =
      static_cast<double>(anonymous_bytes(server.process())) / (1 << 20);
    show_calibration(state);
  }
}

void unordered_floor(benchmark::State& state, std::size_t count) {
  for (auto _ : state) {
    const double rate = raw_items_per_second(count, id_kind::random, false);
    state.SetIterationTime(static_cast<double>(count) / rate);
    state.counters["items_per_s"] = rate;
    show_calibration(state);
  }
}

} // namespace

void register_first_sync(const settings& how) {
  for (const auto count : sizes(how)) {
    for (const auto kind : {id_kind::uuid7, id_kind::random})
      benchmark::RegisterBenchmark(
        ("W1/first_sync/" + to_string(kind) + "/" + std::to_string(count)).c_str(),
        [count, kind](benchmark::State& state) { first_sync(state, count, kind); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(
      ("W1/floor_unordered/" + std::to_string(count)).c_str(),
      [count](benchmark::State& state) { unordered_floor(state, count); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
  }
}

} // namespace syncline::bench
