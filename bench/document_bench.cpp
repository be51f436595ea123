// W4a durable, W4c, W4d: texts on a server, every edit durable before it is acknowledged.

#include "bench/benchmarks.hpp"
#include "bench/child_process.hpp"
#include "bench/editors.hpp"
#include "bench/support.hpp"
#include "core/data/operation_message.hpp"
#include "storage/keys.hpp"
#include "storage/kv_lmdb.hpp"
#include "storage/server_store_kv.hpp"
#include "tests/support/traces.hpp"

#include <optional>
#include <thread>

namespace syncline::bench {

namespace {

/// A server of its own, with nothing in it.
class fresh_server {
public:
  fresh_server() {
    start();
  }
  [[nodiscard]] std::filesystem::path store() const {
    return directory_ / "server";
  }
  void stop() {
    process_.reset();
  }
  void start() {
    process_.emplace(store().string());
  }
  [[nodiscard]] int process() const {
    return process_->id();
  }
  [[nodiscard]] std::uint16_t port() const {
    return static_cast<std::uint16_t>(
      std::stoul(process_->url().substr(process_->url().rfind(':') + 1)));
  }
  findings play(const std::string& role, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {std::to_string(port()), std::to_string(process())});
    return run_role(role, arguments);
  }

private:
  data_directory directory_;
  std::optional<server_process> process_;
};

void show(benchmark::State& state, const findings& found) {
  for (const auto& [name, value] : found)
    state.counters[name] = value;
  show_calibration(state);
}

void durable_paper(benchmark::State& state) {
  for (auto _ : state) {
    fresh_server server;
    auto found = server.play("type-paper", {});
    state.SetIterationTime(found["seconds"]);
    found["edits_per_s"] = found["edits"] / found["seconds"];
    show(state, found);
  }
}

struct editing {
  std::size_t documents = 1;
  std::size_t editors = 1; // of each
  std::size_t pause_ms = 0;
};

void edit(benchmark::State& state, const editing& how) {
  const std::string seconds = "3";
  for (auto _ : state) {
    fresh_server server;
    const auto found =
      server.play("edit", {std::to_string(how.documents), std::to_string(how.editors), seconds,
                           std::to_string(how.pause_ms)});
    state.SetIterationTime(std::stod(seconds));
    show(state, found);
  }
}

void return_of_one(benchmark::State& state) {
  for (auto _ : state) {
    fresh_server server;
    auto found = server.play("come-back", {"10000"});
    state.SetIterationTime(found["back_after_ms"] / 1e3);
    show(state, found);
  }
}

/// Milliseconds until somebody who comes has the text.
double join_ms(std::uint16_t port, const std::string& target) {
  editor_crowd crowd;
  const stopwatch watch;
  static_cast<void>(crowd.add(port, target));
  return watch.seconds() * 1e3;
}

// The recorded paper has 259,778 operations behind it.
void open_long_history(benchmark::State& state) {
  for (auto _ : state) {
    fresh_server server;
    static_cast<void>(server.play("type-paper", {}));
    server.stop();
    server.start();
    static_cast<void>(join_ms(server.port(), "/document/another"));
    const double cold_ms = join_ms(server.port(), "/document/paper");
    state.SetIterationTime(cold_ms / 1e3);
    state.counters["first_join_ms"] = cold_ms;
    state.counters["next_join_ms"] = join_ms(server.port(), "/document/paper");
  }
}

constexpr std::size_t small_text = 200;

std::string small_target(std::size_t document) {
  return "/document/small" + std::to_string(document);
}

/// Straight into the server's files, while it is stopped.
void store_small_texts(const std::filesystem::path& directory, std::size_t count) {
  storage::lmdb_options how;
  how.directory = directory;
  how.tables = storage::server_tables();
  std::shared_ptr<storage::lmdb_environment> files = storage::open_lmdb(how).value();
  storage::server_store_options options;
  options.random = std::mt19937_64{1};
  const auto store = storage::open_server_store(files, options).value();
  constexpr std::size_t at_once = 1'000;
  google::protobuf::RepeatedPtrField<msg::LoggedEdit> edits;
  core::ot::operation first;
  first.insert(std::string(small_text, 'x'));
  core::ot::write_message({1, first, {}, 0}, *edits.Add());
  for (std::size_t from = 0; from < count; from += at_once) {
    std::vector<storage::document_commit> commits;
    for (std::size_t i = from; i < from + at_once; ++i) {
      auto& commit = commits.emplace_back();
      commit.id = "small" + std::to_string(i);
      const auto opened = store->documents().open_document(commit.space, commit.id, false).value();
      commit.incarnation = opened.incarnation;
      commit.session = opened.session;
      commit.edits = &edits;
      commit.snapshot = first.text();
    }
    for (const auto& done : store->documents().commit_documents(commits).value())
      if (!done)
        fail(done.error().message);
  }
  if (!files->close_clean())
    fail("the store was not closed");
}

/// Of so many stored texts some are in use: what each takes while nobody is connected any more,
/// what is left when the server has put them away, after a minute, and what it takes when as many
/// others are in use then.
void active_texts(benchmark::State& state, std::size_t stored, std::size_t active) {
  for (auto _ : state) {
    fresh_server server;
    server.stop();
    store_small_texts(server.store(), stored);
    server.start();
    // As many at a time as one process may well have, and first some that are not counted: what
    // connections leave in the allocator is no text's.
    constexpr std::size_t at_once = 1'000;
    const auto visit = [&](std::size_t from, const std::string& which) {
      editor_crowd crowd;
      for (std::size_t i = from; i < from + at_once; ++i)
        static_cast<void>(crowd.add(server.port(), which.empty() ? small_target(i) : which));
    };
    visit(0, small_target(stored - 1));
    const auto before = anonymous_bytes(server.process());
    const stopwatch watch;
    for (std::size_t from = 0; from < active; from += at_once)
      visit(from, {});
    state.SetIterationTime(watch.seconds());
    std::this_thread::sleep_for(std::chrono::seconds{1}); // The last ones leave.
    const auto in_use = anonymous_bytes(server.process());
    std::this_thread::sleep_for(std::chrono::seconds{75});
    const auto after = anonymous_bytes(server.process());
    for (std::size_t from = active; from < 2 * active; from += at_once)
      visit(from, {});
    std::this_thread::sleep_for(std::chrono::seconds{1});
    const auto then = anonymous_bytes(server.process());
    const auto of_each = [&](std::uint64_t bytes) {
      return (static_cast<double>(bytes) - static_cast<double>(before)) /
             static_cast<double>(active);
    };
    state.counters["bytes_of_text"] = small_text;
    state.counters["bytes_per_active"] = of_each(in_use);
    state.counters["bytes_per_passive"] = of_each(after);
    state.counters["bytes_per_active_instead"] = of_each(then);
    state.counters["server_mib"] = static_cast<double>(before) / (1 << 20);
  }
}

} // namespace

void register_documents(const settings&) {
  const auto add = [](const std::string& name, const auto& run) {
    benchmark::RegisterBenchmark(name.c_str(), run)
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
  };
  if (std::filesystem::exists(test::test_data_root() / "traces"))
    add("W4a/durable", durable_paper);
  for (const std::size_t editors : {2, 10, 50})
    add("W4c/" + std::to_string(editors) + "_editors", [editors](benchmark::State& state) {
      edit(state, {1, editors, 0});
    });
  add("W4c/1000_documents", [](benchmark::State& state) { edit(state, {1'000, 2, 0}); });
  // 2,000 editors at this pace: 5,000 edits a second.
  add("W4c/1000_documents/paced", [](benchmark::State& state) { edit(state, {1'000, 2, 400}); });
  add("W4d/server", return_of_one);
  if (std::filesystem::exists(test::test_data_root() / "traces"))
    add("W4/open_long_history", open_long_history);
  add("W4/10000_active_of_100000",
      [](benchmark::State& state) { active_texts(state, 100'000, 10'000); });
}

} // namespace syncline::bench
