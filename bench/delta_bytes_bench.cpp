// W7: what a client receives for each changed item, after one item in a hundred has changed.
// Counted are the heads and bodies of all replies of the run, compressed as they were sent; not
// the requests (which are shown beside it) and not the headers of TCP.

#include "bench/benchmarks.hpp"
#include "bench/fixtures.hpp"
#include "syncline/runtime.hpp"

namespace syncline::bench {

namespace {

sync_report sync_or_fail(runtime& one) {
  auto report = value_or_fail(one.sync_now());
  if (!report.success)
    fail(report.error.code + ": " + report.error.message);
  return report;
}

void changed_items(benchmark::State& state, std::size_t count, id_kind kind) {
  auto& server = server_with(count, kind);
  const data_directory place;
  auto how = client_options(place / "reader", server.url());
  how.compress = compression::always; // As it is over a line that costs something.
  const auto reader = value_or_fail(runtime::open(how));
  const auto writer = value_or_fail(runtime::open(client_options(place / "writer", server.url())));
  sync_or_fail(*reader);
  sync_or_fail(*writer);
  const auto ids = make_ids(kind, count);
  int version = 1;
  for (auto _ : state) {
    ++version;
    std::vector<operation> operations;
    for (std::size_t i = 0; i < count / 100; ++i) {
      const std::size_t index = i * 97 % count;
      operations.push_back(operation::put(collection, ids[index], make_body(index, version, kind)));
    }
    const auto changed = static_cast<double>(operations.size());
    static_cast<void>(value_or_fail(writer->write(std::move(operations))));
    sync_or_fail(*writer);
    const stopwatch watch;
    const auto report = sync_or_fail(*reader);
    state.SetIterationTime(watch.seconds());
    if (static_cast<double>(report.items_processed) != changed)
      fail("the reader took " + std::to_string(report.items_processed) + " changes");
    const auto idle = sync_or_fail(*reader);
    state.counters["bytes_per_change"] = static_cast<double>(report.bytes_received) / changed;
    state.counters["sent_bytes_per_change"] = static_cast<double>(report.bytes_sent) / changed;
    state.counters["requests"] = static_cast<double>(report.requests);
    state.counters["idle_poll_bytes"] = static_cast<double>(idle.bytes_received + idle.bytes_sent);
  }
  check_done(reader->close());
  check_done(writer->close());
}

} // namespace

void register_delta_bytes(const settings&) {
  for (const auto kind : {id_kind::counted, id_kind::uuid7})
    for (const std::size_t count : {10'000, 100'000})
      benchmark::RegisterBenchmark(
        ("W7/bytes_of_a_change/" + to_string(kind) + "/" + std::to_string(count)).c_str(),
        [count, kind](benchmark::State& state) { changed_items(state, count, kind); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
}

} // namespace syncline::bench
