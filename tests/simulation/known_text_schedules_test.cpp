// Schedules of shared texts on which others have failed, or an earlier design of this protocol: the
// scenarios D5 to D13 and the schedules N1 to N11, by those names. What concerns one end alone is
// in tests/core/ot.

#include "tests/simulation/text_world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace syncline;
using namespace syncline::tests;

namespace text_ask = actors::client::text_ask;

namespace {

constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t minute_ms = 60'000;

/// Two who show the text, which is "ab" at both; what else there is, a test says.
struct known_texts {
  explicit known_texts(actors::server::document_options options = {}) : texts{1, {}, 2, options} {
    texts.show(0);
    texts.show(1);
    texts.world().run_for(second_ms);
    texts.type_at(0, 0, "a");
    texts.type_at(0, 1, "b");
    texts.world().run_for(second_ms);
    BOOST_TEST(texts.shown(1) == "ab");
  }
  ~known_texts() {
    texts.heal();
    BOOST_TEST(texts.disagreement() == "");
  }
  known_texts(const known_texts&) = delete;
  known_texts& operator=(const known_texts&) = delete;

  void leave(int client) {
    texts.world().client(client).die();
  }
  void come(int client) {
    texts.world().client(client).start();
    texts.show(client);
  }
  void restart_server() {
    texts.world().server().die();
    texts.world().server().start();
  }
  /// The server has what this client has typed, and the client does not know.
  void lose_ack_of(int client, std::uint64_t at, const std::string& what) {
    texts.delay_ms = 400;
    leave(client);
    come(client);
    texts.world().run_for(3 * second_ms); // It is joined over the slow line.
    const auto before = texts.server_revision();
    texts.type_at(client, at, what);
    BOOST_TEST(
      texts.world().run_until([&] { return texts.server_revision() > before; }, 10 * second_ms));
    leave(client);
    texts.delay_ms = 1;
  }

  text_world texts;
};

/// A server that forgets its log at once.
struct forgetful : known_texts {
  forgetful() : known_texts{options()} {}
  static actors::server::document_options options() {
    actors::server::document_options made;
    made.snapshot_every = 1;
    made.log_kept = 1;
    return made;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(known_text_schedules)

BOOST_FIXTURE_TEST_CASE(D5_who_is_far_behind_keeps_what_he_typed, forgetful) {
  leave(1);
  for (std::uint64_t i = 0; i < 20; ++i)
    texts.type_at(0, 2 + i, "x");
  texts.world().run_for(minute_ms);
  texts.world().client(1).start();
  texts.type_at(1, 0, "Y"); // In the text as it was.
  texts.show(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "Yab" + std::string(20, 'x'));
}

BOOST_FIXTURE_TEST_CASE(D6_an_operation_whose_ack_was_lost_is_applied_once, known_texts) {
  lose_ack_of(1, 2, "X");
  come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "abX");
}

BOOST_FIXTURE_TEST_CASE(D7_what_is_typed_behind_one_in_flight_is_another_one, known_texts) {
  lose_ack_of(1, 2, "X");
  texts.is_away = true;
  come(1);
  texts.type_at(1, 3, "Y");
  texts.type_at(0, 0, "Z");
  texts.is_away = false;
  texts.world().run_for(2 * minute_ms);
  BOOST_TEST(texts.server_text() == "ZabXY");
}

BOOST_FIXTURE_TEST_CASE(D8_two_connections_that_both_send_it_apply_it_once, known_texts) {
  texts.type_at(1, 2, "X"); // Under way when its process ends,
  leave(1);
  come(1); // and sent again by the next.
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "abX");
}

BOOST_FIXTURE_TEST_CASE(D9_a_server_that_dies_between_commit_and_ack, known_texts) {
  for (const auto* point : {"server after commit", "server before commit"}) {
    const auto before = texts.server_text();
    texts.world().arm_crash(point);
    texts.type_at(1, 0, "X");
    BOOST_TEST(texts.world().run_until([&] { return !texts.world().server().alive(); }, minute_ms));
    texts.world().server().start();
    texts.world().run_for(minute_ms);
    BOOST_TEST(texts.server_text() == "X" + before);
  }
}

BOOST_FIXTURE_TEST_CASE(D10_a_log_that_is_trimmed_below_a_client_loses_nothing_typed, forgetful) {
  leave(1);
  texts.world().client(1).start();
  texts.is_away = true;
  texts.type_at(1, 1, "typed offline");
  texts.is_away = false;
  leave(1);
  for (std::uint64_t i = 0; i < 10; ++i)
    texts.type_at(0, 2, "z");
  texts.world().run_for(minute_ms);
  come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "atyped offlineb" + std::string(10, 'z'));
}

