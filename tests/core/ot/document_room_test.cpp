// One document and everybody who is connected to it.

#include "core/ot/document_room.hpp"

#include "core/ot/text.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <map>
#include <vector>

namespace syncline::tests {

using namespace core::ot;

namespace {

constexpr std::uint64_t start = 7;

operation typed(std::uint32_t at, std::string_view inserted, std::uint32_t removed = 0) {
  operation made;
  made.retain(at);
  made.insert(inserted);
  made.remove(removed);
  return made;
}

struct room_fixture {
  explicit room_fixture(std::string text = {}, document_room::limits how = {})
    : room{server_document{with(std::move(text)), start, how.text}, "e", how} {}

  static stored_document with(std::string text) {
    stored_document stored;
    if (text.empty())
      return stored;
    stored.text = std::move(text);
    stored.revision = 1;
    stored.lives = {{1, start}};
    return stored;
  }

  /// What the connection was sent since it was asked last.
  std::vector<said> heard(connection_id who) {
    while (room.flush(out)) {
    }
    for (auto& each : std::exchange(out, {}))
      waiting[each.to].push_back(std::move(each.what));
    return std::exchange(waiting[who], {});
  }
  template <class What>
  What hears(connection_id who) {
    auto all = heard(who);
    BOOST_REQUIRE_EQUAL(all.size(), 1U);
    BOOST_REQUIRE(std::holds_alternative<What>(all[0]));
    return std::get<What>(std::move(all[0]));
  }
  void join(connection_id who, const std::string& client,
            std::optional<std::uint64_t> revision = std::nullopt,
            std::optional<operation_identity> pending = std::nullopt) {
    if (!room.has(who))
      room.open(who);
    join_request request;
    request.client = client;
    request.revision = revision;
    request.start = start;
    request.pending = std::move(pending);
    room.on_join(who, {request, revision ? "e" : "", std::nullopt}, out);
  }
  bool submit(connection_id who, const operation_identity& author, std::uint64_t revision,
              const operation& edit) {
    return room.on_operation(who, author, revision, edit, out);
  }
  void commit() {
    room.committed(room.document().revision(), out);
  }
  std::string text() const {
    return room.document().head_text().to_string();
  }

