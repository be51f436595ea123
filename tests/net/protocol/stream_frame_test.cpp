#include "net/protocol/stream_frame.hpp"

#include "net/protocol/server_codec.hpp"

#include <boost/test/unit_test.hpp>

using namespace syncline;

namespace {

msg::DeltaPage a_page() {
  msg::DeltaPage page;
  page.set_collection("items");
  page.set_prev_cursor("somebody's");
  page.set_next_cursor("next");
  page.set_phase(msg::Cursor::CHANGES);
  page.mutable_head()->set_start(7);
  page.mutable_head()->set_seq(40);
  for (const std::uint64_t seq : {31, 38}) {
    auto& item = *page.add_items();
    item.set_id("id" + std::to_string(seq));
    item.set_body("{}");
    item.mutable_stamp()->set_start(7);
    item.mutable_stamp()->set_seq(seq);
  }
  return page;
}

msg::StreamFrame hello_for(const std::vector<std::string>& collections) {
  msg::StreamFrame frame;
  for (const auto& collection : collections)
    frame.mutable_hello()->add_collections()->set_collection(collection);
  return frame;
}

std::string refusal_of(const msg::StreamFrame& frame) {
  const auto checked = net::check_client_frame(frame);
  return checked ? "" : checked.error().code;
}

msg::HttpRequest asking(const std::string& target, const std::string& header = {},
                        const std::string& value = {}) {
  msg::HttpRequest request;
  request.set_method("GET");
  request.set_target(target);
  if (!header.empty()) {
    auto& added = *request.add_headers();
    added.set_name(header);
    added.set_value(value);
  }
  return request;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_frame)

BOOST_AUTO_TEST_CASE(a_page_that_was_encoded_once_begins_for_each_where_he_is) {
  const auto shared = net::encode_shared_page(a_page());
  for (const std::string cursor : {"mine", "yours", ""}) {
    const auto frame = net::decode_frame(net::with_prev_cursor(shared, cursor));
    BOOST_REQUIRE(frame.has_value());
    auto expected = a_page();
    expected.set_prev_cursor(cursor);
    BOOST_TEST(frame->page().SerializeAsString() == expected.SerializeAsString());
    BOOST_TEST(frame->prev_cursor().empty());
  }
}

BOOST_AUTO_TEST_CASE(garbage_is_no_frame) {
  BOOST_TEST(net::decode_frame("\xff\xff garbage").error().code == "bad_message");
  BOOST_TEST(net::decode_frame(net::encode_shared_page(a_page()).substr(0, 20)).error().code ==
             "bad_message");
}

BOOST_AUTO_TEST_CASE(a_client_says_hello_and_ping) {
  BOOST_TEST(refusal_of(hello_for({"items", "notes"})).empty());
  BOOST_TEST(refusal_of(hello_for({"items", "items"})) == "bad_message");
  BOOST_TEST(refusal_of(hello_for({"bad name\n"})) == "bad_collection");
  BOOST_TEST(refusal_of(hello_for(std::vector<std::string>(257, "items"))) == "bad_message");
  msg::StreamFrame other;
  BOOST_TEST(refusal_of(other).empty()); // Of a later version: ignored.
  other.mutable_ping()->set_id(1);
  BOOST_TEST(refusal_of(other).empty());
  *other.mutable_page() = a_page();
  BOOST_TEST(refusal_of(other) == "bad_message");
}

BOOST_AUTO_TEST_CASE(an_event_stream_has_its_hello_in_the_query) {
  const auto hello = hello_for({"items", "notes"});
  const auto ask =
    net::read_live_request(asking("/events" + net::hello_query(hello.SerializeAsString())));
  BOOST_REQUIRE(ask.has_value());
  BOOST_TEST((ask->form == msg::PROTOCOL_EVENTS));
  BOOST_TEST(ask->hello.SerializeAsString() == hello.hello().SerializeAsString());
  const auto refusal = [](const std::string& query) {
    return net::read_live_request(asking("/events?hello=" + query)).error().code;
  };
  BOOST_TEST(refusal("") == "bad_message");
  BOOST_TEST(refusal("%%%") != "");
  BOOST_TEST(refusal("not+base64") == "bad_message");
  msg::StreamFrame ping;
  ping.mutable_ping()->set_id(1);
  BOOST_TEST(net::read_live_request(asking("/events" + net::hello_query(ping.SerializeAsString())))
               .error()
               .code == "bad_message");
  BOOST_TEST(net::read_live_request(
               asking("/events" + net::hello_query(hello_for({"bad name\n"}).SerializeAsString())))
               .error()
               .code == "bad_collection");
}

BOOST_AUTO_TEST_CASE(a_frame_as_an_event_is_the_same_frame) {
  const std::string frame{"\0\n\r\xff data: x", 12};
  const auto event = net::encode_frame_event(frame);
  BOOST_TEST(event.substr(event.size() - 2) == "\n\n");
  const auto data = event.substr(6, event.size() - 8);
  BOOST_TEST(net::decode_frame_event(data).value() == frame);
  BOOST_TEST(net::decode_frame_event(data + "!").error().code == "bad_message");
}

BOOST_AUTO_TEST_CASE(what_a_live_connection_is_for_is_in_its_request) {
  const auto plain = net::read_live_request(asking("/stream?collection=notes&cursor=abc"));
  BOOST_REQUIRE(plain.has_value());
  BOOST_TEST((plain->form == msg::WEBSOCKET && plain->collection == "notes"));
  BOOST_TEST(plain->cursor.value() == "abc");
  const auto ours =
    net::read_live_request(asking("/stream", "sec-websocket-protocol", "chat, syncline.v1"));
  BOOST_TEST((ours.value().form == msg::PROTOCOL && !ours->cursor));
  const auto other = net::read_live_request(asking("/stream", "sec-websocket-protocol", "chat"));
  BOOST_TEST((other.value().form == msg::WEBSOCKET));
  // What a browser remembers is later than the address that it was given.
  const auto events = net::read_live_request(asking("/events?cursor=old", "last-event-id", "new"));
  BOOST_TEST((events.value().form == msg::EVENTS));
  BOOST_TEST(events->cursor.value() == "new");
  BOOST_TEST(net::read_live_request(asking("/else")).error().code == "unknown_route");
  BOOST_TEST(net::read_live_request(asking("/stream?collection=")).error().code ==
             "bad_collection");
}

BOOST_AUTO_TEST_SUITE_END()
