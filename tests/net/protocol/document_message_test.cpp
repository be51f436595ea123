// What is said over /document/<id>, in both forms.

#include "net/protocol/document_message.hpp"

#include "core/data/operation_message.hpp"
#include "document.pb.h"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;
using namespace net;

namespace {

constexpr std::uint64_t start = 0xab;

document_room small_room() {
  stored_document stored;
  stored.text = "Hello";
  stored.revision = 1;
  stored.lives = {{1, start}};
  return {server_document{std::move(stored), start, {}}, "e-1", {}};
}

operation exclamation() {
  operation edit;
  edit.retain(5);
  edit.insert("!\"");
  return edit;
}

std::string code(const document_message& message) {
  const auto* refused = std::get_if<refused_message>(&message);
  return refused ? refused->why.code : "";
}

std::string frame_of(const msg::DocumentFrame& frame) {
  return frame.SerializeAsString();
}

/// The same, said in both forms.
std::vector<document_message> both(std::string_view json, const msg::DocumentFrame& frame) {
  return {read_document_json(json), read_document_frame(frame_of(frame))};
}

} // namespace

BOOST_AUTO_TEST_SUITE(document_messages)

BOOST_AUTO_TEST_CASE(a_join_is_read) {
  msg::DocumentFrame frame;
  auto& join = *frame.mutable_join();
  join.set_client("ann");
  join.set_revision(7);
  join.set_epoch("e-1");
  join.set_start(start);
  join.mutable_pending()->set_seq(3);
  join.mutable_pending()->set_nonce(255);
  join.set_attempt(2);
  for (const auto& read :
       both(R"({"type":"join","client":"ann","revision":7,"epoch":"e-1","start":"00000000000000ab",
               "pending":{"seq":3,"nonce":"ff"},"attempt":2,"later":[]})",
            frame)) {
    const auto& made = std::get<document_room::join_message>(read);
    BOOST_TEST(made.request.client == "ann");
    BOOST_TEST(made.request.revision.value() == 7U);
    BOOST_TEST(made.request.start == start);
    BOOST_TEST((made.request.pending.value() == operation_identity{"ann", 3, 255}));
    BOOST_TEST(made.epoch == "e-1");
    BOOST_TEST(made.attempt.value() == 2U);
  }
  msg::DocumentFrame plain;
  plain.mutable_join()->set_client("ann");
  for (const auto& read : both(R"({"type":"join","client":"ann","revision":null})", plain)) {
    const auto& made = std::get<document_room::join_message>(read);
    BOOST_TEST(!made.request.revision.has_value());
    BOOST_TEST(!made.request.pending.has_value());
    BOOST_TEST(!made.attempt.has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_operation_is_read) {
  msg::DocumentFrame frame;
  frame.mutable_operation()->set_revision(1);
  auto& logged = *frame.mutable_operation()->mutable_logged();
  write_message(exclamation(), *logged.mutable_edit());
  logged.set_client("ann");
  logged.set_seq(4);
  logged.set_nonce(16);
  for (const auto& read : both(
         R"({"type":"operation","operations":[{"type":"retain","length":5},
             {"type":"insert","text":"!\""}],"revision":1,"client":"ann","seq":4,"nonce":"10"})",
         frame)) {
    const auto& made = std::get<submitted_operation>(read);
    BOOST_TEST((made.author == operation_identity{"ann", 4, 16}));
    BOOST_TEST(made.revision == 1U);
    BOOST_TEST((made.edit == exclamation()));
  }
}

BOOST_AUTO_TEST_CASE(presence_is_read) {
  msg::DocumentFrame frame;
  auto& shown = *frame.mutable_presence();
  shown.set_client("ann");
  shown.set_revision(1);
  shown.mutable_selection()->set_anchor(2);
  shown.mutable_selection()->set_head(3);
  shown.set_name("Ann");
  shown.set_colour("#f00");
  for (const auto& read :
       both(R"({"type":"presence","client":"ann","revision":1,"selection":{"anchor":2,"head":3},
               "name":"Ann","colour":"#f00"})",
            frame))
    BOOST_TEST((std::get<presence>(read) == presence{"ann", 1, selection{2, 3}, "Ann", "#f00"}));
  BOOST_TEST(!std::get<presence>(read_document_json(R"({"type":"presence","selection":null})"))
                .selected.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused_with_the_name_of_its_operation) {
  const auto wrong = read_document_json(
    R"({"type":"operation","operations":[{"type":"keep"}],"revision":1,"seq":4,"nonce":"10"})");
  BOOST_TEST(code(wrong) == "unknown_type");
  BOOST_TEST((std::get<refused_message>(wrong).author == operation_identity{"", 4, 16}));
  BOOST_TEST(code(read_document_json(R"({"type":"operation","revision":1})")) == "bad_message");
  BOOST_TEST(code(read_document_json(R"({"type":"operation","operations":[]})")) == "bad_message");
  BOOST_TEST(code(read_document_json(R"({"type":"operation","operations":{},"revision":1})")) ==
             "not_an_array");
  BOOST_TEST(code(read_document_json(R"({"type":"join","attempt":-1})")) == "bad_message");
  BOOST_TEST(code(read_document_json(R"({"type":"join","client":"a\u0000b"})")) == "bad_message");
  BOOST_TEST(code(read_document_json(R"({"type":"join","start":"xyz"})")) == "bad_message");
  BOOST_TEST(code(read_document_json(R"({"type":"join","start":"11111111111111111"})")) ==
             "bad_message");
  BOOST_TEST(code(read_document_json(R"({"type":"presence","selection":3})")) == "bad_message");
  BOOST_TEST(code(read_document_json("[]")) == "bad_message");
  BOOST_TEST(code(read_document_json("{")) == "bad_message");
  BOOST_TEST(code(read_document_frame("\xff")) == "bad_message");
  msg::DocumentFrame frame;
  frame.mutable_operation()->mutable_logged()->mutable_edit()->add_steps(3);
  frame.mutable_operation()->mutable_logged()->set_seq(4);
  const auto framed = read_document_frame(frame_of(frame));
  BOOST_TEST(code(framed) == "unknown_type");
  BOOST_TEST(std::get<refused_message>(framed).author.seq == 4U);
  frame.mutable_join()->set_client(std::string(129, 'x'));
  BOOST_TEST(code(read_document_frame(frame_of(frame))) == "bad_message");
}

