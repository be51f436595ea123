// The hybrid of stream and polls while networks come, go, lie and change under it.

#include "net/protocol/stream_frame.hpp"
#include "tests/simulation/linked_world.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace actors::simulation;

namespace {

/// Says it of each page; other frames pass.
std::function<void(std::string&)> in_each_page(const std::function<void(msg::DeltaPage&)>& change) {
  return [change](std::string& message) {
    auto frame = net::decode_frame(message);
    if (!frame || !frame->has_page())
      return;
    change(*frame->mutable_page());
    const auto from = frame->page().prev_cursor();
    message = net::with_prev_cursor(net::encode_shared_page(frame->page()), from);
  };
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(link, linked_world)

BOOST_AUTO_TEST_CASE(a_change_is_with_the_other_within_the_way_there) {
  BOOST_TEST(becomes(0, "online", minute_ms));
  BOOST_TEST(becomes(1, "online", minute_ms));
  put("a");
  BOOST_TEST(comes("a", 500));
}

BOOST_AUTO_TEST_CASE(
  a_network_that_goes_stops_all_but_polls_and_one_that_comes_starts_all_at_once) {
  BOOST_TEST(becomes(1, "online", minute_ms));
  is_away = true;
  network(1, msg::ReachabilityChanged::DOWN);
  BOOST_TEST(world.link_state(1) == "offline");
  world.run_for(10 * minute_ms);
  BOOST_TEST(world.link_state(1) == "offline");
  put("a");
  BOOST_TEST(!other_has("a"));
  is_away = false;
  network(1, msg::ReachabilityChanged::UP); // After long backoffs.
  network(0, msg::ReachabilityChanged::DOWN);
  network(0, msg::ReachabilityChanged::UP);
  BOOST_TEST(comes("a", 5'000));
  BOOST_TEST(becomes(1, "online", 5'000));
}

BOOST_AUTO_TEST_CASE(a_network_that_comes_ends_all_waiting_for_backoffs) {
  BOOST_TEST(becomes(1, "online", minute_ms));
  is_away = true;
  world.server().die(); // Which ends the streams that there are.
  world.run_for(60 * minute_ms);
  world.server().start();
  is_away = false;
  put("a");
  for (int client = 0; client < 2; ++client)
    network(client, msg::ReachabilityChanged::UP);
  BOOST_TEST(comes("a", 2'000));
  BOOST_TEST(becomes(1, "online", 2'000));
}

BOOST_AUTO_TEST_CASE(a_hint_that_is_wrong_is_found_out_by_a_poll) {
  BOOST_TEST(becomes(1, "online", minute_ms));
  network(1, msg::ReachabilityChanged::DOWN);
  BOOST_TEST(becomes(1, "online", minute_ms));
  put("a");
  BOOST_TEST(comes("a", 5'000));
}

// B9: a captive portal answers everything with its own page.
BOOST_AUTO_TEST_CASE(a_captive_portal_is_offline_and_changes_nothing) {
  put("a");
  BOOST_TEST(comes("a", minute_ms));
  BOOST_TEST(becomes(1, "online", minute_ms));
  is_portal = true;
  world.server().die(); // Its connections end; what is dialled now meets the portal.
  BOOST_TEST(becomes(1, "offline", 2 * minute_ms));
  world.run_for(10 * minute_ms);
  BOOST_TEST(other_has("a"));
  is_portal = false;
  world.server().start();
  network(1, msg::ReachabilityChanged::UP);
  BOOST_TEST(becomes(1, "online", 10 * minute_ms));
  put("b");
  BOOST_TEST(comes("b", 10 * minute_ms));
}

BOOST_AUTO_TEST_CASE(where_no_stream_can_be_had_the_server_is_polled_and_streams_are_tried_again) {
  has_no_streams = true;
  BOOST_TEST(becomes(1, "degraded", minute_ms));
  put("a");
  BOOST_TEST(comes("a", minute_ms)); // A poll comes every 33 s at the latest.
  has_no_streams = false;
  BOOST_TEST(becomes(1, "online", 11 * minute_ms));
}

// B2: nobody says that the connection is gone. And no stream is dead for longer than 45 s.
BOOST_AUTO_TEST_CASE(a_stream_that_goes_silent_is_given_up_after_45_seconds) {
  silent_after_ms = 20'000;
  BOOST_TEST(becomes(1, "online", 10'000));
  world.run_for(20'000);
  silent_after_ms.reset();
  put("a");
  BOOST_TEST(comes("a", 50'000));
  BOOST_TEST(world.counts().of("stream silent") > 0U);
}

// Event streams carry the same where WebSockets do not pass; and WebSockets come back.
BOOST_AUTO_TEST_CASE(where_no_websocket_passes_events_are_live_and_websockets_are_tried_again) {
  has_no_websockets = true;
  world.server().die();
  world.server().start();
  for (int client = 0; client < 2; ++client)
    BOOST_TEST(becomes(client, "online", 5 * minute_ms));
  BOOST_TEST(world.counts().of("stream live by events") >= 2U);
  const auto polled = world.counts().of("page arrives");
  put("by events");
  BOOST_TEST(comes("by events", 1'000));
  world.run_for(10 * minute_ms); // Idle: the server's comments keep it.
  put("later");
  BOOST_TEST(comes("later", 1'000));
  BOOST_TEST(world.counts().of("page arrives") == polled);
  BOOST_TEST(world.counts().of("stream silent") == 0U);
  has_no_websockets = false;
  const auto by_websocket = world.counts().of("stream live");
  world.server().die();
  world.server().start();
  world.run_for(2 * minute_ms);
  for (int client = 0; client < 2; ++client)
    BOOST_TEST(becomes(client, "online", minute_ms));
  BOOST_TEST(world.counts().of("stream live") >= by_websocket + 2);
  put("by websocket");
  BOOST_TEST(comes("by websocket", 1'000));
}

// The pull comes first, and no server can be heard before it was asked for events: the silence
// until then ended each connection of a client whose first sync took long.
BOOST_AUTO_TEST_CASE(a_long_first_sync_is_no_silence_of_the_events) {
  for (int i = 0; i < 20; ++i)
    put("n" + std::to_string(i));
  world.run_for(minute_ms);
  has_no_websockets = true;
  reply_delay_ms = 4'000; // 20 pages of it are far more than 45 s.
  actors::client::client_options slow;
  slow.poll.page_items_max = 1;
  const int late = world.add_client(slow);
  BOOST_TEST(becomes(late, "online", 10 * minute_ms));
  BOOST_TEST(world.counts().of("stream live by events") >= 1U);
  BOOST_TEST(world.counts().of("stream silent") == 0U);
  BOOST_TEST(world.visible_items(late, "items").size() == 20U);
}

// Bad input over the stream: it is not applied, and what it stood for comes in another way.
BOOST_AUTO_TEST_CASE(what_is_no_page_of_ours_changes_nothing_and_skips_nothing) {
  const std::vector<std::function<void(std::string&)>> damages{
    [](std::string& message) { message.resize(message.size() / 2); },
    [](std::string& message) { message.clear(); },
    [](std::string& message) { message = "<html>please log in</html>"; },
    [](std::string& message) { message = R"({"type":"item_deleted","data":{"id":"kept"}})"; },
    in_each_page([](msg::DeltaPage& page) { page.set_seq_through(0); }),
    in_each_page([](msg::DeltaPage& page) { page.clear_head(); }),
    in_each_page([](msg::DeltaPage& page) { page.set_next_cursor(""); }),
    in_each_page([](msg::DeltaPage& page) { page.set_collection("nobody's"); }),
    in_each_page([](msg::DeltaPage& page) { page.set_prev_cursor("elsewhere"); }),
    // As if all there is had been walked through, and nothing were there.
    in_each_page([](msg::DeltaPage& page) {
      page.set_phase(msg::Cursor::SNAPSHOT);
      page.clear_items();
      page.set_range_to_end(true);
      page.mutable_head()->set_start(0);
    })};
  put("kept");
  BOOST_TEST(comes("kept", minute_ms));
  for (std::size_t i = 0; i < damages.size(); ++i) {
    BOOST_TEST_CONTEXT("damage " << i) {
      damage = damages[i];
      world.server().die(); // New connections, which are damaged from the beginning.
      world.server().start();
      world.run_for(minute_ms);
      put("n" + std::to_string(i));
      BOOST_TEST(comes("n" + std::to_string(i), 2 * minute_ms));
      BOOST_TEST(other_has("kept"));
    }
  }
  damage = nullptr;
  for (int client = 0; client < 2; ++client)
    network(client, msg::ReachabilityChanged::UP);
  BOOST_TEST(becomes(1, "online", 11 * minute_ms));
  BOOST_TEST(world.visible_items(1, "items").size() == damages.size() + 1);
}

// A thousand cuts: whatever was on its way is asked for again.
BOOST_AUTO_TEST_CASE(a_thousand_cuts_skip_no_change) {
  int written = 0;
  for (int i = 0; i < 1'000; ++i) {
    cut_after_ms = static_cast<std::int64_t>(world.random()() % 20'000);
    put("n" + std::to_string(++written));
    world.run_for(static_cast<std::int64_t>(world.random()() % 20'000));
  }
  cut_after_ms.reset();
  BOOST_TEST(becomes(1, "online", 11 * minute_ms));
  world.run_for(5'000);
  BOOST_TEST(world.visible_items(1, "items").size() == static_cast<std::size_t>(written));
  BOOST_TEST(world.counts().of("stream live") > 500U);
  BOOST_TEST(!world.failure().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
