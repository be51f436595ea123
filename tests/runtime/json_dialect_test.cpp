// The dialect of the plain JSON routes against our own server, which speaks them too.

#include "tests/runtime/runtime_support.hpp"

#include <thread>

BOOST_AUTO_TEST_SUITE(runtime_json_dialect)

using namespace syncline;
using namespace syncline::tests;

namespace {

options json_options(const temporary_directory& directory, const std::string& server,
                     server_dialect dialect = server_dialect::json) {
  auto how = test_options(directory, server);
  how.dialect = dialect;
  return how;
}

} // namespace

BOOST_AUTO_TEST_CASE(both_dialects_meet_at_one_server) {
  for (const auto dialect : {server_dialect::json, server_dialect::json_since}) {
    test_server server;
    temporary_directory first;
    temporary_directory second;
    const auto plain = open_or_fail(json_options(first, server.url(), dialect));
    const auto own = open_or_fail(test_options(second, server.url()));
    value_or_fail(plain->put("notes", "a", R"({"n":1})"));
    value_or_fail(own->put("notes", "b", R"({"n":2})"));
    sync_or_fail(*plain);
    sync_or_fail(*own);
    value_or_fail(own->patch("notes", "a", R"({"by":"own"})"));
    sync_or_fail(*own);
    sync_or_fail(*plain);
    value_or_fail(plain->increment("notes", "b", "n", std::int64_t{5}));
    value_or_fail(plain->remove("notes", "a"));
    sync_or_fail(*plain);
    sync_or_fail(*own);
    for (const auto* one : {plain.get(), own.get()}) {
      BOOST_TEST(body_of(*one, "a") == "");
      BOOST_TEST(body_of(*one, "b") == R"({"n":7})");
      const auto status = value_or_fail(one->status());
      BOOST_TEST(status.waiting == 0U);
      BOOST_TEST(status.conflicts_kept == 0U);
    }
    BOOST_TEST(value_or_fail(own->status()).weaker.empty());
    BOOST_TEST(!value_or_fail(plain->status()).weaker.empty());
  }
}

BOOST_AUTO_TEST_CASE(batches_leave_100_ms_between_them) {
  test_server server;
  temporary_directory directory;
  const auto one = open_or_fail(json_options(directory, server.url()));
  std::vector<operation> all;
  all.reserve(250);
  for (int i = 0; i < 250; ++i)
    all.push_back(operation::put("notes", "n" + std::to_string(i), "{}"));
  value_or_fail(one->write(std::move(all)));
  const auto report = sync_or_fail(*one);
  BOOST_TEST(report.duration_ms >= 200); // Three batches.
  BOOST_TEST(server.get().status().items == 250U);
}

BOOST_AUTO_TEST_CASE(a_started_runtime_polls_a_foreign_server) {
  test_server server;
  temporary_directory first;
  temporary_directory second;
  auto how = json_options(first, server.url());
  how.start = true;
  how.poll_interval = 5ms;
  const auto plain = open_or_fail(how);
  const auto own = open_or_fail(test_options(second, server.url()));
  const auto written = value_or_fail(plain->put("notes", "a", R"({"n":1})"));
  check_done(written.wait(stage::visible, patience));
  BOOST_TEST(value_or_fail(plain->status()).link.state == "degraded"); // Nothing is live.
  value_or_fail(own->put("notes", "b", "{}"));
  sync_or_fail(*own);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (body_of(*plain, "b").empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  BOOST_TEST(body_of(*plain, "b") == "{}");
}

BOOST_AUTO_TEST_CASE(a_store_stays_with_its_dialect) {
  test_server server;
  temporary_directory directory;
  {
    const auto one = open_or_fail(json_options(directory, server.url()));
    check_done(one->close());
  }
  BOOST_TEST(code_of(runtime::open(test_options(directory, server.url()))) == "store_of_another");
  BOOST_TEST(value_or_fail(open_or_fail(json_options(directory, server.url()))->status()).dialect ==
             "json");
}

BOOST_AUTO_TEST_SUITE_END()
