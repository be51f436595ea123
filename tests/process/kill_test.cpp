// kill -9 of clients and of the server, again and again, while all of them work. What was accepted
// here is never missing afterwards, and nothing has taken effect twice.

#include "tests/process/child_process.hpp"
#include "tests/process/kill_load.hpp"
#include "tests/process/server_items.hpp"
#include "tests/runtime/runtime_support.hpp"
#include "tests/support/fault_proxy.hpp"

#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <set>
#include <thread>

BOOST_AUTO_TEST_SUITE(kill_nine)

using namespace syncline;
using namespace syncline::tests;

namespace {

constexpr std::size_t kills = 200;
constexpr std::size_t clients = 2;

/// Which batches are on their way through a proxy. A connection has a thread of its own there, and
/// one request at a time.
class batch_watch {
public:
  void act_on(fault_proxy& proxy) {
    proxy.set_hooks(
      {[this](const std::string& request, std::uint64_t) {
         if (request.starts_with("POST /batch-sync "))
           began();
         return fault_step{};
       },
       [this](const std::string&, fault, const std::string* reply) { ended(reply != nullptr); }});
  }
  /// The batches without an answer at this moment.
  [[nodiscard]] std::set<std::uint64_t> open() {
    const std::lock_guard lock{mutex_};
    std::set<std::uint64_t> numbers;
    for (const auto& [thread, number] : open_)
      numbers.insert(number);
    return numbers;
  }
  /// Waits until a batch is under way.
  void wait_for_batch(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    began_.wait_for(lock, patience, [this] { return !open_.empty(); });
  }
  /// How many of these the server has answered after all.
  [[nodiscard]] std::size_t answered(const std::set<std::uint64_t>& numbers) {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(std::count_if(
      numbers.begin(), numbers.end(), [this](auto number) { return answered_.contains(number); }));
  }
  /// Forgets those that found no server.
  void clear() {
    const std::lock_guard lock{mutex_};
    open_.clear();
    answered_.clear();
  }

private:
  void began() {
    const std::lock_guard lock{mutex_};
    open_[std::this_thread::get_id()] = ++last_;
    began_.notify_all();
  }
  void ended(bool has_answer) {
    const std::lock_guard lock{mutex_};
    const auto found = open_.find(std::this_thread::get_id());
    if (found == open_.end())
      return;
    if (has_answer)
      answered_.insert(found->second);
    open_.erase(found);
  }

