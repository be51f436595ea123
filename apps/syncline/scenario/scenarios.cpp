#include "apps/syncline/scenario/scenarios.hpp"

#include "apps/syncline/local_server.hpp"
#include "syncline/runtime.hpp"

#include <memory>
#include <utility>

namespace syncline::app {

namespace {

/// What a step could not do; caught at the border of a scenario.
struct step_failed {
  error why;
};

template <class T>
T done(result<T> outcome) {
  if (!outcome)
    throw step_failed{outcome.error()};
  return std::move(*outcome);
}

/// A server and a directory for devices.
class stage_set {
public:
  stage_set()
    : directory_{done(temporary_directory::make())}, server_{done(start_local_server(
                                                       directory_->path() / "server"))} {}

  [[nodiscard]] std::string url() const {
    return server_->url();
  }
  [[nodiscard]] std::unique_ptr<runtime>
  device(const std::string& name, const std::string& server_url,
         conflict_strategy strategy = conflict_strategy::merge) const {
    options how;
    how.store = directory_->path() / name;
    how.server = server_url;
    how.collections = {{"notes", strategy}};
    how.retry_first = std::chrono::milliseconds{20};
    how.retry_max = std::chrono::milliseconds{100};
    return done(runtime::open(std::move(how)));
  }
  [[nodiscard]] actors::server::server_status status() const {
    return server_->status();
  }

private:
  std::unique_ptr<temporary_directory> directory_;
  std::unique_ptr<actors::server::server> server_;
};

sync_report sync(runtime& device) {
  auto report = done(device.sync_now());
  if (!report.success)
    throw step_failed{report.error};
  return report;
}

std::string body_of(const runtime& device, const char* id) {
  const auto found = done(device.get("notes", id));
  return found ? found->body : "none";
}

result<scenario_outcome> guarded(void (*story)(scenario_outcome&)) {
  scenario_outcome outcome;
  try {
    story(outcome);
  } catch (const step_failed& failed) {
    return failed.why;
  }
  return outcome;
}

// One write of this device and one of another one pass each other.
void clean_sync(scenario_outcome& outcome) {
  const stage_set set;
  const auto one = set.device("one", set.url());
  const auto two = set.device("two", set.url());
  done(two->put("notes", "theirs", R"({"title":"from two"})"));
  sync(*two);
  done(one->put("notes", "mine", R"({"title":"from one"})"));
  const auto report = sync(*one);
  outcome.expect("items processed", 2, report.items_processed);
  outcome.expect("conflicts", 0, report.conflicts);
  outcome.expect("errors", 0, report.errors);
  outcome.expect("the other's item", R"({"title":"from two"})", body_of(*one, "theirs"));
}

// Both sides change the same field of one item while apart.
void conflict(scenario_outcome& outcome, conflict_strategy strategy, const char* winner) {
  const stage_set set;
  const auto one = set.device("one", set.url(), strategy);
  const auto two = set.device("two", set.url(), strategy);
  done(one->put("notes", "n", R"({"title":"start"})"));
  sync(*one);
  sync(*two);
  done(one->put("notes", "n", R"({"title":"one"})"));
  done(two->put("notes", "n", R"({"title":"two"})"));
  sync(*two);
  const auto report = sync(*one);
  sync(*two);
  outcome.expect("conflicts", 1, report.conflicts);
  outcome.expect("conflicts kept", 1, done(one->conflicts()).size());
  const std::string expected = std::string{R"({"title":")"} + winner + "\"}";
  outcome.expect("the item here", expected, body_of(*one, "n"));
  outcome.expect("the item there", expected, body_of(*two, "n"));
}

void conflict_client_wins(scenario_outcome& outcome) {
  conflict(outcome, conflict_strategy::client_wins, "one");
}

void conflict_server_wins(scenario_outcome& outcome) {
  conflict(outcome, conflict_strategy::server_wins, "two");
}

void conflict_merge(scenario_outcome& outcome) {
  conflict(outcome, conflict_strategy::merge, "two"); // It prefers the server's value by default.
}

// The network fails twice in one sync, and then works.
void network_failure(scenario_outcome& outcome) {
  const stage_set set;
  const auto proxy =
    done(refusing_proxy::start(set.url(), [](std::uint64_t number) { return number <= 2; }));
  const auto one = set.device("one", proxy->url());
  sync_options how;
  how.attempts_max = 3;
  const auto report = done(one->sync_now(how));
  outcome.expect("success", 1, report.success ? 1 : 0);
  outcome.expect("requests of the device", 3, report.requests);
  outcome.expect("requests at the proxy", 3, proxy->requests());
  outcome.expect("errors", 0, report.errors);
}

// Ten thousand items go up from one device and down to another.
void large_dataset(scenario_outcome& outcome) {
  constexpr int count = 10'000;
  const stage_set set;
  const auto one = set.device("one", set.url());
  std::vector<operation> operations;
  operations.reserve(count);
  for (int i = 0; i < count; ++i)
    operations.push_back(operation::put("notes", one->make_id(),
                                        R"({"title":"Item )" + std::to_string(i) +
                                          R"(","done":false,"tags":["a","b"]})"));
  done(one->write(std::move(operations)));
  const auto pushed = sync(*one);
  const auto two = set.device("two", set.url());
  const auto pulled = sync(*two);
  outcome.expect("items pushed", count, pushed.items_processed);
  outcome.expect("items pulled", count, pulled.items_processed);
  outcome.expect("items at the server", count, set.status().items);
  outcome.expect("conflicts", 0, pushed.conflicts + pulled.conflicts);
  outcome.expect("items in the second device", count, done(two->list("notes", {}, 20'000)).size());
}

} // namespace

const std::vector<scenario>& scenarios() {
  static const std::vector<scenario> all{
    {"clean_sync", "a write of each of two devices", [] { return guarded(clean_sync); }},
    {"conflict_client_wins", "both change one field; this device's value stays",
     [] { return guarded(conflict_client_wins); }},
    {"conflict_server_wins", "both change one field; the server's value stays",
     [] { return guarded(conflict_server_wins); }},
    {"conflict_merge", "both change one field; merged by field",
     [] { return guarded(conflict_merge); }},
    {"network_failure", "two failures, then success, in one sync",
     [] { return guarded(network_failure); }},
    {"large_dataset", "10,000 items up and down", [] { return guarded(large_dataset); }}};
  return all;
}

} // namespace syncline::app