// The last one leaves, and the next comes while the server lets the text go.
BOOST_AUTO_TEST_CASE(D12_who_comes_while_the_text_is_let_go_loses_nothing) {
  actors::server::document_options options;
  options.idle_ms = second_ms;
  for (std::int64_t gap = second_ms - 20; gap <= second_ms + 20; ++gap) {
    known_texts one{options};
    one.leave(1);
    one.texts.type_at(0, 0, "X");
    one.texts.world().run_for(5);
    one.leave(0);
    one.texts.world().run_for(gap);
    one.come(1);
    one.texts.type_at(1, 0, "Y");
    one.texts.world().run_for(minute_ms);
    BOOST_TEST(one.texts.server_text() == "YXab");
  }
}

BOOST_FIXTURE_TEST_CASE(D13_a_server_that_restarts_under_its_clients_doubles_nothing, known_texts) {
  for (int i = 0; i < 10; ++i) {
    texts.type_at(i % 2, 0, std::string(1, static_cast<char>('0' + i)));
    restart_server();
    texts.world().run_for(i % 3 == 0 ? 100 : minute_ms);
  }
  texts.heal();
  auto text = texts.server_text(); // Who types at one place at once may come in either order.
  std::sort(text.begin(), text.end());
  BOOST_TEST(text == "0123456789ab");
}

BOOST_AUTO_TEST_CASE(who_was_away_gets_operations_that_were_not_loaded) {
  actors::server::document_options options;
  options.snapshot_every = 1;
  options.log_opened = 1;
  known_texts one{options};
  auto& texts = one.texts;
  one.leave(1);
  texts.world().client(1).start();
  texts.is_away = true;
  texts.type_at(1, 1, "Y");
  texts.is_away = false;
  one.leave(1);
  for (std::uint64_t i = 0; i < 20; ++i)
    texts.type_at(0, 2 + i, "x");
  texts.world().run_for(second_ms);
  one.restart_server();
  one.come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "aYb" + std::string(20, 'x'));
  BOOST_TEST(!texts.world().counts().all().contains("document resync"));
}

// Each of them brought something; minutes passed between them all the same.
BOOST_FIXTURE_TEST_CASE(a_line_that_broke_again_and_again_was_tried_ever_more_rarely, known_texts) {
  texts.cut_after_ms = 500;
  restart_server();
  const auto joined = [&] { return texts.world().counts().all().at("document joined"); };
  const auto before = joined();
  for (int i = 0; i < 300; ++i) {
    texts.type_at(i % 2, 0, "x");
    texts.world().run_for(second_ms);
  }
  BOOST_TEST(joined() - before > 200U);
}

BOOST_AUTO_TEST_CASE(N1_a_log_is_not_trimmed_above_the_last_snapshot) {
  actors::server::document_options options;
  options.snapshot_every = 1'000;
  options.log_kept = 1;
  known_texts one{options};
  one.texts.type_at(0, 2, "c");
  one.texts.world().run_for(minute_ms);
  one.restart_server();
  BOOST_TEST(one.texts.server_text() == "abc");
}

BOOST_FIXTURE_TEST_CASE(N2_two_copies_of_one_store_both_keep_their_edits, known_texts) {
  leave(0);
  leave(1);
  texts.world().client(1).copy_from(texts.world().client(0));
  texts.world().client(0).start();
  texts.world().client(1).start();
  texts.type_at(0, 0, "X"); // Both are the same client, with the same number.
  texts.type_at(1, 2, "Y");
  texts.show(0);
  texts.show(1);
  texts.world().run_for(5 * minute_ms);
  BOOST_TEST(texts.server_text() == "XabY");
}

