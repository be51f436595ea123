// A client's session against a server's, over connections that break.

#include "tests/core/ot/document_network.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

constexpr int steps = 400;

void run(document_network& network) {
  for (int i = 0; i < steps; ++i)
    network.act();
  network.heal();
}

// Plays one network a seed with what breaks in all of them and what `more` adds; in the end all
// have one text. `look` sees each network and its seed then.
template <class More, class Look>
void all_agree(const More& more, const Look& look) {
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    document_faults faults;
    faults.restarts = seed % 2 == 0;
    faults.trims = seed % 3 == 0;
    faults.crashes = seed % 5 < 2;
    more(seed, faults);
    document_network network{static_cast<std::uint64_t>(seed), faults, 2 + seed % 4};
    run(network);
    HOLDS(network.all_agree());
    HOLDS(!network.was_ever_wrong());
    look(seed, network, faults);
  }
}

const auto nothing_to_see = [](int, const document_network&, const document_faults&) {};

} // namespace

BOOST_AUTO_TEST_SUITE(client_sessions)

// With nothing that is removed, each character that anybody typed is there, once.
BOOST_AUTO_TEST_CASE(nothing_typed_is_lost_or_doubled_whatever_breaks) {
  std::size_t typed = 0;
  all_agree([](int, document_faults& faults) { faults.removes = false; },
            [&](int seed, const document_network& network, const document_faults& faults) {
              HOLDS(network.has_each_insert_once());
              HOLDS(network.reports() == 0 || faults.trims);
              typed += network.inserts();
            });
  BOOST_TEST(typed > 10'000U);
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_or_doubled_when_messages_come_twice_and_are_refused) {
  std::size_t nacks = 0;
  all_agree(
    [](int, document_faults& faults) {
      faults.removes = false;
      faults.doubles = faults.overloads = true;
    },
    [&](int seed, const document_network& network, const document_faults&) {
      HOLDS(network.has_each_insert_once());
      nacks += network.nacks();
    });
  BOOST_TEST(nacks > 100U);
}

BOOST_AUTO_TEST_CASE(all_agree_whatever_is_removed_undone_and_redone) {
  all_agree([](int, document_faults&) {}, nothing_to_see);
}

// A server that was restored from a backup, by its tool (another epoch) or by hand (only the start
// ids tell): all agree again, and what only a client has seen is kept for the user.
BOOST_AUTO_TEST_CASE(all_agree_after_a_server_was_restored) {
  std::size_t reports = 0;
  all_agree([](int, document_faults& faults) { faults.restores = faults.restarts = true; },
            [&](int, const document_network& network, const document_faults&) {
              reports += network.reports();
            });
  BOOST_TEST(reports > 0U);
}

// Two devices with one store: both are the client, with one numbering, until they meet.
BOOST_AUTO_TEST_CASE(all_agree_after_a_store_was_copied) {
  all_agree(
    [](int seed, document_faults& faults) {
      faults.copies = faults.restarts = true;
      faults.trims = false;
      faults.removes = seed % 2 == 0;
    },
    nothing_to_see);
}

namespace {

operation typed(std::uint32_t before, std::string_view inserted, std::uint32_t removed,
                std::uint32_t behind) {
  operation made;
  made.retain(before);
  made.insert(inserted);
  made.remove(removed);
  made.retain(behind);
  return made;
}

/// One that has the text and is joined.
client_session joined_on(const std::string& text) {
  client_document stored;
  stored.client = "me";
  client_session made{stored};
  BOOST_TEST(made.connected().join);
  static_cast<void>(made.on_snapshot({text, 1, "e", 7, 0, "", made.attempt()}));
  BOOST_TEST(made.is_joined());
  return made;
}

} // namespace

BOOST_AUTO_TEST_CASE(N5_a_snapshot_nobody_asked_for_is_not_heard) {
  auto session = joined_on("text");
  BOOST_TEST(session.edit(typed(0, "x", 0, 4), 0).has_value());
  BOOST_TEST(session.to_send(99));
  const auto ignored = session.on_snapshot({"xtext", 2, "e", 7, 1, "in", session.attempt()});
  BOOST_TEST(!ignored.shown.has_value());
  BOOST_TEST(!session.on_joined(1, "e", session.attempt()).send);
  session.disconnected();
  const auto first = session.attempt() + 1;
  static_cast<void>(session.connected());
  static_cast<void>(session.on_resync("too_old", first)); // It asks again, for all of it.
  static_cast<void>(session.on_snapshot({"other", 9, "e", 7, 0, "not", first})); // The old answer.
  BOOST_TEST(!session.is_joined());
  static_cast<void>(session.on_snapshot({"xtext", 2, "e", 7, 1, "in", first + 1}));
  BOOST_TEST(session.shown().to_string() == "xtext");
  BOOST_TEST(session.is_synchronized());
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_speaks_of_nothing_that_was_sent_was_a_crash) {
  auto session = joined_on("text");
  static_cast<void>(session.on_resync("too_old", 0));
  const auto effects = session.on_snapshot({"text!", 2, "e", 7, 0, "unknown", session.attempt()});
  BOOST_TEST(effects.reports.empty());
  BOOST_TEST(session.shown().to_string() == "text!");
}

BOOST_AUTO_TEST_CASE(an_operation_that_cuts_a_character_was_a_crash) {
  auto session = joined_on("a😀b");
  BOOST_TEST(session.edit(typed(0, "x", 0, 4), 0).has_value());
  const auto effects = session.on_operation({2, typed(2, "y", 0, 2), {"other", 1, 5}, 7});
  BOOST_TEST(effects.join);
  BOOST_TEST(session.shown().to_string() == "xa😀b");
  static_cast<void>(session.on_snapshot({"a😀yb", 2, "e", 7, 0, "", session.attempt()}));
  BOOST_TEST(session.shown().to_string() == "xa😀yb");
}

BOOST_AUTO_TEST_CASE(a_retry_after_the_answer_was_a_crash) {
  auto session = joined_on("text");
  BOOST_TEST(session.edit(typed(0, "x", 0, 4), 0).has_value());
  BOOST_TEST(session.to_send(99));
  BOOST_TEST(session.operation_message().has_value());
  BOOST_TEST(session.on_nack(1, 99, "overloaded", 10, "new").send_again_after_ms.value_or(0) == 10);
  session.disconnected();
  BOOST_TEST(!session.operation_message().has_value());
  BOOST_TEST(session.connected().join);
  BOOST_TEST(session.on_joined(1, "e", session.attempt()).send);
  static_cast<void>(session.on_ack(2, 1, 99, 7));
  BOOST_TEST(!session.operation_message().has_value());
  BOOST_TEST(session.is_synchronized());
}

BOOST_AUTO_TEST_CASE(what_is_too_much_for_one_operation_goes_in_parts) {
  client_session::limits how;
  how.components_max = 3;
  client_document stored;
  stored.client = "me";
  client_session session{stored, how};
  static_cast<void>(session.connected());
  static_cast<void>(session.on_snapshot({"abcdef", 1, "e", 7, 0, "", session.attempt()}));
  for (std::uint32_t i = 0; i < 6; ++i)
    BOOST_TEST(session.edit(typed(2 * i, "x", 0, 6 - i), 0).has_value());
  BOOST_TEST(session.shown().to_string() == "xaxbxcxdxexf");
  text server{"abcdef"};
  std::uint64_t nonce = 0;
  for (std::uint64_t revision = 2; session.to_send(++nonce); ++revision) {
    const auto sent = *session.operation_message();
    BOOST_TEST(sent.edit.components().size() <= 4U); // And what is left alone behind them.
    BOOST_TEST(server.apply(sent.edit).has_value());
    static_cast<void>(session.on_ack(revision, sent.author.seq, sent.author.nonce, 7));
  }
  BOOST_TEST(nonce > 3U);
  BOOST_TEST(server.to_string() == "xaxbxcxdxexf");
  BOOST_TEST(session.is_synchronized());
}

BOOST_AUTO_TEST_CASE(a_deleted_document_keeps_what_is_shown) {
  auto session = joined_on("text");
  BOOST_TEST(session.edit(typed(0, "my ", 0, 4), 0).has_value());
  BOOST_TEST(session.to_send(99));
  const auto effects = session.on_nack(0, 0, "not_found", 0, "new");
  BOOST_TEST(effects.deleted);
  BOOST_TEST(!effects.shown.has_value());
  BOOST_TEST(session.shown().to_string() == "my text");
  BOOST_TEST(!session.operation_message().has_value());
}

BOOST_AUTO_TEST_CASE(a_join_that_is_refused_is_asked_again_later) {
  client_document stored;
  stored.client = "me";
  client_session session{stored};
  static_cast<void>(session.connected());
  const auto effects = session.on_nack(0, 0, "storage", 250, "new");
  BOOST_TEST(effects.reconnect_after_ms.value_or(0) == 250);
  BOOST_TEST(session.on_nack(0, 0, "forbidden", 0, "new").reconnect_after_ms.value_or(0) > 1'000);
}

BOOST_AUTO_TEST_CASE(a_server_that_never_agrees_is_left_for_a_while) {
  auto session = joined_on("text");
  int joins = 0;
  client_effects effects;
  do {
    effects = session.on_operation({9, typed(0, "x", 0, 4), {"other", 1, 5}, 7});
    ++joins;
    if (effects.join)
      static_cast<void>(session.on_joined(1, "e", session.attempt()));
  } while (!effects.reconnect_after_ms && joins < 100);
  BOOST_TEST(joins == 4);
  BOOST_TEST(session.connected().join); // The next connection begins anew.
}

BOOST_AUTO_TEST_CASE(ten_thousand_edits_without_a_network_are_one_operation) {
  auto session = joined_on(std::string(20'000, '.'));
  session.disconnected();
  for (std::uint32_t i = 0; i < 10'000; ++i)
    BOOST_TEST_REQUIRE(session.edit(typed(3 * i, "x", 0, 20'000 - 2 * i), 0).has_value());
  static_cast<void>(session.connected());
  static_cast<void>(session.on_joined(1, "e", session.attempt()));
  BOOST_TEST(session.to_send(5));
  BOOST_TEST(session.operation_message()->edit.components().size() == 20'000U);
  BOOST_TEST(!session.parts().has_typed());
}

BOOST_AUTO_TEST_CASE(a_letter_in_a_long_text_is_stored_as_a_letter) {
  auto session = joined_on(std::string(100'000, '.'));
  BOOST_TEST(session.take_unstored().whole);
  std::size_t wholes = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    BOOST_TEST_REQUIRE(session.edit(typed(i, "x", 0, 100'000), 0).has_value());
    BOOST_TEST_REQUIRE(session.has_urgent());
    const auto unstored = session.take_unstored();
    BOOST_TEST_REQUIRE(unstored.changes.size() == (unstored.whole ? 0U : 1U));
    wholes += unstored.whole ? 1 : 0;
    BOOST_TEST_REQUIRE(!session.has_unstored());
  }
  BOOST_TEST(wholes == 2U); // After 4,096 each.
}

BOOST_AUTO_TEST_CASE(stored_changes_that_do_not_fit_are_refused) {
  client_document stored;
  stored.base = "text";
  const auto code = [&](const any_session_change& change) {
    const auto loaded = client_session::load(stored, std::vector{change}, {});
    return loaded ? "" : loaded.error().code;
  };
  BOOST_TEST(code(session_change::typed{typed(0, "x", 0, 4)}).empty());
  BOOST_TEST(code(session_change::typed{typed(0, "x", 0, 5)}) == "store_corrupt");
  BOOST_TEST(code(session_change::received{1, 1, typed(0, "x", 0, 5)}) == "store_corrupt");
  BOOST_TEST(code(session_change::frozen{1, 2, 3}) == "store_corrupt");
  BOOST_TEST(code(session_change::acknowledged{1, 1}) == "store_corrupt");
  stored.pending.buffer = typed(0, "x", 0, 5);
  BOOST_TEST(code(session_change::typed{typed(0, "x", 0, 4)}) == "store_corrupt");
}

BOOST_AUTO_TEST_CASE(undo_after_a_refused_removal_doubled_the_text) {
  auto session = joined_on("hello world");
  BOOST_TEST(session.edit(typed(0, "", 6, 5), 0).has_value());
  BOOST_TEST(session.to_send(99));
  const auto effects = session.on_nack(1, 99, "forbidden", 0, "new");
  BOOST_TEST(effects.reports.size() == 1U);
  BOOST_TEST(session.shown().to_string() == "hello world");
  static_cast<void>(session.undo());
  BOOST_TEST(session.shown().to_string() == "hello world");
}

BOOST_AUTO_TEST_CASE(undo_after_a_resync_took_back_what_others_wrote) {
  auto session = joined_on("baa");
  BOOST_TEST(session.edit(typed(1, "bb", 0, 2), 0).has_value());
  static_cast<void>(session.on_resync("too_old", 0));
  static_cast<void>(session.on_snapshot({"a", 9, "e", 7, 0, "", session.attempt()}));
  BOOST_TEST(session.shown().to_string() == "bba");
  BOOST_TEST(session.undo().has_value());
  BOOST_TEST(session.shown().to_string() == "a");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