  document_room room;
  std::vector<outgoing> out;
  std::map<connection_id, std::vector<said>> waiting;
};

} // namespace

BOOST_AUTO_TEST_SUITE(document_rooms)

BOOST_AUTO_TEST_CASE(nothing_is_said_before_it_is_durable) {
  room_fixture at{"Hello"};
  at.join(1, "ann");
  at.join(2, "bob");
  BOOST_TEST(at.hears<say::snapshot>(1).whole.text == "Hello");
  BOOST_TEST(at.hears<say::snapshot>(2).whole.revision == 1U);
  BOOST_TEST(at.submit(1, {"ann", 1, 11}, 1, typed(5, "!")));
  BOOST_TEST(at.heard(1).empty());
  BOOST_TEST(at.heard(2).empty());
  at.join(3, "cid");
  BOOST_TEST(at.hears<say::snapshot>(3).whole.text == "Hello");
  at.commit();
  const auto ack = at.hears<say::ack>(1);
  BOOST_TEST(ack.revision == 2U);
  BOOST_TEST(ack.start == start);
  BOOST_TEST(at.hears<say::edit>(2).revision == 2U);
  BOOST_TEST(at.hears<say::edit>(3).revision == 2U);
}

BOOST_AUTO_TEST_CASE(a_duplicate_is_answered_once_its_revision_has_gone_by) {
  room_fixture at;
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  BOOST_TEST(!at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  BOOST_TEST(at.heard(1).empty()); // The stream will say it.
  at.commit();
  BOOST_TEST(at.hears<say::ack>(1).revision == 1U);
  BOOST_TEST(!at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  BOOST_TEST(at.hears<say::ack>(1).revision == 1U);
  BOOST_TEST(at.text() == "x");
}

// N3: the connection broke, another one joins, and the late frame commits on the old one.
BOOST_AUTO_TEST_CASE(a_late_frame_of_a_broken_connection_is_acknowledged_on_the_new_one) {
  room_fixture at;
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  at.join(2, "ann", 0, operation_identity{"ann", 1, 11});
  BOOST_TEST(at.hears<say::joined>(2).revision == 0U);
  BOOST_TEST(at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  at.commit();
  BOOST_TEST(at.hears<say::ack>(2).revision == 1U);
  BOOST_TEST(at.hears<say::ack>(1).revision == 1U);
}

// N5: each join says what became of the operation, never while that is being committed.
BOOST_AUTO_TEST_CASE(a_join_waits_for_the_commit_of_what_it_names) {
  room_fixture at;
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  at.join(2, "ann", std::nullopt, operation_identity{"ann", 1, 11});
  BOOST_TEST(at.heard(2).empty());
  at.commit();
  BOOST_TEST(at.hears<say::snapshot>(2).whole.pending == "in");
}

// It was made on what the client had before it asked to join again.
BOOST_AUTO_TEST_CASE(an_operation_between_a_join_and_its_answer_is_dropped) {
  room_fixture at;
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  at.join(1, "ann", std::nullopt, operation_identity{"ann", 1, 11});
  BOOST_TEST(!at.submit(1, {"ann", 2, 12}, 0, typed(0, "y")));
  at.commit();
  BOOST_TEST(at.hears<say::snapshot>(1).whole.seq == 1U);
  BOOST_TEST(at.text() == "x");
}

BOOST_AUTO_TEST_CASE(a_join_that_was_overtaken_is_not_answered) {
  room_fixture at;
  at.room.open(1);
  for (const std::uint64_t attempt : {5, 4})
    at.room.on_join(1, {{"ann", std::nullopt, 0, std::nullopt}, "", attempt}, at.out);
  BOOST_TEST(at.hears<say::snapshot>(1).attempt.value() == 5U);
}

// N10, and a server restored by its tool.
BOOST_AUTO_TEST_CASE(another_epoch_begins_anew) {
  room_fixture at{"Hello"};
  at.room.open(1);
  at.room.on_join(1, {{"ann", 1, start, std::nullopt}, "another", 1}, at.out);
  BOOST_TEST(at.hears<say::resync>(1).reason == "epoch");
  BOOST_TEST(!at.submit(1, {"ann", 1, 11}, 1, typed(0, "x"))); // It is joining.
  BOOST_TEST(at.heard(1).empty());
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_said_and_the_session_goes_on) {
  room_fixture at{"Hello"};
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(!at.submit(1, {"ann", 1, 11}, 9, typed(0, "x")));
  const auto nack = at.hears<say::nack>(1);
  BOOST_TEST(nack.why.code == "revision_in_future");
  BOOST_TEST(nack.seq == 1U);
  BOOST_TEST(nack.nonce == 11U);
  BOOST_TEST(at.submit(1, {"ann", 1, 12}, 1, typed(0, "x")));
  BOOST_TEST(at.text() == "xHello");
}

BOOST_AUTO_TEST_CASE(too_much_that_waits_for_the_disk_is_refused_for_now) {
  document_room::limits few;
  few.uncommitted_max = 2;
  room_fixture at{{}, few};
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {"", 0, 11}, 0, typed(0, "x")));
  BOOST_TEST(at.submit(1, {"", 0, 12}, 1, typed(0, "y")));
  BOOST_TEST(!at.submit(1, {"", 0, 13}, 2, typed(0, "z")));
  const auto nack = at.hears<say::nack>(1);
  BOOST_TEST(nack.why.code == "overloaded");
  BOOST_TEST(nack.retry_after_ms > 0);
  at.commit();
  BOOST_TEST(at.submit(1, {"", 0, 13}, 2, typed(0, "z")));
}

BOOST_AUTO_TEST_CASE(a_long_absence_comes_in_slices) {
  document_room::limits slow;
  slow.slice = 3;
  room_fixture at{{}, slow};
  at.join(1, "ann");
  for (std::uint64_t i = 0; i < 7; ++i)
    BOOST_TEST(at.submit(1, {"ann", i + 1, i + 11}, i, typed(0, "x")));
  at.commit();
  at.join(2, "bob", 0);
  std::vector<outgoing> once;
  BOOST_TEST(at.room.flush(once));
  BOOST_TEST(
    std::count_if(once.begin(), once.end(), [](const auto& each) { return each.to == 2; }) == 3);
  BOOST_TEST(at.heard(2).size() == 1U + 4U); // That it has joined, and the rest.
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_is_sent_nothing_and_keeps_the_log) {
  room_fixture at;
  at.join(1, "ann");
  at.join(2, "bob");
  static_cast<void>(at.heard(1));
  at.room.set_writable(2, false);
  BOOST_TEST(at.submit(1, {"ann", 1, 11}, 0, typed(0, "x")));
  at.commit();
  BOOST_TEST(at.heard(2).size() == 1U); // The snapshot of before.
  at.room.trim(1);
  BOOST_TEST(at.room.document().log_begin() == 0U);
  at.room.set_writable(2, true);
  BOOST_TEST(at.hears<say::edit>(2).revision == 1U);
}

BOOST_AUTO_TEST_CASE(only_what_nobody_names_is_trimmed) {
  room_fixture at;
  at.join(1, "ann");
  at.join(2, "bob");
  for (std::uint64_t i = 0; i < 5; ++i)
    BOOST_TEST(at.submit(1, {"ann", i + 1, i + 11}, i, typed(0, "x")));
  at.commit();
  static_cast<void>(at.heard(1));
  at.room.trim(5);
  BOOST_TEST(at.room.document().log_begin() == 0U); // Bob was sent all, and named nothing.
  presence here{"bob", 3, selection{0, 0}, "Bob", ""};
  at.room.on_presence(2, here, 0);
  at.room.trim(5);
  BOOST_TEST(at.room.document().log_begin() == 3U);
  at.room.close(2);
  at.room.trim(5);
  BOOST_TEST(at.room.document().log_begin() == 4U); // Ann's last operation was made there.
}

// --- Plain clients

BOOST_AUTO_TEST_CASE(a_plain_client_gets_the_text_as_one_insert) {
  room_fixture at{"Hello"};
  at.room.open(1);
  at.room.on_silence(1);
  const auto whole = at.hears<say::whole_insert>(1);
  BOOST_TEST(whole.text == "Hello");
  BOOST_TEST(whole.revision == 1U);
  BOOST_TEST(at.submit(1, {}, 1, typed(5, "!")));
  at.commit();
  BOOST_TEST(at.hears<say::ack>(1).revision == 2U);
}

BOOST_AUTO_TEST_CASE(what_a_plain_client_typed_before_it_read_anything_is_taken) {
  room_fixture at{"Hello"};
  at.room.open(1);
  BOOST_TEST(at.submit(1, {}, 0, typed(0, "one")));
  BOOST_TEST(at.submit(1, {}, 0, typed(3, "two"))); // On top of its first one.
  at.commit();
  BOOST_TEST(at.text() == "onetwoHello");
  const auto all = at.heard(1);
  BOOST_REQUIRE(all.size() == 3U);
  BOOST_TEST(std::holds_alternative<say::whole_insert>(all[0]));
  BOOST_TEST(std::get<say::ack>(all[1]).revision == 2U);
  BOOST_TEST(std::get<say::ack>(all[2]).revision == 3U);
}

BOOST_AUTO_TEST_CASE(a_plain_client_that_is_wrong_is_closed_with_the_code) {
  for (const auto& [revision, code] : {std::pair{std::uint64_t{9}, "revision_in_future"},
                                       {std::uint64_t{1}, "revision_too_old"}}) {
    room_fixture at{"Hello"};
    at.join(2, "ann");
    BOOST_TEST(at.submit(2, {"ann", 1, 5}, 1, typed(0, "x")));
    at.commit();
    at.room.open(1);
    at.room.on_silence(1);
    static_cast<void>(at.heard(1));
    BOOST_TEST(!at.submit(1, {}, revision, typed(0, "y")));
    BOOST_TEST(at.hears<say::close>(1).code == code);
  }
}

BOOST_AUTO_TEST_CASE(a_plain_client_may_still_join) {
  room_fixture at{"Hello"};
  at.room.open(1);
  at.room.on_silence(1);
  BOOST_TEST(at.hears<say::whole_insert>(1).revision == 1U);
  at.join(1, "ann", 1);
  BOOST_TEST(at.hears<say::joined>(1).revision == 1U);
}

namespace {

/// One that knows `operation` and `ack`, and waits for neither.
struct plain_client {
  void hear(const said& what, const document_room& room) {
    if (const auto* whole = std::get_if<say::whole_insert>(&what)) {
      operation insert;
      insert.insert(whole->text);
      return read(std::move(insert), whole->revision);
    }
    if (const auto* edit = std::get_if<say::edit>(&what))
      return read(room.document().logged(edit->revision).edit, edit->revision);
    revision = std::get<say::ack>(what).revision;
    pending.pop_front();
  }
  void read(operation theirs, std::uint64_t at) {
    operation next;
    operation over;
    for (auto& each : pending) {
      BOOST_REQUIRE(transform(each, theirs, tie::a, next, over).has_value());
      std::swap(each, next);
      std::swap(theirs, over);
    }
    BOOST_REQUIRE(shown.apply(theirs).has_value());
    revision = at;
  }

  text shown;
  std::deque<operation> pending;
  std::deque<std::pair<std::uint64_t, operation>> sent;
  std::deque<said> inbox;
  std::uint64_t revision = 0;
};

} // namespace

// With everything late: what is sent, what is said, and what is stored.
BOOST_AUTO_TEST_CASE(plain_clients_with_many_operations_in_flight_agree) {
  for (int seed = 0; seed < random_cases() / 40; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    room_fixture at{random.one_in(2) ? random.document() : std::string{}};
    std::vector<plain_client> clients(2 + seed % 4);
    const auto collect = [&] {
      for (std::size_t i = 0; i < clients.size(); ++i)
        for (auto& each : at.heard(i + 1))
          clients[i].inbox.push_back(std::move(each));
    };
    const auto deliver = [&](std::size_t i) {
      auto& who = clients[i];
      if (who.sent.empty())
        return;
      HOLDS(at.submit(i + 1, {}, who.sent.front().first, who.sent.front().second));
      who.sent.pop_front();
    };
    const auto hear = [&](plain_client& who) {
      if (who.inbox.empty())
        return;
      who.hear(who.inbox.front(), at.room);
      who.inbox.pop_front();
    };
    for (std::size_t i = 0; i < clients.size(); ++i)
      at.room.open(i + 1);
    for (int step = 0; step < 200; ++step) {
      const auto i = random.below(clients.size());
      auto& who = clients[i];
      switch (random.below(6)) {
      case 0: {
        const auto edit = random.keystroke(to_utf16(who.shown.to_string()));
        HOLDS(who.shown.apply(edit).has_value());
        who.pending.push_back(edit);
        who.sent.emplace_back(who.revision, edit);
        break;
      }
      case 1:
        at.room.on_silence(i + 1);
        break;
      case 2:
        at.commit();
        break;
      case 3:
        deliver(i);
        break;
      default:
        hear(who);
      }
      collect();
    }
    for (int round = 0; round < 400; ++round)
      for (std::size_t i = 0; i < clients.size(); ++i) {
        at.room.on_silence(i + 1);
        deliver(i);
        at.commit();
        collect();
        hear(clients[i]);
      }
    for (const auto& each : clients)
      HOLDS(each.shown.to_string() == at.text());
  }
}

BOOST_AUTO_TEST_CASE(a_plain_client_with_a_nonce_is_taken_once) {
  room_fixture at;
  at.room.open(1);
  BOOST_TEST(at.submit(1, {"", 0, 5}, 0, typed(0, "x")));
  at.commit();
  at.room.open(2); // It has connected again, and does not know.
  BOOST_TEST(!at.submit(2, {"", 0, 5}, 0, typed(0, "x")));
  const auto all = at.heard(2);
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(std::get<say::whole_insert>(all[0]).text == "x");
  BOOST_TEST(std::get<say::ack>(all[1]).revision == 1U);
  BOOST_TEST(at.text() == "x");
}

// --- What a reading of the code found

BOOST_AUTO_TEST_CASE(numbers_without_a_name_were_taken_for_each_others) {
  room_fixture at;
  at.join(1, "");
  at.join(2, "");
  static_cast<void>(at.heard(1));
  static_cast<void>(at.heard(2));
  BOOST_TEST(at.submit(1, {"", 1, 0}, 0, typed(0, "a")));
  BOOST_TEST(at.submit(2, {"", 1, 0}, 0, typed(0, "b")));
  at.commit();
  const auto first = at.heard(1);
  BOOST_REQUIRE(first.size() == 2U);
  BOOST_TEST(std::get<say::ack>(first[0]).revision == 1U);
  BOOST_TEST(std::get<say::edit>(first[1]).revision == 2U);
  const auto second = at.heard(2);
  BOOST_TEST(std::get<say::edit>(second[0]).revision == 1U);
  BOOST_TEST(std::get<say::ack>(second[1]).revision == 2U);
}

BOOST_AUTO_TEST_CASE(a_number_is_of_the_client_that_joined) {
  room_fixture at;
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {"", 1, 0}, 0, typed(0, "a")));
  BOOST_TEST(!at.submit(1, {"", 1, 0}, 0, typed(0, "a")));
  at.commit();
  BOOST_TEST(at.hears<say::ack>(1).author.client == "ann");
  BOOST_TEST(at.text() == "a");
}