BOOST_FIXTURE_TEST_CASE(N3_a_late_frame_of_an_old_connection_is_ones_own, known_texts) {
  texts.delay_ms = 5 * second_ms;
  leave(1);
  come(1);
  texts.world().run_for(minute_ms);
  texts.type_at(1, 2, "X"); // It takes five seconds.
  leave(1);
  texts.delay_ms = 1;
  come(1); // Joined by then, and it has sent it again.
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "abX");
  BOOST_TEST(texts.shown(1) == "abX");
}

BOOST_FIXTURE_TEST_CASE(N4_what_is_in_the_text_is_not_merged_into_it_again, forgetful) {
  lose_ack_of(1, 2, "X");
  for (std::uint64_t i = 0; i < 10; ++i)
    texts.type_at(0, 0, "z");
  texts.world().run_for(minute_ms);
  come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == std::string(10, 'z') + "abX");
}

// By hand: the files are those of before, and the server has another start.
BOOST_FIXTURE_TEST_CASE(N6_a_revision_of_another_history_is_no_base, known_texts) {
  texts.world().server().back_up();
  leave(1);
  texts.type_at(0, 2, "lost");
  texts.world().run_for(minute_ms);
  leave(0);
  texts.world().server().die();
  texts.world().server().restore(0);
  texts.world().server().start();
  come(1);
  texts.type_at(1, 0, "1");
  texts.world().run_for(second_ms);
  texts.type_at(1, 0, "2");
  texts.world().run_for(minute_ms);
  come(0);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.shown(0) == texts.server_text());
  BOOST_TEST(texts.shown(1) == texts.server_text());
}

BOOST_FIXTURE_TEST_CASE(N11_what_a_restored_server_lacks_is_kept_for_its_reader, known_texts) {
  for (const bool by_tool : {false, true}) {
    texts.world().server().back_up();
    texts.type_at(0, 2, by_tool ? "tool" : "hand");
    texts.world().run_for(minute_ms);
    leave(0);
    leave(1);
    texts.world().server().die();
    texts.world().server().restore(texts.world().server().backups() - 1);
    texts.world().server().start(by_tool);
    come(0);
    come(1);
    texts.world().run_for(minute_ms);
    BOOST_TEST(texts.server_text() == "ab");
    BOOST_TEST(texts.reports().find(by_tool ? "server_restored: abtool"
                                            : "server_restored: abhand") != std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(N7_what_is_being_committed_is_the_same_when_it_comes_again, known_texts) {
  texts.world().arm_crash("server after commit");
  texts.type_at(1, 2, "X");
  leave(1); // Its frame is under way.
  texts.world().run_for(second_ms);
  texts.world().server().start();
  come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "abX");
}

BOOST_FIXTURE_TEST_CASE(N8_a_client_whose_numbers_are_ahead_goes_on, known_texts) {
  texts.world().server().back_up();
  for (const auto* each : {"1", "2", "3"})
    texts.type_at(1, 0, each);
  texts.world().run_for(minute_ms);
  texts.world().server().die();
  texts.world().server().restore(0);
  texts.world().server().start();
  texts.type_at(1, 0, "4");
  texts.world().run_for(5 * minute_ms);
  BOOST_TEST(texts.server_text().find('4') != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(N9_what_was_committed_long_ago_is_not_committed_again, forgetful) {
  lose_ack_of(1, 2, "X");
  for (std::uint64_t i = 0; i < 40; ++i) {
    texts.type_at(0, 0, "z");
    texts.world().run_for(second_ms);
  }
  restart_server();
  texts.world().run_for(60 * minute_ms);
  come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == std::string(40, 'z') + "abX");
}

BOOST_FIXTURE_TEST_CASE(N10_a_text_that_was_deleted_and_made_again_is_another_one, known_texts) {
  leave(1);
  static_cast<void>(texts.ask(0, text_ask::remove{}));
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "(not_found)");
  static_cast<void>(texts.ask(0, text_ask::hold{})); // It is told that there is none.
  texts.world().run_for(minute_ms);
  static_cast<void>(texts.ask(0, text_ask::hold{true}));
  texts.type_at(0, 0, "new");
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.server_text() == "new");
  come(1);
  texts.world().run_for(minute_ms);
  BOOST_TEST(texts.shown(1) == "new");
  BOOST_TEST(texts.reports().find(": ab") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
