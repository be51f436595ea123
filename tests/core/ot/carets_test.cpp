// Carets stay where they belong while everybody writes.

#include "core/ot/carets.hpp"

#include "core/ot/client_session.hpp"
#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

namespace syncline::tests {

using namespace core::ot;

namespace {

constexpr int editors = 5;
constexpr std::uint64_t word_length = 4;

// The word that an editor has his caret in, of characters that nobody types.
std::u16string word_of(int editor) {
  return std::u16string(word_length, static_cast<char16_t>(0x2460 + editor));
}

/// Five editors who hold their carets still in the middle of a word of their own, and one who
/// looks; all of them type and remove, anywhere but in those words.
class caret_party {
public:
  explicit caret_party(std::uint64_t seed)
    : random_{seed}, room_{server_document{{}, 1, {}}, "e", document_room::limits{}} {
    for (int i = 0; i <= editors; ++i) {
      auto made = std::make_unique<member>();
      client_document stored;
      stored.client = "c" + std::to_string(i);
      made->session.emplace(stored);
      made->board.set_client(stored.client);
      members_.push_back(std::move(made));
      room_.open(static_cast<connection_id>(i));
      join(i);
    }
    settle();
    std::string words;
    for (int i = 0; i < editors; ++i)
      words += "  " + to_utf8(word_of(i)) + "  ";
    operation first;
    first.insert(words);
    edit(0, first);
    settle();
    for (int i = 0; i < editors; ++i) {
      const auto at = place_of(i, *members_[static_cast<std::size_t>(i)]);
      members_[static_cast<std::size_t>(i)]->board.select(selection{at, at});
      say_where(i);
    }
    settle();
  }

  void act() {
    const auto who = static_cast<int>(random_.below(editors + 1));
    switch (random_.below(6)) {
    case 0:
    case 1:
      return type(who);
    case 2:
      if (who < editors)
        say_where(who);
      return;
    case 3:
      return hear_client(who);
    default:
      return hear_server(who);
    }
  }
  void settle() {
    for (int round = 0; round < 40; ++round)
      for (int i = 0; i <= editors; ++i) {
        hear_client(i);
        hear_server(i);
      }
  }

  /// Whether the one who looks sees all of them in the middle of their words.
  [[nodiscard]] bool all_stay() const {
    const auto& looker = *members_.back();
    const auto others = looker.board.others();
    return others.size() == editors && std::all_of(others.begin(), others.end(), [&](auto& each) {
             const auto place = place_of(each.client[1] - '0', looker);
             return each.at == selection{place, place};
           });
  }
  [[nodiscard]] int typed() const {
    return typed_;
  }

private:
  struct member {
    std::optional<client_session> session;
    caret_board board;
    std::deque<std::function<void()>> sent;
    std::deque<said> heard;
    std::uint64_t seen = 0;
  };

  static std::string to_utf8(const std::u16string& text) {
    std::string made;
    for (const auto each : text) {
      made += static_cast<char>(0xE0U | (each >> 12U));
      made += static_cast<char>(0x80U | ((each >> 6U) & 0x3FU));
      made += static_cast<char>(0x80U | (each & 0x3FU));
    }
    return made;
  }

  static std::uint64_t place_of(int editor, const member& in) {
    return to_utf16(in.session->shown().to_string()).find(word_of(editor)) + word_length / 2;
  }

  // What was done to the text moves the carets in it.
  void follow(member& who) {
    const auto& history = who.session->parts().history();
    for (const auto* each : history.after(who.seen, text_units::utf16).value())
      who.board.move(each->edit, each->is_remote ? each->author : who.session->client());
    who.seen = history.version();
  }

  void join(int i) {
    auto& who = *members_[static_cast<std::size_t>(i)];
    BOOST_REQUIRE(who.session->connected().join);
    who.sent.emplace_back([this, i, &who] {
      std::vector<outgoing> out;
      room_.on_join(static_cast<connection_id>(i),
                    {who.session->join_message(), "", who.session->attempt()}, out);
      spread(out);
    });
  }

  void edit(int i, const operation& what) {
    auto& who = *members_[static_cast<std::size_t>(i)];
    BOOST_REQUIRE(who.session->edit(what, 0).has_value());
    follow(who);
    send(i);
  }

  void send(int i) {
    auto& who = *members_[static_cast<std::size_t>(i)];
    if (!who.session->to_send(++nonce_))
      return;
    who.sent.emplace_back([this, i, sent = *who.session->operation_message()] {
      std::vector<outgoing> out;
      if (room_.on_operation(static_cast<connection_id>(i), sent.author, sent.revision, sent.edit,
                             out))
        room_.committed(room_.document().revision(), out);
      spread(out);
    });
  }

