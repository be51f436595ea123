#pragma once
// What every store of documents does; see server_store_contract.hpp for the factory.

#include "core/data/operation_message.hpp"
#include "storage/server_store.hpp"
#include "tests/storage/server_store_support.hpp"
#include "tests/support/random_edits.hpp"

#include <map>

namespace syncline::storage::test {

/// A document that is being written, as its session would do it.
class document_writer {
public:
  document_writer(server_store& store, std::string id, bool again = false)
    : store_{&store}, id_{std::move(id)} {
    auto opened = store_->documents().open_document("default", id_, again);
    BOOST_REQUIRE(opened.has_value());
    opened_ = std::move(*opened);
    text_ = core::ot::text{opened_.content.text};
    revision_ = opened_.content.revision;
  }

  [[nodiscard]] const opened_document& opened() const {
    return opened_;
  }
  [[nodiscard]] std::string text() const {
    return text_.to_string();
  }
  [[nodiscard]] std::uint64_t revision() const {
    return revision_;
  }

  /// For the next `commit`.
  void type(core::ot::operation edit, core::ot::operation_identity author = {}) {
    BOOST_REQUIRE(text_.apply(edit).has_value());
    core::ot::write_message({++revision_, std::move(edit), std::move(author), store_->start()},
                            *log_.Add());
  }
  void type(std::string_view inserted, core::ot::operation_identity author = {}) {
    core::ot::operation edit;
    edit.insert(inserted);
    edit.retain(static_cast<std::uint32_t>(text_.length()));
    type(std::move(edit), std::move(author));
  }

  [[nodiscard]] document_commit next() const {
    document_commit made;
    made.id = id_;
    made.incarnation = opened_.incarnation;
    made.session = opened_.session;
    made.base = revision_ - static_cast<std::uint64_t>(log_.size());
    made.edits = &log_;
    made.now_ms = noon_ms;
    return made;
  }
  /// Empty, or the code of its refusal.
  std::string commit(bool with_snapshot = false, std::uint64_t trim_through = 0) {
    auto one = next();
    if (with_snapshot)
      one.snapshot = text();
    one.trim_through = trim_through;
    const auto outcomes = store_->documents().commit_documents({&one, 1});
    BOOST_REQUIRE(outcomes.has_value());
    log_.Clear();
    return outcomes->front() ? std::string{} : outcomes->front().error().code;
  }

private:
  server_store* store_;
  std::string id_;
  opened_document opened_;
  core::ot::text text_;
  std::uint64_t revision_ = 0;
  google::protobuf::RepeatedPtrField<msg::LoggedEdit> log_;
};

template <class Factory>
struct document_store_contract {
  static std::string refusal_of_open(Factory& factory, const std::string& id) {
    const auto opened = factory.store().documents().open_document("default", id, false);
    return opened ? "" : opened.error().code;
  }
  static std::vector<std::string> listed(Factory& factory, const std::string& after = {}) {
    std::vector<std::string> ids;
    for (const auto& each :
         factory.store().documents().list_documents("default", after, 10).value())
      ids.push_back(each.id);
    return ids;
  }
  static document_text read(Factory& factory, const std::string& id) {
    return factory.store().documents().read_document("default", id).value();
  }

  static void an_unknown_document_is_an_empty_text_and_is_not_stored() {
    Factory factory;
    const document_writer writer{factory.store(), "new"};
    BOOST_TEST(writer.text() == "");
    BOOST_TEST(writer.revision() == 0U);
    BOOST_TEST(read(factory, "new").revision == 0U);
    BOOST_TEST(listed(factory).empty());
  }

  static void what_was_committed_is_loaded() {
    Factory factory;
    document_writer first{factory.store(), "doc"};
    first.type("one ", {"ann", 1, 11});
    first.type("two ", {"ann", 2, 12});
    first.type("three ", {"bob", 1, 13});
    BOOST_TEST(first.commit() == "");
    first.type("four ");
    BOOST_TEST(first.commit() == "");
    const auto start = factory.store().start();
    factory.reopen();
    const document_writer then{factory.store(), "doc"};
    const auto& content = then.opened().content;
    BOOST_TEST(content.text == "four three two one ");
    BOOST_TEST(content.revision == 4U);
    BOOST_REQUIRE(content.log.size() == 4U);
    BOOST_TEST((content.log[1].author == core::ot::operation_identity{"ann", 2, 12}));
    BOOST_TEST(content.log[1].revision == 2U);
    BOOST_TEST(content.log[3].start == start);
    BOOST_REQUIRE(content.clients.size() == 2U);
    BOOST_TEST(content.clients.at("ann").seq == 2U);
    BOOST_TEST(content.clients.at("ann").nonce == 12U);
    BOOST_TEST(content.clients.at("bob").revision == 3U);
    BOOST_TEST((content.lives == std::vector<core::ot::life_of_server>{{1, start}}));
    BOOST_TEST(then.opened().epoch == first.opened().epoch);
    BOOST_TEST(read(factory, "doc").text == content.text);
  }

