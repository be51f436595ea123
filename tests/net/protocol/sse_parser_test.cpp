#include "net/protocol/sse_parser.hpp"

#include "tests/support/conformance_files.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace syncline::net;

namespace {

struct heard {
  std::string events; // "type|data|id;" for each
  std::string last_event_id;
  std::uint64_t retry_ms = 0;
  std::string error;
};

heard hear(const std::string& stream, const std::vector<std::size_t>& cuts = {},
           std::size_t bytes_max = 100'000) {
  heard out;
  sse_parser parser{bytes_max};
  const auto on_event = [&out](const sse_event& event) {
    out.events += event.type + "|" + event.data + "|" + event.last_event_id + ";";
  };
  std::size_t at = 0;
  const auto take = [&](std::size_t end) {
    const auto fed = parser.feed(std::string_view{stream}.substr(at, end - at), on_event);
    if (!fed)
      out.error = fed.error().code;
    at = end;
  };
  for (const std::size_t cut : cuts)
    if (cut > at && cut < stream.size() && out.error.empty())
      take(cut);
  if (out.error.empty())
    take(stream.size());
  out.last_event_id = parser.last_event_id();
  out.retry_ms = parser.retry_ms().value_or(0);
  return out;
}

std::string events_of(const std::string& stream) {
  return hear(stream).events;
}

using lines = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(net_sse_parser)

BOOST_AUTO_TEST_CASE(an_event_is_what_stands_before_an_empty_line) {
  BOOST_TEST(events_of("data: a\n\n") == "message|a|;");
  BOOST_TEST(events_of("event: item-created\ndata: {\ndata: }\nid: 7\n\n") ==
             "item-created|{\n}|7;");
  BOOST_TEST(events_of("data: a\n\ndata: b\n\n") == "message|a|;message|b|;");
  BOOST_TEST(events_of("data: a\n") == ""); // It has not ended.
}

BOOST_AUTO_TEST_CASE(the_id_stays_until_another_one_comes) {
  BOOST_TEST(events_of("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n") ==
             "message|a|1;message|b|1;message|c|;");
  BOOST_TEST(hear("id: 9\n\n").last_event_id == "9"); // Without data there is no event.
  BOOST_TEST(hear(std::string{"id: 1\n\nid: 2\0003\n\n", 16}).last_event_id == "1");
}

BOOST_AUTO_TEST_CASE(line_ends_may_be_mixed_and_cut_in_two) {
  const std::string stream = "data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n";
  const std::string all = "message|a|;message|b|;message|c|;message|d|;";
  for (std::size_t cut = 1; cut < stream.size(); ++cut)
    BOOST_TEST(hear(stream, {cut}).events == all);
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_counts_once_however_it_is_cut) {
  const std::string mark = "\xef\xbb\xbf";
  for (std::size_t cut = 1; cut < 4; ++cut)
    BOOST_TEST(hear(mark + "data: a\n\n", {cut}).events == "message|a|;");
  BOOST_TEST(events_of("\xef\xbb"
                       "data: a\n\n")
               .empty()); // An unknown field.
}

BOOST_AUTO_TEST_CASE(a_line_or_an_event_beyond_the_limit_ends_the_stream) {
  const std::string long_line(200, 'x');
  BOOST_TEST(hear("data: " + long_line + "\n\n", {}, 100).error == "too_large");
  BOOST_TEST(hear(long_line, {50, 100, 150}, 100).error == "too_large");
  std::string many;
  for (int i = 0; i < 50; ++i)
    many += "data: 12345\n";
  BOOST_TEST(hear(many, {}, 100).error == "too_large");
}

BOOST_AUTO_TEST_CASE(where_a_stream_is_cut_makes_no_difference) {
  BOOST_TEST(rc::check("where a stream is cut makes no difference", [] {
    std::string stream;
    for (int i = *rc::gen::inRange(0, 12); i > 0; --i)
      stream += *rc::gen::elementOf(lines{"data: a", "data", "id: 4", "event: e", ": c", "\n", "\r",
                                          "\r\n", "\n\n", "retry: 5", "x", "\xef\xbb\xbf"});
    const auto whole = hear(stream);
    auto cuts = *rc::gen::container<std::vector<std::size_t>>(
      rc::gen::inRange<std::size_t>(0, stream.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    const auto pieces = hear(stream, cuts);
    RC_ASSERT(pieces.events == whole.events);
    RC_ASSERT(pieces.last_event_id == whole.last_event_id);
    RC_ASSERT(pieces.retry_ms == whole.retry_ms);
  }));
}

BOOST_AUTO_TEST_CASE(the_cases_of_web_platform_tests_hold) {
  const auto path = syncline::test::find_test_data("conformance/eventsource/cases.json");
  if (!path)
    return;
  const auto cases = nlohmann::json::parse(syncline::test::read_bytes(*path));
  BOOST_TEST(cases.size() == 9U);
  for (const auto& one : cases) {
    auto stream = one.at("stream").get<std::string>();
    if (one.contains("expand"))
      for (const auto& [name, how] : one["expand"].items()) {
        std::string text;
        for (int i = how[1]; i > 0; --i)
          text += how[0].get<std::string>();
        for (auto at = stream.find(name); at != std::string::npos; at = stream.find(name, at))
          stream.replace(at, name.size(), text);
      }
    std::string wanted;
    for (const auto& event : one.at("events"))
      wanted += event["type"].get<std::string>() + "|" + event["data"].get<std::string>() + "|" +
                event["lastEventId"].get<std::string>() + ";";
    BOOST_TEST_CONTEXT(one.at("name").get<std::string>()) {
      const auto type = one.value("content_type", std::string{"text/event-stream"});
      BOOST_TEST(is_event_stream(type) == !one.value("fails", false));
      if (one.value("fails", false))
        continue;
      const auto got = hear(stream);
      BOOST_TEST(got.events == wanted);
      BOOST_TEST(got.retry_ms == one.value("retry_ms", std::uint64_t{0}));
      BOOST_TEST(got.last_event_id == one.value("last_event_id_after", got.last_event_id));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