BOOST_AUTO_TEST_CASE(what_a_later_version_says_is_ignored) {
  BOOST_TEST(
    std::holds_alternative<unknown_message>(read_document_json(R"({"type":"sing","a":1})")));
  BOOST_TEST(std::holds_alternative<unknown_message>(read_document_frame("")));
}

BOOST_AUTO_TEST_CASE(each_message_is_said_in_both_forms) {
  auto room = small_room();
  std::vector<outgoing> out;
  room.open(1);
  room.on_join(1, {{"ann", std::nullopt, 0, std::nullopt}, "", 3}, out);
  BOOST_TEST(room.on_operation(1, {"ann", 1, 16}, 1, exclamation(), out));
  room.committed(2, out);
  const auto json = [&](const said& what) { return document_json(what, room); };
  const auto frame = [&](const said& what) {
    msg::DocumentFrame made;
    BOOST_TEST(made.ParseFromString(document_frame(what, room)));
    return made;
  };
  BOOST_TEST(json(out[0].what) == R"({"type":"snapshot","text":"Hello","revision":1,)"
                                  R"("epoch":"e-1","start":"00000000000000ab","seq":0,)"
                                  R"("attempt":3})");
  BOOST_TEST(frame(out[0].what).snapshot().text() == "Hello");
  BOOST_TEST(frame(out[0].what).snapshot().attempt() == 3U);

  BOOST_TEST(json(say::edit{2}) ==
             R"({"type":"operation","operations":[{"type":"retain","length":5},)"
             R"({"type":"insert","text":"!\""}],"revision":2,"client":"ann","seq":1,)"
             R"("nonce":"0000000000000010","start":"00000000000000ab"})");
  BOOST_TEST(
    (read_message(frame(say::edit{2}).operation().logged().edit()).value() == exclamation()));
  BOOST_TEST(frame(say::edit{2}).operation().logged().start() == start);

  BOOST_TEST(json(say::ack{2, {"ann", 4, 16}, start}) ==
             R"({"type":"ack","revision":2,"seq":4,"nonce":"0000000000000010",)"
             R"("start":"00000000000000ab"})");
  BOOST_TEST(frame(say::ack{2, {"ann", 4, 16}, start}).ack().nonce() == 16U);

  const say::nack nack{4, 0, {"overloaded", "later"}, 200};
  BOOST_TEST(json(nack) == R"({"type":"nack","seq":4,"code":"overloaded","message":"later",)"
                           R"("retryAfter":200})");
  BOOST_TEST(frame(nack).nack().retry_after_ms() == 200);

  BOOST_TEST(json(say::joined{2, start, std::nullopt}) ==
             R"({"type":"joined","revision":2,"epoch":"e-1","start":"00000000000000ab"})");
  BOOST_TEST(frame(say::joined{2, start, 1}).joined().attempt() == 1U);
  BOOST_TEST(json(say::resync{"too_old", 1}) == R"({"type":"resync","reason":"too_old",)"
                                                R"("attempt":1})");
  BOOST_TEST(frame(say::resync{"too_old", 1}).resync().reason() == "too_old");

  BOOST_TEST(json(say::whole_insert{"Hello", 1}) ==
             R"({"type":"operation","operations":[{"type":"insert","text":"Hello"}],)"
             R"("revision":1})");
  BOOST_TEST(json(say::whole_insert{"", 0}) == R"({"type":"operation","operations":[],)"
                                               R"("revision":0})");

  const presence here{"ann", 2, selection{1, 2}, "Ann", ""};
  BOOST_TEST(json(here) == R"({"type":"presence","client":"ann","revision":2,)"
                           R"("selection":{"anchor":1,"head":2},"name":"Ann"})");
  BOOST_TEST(json(presence{"ann", 2, std::nullopt, "", ""}) ==
             R"({"type":"presence","client":"ann","revision":2,"selection":null})");
  BOOST_TEST(frame(here).presence().selection().head() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