  void say_where(int i) {
    auto& who = *members_[static_cast<std::size_t>(i)];
    presence shown;
    shown.client = who.session->client();
    shown.revision = who.session->revision();
    shown.selected = to_base(*who.board.own(), who.session->parts());
    who.sent.emplace_back([this, i, shown] {
      room_.on_presence(static_cast<connection_id>(i), shown, 0);
      std::vector<outgoing> out;
      spread(out);
    });
  }

  void type(int i) {
    const auto& who = *members_[static_cast<std::size_t>(i)];
    const auto shown = to_utf16(who.session->shown().to_string());
    const auto is_of_a_word = [&](std::size_t at) {
      return at < shown.size() && shown[at] >= 0x2460 && shown[at] < 0x2460 + editors;
    };
    const auto at = random_.below(shown.size() + 1);
    if (at > 0 && is_of_a_word(at - 1) && is_of_a_word(at))
      return;
    std::size_t removed = 0;
    while (random_.one_in(2) && at + removed < shown.size() && !is_of_a_word(at + removed))
      ++removed;
    operation edit;
    edit.retain(static_cast<std::uint32_t>(at));
    edit.insert(std::string(random_.below(3), 'x'));
    edit.remove(static_cast<std::uint32_t>(removed));
    edit.retain(static_cast<std::uint32_t>(shown.size() - at - removed));
    this->edit(i, edit);
    ++typed_;
  }

  void hear_client(int i) {
    auto& who = *members_[static_cast<std::size_t>(i)];
    if (who.sent.empty())
      return;
    const auto action = std::move(who.sent.front());
    who.sent.pop_front();
    action();
  }

  void spread(std::vector<outgoing>& out) {
    while (room_.flush(out)) {
    }
    for (const auto& each : out)
      members_[static_cast<std::size_t>(each.to)]->heard.push_back(each.what);
  }

  void hear_server(int i) {
    auto& who = *members_[static_cast<std::size_t>(i)];
    if (who.heard.empty())
      return;
    const auto heard = std::move(who.heard.front());
    who.heard.pop_front();
    auto& session = *who.session;
    if (const auto* whole = std::get_if<say::snapshot>(&heard))
      static_cast<void>(session.on_snapshot({whole->whole.text, whole->whole.revision, "e",
                                             whole->start, whole->whole.seq, "", *whole->attempt}));
    else if (const auto* edit = std::get_if<say::edit>(&heard))
      static_cast<void>(session.on_operation(room_.document().logged(edit->revision)));
    else if (const auto* ack = std::get_if<say::ack>(&heard))
      static_cast<void>(
        session.on_ack(ack->revision, ack->author.seq, ack->author.nonce, ack->start));
    else if (const auto* shown = std::get_if<presence>(&heard))
      static_cast<void>(who.board.on_presence(*shown, session.parts(), 0));
    follow(who);
    send(i);
  }