BOOST_AUTO_TEST_CASE(an_operation_without_a_name_was_acknowledged_after_a_join_that_lacks_it) {
  room_fixture at;
  at.join(1, "");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {}, 0, typed(0, "a")));
  at.join(1, "");
  BOOST_TEST(at.hears<say::snapshot>(1).whole.text == "");
  at.commit();
  BOOST_TEST(at.hears<say::edit>(1).revision == 1U);
}

BOOST_AUTO_TEST_CASE(too_many_components_are_refused_before_they_are_moved) {
  document_room::limits few;
  few.text.components_max = 3;
  room_fixture at{"Hello", few};
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  operation long_one;
  for (int i = 0; i < 2; ++i) {
    long_one.retain(1);
    long_one.insert("x");
  }
  BOOST_TEST(!at.submit(1, {"ann", 1, 5}, 1, long_one));
  BOOST_TEST(at.hears<say::nack>(1).why.code == "too_large");
}

BOOST_AUTO_TEST_CASE(too_much_text_that_waits_for_the_disk_is_refused_for_now) {
  document_room::limits few;
  few.uncommitted_bytes_max = 10;
  room_fixture at{{}, few};
  at.join(1, "ann");
  static_cast<void>(at.heard(1));
  BOOST_TEST(at.submit(1, {"ann", 1, 5}, 0, typed(0, "eleven bytes")));
  BOOST_TEST(!at.submit(1, {"ann", 2, 6}, 1, typed(0, "x")));
  BOOST_TEST(at.hears<say::nack>(1).why.code == "overloaded");
  at.commit();
  BOOST_TEST(at.submit(1, {"ann", 2, 6}, 1, typed(0, "x")));
}

