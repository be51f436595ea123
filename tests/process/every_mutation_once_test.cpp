// Two devices count up the same items over a network that damages one exchange in three. An
// increment that is lost or applied twice shows in a sum for good.

#include "tests/process/server_items.hpp"
#include "tests/runtime/runtime_support.hpp"
#include "tests/support/fault_proxy.hpp"

#include <array>
#include <atomic>
#include <iostream>
#include <random>
#include <thread>

BOOST_AUTO_TEST_SUITE(every_mutation_once)

using namespace syncline;
using namespace syncline::tests;

namespace {

constexpr std::uint64_t seed = 20'240'817;
constexpr std::size_t items = 50;
constexpr std::size_t rounds = 22;
constexpr std::array<std::int64_t, 2> amounts{1, 1'000}; // tells the devices apart in a sum
constexpr std::size_t increments = items * rounds * amounts.size();
static_assert(increments >= 2'000);

bool is_batch(const std::string& request) {
  return request.starts_with("POST /batch-sync ");
}

/// Damages exactly one of each three exchanges, at a seeded place among them, and keeps the share
/// of lost responses of applied batches a little above one half of that.
class one_in_three {
public:
  /// To be called once; it must outlive the proxy.
  void act_on(fault_proxy& proxy) {
    proxy.set_hooks(
      {[this](const std::string& request, std::uint64_t bits) { return choose(request, bits); },
       [this](const std::string& request, fault kind, const std::string* reply) {
         if (kind == fault::drop_response && is_batch(request) && reply != nullptr &&
             reply->starts_with("HTTP/1.1 200 "))
           ++lost_responses_;
       }});
  }
  [[nodiscard]] std::uint64_t exchanges() const {
    return exchanges_;
  }
  [[nodiscard]] std::uint64_t faults() const {
    return faults_;
  }
  [[nodiscard]] std::uint64_t lost_responses() const {
    return lost_responses_;
  }

private:
  fault_step choose(const std::string& request, std::uint64_t bits) {
    const auto number = exchanges_++;
    std::mt19937_64 random{seed + number / 3};
    if (number % 3 != random() % 3)
      return {};
    const auto faults = ++faults_;
    if (is_batch(request) && lost_responses_ * 100 < faults * 55)
      return {fault::drop_response, 0, {}};
    constexpr std::array others{fault::drop_request, fault::duplicate_request, fault::delay};
    return {others.at(bits % others.size()), 0, std::chrono::milliseconds{bits % 7}};
  }

  std::atomic<std::uint64_t> exchanges_ = 0;
  std::atomic<std::uint64_t> faults_ = 0;
  std::atomic<std::uint64_t> lost_responses_ = 0;
};

std::string item_name(std::size_t item) {
  return "item-" + std::to_string(item);
}

/// Adds to every item once a round and syncs, so that each increment is a mutation of its own:
/// those that wait for the same item would be sent as one. Returns what went wrong.
std::string count_up(runtime& one, std::int64_t amount) {
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t item = 0; item < items; ++item)
      if (auto done = one.increment("notes", item_name(item), "n", amount); !done)
        return done.error().code + ": " + done.error().message;
    const auto report = one.sync_now({.attempts_max = 0, .timeout = patience});
    if (!report)
      return report.error().code + ": " + report.error().message;
    if (!report->success || report->conflicts != 0 || report->errors != 0)
      return "round " + std::to_string(round) + ": " + report->error.code;
  }
  return {};
}

std::map<std::string, std::int64_t> sums_of(const runtime& one) {
  std::map<std::string, std::int64_t> sums;
  for (const auto& item : value_or_fail(one.list("notes")))
    sums[item.id] = nlohmann::json::parse(item.body).at("n").get<std::int64_t>();
  return sums;
}

std::map<std::string, std::int64_t> sums_of(test_server& server) {
  std::map<std::string, std::int64_t> sums;
  for (const auto& [id, item] : server_items(server.get().port(), "notes"))
    sums[id] = item.at("n").get<std::int64_t>();
  return sums;
}

std::map<std::string, std::int64_t> exact_sums() {
  std::map<std::string, std::int64_t> sums;
  for (std::size_t item = 0; item < items; ++item)
    sums[item_name(item)] = static_cast<std::int64_t>(rounds) * (amounts[0] + amounts[1]);
  return sums;
}

void print_counts(const fault_proxy& proxy, const one_in_three& faults,
                  const actors::server::server_status& status) {
  std::cout << "seed " << seed << ": " << faults.exchanges() << " exchanges, " << faults.faults()
            << " faults (" << faults.lost_responses() << " lost responses of applied batches, "
            << proxy.count(fault::drop_request) << " lost requests, "
            << proxy.count(fault::duplicate_request) << " doubled, " << proxy.count(fault::delay)
            << " delayed); " << status.head_seq - items << " increments applied, "
            << status.repeats_suppressed << " duplicates suppressed" << std::endl;
}

} // namespace

BOOST_AUTO_TEST_CASE(sums_are_exact_where_one_exchange_in_three_goes_wrong) {
  test_server server;
  std::array<temporary_directory, 2> directories;
  std::array<std::unique_ptr<runtime>, 2> devices;
  one_in_three faults;
  fault_proxy proxy{server.get().port(), seed};
  for (std::size_t i = 0; i < devices.size(); ++i) {
    auto how = test_options(directories.at(i), "http://127.0.0.1:" + std::to_string(proxy.port()));
    how.batch_items_max = 10; // More exchanges, more faults.
    devices.at(i) = open_or_fail(how);
  }
  for (std::size_t item = 0; item < items; ++item)
    value_or_fail(devices[0]->put("notes", item_name(item), R"({"n":0})"));
  sync_or_fail(*devices[0]);
  sync_or_fail(*devices[1]);
  BOOST_REQUIRE(server.get().status().head_seq == items);

  faults.act_on(proxy);
  std::array<std::string, 2> problems;
  std::thread other{[&] { problems[1] = count_up(*devices[1], amounts[1]); }};
  problems[0] = count_up(*devices[0], amounts[0]);
  other.join();
  BOOST_TEST(problems[0] == "");
  BOOST_TEST(problems[1] == "");
  for (const auto& device : devices) // Each may have stopped before the other's last round.
    BOOST_TEST(value_or_fail(device->sync_now({.attempts_max = 0, .timeout = patience})).success);

  const auto status = server.get().status();
  print_counts(proxy, faults, status);
  BOOST_TEST((sums_of(server) == exact_sums()));
  BOOST_TEST((sums_of(*devices[0]) == exact_sums()));
  BOOST_TEST((sums_of(*devices[1]) == exact_sums()));
  BOOST_TEST(status.head_seq - items == increments); // Each took effect, as a change of its own.
  BOOST_TEST(faults.faults() * 3 + 3 >= faults.exchanges());
  BOOST_TEST(faults.lost_responses() * 2 >= faults.faults());
  BOOST_TEST(faults.faults() >= 100U);
  BOOST_TEST(proxy.count(fault::drop_request) > 0U);
  BOOST_TEST(proxy.count(fault::duplicate_request) > 0U);
  BOOST_TEST(proxy.count(fault::delay) > 0U);
  BOOST_TEST(status.repeats_suppressed > 0U);
  BOOST_TEST(status.repeats_suppressed >= faults.lost_responses()); // Each came again.
}

BOOST_AUTO_TEST_SUITE_END()