  random_edits random_;
  document_room room_;
  std::vector<std::unique_ptr<member>> members_;
  std::uint64_t nonce_ = 0;
  int typed_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(carets)

// The promise of the screen: through a thousand edits of others each caret stays on its word, at
// every moment, also while what was typed here is on its way.
BOOST_AUTO_TEST_CASE(five_carets_stay_on_their_words_through_a_thousand_edits) {
  for (int seed = 0; seed < std::max(1, random_cases() / 2'000); ++seed) {
    caret_party party{static_cast<std::uint64_t>(seed)};
    HOLDS(party.all_stay());
    while (party.typed() < 1'000) {
      party.act();
      HOLDS(party.all_stay());
    }
    party.settle();
    HOLDS(party.all_stay());
  }
}

BOOST_AUTO_TEST_CASE(a_place_finds_its_way_back) {
  for (int seed = 0; seed < random_cases(); ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto before = to_utf16(random.document());
    const auto edit = random.operation(before);
    std::uint64_t place = 0;
    std::uint64_t moved = 0;
    for (const auto& each : edit.components()) {
      if (each.what == step::retain) // Each place behind a character that stays.
        for (std::uint64_t i = 1; i <= each.length; ++i)
          HOLDS(position_before(edit, moved + i) == place + i);
      if (each.what == step::insert) // Each place in what is new.
        for (std::uint64_t i = moved == 0 ? 0 : 1; i <= each.length; ++i)
          HOLDS(position_before(edit, moved + i) == place);
      place += each.what == step::insert ? 0 : each.length;
      moved += each.what == step::remove ? 0 : each.length;
    }
  }
}

namespace {

struct board_fixture {
  board_fixture() {
    board.set_client("me");
    operation typed;
    typed.retain(2);
    typed.insert("my own ");
    typed.retain(4);
    BOOST_TEST(shown.type(typed).has_value());
  }
  static presence at(const std::string& client, std::uint64_t place) {
    return {client, 1, selection{place, place}, "Name", "#aabbcc"};
  }
  client_text shown{text{"a text"}};
  caret_board board;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_caret_is_shown_behind_what_was_typed_here, board_fixture) {
  BOOST_TEST(board.on_presence(at("other", 3), shown, 0));
  BOOST_TEST((board.others() == std::vector<caret>{{"other", {10, 10}, "Name", "#aabbcc"}}));
  BOOST_TEST((to_base({10, 4}, shown) == selection{3, 2}));
  BOOST_TEST(!board.on_presence(at("other", 3), shown, 0)); // It was known.
}

BOOST_FIXTURE_TEST_CASE(a_caret_that_nobody_refreshes_is_gone, board_fixture) {
  BOOST_TEST(board.on_presence(at("other", 3), shown, 1'000));
  BOOST_TEST(!board.on_time(30'999));
  BOOST_TEST(board.others().size() == 1U);
  BOOST_TEST(board.on_time(31'000));
  BOOST_TEST(board.others().empty());
}

BOOST_FIXTURE_TEST_CASE(a_caret_leaves_when_it_is_said_and_when_nobody_is_heard, board_fixture) {
  BOOST_TEST(board.on_presence(at("other", 3), shown, 0));
  auto gone = at("other", 3);
  gone.selected.reset();
  BOOST_TEST(board.on_presence(gone, shown, 0));
  BOOST_TEST(board.others().empty());
  BOOST_TEST(!board.on_presence(gone, shown, 0));
  BOOST_TEST(board.on_presence(at("third", 99), shown, 0)); // Beyond the end it is at the end.
  BOOST_TEST(board.others().front().at.head == shown.shown().length());
  BOOST_TEST(board.forget_others());
  BOOST_TEST(!board.forget_others());
}

BOOST_FIXTURE_TEST_CASE(one_is_not_shown_oneself, board_fixture) {
  BOOST_TEST(!board.on_presence(at("me", 3), shown, 0));
  BOOST_TEST(!board.on_presence(at("", 3), shown, 0));
  BOOST_TEST(board.others().empty());
}

BOOST_AUTO_TEST_CASE(carets_are_bounded) {
  caret_board board{{.lives_ms = 1, .others_max = 2}};
  const client_text shown;
  for (const auto* client : {"a", "b", "c"})
    static_cast<void>(board.on_presence({client, 0, selection{}, "", ""}, shown, 0));
  BOOST_TEST(board.others().size() == 2U);
}

BOOST_AUTO_TEST_CASE(ones_own_caret_goes_behind_what_one_types) {
  caret_board board;
  board.set_client("me");
  board.select(selection{1, 1});
  operation insert;
  insert.retain(1);
  insert.insert("xy");
  board.move(insert, "me");
  BOOST_TEST((*board.own() == selection{3, 3}));
  operation at_it;
  at_it.retain(3);
  at_it.insert("z");
  board.move(at_it, "other");
  BOOST_TEST((*board.own() == selection{3, 3}));
}

// A caret is told in the text of the server; what one has typed there since is before it.
BOOST_AUTO_TEST_CASE(at_the_server_ones_own_caret_stood_before_what_one_had_typed) {
  document_room room{server_document{{}, 1, {}}, "e", document_room::limits{}};
  std::vector<outgoing> out;
  for (const connection_id who : {1U, 2U}) {
    room.open(who);
    room.on_join(who, {{who == 1 ? "me" : "other", std::nullopt, 0, std::nullopt}, "", 1}, out);
  }
  operation typed;
  typed.insert("ab");
  BOOST_TEST(room.on_operation(1, {"me", 1, 5}, 0, typed, out));
  room.on_presence(1, {"me", 0, selection{0, 0}, "", ""}, 0);
  room.committed(1, out);
  out.clear();
  BOOST_TEST(!room.flush(out));
  const auto* seen = std::get_if<presence>(&out.back().what);
  BOOST_REQUIRE(seen);
  BOOST_TEST((*seen->selected == selection{2, 2}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