  std::mutex mutex_;
  std::condition_variable began_;
  std::map<std::thread::id, std::uint64_t> open_;
  std::set<std::uint64_t> answered_;
  std::uint64_t last_ = 0;
};

std::string program(const char* name) {
  const char* build = std::getenv("SYNCLINE_BUILD_DIR");
  return (std::filesystem::path{build ? build : "build/release"} / "bin" / name).string();
}

std::string server_program() {
  const char* path = std::getenv("SYNCLINE_PROGRAM");
  return path ? path : program("syncline");
}

/// The server as its users run it, always on the same port.
class server_process {
public:
  server_process() {
    start();
  }
  void start() {
    child_ = std::make_unique<child_process>(
      std::vector<std::string>{server_program(), "server", "--store", directory_.path() / "server",
                               "--listen", "127.0.0.1:" + std::to_string(port_), "--json"});
    const auto line = child_->wait_for_line("{", patience);
    BOOST_REQUIRE_MESSAGE(line, "the server did not start");
    const auto url = nlohmann::json::parse(*line).at("url").get<std::string>();
    port_ = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }
  void kill() {
    child_->send_signal(SIGKILL);
    const int status = child_->wait();
    BOOST_REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  }
  [[nodiscard]] std::uint16_t port() const {
    return port_;
  }

private:
  temporary_directory directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<child_process> child_;
};

/// One client, its store, and what it has said that it wrote.
class client_process {
public:
  client_process(std::uint64_t number, std::uint16_t server_port)
    : number_{number}, proxy_{server_port, number} {
    watch_.act_on(proxy_);
    start();
  }
  /// Its store must hold what was done, and perhaps what was begun, and nothing else.
  void start() {
    child_ = std::make_unique<child_process>(std::vector<std::string>{
      program("kill_client_program"), how().store, how().server, std::to_string(number_)});
    const auto line = child_->wait_for_line("recovered ", patience);
    BOOST_REQUIRE_MESSAGE(line, "client " << number_ << " did not start");
    check_recovered(std::stoull(line->substr(line->find(' '))));
  }
  void kill() {
    child_->send_signal(SIGKILL);
    const int status = child_->wait();
    BOOST_REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    for (const auto& line : child_->lines()) {
      const auto number = std::stoull(line.substr(line.find(' ')));
      if (line.starts_with("begin "))
        begun_ = number;
      if (line.starts_with("done "))
        done_ = number;
    }
  }
  void check_recovered(std::uint64_t number) {
    BOOST_TEST((number == done_ || number == begun_),
               "client " << number_ << " has " << number << " writes; " << done_
                         << " were accepted, " << begun_ << " begun");
    kept_ += begun_ > done_ && number == begun_ ? 1 : 0;
    begun_ = done_ = number;
  }
  /// After a kill: whether a write was under way.
  [[nodiscard]] bool was_writing() const {
    return begun_ > done_;
  }
  [[nodiscard]] options how() const {
    auto how = test_options(directory_, "http://127.0.0.1:" + std::to_string(proxy_.port()));
    how.durable = durability::full;
    return how;
  }
  [[nodiscard]] batch_watch& watch() {
    return watch_;
  }
  [[nodiscard]] std::uint64_t done() const {
    return done_;
  }
  /// Writes without an answer at a kill that were there afterwards.
  [[nodiscard]] std::uint64_t kept() const {
    return kept_;
  }

private:
  std::uint64_t number_;
  temporary_directory directory_;
  batch_watch watch_; // The proxy calls it.
  fault_proxy proxy_;
  std::uint64_t begun_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t kept_ = 0;
  std::unique_ptr<child_process> child_;
};

struct kill_counts {
  std::size_t server = 0;
  std::size_t client = 0;
  std::size_t on_batch = 0;   ///< the victim was the server, or the sender, of an unanswered batch
  std::size_t on_put = 0;     ///< a client inside of a write
  std::size_t unanswered = 0; ///< either
};

using fleet = std::vector<std::unique_ptr<client_process>>;

void kill_server(server_process& server, fleet& all, kill_counts& counts) {
  std::vector<std::set<std::uint64_t>> open;
  for (const auto& each : all)
    open.push_back(each->watch().open());
  server.kill();
  // The proxies see the end of their connections only after this, so what is not answered by now
  // is looked at again when the next server is there.
  server.start();
  bool hit = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    hit = hit || open[i].size() > all[i]->watch().answered(open[i]);
    all[i]->watch().clear();
  }
  ++counts.server;
  counts.on_batch += hit ? 1 : 0;
  counts.unanswered += hit ? 1 : 0;
}

void kill_client(client_process& victim, kill_counts& counts) {
  const auto open = victim.watch().open();
  victim.kill();
  // Those that are open before and after its death were not answered while it lived.
  const bool on_batch = open.size() > victim.watch().answered(open);
  const bool on_put = victim.was_writing();
  victim.start();
  ++counts.client;
  counts.on_batch += on_batch ? 1 : 0;
  counts.on_put += on_put ? 1 : 0;
  counts.unanswered += on_batch || on_put ? 1 : 0;
}

/// What everybody must hold in the end: id -> n.
std::map<std::string, std::uint64_t> expected_items(const fleet& all) {
  std::map<std::string, std::uint64_t> items;
  for (std::uint64_t i = 0; i < kill_counters; ++i)
    items[kill_counter(i)] = 0;
  for (std::uint64_t client = 0; client < all.size(); ++client) {
    const auto last = all[client]->done();
    for (std::uint64_t number = 1; number <= last; ++number) {
      ++items[kill_counter(kill_counter_of(client, number))];
      items[kill_own_item(client, number)] = number;
    }
    items[kill_marker(client)] = last;
    if (last % 2 == 1)
      items[kill_flipping(client)] = last;
  }
  return items;
}

