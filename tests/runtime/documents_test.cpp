// Devices that type in one text, with a real server in this process.

#include "tests/runtime/runtime_support.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

using namespace syncline;
using namespace syncline::tests;

namespace {

/// A started device with one text open.
struct typist {
  explicit typist(const std::string& url, const document_options& how = {},
                  const std::string& id = "notes/1")
    : settings{test_options(directory, url)} {
    open(how, id);
  }
  void open(const document_options& how = {}, const std::string& id = "notes/1") {
    store = open_or_fail(settings);
    if (!settings.server.empty())
      check_done(store->start());
    text.emplace(value_or_fail(store->document(id, how)));
  }
  void type(std::uint64_t at, const std::string& what) {
    value_or_fail(text->edit(text_edit::insert(at, what)));
  }
  [[nodiscard]] std::string shown() const {
    return value_or_fail(text->text()).text;
  }
  void settle() {
    check_done(text->settle(patience));
  }

  temporary_directory directory;
  options settings;
  std::unique_ptr<runtime> store;
  std::optional<document> text;
};

/// What a callback was told, for whoever waits.
template <class T>
class heard {
public:
  void add(T what) {
    const std::lock_guard lock{mutex_};
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::optional<T> next() {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, patience, [this] { return !all_.empty(); }))
      return std::nullopt;
    auto first = std::move(all_.front());
    all_.pop_front();
    return first;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> all_;
};

/// What an edit in UTF-16 of a text of characters below U+0080 makes.
std::string applied(const std::string& text, const text_edit& edit) {
  std::string made;
  std::size_t at = 0;
  for (const auto& step : edit.steps) {
    if (step.what == text_step::kind::insert) {
      made += step.text;
      continue;
    }
    if (step.what == text_step::kind::retain)
      made += text.substr(at, step.length);
    at += step.length;
  }
  return made + text.substr(std::min(at, text.size()));
}

/// Waits until the other one shows it, too.
void comes_to_show(const typist& who, const std::string& wanted) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (who.shown() != wanted && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  BOOST_TEST(who.shown() == wanted);
}

/// Waits until it is deleted there, too.
void is_told_of_deletion(const typist& who) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (who.text->text() && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  BOOST_TEST(code_of(who.text->text()) == "not_found");
}

struct two_typists {
  test_server server;
  typist one{server.url()};
  typist two{server.url()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_documents)

BOOST_FIXTURE_TEST_CASE(what_one_types_the_other_shows, two_typists) {
  one.type(0, "Hello");
  comes_to_show(two, "Hello");
  two.type(5, ", world");
  comes_to_show(one, "Hello, world");
  one.settle();
  two.settle();
  const auto status = value_or_fail(one.text->status());
  BOOST_TEST(status.state == "live");
  BOOST_TEST(status.synchronized);
  BOOST_TEST(status.revision == 2U);
  BOOST_TEST(status.bytes == 12U);
}

BOOST_FIXTURE_TEST_CASE(both_type_at_once_and_nothing_is_lost, two_typists) {
  constexpr int letters = 200;
  const auto types = [](typist& who, const std::string& letter) {
    for (int i = 0; i < letters; ++i)
      value_or_fail(who.text->submit(text_edit::insert(0, letter)));
  };
  std::thread other{[&] { types(two, "b"); }};
  types(one, "a");
  other.join();
  one.settle();
  two.settle();
  one.settle(); // What the other one had still to send.
  const auto last = one.shown();
  BOOST_TEST(two.shown() == last);
  BOOST_TEST(std::count(last.begin(), last.end(), 'a') == letters);
  BOOST_TEST(std::count(last.begin(), last.end(), 'b') == letters);
}

BOOST_AUTO_TEST_CASE(what_is_typed_without_a_server_is_there_later) {
  test_server server;
  const auto url = server.url();
  server.stop();
  typist one{url};
  one.type(0, "written offline");
  BOOST_TEST(code_of(one.text->settle(1ms)) == "timeout");
  one.text.reset();
  one.store.reset(); // And the program ends.
  server.start();
  one.store = open_or_fail(one.settings);
  BOOST_TEST(value_or_fail(one.store->stored_text("notes/1")).value_or("") == "written offline");
  BOOST_TEST(value_or_fail(one.store->documents()).front().pending);
  check_done(one.store->start()); // Nobody opens the text: it goes to the server all the same.
  typist two{url};
  comes_to_show(two, "written offline");
}

BOOST_AUTO_TEST_CASE(a_server_that_restarts_is_joined_again) {
  test_server server;
  typist one{server.url()};
  typist two{server.url()};
  one.type(0, "before");
  comes_to_show(two, "before");
  server.stop();
  one.type(6, " during");
  two.type(0, "and ");
  server.start();
  comes_to_show(two, "and before during");
  comes_to_show(one, "and before during");
}

BOOST_AUTO_TEST_CASE(without_a_server_a_text_is_just_kept) {
  typist one{""};
  one.type(0, "mine");
  BOOST_TEST(value_or_fail(one.text->status()).state == "local");
  BOOST_TEST(code_of(one.text->settle(patience)) == "no_server");
  one.text.reset();
  one.store.reset();
  one.open();
  BOOST_TEST(one.shown() == "mine");
}

BOOST_FIXTURE_TEST_CASE(changes_of_others_are_told_in_order, two_typists) {
  heard<text_change> told;
  one.type(0, "0123456789");
  comes_to_show(two, "0123456789");
  const auto watching =
    value_or_fail(two.text->on_remote([&](const text_change& each) { told.add(each); }));
  const auto begin = value_or_fail(two.text->text());
  auto shown = begin.text;
  two.type(0, "x"); // One's own is not told, and is in the versions.
  shown = "x" + shown;
  for (int i = 0; i < 30; ++i)
    one.type(static_cast<std::uint64_t>(i), "a");
  one.settle();
  const auto last = one.shown();
  while (shown != last) {
    const auto change = told.next();
    BOOST_REQUIRE(change.has_value());
    BOOST_TEST(change->remote);
    BOOST_TEST(change->author == value_or_fail(one.text->status()).client);
    BOOST_TEST(change->version > begin.version);
    shown = applied(shown, change->edit);
  }
}

// Two handles of one text on one device, one of which lags behind.
BOOST_AUTO_TEST_CASE(an_edit_of_an_old_version_overwrites_nothing) {
  typist one{""};
  auto second = value_or_fail(one.store->document("notes/1"));
  one.type(0, "one two three");
  const auto seen = value_or_fail(second.text());
  one.type(0, "zero ");
  const auto done = value_or_fail(second.edit(text_edit::replace(4, 3, "2"), seen.version));
  BOOST_TEST(one.shown() == "zero one 2 three");
  auto widget = applied(seen.text, text_edit::replace(4, 3, "2"));
  BOOST_REQUIRE(done.missed.size() == 1U);
  BOOST_TEST(applied(widget, done.missed[0].edit) == one.shown());
  BOOST_TEST(done.version == value_or_fail(one.text->text()).version);
  BOOST_TEST(code_of(second.edit(text_edit::insert(0, "x"), seen.version + 100)) ==
             "stale_version");
  const auto changes = value_or_fail(second.changes(seen.version));
  BOOST_TEST(changes.size() == 2U);
  BOOST_TEST(!changes[0].remote);
}

BOOST_AUTO_TEST_CASE(a_host_may_count_bytes) {
  typist one{"", {.units = text_units::utf8}};
  auto in_utf16 = value_or_fail(one.store->document("notes/1"));
  one.type(0, "äöü😀.");
  one.type(6, "-");
  BOOST_TEST(one.shown() == "äöü-😀.");
  BOOST_TEST(code_of(one.text->edit(text_edit::insert(1, "x"))) == "splits_character");
  BOOST_TEST(code_of(in_utf16.edit(text_edit::insert(5, "x"))) == "splits_surrogate_pair");
  value_or_fail(in_utf16.edit(text_edit::insert(6, "x")));
  BOOST_TEST(one.shown() == "äöü-😀x.");
  const auto status = value_or_fail(one.text->status());
  BOOST_TEST(status.units == 8U);
  BOOST_TEST(status.bytes == 13U);
  value_or_fail(one.text->edit(text_edit::remove(0, 2)));
  BOOST_TEST(one.shown() == "öü-😀x.");
}

BOOST_AUTO_TEST_CASE(bad_edits_are_refused_and_change_nothing) {
  typist one{""};
  one.type(0, "text");
  BOOST_TEST(code_of(one.text->edit(text_edit::insert(5, "x"))) == "base_length_mismatch");
  BOOST_TEST(code_of(one.text->edit(text_edit::remove(2, 3))) == "base_length_mismatch");
  BOOST_TEST(code_of(one.text->edit(text_edit::insert(0, "\xed\xa0\x80"))) == "bad_utf8");
  std::string too_long;
  too_long.resize(10'000'001, 'x');
  BOOST_TEST(code_of(one.text->edit(text_edit::insert(0, too_long))) == "too_large");
  BOOST_TEST(code_of(one.text->edit({{{text_step::kind::remove, 1ULL << 40U, ""}}})) ==
             "too_large");
  BOOST_TEST(one.shown() == "text");
  for (const auto* id : {"", "../x", "/x", "a\nb"})
    BOOST_TEST(code_of(one.store->document(id)) == "bad_id");
  BOOST_TEST(code_of(one.store->document(std::string(201, 'x'))) == "bad_id");
}

BOOST_FIXTURE_TEST_CASE(undo_takes_back_ones_own_edits_only, two_typists) {
  one.type(0, "mine ");
  comes_to_show(two, "mine ");
  two.type(5, "theirs");
  comes_to_show(one, "mine theirs");
  const auto undone = value_or_fail(one.text->undo());
  BOOST_TEST(undone.done);
  BOOST_TEST(one.shown() == "theirs");
  BOOST_TEST(!value_or_fail(one.text->undo()).done);
  comes_to_show(two, "theirs");
  BOOST_TEST(value_or_fail(one.text->redo()).done);
  comes_to_show(two, "mine theirs");
}

BOOST_FIXTURE_TEST_CASE(each_sees_the_carets_of_the_others, two_typists) {
  heard<std::vector<text_caret>> told;
  one.type(0, "hello");
  comes_to_show(two, "hello");
  const auto watching = value_or_fail(
    two.text->on_presence([&](const std::vector<text_caret>& each) { told.add(each); }));
  check_done(one.text->select(text_selection{1, 3}, "Ann", "#c00"));
  std::optional<std::vector<text_caret>> seen;
  while ((seen = told.next()) && seen->empty()) {
  }
  BOOST_REQUIRE(seen);
  BOOST_TEST(seen->front().name == "Ann");
  BOOST_TEST(seen->front().colour == "#c00");
  BOOST_TEST(seen->front().at.anchor == 1U);
  BOOST_TEST(seen->front().at.head == 3U);
  two.type(0, "oh, ");
  BOOST_TEST(value_or_fail(two.text->carets()).front().at.head == 7U);
  BOOST_TEST(code_of(one.text->select(text_selection{99, 99})) == "bad_length");
  BOOST_TEST(code_of(one.text->select(text_selection{}, std::string(129, 'x'))) == "too_large");
  one.text.reset(); // He closes it: his caret goes.
  while ((seen = told.next()) && !seen->empty()) {
  }
  BOOST_REQUIRE(seen);
}

BOOST_FIXTURE_TEST_CASE(a_text_that_is_deleted_is_kept_for_who_was_typing, two_typists) {
  one.type(0, "precious");
  comes_to_show(two, "precious");
  one.settle();
  check_done(one.store->remove_document("notes/1"));
  BOOST_TEST(code_of(one.text->text()) == "not_found");
  is_told_of_deletion(two);
  BOOST_TEST(code_of(two.text->edit(text_edit::insert(0, "x"))) == "not_found");
  const auto reports = value_or_fail(two.store->conflicts());
  BOOST_REQUIRE(reports.size() == 1U);
  BOOST_TEST(reports[0].mine.value_or("") == "precious");
  BOOST_TEST(reports[0].reason == "document_deleted");
  BOOST_TEST(reports[0].id == "notes/1");
  BOOST_TEST(reports[0].open);
  BOOST_TEST(code_of(two.store->resolve_conflict(reports[0].conflict_id, conflict_choice::mine)) ==
             "bad_choice");
  check_done(two.store->resolve_conflict(reports[0].conflict_id, conflict_choice::theirs));
  BOOST_TEST(!value_or_fail(two.store->conflicts())[0].open);
  BOOST_TEST(code_of(two.store->document("notes/1")) == "not_found");
  auto again = value_or_fail(two.store->document("notes/1", {.create_again = true}));
  value_or_fail(again.edit(text_edit::insert(0, "anew")));
  check_done(again.settle(patience));
  BOOST_TEST(value_or_fail(again.text()).text == "anew");
}

// What is deleted while there is no server is deleted there later, and is gone here at once.
BOOST_AUTO_TEST_CASE(a_deletion_without_a_network_reaches_the_server) {
  test_server server;
  typist one{server.url()};
  typist two{server.url()};
  one.type(0, "gone soon");
  comes_to_show(two, "gone soon");
  server.stop();
  check_done(one.store->remove_document("notes/1"));
  BOOST_TEST(value_or_fail(one.store->documents()).empty());
  one.text.reset();
  one.store.reset();
  server.start();
  one.store = open_or_fail(one.settings);
  check_done(one.store->start());
  is_told_of_deletion(two);
  BOOST_TEST(code_of(two.text->text()) == "not_found");
}

BOOST_AUTO_TEST_CASE(a_handle_may_outlive_its_runtime) {
  typist one{""};
  one.type(0, "text");
  const auto watching = value_or_fail(one.text->on_remote([](const text_change&) {}));
  one.store.reset();
  BOOST_TEST(code_of(one.text->text()) == "closed");
  BOOST_TEST(code_of(one.text->edit(text_edit::insert(0, "x"))) == "closed");
}

BOOST_AUTO_TEST_CASE(looking_at_a_text_that_is_not_there_leaves_no_trace) {
  typist one{""};
  BOOST_TEST(one.shown().empty());
  BOOST_TEST(value_or_fail(one.store->documents()).empty());
  BOOST_TEST(!value_or_fail(one.store->stored_text("notes/1")).has_value());
  one.type(0, "x");
  BOOST_TEST(value_or_fail(one.store->documents()).size() == 1U);
}

// Bugs that a review found.

BOOST_AUTO_TEST_CASE(the_seventeenth_text_that_waited_never_left) {
  constexpr int texts = 40;
  test_server server;
  const auto url = server.url();
  typist one{url};
  check_done(one.store->stop());
  for (int i = 0; i < texts; ++i)
    value_or_fail(value_or_fail(one.store->document("t" + std::to_string(i)))
                    .edit(text_edit::insert(0, "text " + std::to_string(i))));
  one.text.reset();
  one.store.reset();
  one.store = open_or_fail(one.settings);
  check_done(one.store->start());
  for (int i = 0; i < texts; ++i) {
    typist two{url, {}, "t" + std::to_string(i)};
    comes_to_show(two, "text " + std::to_string(i));
  }
}

BOOST_AUTO_TEST_CASE(a_sync_brings_all_texts_to_the_server) {
  constexpr int texts = 40;
  test_server server;
  typist one{server.url()};
  check_done(one.store->stop());
  for (int i = 0; i < texts; ++i)
    value_or_fail(
      value_or_fail(one.store->document("t" + std::to_string(i))).edit(text_edit::insert(0, "x")));
  BOOST_TEST(sync_or_fail(*one.store).items_processed >= static_cast<unsigned>(texts));
  for (const auto& each : value_or_fail(one.store->documents()))
    BOOST_TEST(!each.pending, each.id);
  BOOST_TEST(value_or_fail(one.text->status()).state == "paused");
}

BOOST_AUTO_TEST_CASE(a_close_lost_what_was_submitted) {
  typist one{""};
  for (int i = 0; i < 500; ++i)
    value_or_fail(one.text->submit(text_edit::insert(0, "x")));
  check_done(one.store->close());
  one.store = open_or_fail(one.settings);
  BOOST_TEST(value_or_fail(one.store->stored_text("notes/1")).value_or("").size() == 500U);
}

BOOST_FIXTURE_TEST_CASE(that_a_text_is_made_again_was_forgotten_by_a_restart, two_typists) {
  one.type(0, "old");
  comes_to_show(two, "old");
  check_done(one.store->remove_document("notes/1"));
  is_told_of_deletion(two);
  check_done(two.store->stop());
  two.text.emplace(value_or_fail(two.store->document("notes/1", {.create_again = true})));
  two.type(0, "new");
  two.text.reset();
  two.store.reset();
  two.open();
  two.settle();
  BOOST_TEST(two.shown() == "new");
  // Who has never had it, or has deleted it himself, may make it again, too.
  one.settings.store = one.directory.path() / "another";
  one.text.reset();
  one.store.reset();
  one.open({.create_again = true});
  comes_to_show(one, "new");
}

BOOST_FIXTURE_TEST_CASE(a_text_made_again_went_dead_with_the_handle_of_the_old_one, two_typists) {
  one.type(0, "old");
  comes_to_show(two, "old");
  check_done(one.store->remove_document("notes/1"));
  is_told_of_deletion(two);
  *two.text = value_or_fail(two.store->document("notes/1", {.create_again = true}));
  two.type(0, "new");
  two.settle();
  typist three{server.url()};
  comes_to_show(three, "new");
  three.type(3, "er");
  comes_to_show(two, "newer");
}

BOOST_AUTO_TEST_CASE(a_deletion_waited_for_a_settle_that_nobody_waited_for) {
  test_server server;
  typist one{server.url()};
  one.type(0, "x");
  one.settle();
  server.stop();
  one.type(0, "y");
  BOOST_TEST(code_of(one.text->settle(1ms)) == "timeout");
  check_done(one.store->remove_document("notes/1"));
  server.start();
  typist two{server.url()};
  is_told_of_deletion(two);
  BOOST_TEST(code_of(two.text->text()) == "not_found");
}

BOOST_FIXTURE_TEST_CASE(undo_of_a_long_removal_was_done_and_said_to_be_stale, two_typists) {
  const std::string text(5'000'000, 'x');
  one.type(0, text);
  comes_to_show(two, text);
  value_or_fail(two.text->edit(text_edit::remove(0, text.size())));
  const auto undone = value_or_fail(two.text->undo());
  BOOST_TEST(undone.done);
  BOOST_TEST(undone.changes.size() == 1U);
  BOOST_TEST(two.shown().size() == text.size());
}

BOOST_FIXTURE_TEST_CASE(a_callback_that_throws_was_not_told_the_rest, two_typists) {
  heard<std::string> told;
  const auto watching = value_or_fail(two.text->on_remote([&](const text_change& each) {
    told.add(each.edit.steps.front().text);
    throw std::runtime_error{"a host's own mistake"};
  }));
  for (const auto* each : {"a", "b", "c"}) {
    one.type(0, each);
    BOOST_TEST(told.next().value_or("") == each);
  }
}

BOOST_AUTO_TEST_CASE(what_was_typed_and_removed_waited_for_ever) {
  test_server server;
  typist one{server.url()};
  one.settle();
  check_done(one.store->stop());
  one.type(0, "x");
  value_or_fail(one.text->edit(text_edit::remove(0, 1)));
  check_done(one.store->start());
  one.settle();
  BOOST_TEST(!value_or_fail(one.store->documents()).front().pending);
}

BOOST_AUTO_TEST_SUITE_END()
