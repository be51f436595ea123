#pragma once
// A real server in this process and runtimes on temporary directories.

#include "actors/server/server.hpp"
#include "syncline/runtime.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace syncline::tests {

using storage::test::temporary_directory;
using namespace std::chrono_literals;

/// Far beyond what anything here takes; only a failed test waits for it.
inline constexpr std::chrono::milliseconds patience{20'000};

/// A server on a directory and a free port, which it keeps over a restart.
class test_server {
public:
  test_server() {
    start();
  }
  void start() {
    actors::server::server_options options;
    options.directory = directory_.path() / "server";
    options.http.port = port_;
    auto started = actors::server::server::start(options);
    BOOST_REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
    server_ = std::move(*started);
    port_ = server_->port();
  }
  void stop() {
    const auto stopped = server_->stop();
    BOOST_TEST(stopped.has_value());
    server_.reset();
  }
  [[nodiscard]] actors::server::server& get() {
    return *server_;
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }

private:
  temporary_directory directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<actors::server::server> server_;
};

/// Options with one collection, `notes`, and quick retries.
inline options test_options(const temporary_directory& directory, std::string server = {},
                            conflict_strategy strategy = conflict_strategy::merge) {
  options how;
  how.store = directory.path() / "store";
  how.server = std::move(server);
  how.durable = durability::process; // The tests of durability are those of the store.
  how.retry_first = 1ms;
  how.retry_max = 5ms;
  how.collections.push_back({"notes", strategy});
  return how;
}

/// Opens, or ends the test.
inline std::unique_ptr<runtime> open_or_fail(options how) {
  auto opened = runtime::open(std::move(how));
  BOOST_REQUIRE_MESSAGE(opened.has_value(),
                        (opened ? "" : opened.error().code + ": " + opened.error().message));
  return std::move(*opened);
}

template <class T>
T value_or_fail(result<T> outcome) {
  BOOST_REQUIRE_MESSAGE(outcome.has_value(),
                        (outcome ? "" : outcome.error().code + ": " + outcome.error().message));
  return std::move(*outcome);
}

inline void check_done(const result<void>& outcome) {
  BOOST_REQUIRE_MESSAGE(outcome.has_value(),
                        (outcome ? "" : outcome.error().code + ": " + outcome.error().message));
}

/// Syncs once; the run must succeed.
inline sync_report sync_or_fail(runtime& one) {
  auto report = value_or_fail(one.sync_now());
  BOOST_REQUIRE_MESSAGE(report.success, report.error.code + ": " + report.error.message);
  return report;
}

/// The body of an item of `notes`; empty where there is none.
inline std::string body_of(const runtime& one, std::string_view id) {
  const auto found = value_or_fail(one.get("notes", id));
  return found ? found->body : std::string{};
}

template <class T>
std::string code_of(const result<T>& outcome) {
  return outcome ? std::string{} : outcome.error().code;
}

} // namespace syncline::tests
