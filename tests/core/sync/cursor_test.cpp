#include "core/sync/cursor.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <limits>
#include <string>

using namespace syncline;
using core::check_place;
using core::decode_cursor;
using core::decode_place;
using core::encode_cursor;
using core::encode_place;

namespace {

constexpr auto uint64_max = std::numeric_limits<std::uint64_t>::max();

msg::Cursor any_cursor() {
  msg::Cursor cursor;
  cursor.set_epoch(*rc::gen::distinctFrom(std::uint64_t{0}));
  cursor.set_start(*rc::gen::arbitrary<std::uint64_t>());
  cursor.set_phase(*rc::gen::element(msg::Cursor::SNAPSHOT, msg::Cursor::CHANGES));
  cursor.set_seq(*rc::gen::arbitrary<std::uint64_t>());
  cursor.set_last_key(*rc::gen::element<std::string>("", "a", "é/b", std::string(200, 'k')));
  cursor.set_walk_end(*rc::gen::arbitrary<std::uint64_t>());
  cursor.set_collection(*rc::gen::element<std::string>("", "notes"));
  cursor.set_seen_start(*rc::gen::arbitrary<std::uint64_t>());
  cursor.set_seen_seq(*rc::gen::arbitrary<std::uint64_t>());
  return cursor;
}

msg::Place place(std::uint64_t epoch, std::uint64_t start, std::uint64_t seq) {
  msg::Place made;
  made.set_epoch(epoch);
  made.set_start(start);
  made.set_seq(seq);
  return made;
}

msg::StartRecord start_at(std::uint64_t start, std::uint64_t first_seq) {
  msg::StartRecord record;
  record.set_start(start);
  record.set_first_seq(first_seq);
  return record;
}

bool is_refused(const std::string& token) {
  const auto cursor = decode_cursor(token);
  return !cursor && cursor.error().code == "bad_cursor";
}

std::string shown(const msg::Place& place) {
  return encode_place(place);
}

std::string_view problem(const core::server_history& history, const msg::Place& place) {
  return to_string(check_place(history, place));
}

// Start 0xa committed 1 to 20, 0xb nothing, 0xc 21 to 60 so far.
core::server_history three_starts() {
  return {0xe, {start_at(0xa, 1), start_at(0xb, 21), start_at(0xc, 21)}, 60};
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_cursor)

BOOST_AUTO_TEST_CASE(a_cursor_survives_its_opaque_form) {
  BOOST_TEST(rc::check("decode(encode(c)) == c, and it fits in a URL", [] {
    const auto cursor = any_cursor();
    const auto token = encode_cursor(cursor);
    const auto decoded = decode_cursor(token);
    return decoded && decoded->SerializeAsString() == cursor.SerializeAsString() &&
           token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_") == std::string::npos;
  }));
}

BOOST_AUTO_TEST_CASE(nothing_and_zero_are_the_beginning) {
  for (const char* token : {"", "0"})
    BOOST_TEST(decode_cursor(token)->SerializeAsString() == msg::Cursor{}.SerializeAsString());
}

BOOST_AUTO_TEST_CASE(any_changed_byte_is_refused) {
  BOOST_TEST(rc::check("one byte of the token replaced", [] {
    auto token = encode_cursor(any_cursor());
    const auto at = *rc::gen::inRange<std::size_t>(0, token.size());
    token[at] = *rc::gen::distinctFrom(token[at]);
    return is_refused(token);
  }));
}

BOOST_AUTO_TEST_CASE(any_cut_or_lengthened_cursor_is_refused) {
  BOOST_TEST(rc::check("every prefix and suffix, and one character more", [] {
    const auto token = encode_cursor(any_cursor());
    for (std::size_t bytes = 1; bytes < token.size(); ++bytes) {
      RC_ASSERT(is_refused(token.substr(0, bytes)));
      // A lone "0" asks for everything again, which loses nothing.
      RC_ASSERT((token.substr(bytes) == "0" || is_refused(token.substr(bytes))));
    }
    RC_ASSERT(is_refused(token + *rc::gen::arbitrary<char>()));
    RC_ASSERT(is_refused(token + token));
  }));
}

BOOST_AUTO_TEST_CASE(made_up_cursors_are_refused) {
  for (const char* token : {"1", "00", " ", "0 ", "null", "AAAAAA", "AAAAAAAAAAAA", "====", "%20"})
    BOOST_TEST(is_refused(token), token);
  BOOST_TEST(rc::check("random text", [] {
    const auto token = *rc::gen::arbitrary<std::string>();
    RC_PRE(token != "" && token != "0");
    return is_refused(token);
  }));
}

BOOST_AUTO_TEST_CASE(a_cursor_without_an_epoch_is_not_ours) {
  msg::Cursor cursor;
  cursor.set_seq(5);
  BOOST_TEST(is_refused(encode_cursor(cursor)));
}

BOOST_AUTO_TEST_CASE(a_refusal_does_not_give_a_whole_long_token_back) {
  const auto refused = decode_cursor(std::string(100'000, '!'));
  BOOST_TEST(refused.error().message.size() < 300u);
}

BOOST_AUTO_TEST_CASE(a_place_survives_its_text) {
  BOOST_TEST(encode_place(place(0xE, 0xABC, 12)) == "e.abc.12");
  BOOST_TEST(encode_place(place(uint64_max, uint64_max, uint64_max)) ==
             "ffffffffffffffff.ffffffffffffffff.18446744073709551615");
  BOOST_TEST(rc::check("decode(encode(p)) == p", [] {
    const auto any =
      place(*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>(),
            *rc::gen::arbitrary<std::uint64_t>());
    const auto decoded = decode_place(encode_place(any));
    return decoded && decoded->SerializeAsString() == any.SerializeAsString();
  }));
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_place_is_refused) {
  BOOST_TEST(core::is_none(*decode_place("")));
  for (const char* text : {".", "..", "1", "1.2", "1.2.", ".2.3", "1..3", "1.2.3.4", "g.1.1",
                           "1.2.a", "-1.2.3", "1.2.-3", "+1.2.3", " 1.2.3", "1.2.3 ", "0x1.2.3",
                           "1.2.18446744073709551616", "10000000000000000.1.1"}) {
    const auto decoded = decode_place(text);
    BOOST_TEST(!decoded.has_value(), text);
    BOOST_TEST(decoded.error().code == "bad_cursor");
  }
}

BOOST_AUTO_TEST_CASE(a_place_without_an_epoch_claims_nothing) {
  BOOST_TEST(problem(three_starts(), msg::Place{}) == "none");
  BOOST_TEST(problem({}, msg::Place{}) == "none");
}

BOOST_AUTO_TEST_CASE(another_epoch_is_another_store_whatever_the_rest) {
  BOOST_TEST(problem(three_starts(), place(0xf, 0xc, 30)) == "epoch");
  BOOST_TEST(problem(three_starts(), place(0xf, 0xd, 99)) == "epoch");
}

BOOST_AUTO_TEST_CASE(a_place_is_good_inside_the_range_of_its_start_only) {
  const auto history = three_starts();
  BOOST_TEST(problem(history, place(0xe, 0xa, 0)) == "none");
  BOOST_TEST(problem(history, place(0xe, 0xa, 20)) == "none");
  BOOST_TEST(problem(history, place(0xe, 0xa, 21)) == "start");
  BOOST_TEST(problem(history, place(0xe, 0xb, 19)) == "start");
  BOOST_TEST(problem(history, place(0xe, 0xb, 20)) == "none"); // the head at which it began
  BOOST_TEST(problem(history, place(0xe, 0xb, 21)) == "start");
  BOOST_TEST(problem(history, place(0xe, 0xc, 19)) == "start");
  BOOST_TEST(problem(history, place(0xe, 0xc, 20)) == "none");
  BOOST_TEST(problem(history, place(0xe, 0xc, 60)) == "none");
  BOOST_TEST(problem(history, place(0xe, 0xc, 61)) == "ahead");
  BOOST_TEST(problem(history, place(0xe, 0xd, 30)) == "start");
  BOOST_TEST(problem(history, place(0xe, 0xa, uint64_max)) != "none");
  BOOST_TEST(problem(history, place(0xe, 0xc, uint64_max)) == "ahead");
  BOOST_TEST(problem({0xe, {}, 0}, place(0xe, 0xa, 0)) == "start");
}

BOOST_AUTO_TEST_CASE(m5_a_server_copied_back_by_hand_and_grown_again_is_noticed) {
  const msg::Place seen = place(0xe, 0xa, 50);
  const core::server_history before{0xe, {start_at(0xa, 1)}, 50};
  BOOST_TEST(problem(before, seen) == "none");
  // Back at 20; the next start draws another id and grows it beyond 50.
  const core::server_history after{0xe, {start_at(0xa, 1), start_at(0xb, 21)}, 60};
  BOOST_TEST(problem(after, seen) == "start");
  BOOST_TEST(problem(after, place(0xe, 0xa, 20)) == "none");
  // What was seen before the copied-back moment's successor started is gone with its start.
  BOOST_TEST(problem(before, place(0xe, 0xb, 30)) == "start");
}

BOOST_AUTO_TEST_CASE(the_head_of_a_history_is_always_a_good_place) {
  BOOST_TEST(shown(three_starts().head()) == "e.c.60");
  BOOST_TEST(problem(three_starts(), three_starts().head()) == "none");
  const core::server_history fresh{0xe, {start_at(0xa, 1)}, 0};
  BOOST_TEST(problem(fresh, fresh.head()) == "none");
  BOOST_TEST(core::is_none(core::server_history{}.head()));
}

BOOST_AUTO_TEST_CASE(the_later_place_is_kept_within_one_history) {
  const auto later = [](const msg::Place& known, const msg::Place& answered) {
    return shown(core::later_place(known, answered));
  };
  BOOST_TEST(later({}, place(1, 2, 3)) == "1.2.3");
  BOOST_TEST(later(place(1, 2, 3), {}) == "1.2.3");
  BOOST_TEST(later(place(1, 2, 3), place(1, 2, 9)) == "1.2.9");
  BOOST_TEST(later(place(1, 2, 9), place(1, 2, 3)) == "1.2.9"); // a late answer
  BOOST_TEST(later(place(1, 2, 9), place(1, 5, 9)) == "1.5.9");
  BOOST_TEST(later(place(1, 2, 9), place(4, 5, 1)) == "4.5.1"); // another store
}

BOOST_AUTO_TEST_CASE(every_problem_has_the_name_that_the_refusal_gives) {
  BOOST_TEST(to_string(core::place_problem::floor) == "floor");
  BOOST_TEST(to_string(core::place_problem::epoch) == "epoch");
}

BOOST_AUTO_TEST_SUITE_END()