  static void a_log_is_read_in_parts() {
    Factory factory;
    document_writer first{factory.store(), "doc"};
    for (int i = 0; i < 8; ++i)
      first.type(std::string(1, static_cast<char>('a' + i)),
                 {"ann", static_cast<std::uint64_t>(i) + 1, 0});
    BOOST_TEST(first.commit() == "");
    BOOST_TEST(first.commit(true) == "");
    first.type("i");
    BOOST_TEST(first.commit() == "");
    auto& documents = factory.store().documents();
    for (const auto& [wanted, log] : {std::pair{0U, 1U}, {1U, 1U}, {3U, 3U}, {100U, 9U}}) {
      const auto opened = documents.open_document("default", "doc", false, wanted).value();
      BOOST_TEST(opened.content.log.size() == log);
      BOOST_TEST(opened.content.text == "ihgfedcba");
      BOOST_TEST(opened.content.clients.at("ann").seq == 8U);
      BOOST_TEST(opened.log_begin == 0U);
    }
    const auto part =
      documents.read_log("default", "doc", first.opened().incarnation, 2, 5).value();
    BOOST_REQUIRE(part.size() == 3U);
    BOOST_TEST(part.front().revision == 3U);
    BOOST_TEST(part.back().author.seq == 5U);
    BOOST_TEST(documents.read_log("default", "doc", 7, 2, 5).error().code == "not_found");
    const document_writer second{factory.store(), "doc"};
    auto trims = second.next();
    trims.trim_through = 4;
    BOOST_TEST(documents.commit_documents({&trims, 1}).value().front().has_value());
    BOOST_TEST(documents.read_log("default", "doc", trims.incarnation, 2, 5).value().size() == 1U);
    BOOST_TEST(documents.open_document("default", "doc", false, 1).value().log_begin == 4U);
  }

  // N7: what a session that is gone has sent lands when another one has loaded the document.
  static void n7_only_the_session_that_loaded_it_last_may_write() {
    for (const bool is_stored : {true, false}) {
      Factory factory;
      if (is_stored) {
        document_writer first{factory.store(), "doc"};
        first.type("x");
        BOOST_TEST(first.commit() == "");
      }
      document_writer late{factory.store(), "doc"};
      document_writer present{factory.store(), "doc"};
      late.type("late");
      present.type("present");
      if (is_stored)
        BOOST_TEST(late.commit() == "superseded");
      BOOST_TEST(present.commit() == "");
      if (!is_stored)
        BOOST_TEST(late.commit() == "superseded");
      BOOST_TEST(read(factory, "doc").text == (is_stored ? "presentx" : "present"));
      present.type("!");
      BOOST_TEST(present.commit() == "");
    }
  }

  static void a_commit_upon_another_head_is_refused() {
    Factory factory;
    document_writer writer{factory.store(), "doc"};
    writer.type("x");
    auto twice = writer.next();
    const std::array both{twice, twice};
    const auto outcomes = factory.store().documents().commit_documents(both).value();
    BOOST_TEST(outcomes[0].has_value());
    BOOST_TEST(outcomes[1].error().code == "superseded");
    BOOST_TEST(read(factory, "doc").text == "x");
  }

  static void one_that_is_refused_does_not_keep_others_from_being_written() {
    Factory factory;
    document_writer one{factory.store(), "one"};
    document_writer other{factory.store(), "other"};
    const document_writer successor{factory.store(), "gone"};
    one.type("1");
    other.type("2");
    auto wrong = one.next();
    wrong.base = 7;
    const std::array all{wrong, other.next()};
    const auto outcomes = factory.store().documents().commit_documents(all).value();
    BOOST_TEST(!outcomes[0].has_value());
    BOOST_TEST(outcomes[1].has_value());
    BOOST_TEST(listed(factory) == std::vector<std::string>{"other"},
               boost::test_tools::per_element());
  }

