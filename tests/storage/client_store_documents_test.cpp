// Shared texts in the client's store.

#include "core/data/client_document_message.hpp"
#include "core/data/operation_message.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"
#include "tests/storage/client_device.hpp"
#include "tests/support/random_edits.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace ot = syncline::core::ot;
namespace msg = syncline::msg;
using syncline::tests::random_edits;
using syncline::tests::to_utf16;

namespace {

// One document as its actor stores it.
struct stored_session {
  explicit stored_session(device& on, std::string id = "notes/1")
    : client{on}, name{std::move(id)}, session{fresh(), small()} {
    session.store_whole();
  }
  static ot::client_document fresh() {
    ot::client_document made;
    made.client = "me";
    return made;
  }
  static ot::client_session::limits small() {
    ot::client_session::limits how;
    how.changes_max = 12;
    return how;
  }

  msg::StoreDocument command() {
    msg::StoreDocument made;
    made.set_id(name);
    made.set_after_change(last);
    auto unstored = session.take_unstored();
    if (unstored.whole)
      ot::write_message(session.to_store(), *made.mutable_whole());
    for (const auto& each : unstored.changes)
      ot::write_message(each, *made.add_changes());
    made.set_pending(session.may_have_pending());
    made.set_revision(session.revision());
    return made;
  }
  void store() {
    last = client.run(&client_transaction::store_document, command()).last_change();
  }
  ot::client_session loaded() const {
    const auto stored = client.look().document(name).value().value();
    BOOST_TEST(stored.head.last_change() == last);
    return ot::client_session::load(stored.whole, stored.since, small()).value();
  }

  device& client;
  std::string name;
  ot::client_session session;
  std::uint64_t last = 0;
};

msg::StoreDocument empty_whole(const std::string& id, std::uint64_t after = 0) {
  msg::StoreDocument made;
  made.set_id(id);
  made.set_after_change(after);
  made.mutable_whole()->set_client("me");
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_store_documents)

// Whatever happened, what is loaded is what was stored, also after the store was opened again.
BOOST_AUTO_TEST_CASE(a_document_is_loaded_as_it_was_stored) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    random_edits random{seed};
    device client;
    stored_session document{client};
    auto& session = document.session;
    static_cast<void>(session.connected());
    static_cast<void>(session.on_snapshot({random.document(), 7, "e", 3, 0, "", 1}));
    for (int step = 0; step < 60; ++step) {
      const auto shown = to_utf16(session.shown().to_string());
      if (random.one_in(2))
        BOOST_REQUIRE(session.edit(random.keystroke(shown), step * 200).has_value());
      else if (random.one_in(3))
        static_cast<void>(session.to_send(random.below(1'000'000) + 1));
      else if (session.parts().outstanding() && random.one_in(2))
        static_cast<void>(
          session.on_ack(session.revision() + 1, 0, session.operation_message()->author.nonce, 4));
      else
        static_cast<void>(
          session.on_operation({session.revision() + 1,
                                random.keystroke(to_utf16(session.parts().base().to_string())),
                                {"other", 1, 0},
                                5}));
      if (random.one_in(3))
        continue;
      document.store();
      if (random.one_in(5))
        client.open(client.image());
      const auto loaded = document.loaded();
      BOOST_REQUIRE(loaded.shown().to_string() == session.shown().to_string());
      BOOST_REQUIRE(loaded.parts().outstanding() == session.parts().outstanding());
      BOOST_REQUIRE(loaded.parts().buffer() == session.parts().buffer());
      BOOST_REQUIRE(loaded.revision() == session.revision());
      BOOST_REQUIRE(loaded.join_message().pending == session.join_message().pending);
      BOOST_REQUIRE(loaded.join_message().start == session.join_message().start);
    }
  }
}

// What stood behind the former whole is gone with it, and does not fill the store.
BOOST_AUTO_TEST_CASE(a_whole_takes_the_place_of_what_was_there) {
  device client;
  stored_session document{client};
  for (int i = 0; i < 200; ++i) {
    ot::operation edit;
    edit.insert("x");
    BOOST_TEST(ot::complete(edit, document.session.shown().length()).has_value());
    BOOST_TEST(document.session.edit(edit, 0).has_value());
    document.store();
  }
  const auto rows = client.kv().begin_read()->count(client_table::document_pending);
  BOOST_TEST(rows > 1U);
  BOOST_TEST(rows <= 13U);
  BOOST_TEST(document.loaded().shown().length() == 200U);
  msg::EraseDocument erase;
  erase.set_id(document.name);
  static_cast<void>(client.run(&client_transaction::erase_document, erase));
  BOOST_TEST(client.kv().begin_read()->count(client_table::document_pending) == 0U);
  BOOST_TEST(!client.look().document(document.name)->has_value());
  static_cast<void>(client.run(&client_transaction::erase_document, erase)); // Again: nothing.
}

