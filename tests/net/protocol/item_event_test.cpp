#include "net/protocol/item_event.hpp"

#include "net/protocol/delta_json.hpp"
#include "net/protocol/sse_parser.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace syncline::net;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

void add(msg::DeltaPage& page, const std::string& id, const std::string& body,
         std::uint64_t birth_seq) {
  auto& item = body.empty() ? *page.add_deleted() : *page.add_items();
  item.set_id(id);
  item.set_body(body);
  item.set_deleted(body.empty());
  item.set_birth_seq(birth_seq);
  item.set_version(3);
  item.set_last_modified_ms(1'700'000'000'000);
}

msg::DeltaPage changes_page() {
  msg::DeltaPage page;
  page.set_phase(msg::Cursor::CHANGES);
  page.set_next_cursor("next");
  return page;
}

std::string written(const std::string& text) {
  std::string id;
  const auto mutation = parse_item_write(text, "items", id);
  if (!mutation)
    return mutation.error().code + " " + id;
  return msg::MutationKind_Name(mutation->kind()) + " " + mutation->collection() + "/" +
         mutation->id() + " " + mutation->body() + mutation->patch() +
         (mutation->unconditional() ? "" : " v" + std::to_string(mutation->base_version()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_item_event)

BOOST_AUTO_TEST_CASE(a_page_becomes_one_message_a_change_with_the_cursor_at_the_last) {
  auto page = changes_page();
  add(page, "gone", "", 3);
  add(page, "new", R"({"a":1})", 12);
  add(page, "old", R"({"b":2})", 5);
  const auto events = item_events(page, 10, every_tombstone, event_form::websocket);
  BOOST_REQUIRE(events.size() == 3U);
  BOOST_TEST(events[0] == R"({"type":"item_deleted","data":{"id":"gone"}})");
  BOOST_TEST(events[1] == R"({"type":"item_created","data":{"id":"new","a":1,"version":3,)"
                          R"("lastModified":1700000000000}})");
  BOOST_TEST(events[2] == R"({"type":"item_updated","data":{"id":"old","b":2,"version":3,)"
                          R"("lastModified":1700000000000},"cursor":"next"})");
}

BOOST_AUTO_TEST_CASE(a_tombstone_of_what_the_client_never_had_is_left_out) {
  auto page = changes_page();
  add(page, "passed", "", 12);
  BOOST_TEST(item_events(page, 10, 11, event_form::sse).empty());
  BOOST_TEST(item_events(page, 10, 12, event_form::sse).size() == 1U);
}

// A body keeps the white space it came with, and an empty line would end the event.
BOOST_AUTO_TEST_CASE(an_event_of_a_stream_comes_out_whole_whatever_white_space_its_body_has) {
  auto page = changes_page();
  add(page, "a", "{\n\n\"a\":\r1,\r\n\"b\": 2}", 1);
  add(page, "b", "{}", 12);
  std::string stream;
  for (const auto& event : item_events(page, 10, every_tombstone, event_form::sse))
    stream += event;
  std::vector<sse_event> heard;
  sse_parser parser;
  BOOST_REQUIRE(
    parser.feed(stream, [&](sse_event event) { heard.push_back(std::move(event)); }).has_value());
  BOOST_REQUIRE(heard.size() == 2U);
  BOOST_TEST(heard[0].type == "item-updated");
  BOOST_TEST(heard[0].last_event_id == "");
  BOOST_TEST(heard[0].data.find("\"a\":\n1,") != std::string::npos);
  BOOST_TEST(heard[1].type == "item-created");
  BOOST_TEST(heard[1].last_event_id == "next");
}

BOOST_AUTO_TEST_CASE(a_plain_clients_write_is_a_mutation) {
  BOOST_TEST(written(R"({"type":"item_created","data":{"id":"a","t":1}})") ==
             R"(CREATE items/a {"t":1} v0)");
  BOOST_TEST(written(R"({"type":"item_updated","data":{"id":"a","t":null,"version":4}})") ==
             R"(UPDATE items/a {"t":null} v4)");
  BOOST_TEST(written(R"({"type":"item_updated","data":{"id":"a","t":2}})") ==
             R"(UPDATE items/a {"t":2})");
  BOOST_TEST(written(R"({"type":"item_deleted","data":{"id":"a"}})") == "DELETE items/a ");
  BOOST_TEST(written(R"({"type":"item_deleted","data":{"id":"a","version":2}})") ==
             "DELETE items/a  v2");
}

BOOST_AUTO_TEST_CASE(what_is_no_write_is_an_error_that_names_the_item_where_it_can) {
  for (const std::string text :
       {"", "[]", "{", R"({"type":"item_created"})", R"({"type":7,"data":{"id":"a"}})",
        R"({"data":{"id":"a"}})", R"({"type":"item_created","data":[]})"})
    BOOST_TEST(written(text) == "bad_message ", text);
  BOOST_TEST(written(R"({"type":"ack","data":{"id":"a"}})") == "bad_message ");
  BOOST_TEST(written(R"({"type":"item_created","data":{"t":1}})") == "bad_operation ");
  BOOST_TEST(written(R"({"type":"item_created","data":{"id":"a/../b"}})") == "bad_id a/../b");
  BOOST_TEST(written(R"({"type":"item_created","data":{"id":"a","deleted":1}})") ==
             "reserved_name a");
}

BOOST_AUTO_TEST_CASE(a_write_is_answered_by_ack_or_error) {
  msg::MutationResult result;
  result.set_status(msg::SYNCED);
  result.set_version(4);
  result.set_last_modified_ms(7);
  BOOST_TEST(write_answer_json("a", result) ==
             R"({"type":"ack","data":{"id":"a","version":4,"lastModified":7}})");
  result.set_status(msg::CONFLICT);
  result.mutable_server_item()->set_version(9);
  BOOST_TEST(write_answer_json("a", result) ==
             R"({"type":"error","data":{"id":"a","code":"conflict",)"
             R"("message":"the item is at version 9 by now"}})");
  result.set_status(msg::DELETE_CONFLICT);
  result.clear_server_item();
  BOOST_TEST(write_answer_json("a", result).find("\"delete_conflict\"") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