  static void it_is_loaded_from_its_snapshot_and_the_log_behind_it() {
    Factory factory;
    document_writer writer{factory.store(), "doc"};
    for (int i = 0; i < 5; ++i)
      writer.type(std::to_string(i), {"ann", static_cast<std::uint64_t>(i) + 1, 7});
    BOOST_TEST(writer.commit(true, 3) == "");
    writer.type("5");
    BOOST_TEST(writer.commit() == "");
    factory.reopen();
    document_writer then{factory.store(), "doc"};
    BOOST_TEST(then.text() == "543210");
    BOOST_TEST(then.opened().snapshot_revision == 5U);
    BOOST_TEST(then.opened().content.log.front().revision == 4U);
    BOOST_TEST(then.opened().content.log.size() == 3U);
    BOOST_TEST(then.opened().content.clients.at("ann").seq == 5U);
    BOOST_TEST(then.opened().log_bytes > 0U);
    then.type("6");
    BOOST_TEST(then.commit(true, 7) == "");
    const document_writer last{factory.store(), "doc"};
    BOOST_TEST(last.text() == "6543210");
    BOOST_TEST(last.opened().content.log.empty());
    BOOST_TEST(last.opened().log_bytes == 0U);
  }

  static void a_long_text_of_all_planes_comes_back() {
    Factory factory;
    std::string text;
    while (text.size() < 3'000'000)
      text += "a line of the text, é 漢 😀\r\n";
    document_writer writer{factory.store(), "doc"};
    writer.type(text);
    BOOST_TEST(writer.commit() == "");
    BOOST_TEST((read(factory, "doc").text == text));
    writer.type("x");
    BOOST_TEST(writer.commit(true) == "");
    BOOST_TEST((read(factory, "doc").text == "x" + text));
  }

  static void a_deleted_document_is_gone_until_it_is_created_again() {
    Factory factory;
    document_writer writer{factory.store(), "doc"};
    writer.type("old", {"ann", 1, 11});
    BOOST_TEST(writer.commit(true) == "");
    writer.type("late"); // N7: on its way while it is deleted.
    BOOST_TEST(factory.store().documents().delete_document("default", "doc", noon_ms).has_value());
    BOOST_TEST(writer.commit() == "not_found");
    factory.reopen();
    BOOST_TEST(refusal_of_open(factory, "doc") == "not_found");
    BOOST_TEST(factory.store().documents().read_document("default", "doc").error().code ==
               "not_found");
    BOOST_TEST(listed(factory).empty());
    document_writer again{factory.store(), "doc", true};
    BOOST_TEST(again.text() == "");
    BOOST_TEST(again.opened().content.clients.empty());
    BOOST_TEST(again.opened().epoch != writer.opened().epoch);  // N10
    BOOST_TEST(refusal_of_open(factory, "doc") == "not_found"); // Nothing is written yet.
    again.type("new");
    BOOST_TEST(again.commit() == "");
    BOOST_TEST(read(factory, "doc").text == "new");
    const document_writer then{factory.store(), "doc"};
    BOOST_TEST(then.opened().content.revision == 1U);
    BOOST_TEST(then.opened().content.clients.empty());
    BOOST_TEST(then.opened().epoch == again.opened().epoch);
  }

  static void a_creation_that_was_not_stored_is_undone_by_a_deletion() {
    Factory factory;
    BOOST_TEST(factory.store().documents().delete_document("default", "doc", noon_ms).has_value());
    document_writer again{factory.store(), "doc", true};
    again.type("late");
    BOOST_TEST(factory.store().documents().delete_document("default", "doc", noon_ms).has_value());
    BOOST_TEST(again.commit() == "not_found");
    BOOST_TEST(refusal_of_open(factory, "doc") == "not_found");
  }

  static void n7_a_commit_from_before_a_deletion_and_a_creation_is_refused() {
    Factory factory;
    document_writer old{factory.store(), "doc"};
    old.type("old");
    BOOST_TEST(factory.store().documents().delete_document("default", "doc", noon_ms).has_value());
    document_writer again{factory.store(), "doc", true};
    again.type("new");
    BOOST_TEST(again.commit() == "");
    BOOST_TEST(old.commit() == "superseded");
    BOOST_TEST(read(factory, "doc").text == "new");
  }