// --- Presence

BOOST_AUTO_TEST_CASE(carets_stay_on_their_words_through_a_thousand_edits_of_others) {
  const std::vector<std::string> words{"alpha", "bravo", "carol", "delta", "eagle"};
  std::string line;
  for (const auto& word : words)
    line += "... " + word + " ...";
  room_fixture at{line};
  at.join(1, "watcher");
  at.join(2, "typist");
  std::map<std::string, selection> seen; // as the watcher has them
  text shown{line};
  const auto watch = [&] {
    for (const auto& each : at.heard(1)) {
      if (const auto* edit = std::get_if<say::edit>(&each)) {
        const auto& done = at.room.document().logged(edit->revision).edit;
        BOOST_REQUIRE(shown.apply(done).has_value());
        for (auto& [client, where] : seen)
          where = transform_selection(done, where, bias::left);
      } else if (const auto* there = std::get_if<presence>(&each)) {
        BOOST_TEST(there->revision == at.room.document().durable_revision());
        seen[there->client] = there->selected.value();
      }
    }
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    at.join(10 + i, words[i]);
    const auto place = line.find(words[i]);
    at.room.on_presence(10 + i, {words[i], 1, selection{place, place + words[i].size()}, "", ""},
                        0);
  }
  watch();
  random_edits random{5};
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    // Anywhere but inside a word.
    const auto now = shown.to_string();
    std::size_t place = 0;
    do
      place = random.below(now.size() + 1);
    while (place != 0 && place < now.size() && std::isalpha(now[place]) != 0);
    const auto before = seen;
    const bool removes = place < now.size() && now[place] == '.' && random.one_in(2);
    BOOST_TEST(
      at.submit(2, {"typist", i + 1, i + 100}, i + 1,
                typed(static_cast<std::uint32_t>(place), removes ? "" : ".", removes ? 1 : 0)));
    at.commit();
    watch();
    if (i % 10 == 0) // One of them says it again, in a text that is older by now.
      at.room.on_presence(10 + i % 5, {words[i % 5], i + 1, before.at(words[i % 5]), "", ""}, 0);
    watch();
    for (const auto& word : words)
      BOOST_TEST(
        shown.slice(seen.at(word).anchor, seen.at(word).head - seen.at(word).anchor).value() ==
        word);
  }
}

