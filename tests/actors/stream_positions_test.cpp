#include "actors/client/stream_positions.hpp"

#include <boost/test/unit_test.hpp>

using syncline::actors::client::stream_positions;

BOOST_AUTO_TEST_SUITE(client_stream_positions)

BOOST_AUTO_TEST_CASE(nothing_is_expected_of_a_collection_that_is_unknown_or_pulled) {
  stream_positions positions;
  BOOST_TEST(!positions.expects("notes", ""));
  positions.pull("notes");
  BOOST_TEST(!positions.expects("notes", ""));
  BOOST_TEST(positions.has("notes"));
  BOOST_TEST(!positions.has("items"));
}

BOOST_AUTO_TEST_CASE(what_was_sent_before_the_server_heard_of_the_last_hello_is_not_expected) {
  stream_positions positions;
  positions.ask("notes", "c5");
  BOOST_TEST(!positions.expects("notes", "c3"));
  BOOST_TEST(!positions.expects("notes", "c4"));
  BOOST_TEST(positions.expects("notes", "c5"));
  BOOST_TEST(positions.expects("notes", "c7")); // A gap, which is for the store to find.
}

BOOST_AUTO_TEST_CASE(all_are_caught_up_until_one_is_pulled_again) {
  stream_positions positions;
  for (const char* name : {"notes", "items"}) {
    positions.ask(name, "c1");
    BOOST_TEST(!positions.all_caught_up());
    BOOST_TEST(positions.expects(name, "c1"));
    positions.catch_up(name);
  }
  BOOST_TEST(positions.all_caught_up());
  positions.pull("items");
  BOOST_TEST(!positions.all_caught_up());
}

BOOST_AUTO_TEST_SUITE_END()
