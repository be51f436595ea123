// W3: what one writes reaches those who follow.

#include "bench/benchmarks.hpp"
#include "bench/fixtures.hpp"
#include "bench/live_roles.hpp"
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

void paced(benchmark::State& state, std::size_t subscribers) {
  const std::size_t messages = subscribers == 1 ? 400 : 20;
  const auto pause = std::chrono::milliseconds{subscribers == 1 ? 5 : 200};
  for (auto _ : state) {
    const seeded_server server{0, id_kind::counted};
    crowd_process crowd{port_of(server.url()), subscribers, messages};
    plain_writer writer{server.url(), 1};
    for (std::size_t sent = 0; sent < messages; ++sent) {
      writer.write();
      std::this_thread::sleep_for(pause);
    }
    auto saw = crowd.saw();
    writer.finish();
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
  add("W3c/1_subscriber", [](benchmark::State& state) { paced(state, 1); });
  add("W3c/1000_subscribers", [](benchmark::State& state) { paced(state, 1000); });
  add("W3d/9000_idle", [](benchmark::State& state) { idle(state, 9000); });
}

} // namespace syncline::bench
