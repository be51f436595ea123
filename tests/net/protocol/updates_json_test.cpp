#include "net/protocol/updates_json.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace syncline;

std::int64_t since(std::string_view text) {
  const auto parsed = net::parse_since(text);
  return parsed ? *parsed : -1;
}

BOOST_AUTO_TEST_SUITE(updates_json)

BOOST_AUTO_TEST_CASE(shows_items_and_deletions) {
  net::updates_page page;
  page.items.resize(3);
  page.items[0].set_id("a");
  page.items[0].set_body(R"({"x":1})");
  page.items[1].set_id("b\"");
  page.items[1].set_deleted(true);
  page.items[2].set_id("c");
  page.items[2].set_body("{}");
  page.server_time_ms = 1'700'000'000'123;
  page.has_more = true;
  page.next_since_ms = 5;
  BOOST_TEST(net::updates_json(page) ==
             R"({"items":[{"id":"a","x":1,"version":0,"lastModified":0},)"
             R"({"id":"c","version":0,"lastModified":0}],"deleted":["b\""],)"
             R"("serverTime":1700000000123,"hasMore":true,"nextSince":5})");
}

BOOST_AUTO_TEST_CASE(shows_an_empty_page) {
  BOOST_TEST(net::updates_json({}) ==
             R"({"items":[],"deleted":[],"serverTime":0,"hasMore":false,"nextSince":0})");
}

BOOST_AUTO_TEST_CASE(reads_seconds_below_ten_to_the_eleven_and_milliseconds_above) {
  BOOST_TEST(since("") == 0);
  BOOST_TEST(since("0") == 0);
  BOOST_TEST(since("1700000000") == 1'700'000'000'000);
  BOOST_TEST(since("1700000000.5") == 1'700'000'000'500);
  BOOST_TEST(since("1700000000.0019999") == 1'700'000'000'001);
  BOOST_TEST(since("99999999999") == 99'999'999'999'000);
  BOOST_TEST(since("100000000000") == 100'000'000'000);
  BOOST_TEST(since("1700000000123") == 1'700'000'000'123);
  BOOST_TEST(since("1700000000123.9") == 1'700'000'000'123);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_plain_number) {
  for (const auto* text : {"-1", "+1", "1e3", "x", "1.", ".5", "1.5.5", " 1", "1 ", "0x1", "NaN",
                           "9007199254740993", "99999999999999999999999999"})
    BOOST_TEST(since(text) == -1, text);
}

BOOST_AUTO_TEST_CASE(looks_back_a_minute_and_never_before_1970) {
  BOOST_TEST(net::updates_read_from_ms(100'000) == 40'000);
  BOOST_TEST(net::updates_read_from_ms(60'000) == 0);
  BOOST_TEST(net::updates_read_from_ms(0) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
