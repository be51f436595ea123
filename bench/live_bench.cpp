// W3: what one writes reaches those who follow.

#include "bench/benchmarks.hpp"
#include "bench/fixtures.hpp"
#include "bench/live_roles.hpp"
#include "bench/raw_lmdb.hpp"
#include "bench/support.hpp"
#include "bench/web_socket.hpp"
#include "net/client/http_pool.hpp"

#include <semaphore>
#include <thread>

namespace syncline::bench {

namespace {

/// A crowd of subscribers that is connected by now.
class crowd_process {
public:
  crowd_process(const std::string& port, std::size_t count, std::size_t messages)
    : process_{{own_program().string(), "--role=subscribe", port, std::to_string(count),
                std::to_string(messages)}} {
    static_cast<void>(read_finding(process_, "ready"));
  }

  findings saw() {
    return read_findings(process_);
  }

private:
  child_process process_;
};

std::string port_of(const std::string& url) {
  return url.substr(url.rfind(':') + 1);
}

/// Plain writes over HTTP, one item each; so many requests are under way at a time.
class plain_writer {
public:
  plain_writer(std::string url, std::size_t window)
    : url_{std::move(url)}, free_{static_cast<std::ptrdiff_t>(window)}, window_{window},
      pool_{pool_options(window)} {}

  /// Returns as soon as the next one may be written.
  void write() {
    free_.acquire();
    msg::HttpRequest request;
    request.set_method("POST");
    request.set_target("/batch-sync");
    auto& type = *request.add_headers();
    type.set_name("content-type");
    type.set_value("application/json");
    request.set_body(R"({"operations":[{"operation":"CREATE","id":"i)" + std::to_string(written_) +
                     R"(","data":)" + live_body(written_, monotonic_ns()) + "}]}");
    ++written_;
    pool_.submit(url_, std::move(request), [this](const msg::HttpReply& reply) {
      if (reply.status() != 200)
        fail("a write was refused");
      free_.release();
    });
  }
  void finish() {
    for (std::size_t i = 0; i < window_; ++i)
      free_.acquire();
  }

private:
  static constexpr std::ptrdiff_t window_max = 64;
  static net::http_pool::options pool_options(std::size_t window) {
    net::http_pool::options options;
    options.connections_per_host = static_cast<int>(window);
    return options;
  }

  std::string url_;
  std::counting_semaphore<window_max> free_;
  std::size_t window_;
  std::size_t written_ = 0;
  net::http_pool pool_;
};

/// Deliveries a second of the floor with as many subscribers.
double floor_of(std::size_t subscribers, std::size_t messages) {
  child_process server{{own_program().string(), "--role=fan-out", std::to_string(subscribers),
                        std::to_string(messages)}};
  const auto port = static_cast<std::uint64_t>(read_finding(server, "port"));
  crowd_process crowd{std::to_string(port), subscribers, messages};
  auto saw = crowd.saw();
  return saw["deliveries"] / saw["seconds"];
}

void saturated(benchmark::State& state, std::size_t subscribers, std::size_t window) {
  const std::size_t messages = 400'000 / subscribers;
  for (auto _ : state) {
    const double floor = floor_of(subscribers, messages);
    const seeded_server server{0, id_kind::counted};
    crowd_process crowd{port_of(server.url()), subscribers, messages};
    plain_writer writer{server.url(), window};
    const double busy_before = processor_seconds(server.process());
    for (std::size_t sent = 0; sent < messages; ++sent)
      writer.write();
    auto saw = crowd.saw();
    writer.finish();
    const double rate = saw["deliveries"] / saw["seconds"];
    state.SetIterationTime(saw["seconds"]);
    state.counters["deliveries_per_s"] = rate;
    state.counters["floor_per_s"] = floor;
    state.counters["of_floor"] = rate / floor;
    state.counters["bytes_per_delivery"] = saw["bytes"] / saw["deliveries"];
    state.counters["server_cpu_us_per_delivery"] =
      (processor_seconds(server.process()) - busy_before) * 1e6 / saw["deliveries"];
    state.counters["p50_ms"] = saw["p50_ms"];
    state.counters["p99_ms"] = saw["p99_ms"];
    show_calibration(state);
  }
}