// Two that have loaded one document: the second is refused, and nothing of it is written.
BOOST_AUTO_TEST_CASE(who_has_not_seen_the_last_change_is_refused) {
  device client;
  auto first = empty_whole("a");
  ot::write_message(ot::any_session_change{ot::session_change::frozen{1, 2, 3}},
                    *first.add_changes());
  BOOST_TEST(client.run(&client_transaction::store_document, first).last_change() == 1U);
  const auto again = client.attempt(&client_transaction::store_document, empty_whole("a"));
  BOOST_TEST(again.error().code == "superseded");
  BOOST_TEST(client.look().document("a").value()->since.size() == 1U);
  auto added = empty_whole("b");
  added.clear_whole();
  const auto nowhere = client.attempt(&client_transaction::store_document, added);
  BOOST_TEST(nowhere.error().code == "superseded");
  BOOST_TEST(
    client.attempt(&client_transaction::store_document, empty_whole("../x")).error().code ==
    "bad_id");
}

BOOST_AUTO_TEST_CASE(documents_are_listed_by_their_ids) {
  device client;
  for (const auto* id : {"c", "a", "a/b", "b"}) {
    auto command = empty_whole(id);
    command.set_pending(id[0] == 'b');
    command.set_revision(7);
    static_cast<void>(client.run(&client_transaction::store_document, command));
  }
  const auto names = [&](const std::string& after, std::size_t limit) {
    std::string made;
    for (const auto& each : client.look().documents(after, limit).value())
      made += each.id + (each.head.pending() ? "! " : " ");
    return made;
  };
  BOOST_TEST(names("", 10) == "a a/b b! c ");
  BOOST_TEST(names("a", 2) == "a/b b! ");
  BOOST_TEST(names("c", 10) == "");
  BOOST_TEST(!client.look().document("nobody")->has_value());
  BOOST_TEST(!client.look().document(std::string(300, 'x'))->has_value());
}

// What the server refused is kept for the user, in the same transaction, until he has read it.
BOOST_AUTO_TEST_CASE(a_report_is_an_open_conflict_until_it_is_read) {
  device client;
  auto command = empty_whole("a");
  auto& report = *command.add_reports();
  report.set_code("too_large");
  report.set_text("what I typed");
  static_cast<void>(client.run(&client_transaction::store_document, command));
  const auto records = client.conflicts();
  BOOST_REQUIRE(records.size() == 1U);
  BOOST_TEST(records[0].document());
  BOOST_TEST(records[0].id() == "a");
  BOOST_TEST(records[0].note() == "too_large");
  BOOST_TEST(records[0].mine_body() == "what I typed");
  BOOST_TEST(records[0].reason() == msg::DOCUMENT_REFUSED);
  BOOST_TEST(records[0].resolved_ms() == 0);
  msg::CloseReport close;
  close.set_conflict_id(records[0].conflict_id());
  static_cast<void>(client.run(&client_transaction::close_report, close));
  BOOST_TEST(client.conflicts()[0].resolved_ms() != 0);
}

BOOST_AUTO_TEST_CASE(a_row_that_is_missing_is_a_corrupt_store) {
  device client;
  auto command = empty_whole("a");
  for (std::uint64_t i = 0; i < 3; ++i)
    ot::write_message(ot::any_session_change{ot::session_change::frozen{i, 2, 3}},
                      *command.add_changes());
  static_cast<void>(client.run(&client_transaction::store_document, command));
  const auto erase = [&](std::uint64_t number) {
    const auto writer = client.kv().begin_write();
    BOOST_TEST(writer->erase(client_table::document_pending, numbered_key("a", number)));
    writer->commit();
    return client.look().document("a").error().code;
  };
  BOOST_TEST(erase(2) == "store_corrupt");
  BOOST_TEST(erase(0) == "store_corrupt");
  auto no_text = empty_whole("b");
  no_text.mutable_whole()->set_base("\xff");
  static_cast<void>(client.run(&client_transaction::store_document, no_text));
  BOOST_TEST(client.look().document("b").error().code == "store_corrupt");
}

BOOST_AUTO_TEST_SUITE_END()