BOOST_AUTO_TEST_CASE(a_caret_comes_after_the_text_that_it_is_in) {
  document_room::limits slow;
  slow.slice = 1;
  room_fixture at{{}, slow};
  at.join(1, "ann");
  at.join(2, "bob");
  static_cast<void>(at.heard(1));
  static_cast<void>(at.heard(2));
  for (std::uint64_t i = 0; i < 3; ++i)
    BOOST_TEST(at.submit(1, {"ann", i + 1, i + 11}, i, typed(0, "x")));
  at.commit();
  at.room.on_presence(1, {"ann", 3, selection{3, 3}, "", ""}, 0);
  const auto all = at.heard(2);
  BOOST_REQUIRE(all.size() == 4U);
  BOOST_TEST(std::holds_alternative<presence>(all[3]));
}

BOOST_AUTO_TEST_CASE(a_caret_goes_with_its_owner_or_after_its_time) {
  room_fixture at{"Hello"};
  for (connection_id who = 1; who <= 3; ++who)
    at.join(who, "c" + std::to_string(who));
  for (connection_id who = 1; who <= 3; ++who)
    static_cast<void>(at.heard(who));
  at.room.on_presence(2, {"c2", 1, selection{1, 2}, "Two", "#f00"}, 0);
  at.room.on_presence(3, {"c3", 1, selection{3, 3}, "Three", ""}, 20'000);
  const auto told = at.heard(1);
  BOOST_TEST(told.size() == 2U);
  BOOST_TEST(std::get<presence>(told[0]).name == "Two");
  at.room.close(2);
  BOOST_TEST(!at.hears<presence>(1).selected.has_value());
  at.room.on_time(49'000);
  BOOST_TEST(at.heard(1).empty());
  at.room.on_time(50'000);
  BOOST_TEST(at.hears<presence>(1).client == "c3");
  at.join(4, "c4");
  BOOST_TEST(at.heard(4).size() == 1U); // Nobody is anywhere.
  BOOST_TEST(at.heard(3).size() == 2U); // It was told of the other one, and that he is gone.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