/// Milliseconds of a commit of LMDB alone, middle of many: as many records as a plain write leaves,
/// and as long a pause before each. A disk and a processor that slept are slower than busy ones.
double paced_commit_ms(std::chrono::milliseconds pause) {
  constexpr std::size_t tables = 4;
  const std::size_t commits = pause < std::chrono::milliseconds{50} ? 100 : 20;
  const data_directory place;
  raw_lmdb store{place / "raw", tables};
  std::vector<double> each_ms;
  for (std::size_t i = 0; i < commits; ++i) {
    std::this_thread::sleep_for(pause);
    const stopwatch watch;
    store.begin();
    for (std::size_t table = 0; table < tables; ++table)
      store.put("i" + std::to_string(i), live_body(i, 0), table);
    store.commit();
    each_ms.push_back(watch.seconds() * 1e3);
  }
  return median(each_ms);
}

/// Over a WebSocket, or by POST.
enum class way { stream, post };

void paced(benchmark::State& state, std::size_t subscribers, way how) {
  const std::size_t messages = subscribers == 1 ? 400 : 20;
  const auto pause = std::chrono::milliseconds{subscribers == 1 ? 5 : 200};
  for (auto _ : state) {
    const double commit_ms = paced_commit_ms(pause);
    const seeded_server server{0, id_kind::counted};
    const auto port = port_of(server.url());
    crowd_process crowd{port, subscribers, messages};
    plain_writer poster{server.url(), 1};
    stream_writer streamer{static_cast<std::uint16_t>(std::stoul(port))};
    for (std::size_t sent = 0; sent < messages; ++sent) {
      if (how == way::post)
        poster.write();
      else
        streamer.write();
      std::this_thread::sleep_for(pause);
    }
    auto saw = crowd.saw();
    poster.finish();
    state.counters["commit_p50_ms"] = commit_ms;
    state.counters["beyond_commit_p50_ms"] = saw["p50_ms"] - commit_ms;
    state.SetIterationTime(saw["seconds"]);
    state.counters["p50_ms"] = saw["p50_ms"];
    state.counters["p99_ms"] = saw["p99_ms"];
    state.counters["last_p99_ms"] = saw["last_p99_ms"];
    show_calibration(state);
  }
}

void idle(benchmark::State& state, std::size_t connections) {
  for (auto _ : state) {
    const seeded_server server{0, id_kind::counted};
    { const crowd_process warm{port_of(server.url()), 10, 0}; }
    const auto before = anonymous_bytes(server.process());
    const stopwatch watch;
    const crowd_process crowd{port_of(server.url()), connections, 0};
    state.SetIterationTime(watch.seconds());
    state.counters["bytes_per_connection"] =
      static_cast<double>(anonymous_bytes(server.process()) - before) /
      static_cast<double>(connections);
    state.counters["connects_per_s"] = static_cast<double>(connections) / watch.seconds();
  }
}

template <class Run>
void add(const std::string& name, Run run) {
  benchmark::RegisterBenchmark(name.c_str(), run)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
}

} // namespace

void register_live(const settings&) {
  for (const std::size_t window : {1, 20}) {
    const auto name = "/window:" + std::to_string(window);
    add("W3a/1000_subscribers" + name,
        [window](benchmark::State& state) { saturated(state, 1000, window); });
    add("W3b/100_subscribers" + name,
        [window](benchmark::State& state) { saturated(state, 100, window); });
  }
  for (const auto& [name, how] : {std::pair{"stream", way::stream}, {"post", way::post}})
    for (const std::size_t subscribers : {1, 1000})
      add("W3c/" + std::to_string(subscribers) + "_subscribers/" + name,
          [subscribers, how](benchmark::State& state) { paced(state, subscribers, how); });
  add("W3d/9000_idle", [](benchmark::State& state) { idle(state, 9000); });
}

} // namespace syncline::bench