  static void a_restored_store_has_other_epochs_and_starts() {
    Factory factory;
    document_writer first{factory.store(), "doc"};
    first.type("x");
    BOOST_TEST(first.commit() == "");
    const auto start = factory.store().start();
    factory.save();
    factory.roll_back(); // By hand: only the starts tell.
    document_writer second{factory.store(), "doc"};
    BOOST_TEST(second.opened().epoch == first.opened().epoch);
    second.type("y");
    BOOST_TEST(second.commit() == "");
    const document_writer loaded{factory.store(), "doc"};
    BOOST_TEST((loaded.opened().content.lives ==
                std::vector<core::ot::life_of_server>{{1, start}, {2, factory.store().start()}}));
    factory.reopen_as_restored();
    BOOST_TEST(read(factory, "doc").epoch != first.opened().epoch);
  }

  static void documents_with_similar_names_are_apart() {
    Factory factory;
    const std::vector<std::string> ids{"a", "a/b", "a\x01", "ab", "é"};
    for (const auto& id : ids) {
      document_writer writer{factory.store(), id};
      writer.type(id, {"ann", 1, 5});
      BOOST_TEST(writer.commit() == "");
    }
    BOOST_TEST(factory.store().documents().delete_document("default", "a", noon_ms).has_value());
    for (const auto& id : {ids[1], ids[2], ids[3], ids[4]}) {
      const document_writer loaded{factory.store(), id};
      BOOST_TEST(loaded.text() == id);
      BOOST_TEST(loaded.opened().content.clients.size() == 1U);
    }
    BOOST_TEST(listed(factory).size() == 4U);
    BOOST_TEST(listed(factory, "a/b") == (std::vector<std::string>{"ab", "é"}),
               boost::test_tools::per_element());
    BOOST_TEST(factory.store().documents().list_documents("other", "", 10).value().empty());
  }

  /// Against what was typed, over loads, snapshots, trims and restarts.
  static void a_random_history_comes_back_as_it_was() {
    Factory factory;
    tests::random_edits random{11};
    std::map<std::string, std::string> texts;
    std::map<std::string, std::uint64_t> revisions;
    for (int round = 0; round < 60; ++round) {
      const auto id = "doc" + std::to_string(random.below(3));
      if (random.one_in(10))
        factory.reopen();
      document_writer writer{factory.store(), id};
      BOOST_REQUIRE(writer.text() == texts[id]);
      BOOST_REQUIRE(writer.revision() == revisions[id]);
      for (std::size_t commits = random.below(4); commits > 0; --commits) {
        for (std::size_t edits = random.below(5); edits > 0; --edits)
          writer.type(random.operation(tests::to_utf16(writer.text())));
        const bool with_snapshot = random.one_in(3);
        BOOST_REQUIRE(writer.commit(with_snapshot,
                                    with_snapshot ? random.below(writer.revision() + 1) : 0) == "");
      }
      texts[id] = writer.text();
      revisions[id] = writer.revision();
    }
  }
};

} // namespace syncline::storage::test

#define SYNCLINE_DOCUMENT_STORE_CONTRACT(factory)                                                  \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             an_unknown_document_is_an_empty_text_and_is_not_stored)               \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory, what_was_committed_is_loaded)       \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory, a_log_is_read_in_parts)             \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             n7_only_the_session_that_loaded_it_last_may_write)                    \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             a_commit_upon_another_head_is_refused)                                \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             one_that_is_refused_does_not_keep_others_from_being_written)          \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             it_is_loaded_from_its_snapshot_and_the_log_behind_it)                 \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             a_long_text_of_all_planes_comes_back)                                 \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             a_deleted_document_is_gone_until_it_is_created_again)                 \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             a_creation_that_was_not_stored_is_undone_by_a_deletion)               \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             n7_a_commit_from_before_a_deletion_and_a_creation_is_refused)         \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             a_restored_store_has_other_epochs_and_starts)                         \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             documents_with_similar_names_are_apart)                               \
  SYNCLINE_SERVER_STORE_CASE(document_store_contract, factory,                                     \
                             a_random_history_comes_back_as_it_was)
