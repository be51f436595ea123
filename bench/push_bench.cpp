// W2: ten thousand writes made offline go to the server.

#include "bench/benchmarks.hpp"
#include "bench/fixtures.hpp"
#include "bench/raw_lmdb.hpp"
#include "syncline/runtime.hpp"

#include <algorithm>
#include <thread>

namespace syncline::bench {

namespace {

constexpr std::size_t edits = 10'000;

enum class push_kind { edit_existing, create };

// The floor: the same records put into two stores, a commit in each for every batch, one after the
// other as a push without pipelining has them.
double raw_edits_per_second(std::size_t batch_items) {
  const auto ids = make_ids(id_kind::uuid7, edits);
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < edits; ++i)
    bodies.push_back(make_body(i, 1, id_kind::uuid7));
  const data_directory place;
  raw_lmdb server{place / "server"};
  raw_lmdb client{place / "client"};
  const stopwatch watch;
  for (std::size_t from = 0; from < edits; from += batch_items)
    for (auto* store : {&server, &client}) {
      store->begin();
      for (std::size_t i = from; i < std::min(edits, from + batch_items); ++i)
        store->put(ids[i], bodies[i]);
      store->commit();
    }
  return static_cast<double>(edits) / watch.seconds();
}

/// Seconds until the last edit was accepted, and until all was back.
struct push_times {
  double writing = 0;
  double accepted = 0;
  double all = 0;
  double server_cpu = 0;
  double client_cpu = 0;
  sync_report report;
};

mutation write_offline(runtime& device, const std::vector<std::string>& ids, std::size_t from,
                       std::size_t to) {
  constexpr int second_version = 2;
  std::vector<operation> operations;
  for (std::size_t i = from; i < to; ++i)
    operations.push_back(
      operation::put(collection, ids[i], make_body(i, second_version, id_kind::uuid7)));
  return value_or_fail(device.write(std::move(operations))).back();
}

sync_report sync_or_fail(runtime& device) {
  auto report = value_or_fail(device.sync_now());
  if (!report.success)
    fail(report.error.code + ": " + report.error.message);
  return report;
}

push_times push_once(std::uint32_t batch_items, push_kind kind) {
  const seeded_server server{kind == push_kind::edit_existing ? edits : 0, id_kind::uuid7};
  const data_directory place;
  auto how = client_options(place / "store", server.url());
  how.batch_items_max = batch_items;
  const auto device = value_or_fail(runtime::open(how));
  sync_or_fail(*device);
  const auto ids = make_ids(id_kind::uuid7, edits);
  push_times took;
  const stopwatch writing;
  static_cast<void>(write_offline(*device, ids, 0, edits - 1));
  // The last write is the last to be sent. It stands alone in its call: a handle that is kept
  // hears of every step of its call's writes.
  const auto last = write_offline(*device, ids, edits - 1, edits);
  took.writing = writing.seconds();
  const double server_before = processor_seconds(server.process());
  const double client_before = processor_seconds();
  const stopwatch watch;
  std::thread waiter{[&] {
    check_done(last.wait(stage::accepted, std::chrono::minutes{5}));
    took.accepted = watch.seconds();
    took.server_cpu = processor_seconds(server.process()) - server_before;
    took.client_cpu = processor_seconds() - client_before;
  }};
  took.report = sync_or_fail(*device);
  took.all = watch.seconds();
  waiter.join();
  check_done(device->close());
  return took;
}

void push(benchmark::State& state, std::uint32_t batch_items, push_kind kind) {
  for (auto _ : state) {
    const double floor = raw_edits_per_second(batch_items);
    const auto took = push_once(batch_items, kind);
    state.SetIterationTime(took.accepted);
    const double rate = edits / took.accepted;
    state.counters["edits_per_s"] = rate;
    state.counters["floor_per_s"] = floor;
    state.counters["of_floor"] = rate / floor;
    state.counters["with_pull_per_s"] = edits / took.all;
    state.counters["local_writes_per_s"] = edits / took.writing;
    state.counters["bytes_sent_per_edit"] = static_cast<double>(took.report.bytes_sent) / edits;
    state.counters["client_cpu_us_per_edit"] = took.client_cpu * 1e6 / edits;
    state.counters["server_cpu_us_per_edit"] = took.server_cpu * 1e6 / edits;
    show_calibration(state);
  }
}

} // namespace

void register_push(const settings&) {
  for (const auto kind : {push_kind::edit_existing, push_kind::create})
    for (const std::uint32_t batch_items : {100U, 1000U}) {
      const std::string what = kind == push_kind::create ? "create" : "edit";
      benchmark::RegisterBenchmark(
        ("W2/push/" + what + "/batch:" + std::to_string(batch_items)).c_str(),
        [=](benchmark::State& state) { push(state, batch_items, kind); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    }
}

} // namespace syncline::bench