std::map<std::string, std::uint64_t> items_of(const runtime& one) {
  std::map<std::string, std::uint64_t> items;
  for (const auto& item : value_or_fail(one.list("notes")))
    items[item.id] = nlohmann::json::parse(item.body).at("n").get<std::uint64_t>();
  return items;
}

std::map<std::string, std::uint64_t> items_of(const server_process& server) {
  std::map<std::string, std::uint64_t> items;
  for (const auto& [id, item] : server_items(server.port(), "notes"))
    items[id] = item.at("n").get<std::uint64_t>();
  return items;
}

void make_counters(const server_process& server) {
  temporary_directory directory;
  const auto one =
    open_or_fail(test_options(directory, "http://127.0.0.1:" + std::to_string(server.port())));
  for (std::uint64_t i = 0; i < kill_counters; ++i)
    value_or_fail(one->put("notes", kill_counter(i), R"({"n":0})"));
  sync_or_fail(*one);
}

void compare_all(const server_process& server, fleet& all) {
  std::vector<std::unique_ptr<runtime>> devices;
  for (const auto& each : all) {
    each->kill();
    devices.push_back(open_or_fail(each->how()));
    const auto found = items_of(*devices.back());
    const auto marker = found.find(kill_marker(devices.size() - 1));
    each->check_recovered(marker == found.end() ? 0 : marker->second);
  }
  for (int turn = 0; turn < 2; ++turn) // The first to finish has yet to see the last one's writes.
    for (const auto& device : devices)
      BOOST_TEST(value_or_fail(device->sync_now({.attempts_max = 0, .timeout = patience})).success);
  const auto expected = expected_items(all);
  BOOST_TEST((items_of(server) == expected));
  for (const auto& device : devices) {
    BOOST_TEST((items_of(*device) == expected));
    const auto status = value_or_fail(device->status());
    BOOST_TEST(status.waiting == 0U);
    BOOST_TEST(status.quarantined == 0U);
    BOOST_TEST(status.conflicts_kept == 0U);
  }
}

void report(const kill_counts& counts, const fleet& all) {
  std::uint64_t writes = 0;
  std::uint64_t kept = 0;
  for (const auto& each : all) {
    writes += each->done();
    kept += each->kept();
  }
  std::cout << counts.server + counts.client << " kills, " << counts.server << " of the server and "
            << counts.client << " of clients; " << counts.unanswered
            << " while something was unanswered (a batch: " << counts.on_batch
            << ", a put: " << counts.on_put << ", of which " << kept
            << " were stored all the same); " << writes << " writes accepted" << std::endl;
}

} // namespace

BOOST_AUTO_TEST_CASE(two_hundred_kills_under_load_lose_and_double_nothing) {
  const char* given = std::getenv("SYNCLINE_SEED");
  const std::uint64_t seed = given ? std::stoull(given) : std::random_device{}();
  std::cout << "kill -9 with seed " << seed << " (SYNCLINE_SEED repeats its choices)" << std::endl;
  std::mt19937_64 random{seed};
  server_process server;
  make_counters(server);
  fleet all;
  for (std::uint64_t number = 0; number < clients; ++number)
    all.push_back(std::make_unique<client_process>(number, server.port()));
  kill_counts counts;
  while (counts.server + counts.client < kills) {
    auto& subject = *all[random() % clients];
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 40'000});
    // Three of four moments lie in the course of a batch, the others anywhere.
    if (random() % 4 != 0) {
      subject.watch().wait_for_batch(patience);
      std::this_thread::sleep_for(std::chrono::microseconds{random() % 2'000});
    }
    if (random() % 2 == 0)
      kill_server(server, all, counts);
    else
      kill_client(subject, counts);
  }
  compare_all(server, all);
  report(counts, all);
  BOOST_TEST(counts.unanswered * 2 >= kills);
  BOOST_TEST(counts.server > 0U);
  BOOST_TEST(counts.client > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
