// The server's order of operations: what it takes, what it knows already, and what it refuses.

#include "core/ot/server_document.hpp"

#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

using accepted = server_document::accepted;
using repeated = server_document::repeated;

operation typed(std::uint64_t before, std::string_view inserted, std::uint64_t removed = 0) {
  operation made;
  made.retain(static_cast<std::uint32_t>(before));
  made.insert(inserted);
  made.remove(static_cast<std::uint32_t>(removed));
  return made; // Without its trailing retain, as a sloppy client sends it.
}

struct document_fixture {
  document_fixture() {
    stored_document empty;
    document.emplace(empty, 7, server_document::limits{.text_max = 50, .components_max = 20});
  }

  /// As a client sends it; its nonce is made of both unless another is given.
  server_document::submission submit(const std::string& client, std::uint64_t seq,
                                     std::uint64_t revision, const operation& edit,
                                     std::uint64_t nonce = 0) {
    return document->submit({client, seq, nonce != 0 ? nonce : client[0] * 100U + seq}, revision,
                            edit);
  }
  bool takes(const std::string& client, std::uint64_t seq, std::uint64_t revision,
             const operation& edit) {
    return std::holds_alternative<accepted>(submit(client, seq, revision, edit));
  }
  std::string refusal(const server_document::submission& outcome) {
    const auto* refused = std::get_if<core::error>(&outcome);
    return refused ? refused->code : "none";
  }
  std::string text() {
    return document->head_text().to_string();
  }
  /// As it is stored and loaded: the log with it.
  void reload(std::uint64_t start) {
    stored_document stored;
    stored.text = text();
    stored.revision = document->revision();
    stored.lives = document->lives();
    for (auto at = document->log_begin(); at < document->revision(); ++at) {
      stored.log.push_back(document->logged(at + 1));
      const auto& author = stored.log.back().author;
      if (author.seq != 0)
        stored.clients[author.client] = {author.seq, author.nonce, at + 1};
    }
    for (const auto& [name, last] : kept_clients)
      stored.clients.emplace(name, last);
    document.emplace(stored, start, server_document::limits{});
  }

  std::optional<server_document> document;
  std::map<std::string, last_of_client> kept_clients; // whose operations are trimmed
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(server_documents, document_fixture)

BOOST_AUTO_TEST_CASE(operations_made_at_once_are_put_in_one_order) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, "Hello world")));
  BOOST_TEST(takes("ann", 2, 1, typed(5, ",")));
  BOOST_TEST(takes("bob", 1, 1, typed(6, "brave ")));
  BOOST_TEST(takes("cid", 1, 1, typed(0, "", 6)));
  BOOST_TEST(text() == ",brave world");
  BOOST_TEST(document->revision() == 4U);
  BOOST_TEST(document->logged(4).edit.base_length() == 18U);
  BOOST_TEST(document->logged(4).start == 7U);
}

BOOST_AUTO_TEST_CASE(an_operation_that_is_known_gets_its_first_revision_whatever_else_it_says) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, "one")));
  BOOST_TEST(takes("bob", 1, 1, typed(0, "two")));
  const auto again = submit("ann", 1, 99, typed(77, "nonsense"), 'a' * 100 + 1);
  BOOST_TEST(std::get<repeated>(again).revision == 1U);
  BOOST_TEST(!std::get<repeated>(again).durable);
  document->committed(1);
  BOOST_TEST(std::get<repeated>(submit("ann", 1, 0, typed(0, "one"))).durable);
  // Under another client id, as after a copy of the store.
  const auto renamed = submit("ann2", 1, 0, typed(0, "one"), 'a' * 100 + 1);
  BOOST_TEST(std::get<repeated>(renamed).revision == 1U);
  BOOST_TEST(text() == "twoone");
}

BOOST_AUTO_TEST_CASE(a_client_without_nonces_is_known_by_its_numbers) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq)
    BOOST_TEST(
      std::holds_alternative<accepted>(document->submit({"ann", seq, 0}, seq - 1, typed(0, "x"))));
  BOOST_TEST(std::get<repeated>(document->submit({"ann", 3, 0}, 2, typed(0, "x"))).revision == 3U);
  BOOST_TEST(std::get<repeated>(document->submit({"ann", 1, 0}, 0, typed(0, "x"))).revision == 1U);
  document->committed(3);
  document->trim(2);
  BOOST_TEST(refusal(document->submit({"ann", 1, 0}, 2, typed(0, "x"))) == "outcome_unknown");
}

// Without a number only the log knows; what it no longer has was said not to be there.
BOOST_AUTO_TEST_CASE(what_became_of_a_nameless_operation_that_is_trimmed_is_unknown) {
  BOOST_TEST(std::holds_alternative<accepted>(document->submit({"", 0, 77}, 0, typed(0, "x"))));
  BOOST_TEST(std::holds_alternative<accepted>(document->submit({"", 0, 78}, 1, typed(0, "y"))));
  document->committed(2);
  const auto fate = [&](std::uint64_t nonce) {
    join_request request;
    request.pending = operation_identity{"", 0, nonce};
    return std::get<server_document::whole_text>(document->join(request)).pending;
  };
  BOOST_TEST(fate(77) == "in");
  BOOST_TEST(fate(79) == "not");
  document->trim(1);
  BOOST_TEST(fate(77) == "unknown");
  BOOST_TEST(fate(78) == "in");
}

BOOST_AUTO_TEST_CASE(plain_operations_are_all_taken) {
  for (int i = 0; i < 3; ++i)
    BOOST_TEST(std::holds_alternative<accepted>(document->submit({}, 0, typed(0, "o"))));
  BOOST_TEST(text() == "ooo");
}

BOOST_AUTO_TEST_CASE(numbers_that_cannot_be_are_refused) {
  BOOST_TEST(refusal(submit("ann", 2, 0, typed(0, "x"))) == "seq_out_of_order");
  BOOST_TEST(takes("ann", 1, 0, typed(0, "x")));
  BOOST_TEST(refusal(submit("ann", 1, 1, typed(0, "y"), 4711)) == "seq_reused");
  BOOST_TEST(takes("ann", 2, 1, typed(0, "y")));
  BOOST_TEST(refusal(submit("ann", 1, 1, typed(0, "y"), 4711)) == "seq_reused");
  document->committed(2);
  document->trim(1);
  BOOST_TEST(refusal(submit("ann", 1, 1, typed(0, "y"), 4711)) == "outcome_unknown");
  BOOST_TEST(text() == "yx");
}

BOOST_AUTO_TEST_CASE(revisions_that_cannot_be_are_refused) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, "x")));
  BOOST_TEST(takes("ann", 2, 1, typed(0, "y")));
  BOOST_TEST(refusal(submit("bob", 1, 3, typed(0, "z"))) == "revision_in_future");
  BOOST_TEST(refusal(submit("ann", 3, 1, typed(0, "z"))) == "in_flight");
  document->committed(2);
  document->trim(1);
  BOOST_TEST(refusal(submit("bob", 1, 0, typed(0, "z"))) == "revision_too_old");
  BOOST_TEST(takes("bob", 1, 1, typed(1, "z")));
  BOOST_TEST(text() == "yxz");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_changes_nothing_and_costs_no_number) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, "a😀b")));
  BOOST_TEST(refusal(submit("bob", 1, 1, typed(5, "x"))) == "base_length_mismatch");
  BOOST_TEST(refusal(submit("bob", 1, 1, typed(2, "x"))) == "splits_surrogate_pair");
  BOOST_TEST(refusal(submit("bob", 1, 1, typed(0, std::string(50, 'x')))) == "too_large");
  operation scattered;
  scattered.insert("x");
  for (int i = 0; i < 20; ++i) {
    scattered.retain(1);
    scattered.insert("x");
  }
  BOOST_TEST(refusal(submit("bob", 1, 1, scattered)) == "too_large");
  BOOST_TEST(document->revision() == 1U);
  BOOST_TEST(takes("bob", 1, 1, typed(3, "x")));
  BOOST_TEST(text() == "a😀xb");
}

// A text at its limit can still be made shorter.
BOOST_AUTO_TEST_CASE(a_full_text_can_shrink) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, std::string(50, 'x'))));
  BOOST_TEST(refusal(submit("ann", 2, 1, typed(0, "y"))) == "too_large");
  BOOST_TEST(takes("ann", 2, 1, typed(0, "", 1)));
  BOOST_TEST(document->head_text().length() == 49U);
}

BOOST_AUTO_TEST_CASE(who_joins_gets_the_rest_or_is_told_to_start_over) {
  for (std::uint64_t seq = 1; seq <= 4; ++seq)
    BOOST_TEST(takes("ann", seq, seq - 1, typed(0, "x")));
  const auto reason = [&](std::uint64_t revision, std::uint64_t start) {
    const auto answer = document->join({"bob", revision, start, {}});
    const auto* over = std::get_if<server_document::start_over>(&answer);
    return over ? over->reason : "";
  };
  BOOST_TEST(reason(1, 7) == "restored"); // Not durable, so nobody can know it.
  document->committed(4);
  BOOST_TEST(reason(1, 7) == "");
  BOOST_TEST(reason(0, 0) == "");
  BOOST_TEST(reason(5, 7) == "restored");
  BOOST_TEST(reason(2, 6) == "restored"); // N6: the same number, another history.
  document->trim(2);
  BOOST_TEST(reason(1, 7) == "too_old");
  BOOST_TEST(reason(1, 6) == "restored"); // However old: it is another history's text.
  BOOST_TEST(reason(2, 7) == "");
  BOOST_TEST(reason(2, 6) == "restored");
  const auto answer = document->join({"bob", 3, 7, {}});
  BOOST_TEST(std::get<server_document::rest>(answer).revision == 3U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_says_what_became_of_the_operation_in_flight) {
  const auto fate = [&](const std::string& client, std::uint64_t seq, std::uint64_t nonce) {
    const auto answer = document->join({client, {}, 0, operation_identity{client, seq, nonce}});
    const auto* whole = std::get_if<server_document::whole_text>(&answer);
    return whole ? whole->pending : "not yet";
  };
  BOOST_TEST(takes("ann", 1, 0, typed(0, "x")));
  BOOST_TEST(fate("ann", 1, 'a' * 100 + 1) == "not yet"); // It is being committed.
  document->committed(1);
  BOOST_TEST(fate("ann", 1, 'a' * 100 + 1) == "in");
  BOOST_TEST(fate("ann2", 1, 'a' * 100 + 1) == "in"); // Whoever asks.
  BOOST_TEST(fate("ann", 1, 4711) == "not");          // A copy of the store has used the number.
  BOOST_TEST(fate("ann", 2, 4711) == "not");
  BOOST_TEST(takes("ann", 2, 1, typed(0, "x")));
  BOOST_TEST(takes("ann", 3, 2, typed(0, "x")));
  document->committed(3);
  document->trim(3);
  BOOST_TEST(fate("ann", 3, 'a' * 100 + 3) == "in"); // N9: the last one is never forgotten.
  BOOST_TEST(fate("ann", 2, 'a' * 100 + 2) == "unknown");
  const auto answer = document->join({"ann", {}, 0, {}});
  BOOST_TEST(std::get<server_document::whole_text>(answer).seq == 3U);
  BOOST_TEST(std::get<server_document::whole_text>(answer).pending == "");
}

// While several type, a commit is always under way: who wanted the whole text waited for ever.
BOOST_AUTO_TEST_CASE(a_snapshot_is_of_the_durable_text_while_others_type_on) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, "one")));
  BOOST_TEST(takes("ann", 2, 1, typed(1, "", 1)));
  document->committed(1);
  const auto answer = document->join({"bob", {}, 0, {}});
  BOOST_REQUIRE(std::holds_alternative<server_document::whole_text>(answer));
  BOOST_TEST(std::get<server_document::whole_text>(answer).text == "one");
  BOOST_TEST(std::get<server_document::whole_text>(answer).revision == 1U);
  const auto own = document->join({"ann", {}, 0, {}});
  BOOST_TEST(std::holds_alternative<server_document::not_yet>(own));
  document->committed(2);
  BOOST_TEST(std::get<server_document::whole_text>(document->join({"ann", {}, 0, {}})).text ==
             "oe");
}

BOOST_AUTO_TEST_CASE(what_was_loaded_knows_what_was_stored) {
  BOOST_TEST(takes("ann", 1, 0, typed(0, "one")));
  BOOST_TEST(takes("bob", 1, 1, typed(0, "two")));
  document->committed(2);
  document->trim(1);
  kept_clients["ann"] = {1, 'a' * 100 + 1, 1};
  reload(8);
  BOOST_TEST(text() == "twoone");
  BOOST_TEST(std::get<repeated>(submit("ann", 1, 0, typed(0, "one"))).revision == 1U);
  BOOST_TEST(std::get<repeated>(submit("bob", 1, 0, typed(0, "two"))).revision == 2U);
  BOOST_TEST(document->start_of(1) == 7U);
  BOOST_TEST(takes("ann", 2, 2, typed(0, "x")));
  BOOST_TEST(document->start_of(3) == 8U);
}

// An operation of many components takes the way in blocks; it must end in the same place.
BOOST_AUTO_TEST_CASE(short_and_long_operations_end_in_the_text_that_the_log_says) {
  for (int seed = 0; seed < random_cases() / 200; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    server_document one{stored_document{}, 1, {}};
    std::vector<std::u16string> texts{u""};
    for (int round = 0; round < 40; ++round) {
      const auto revision =
        texts.size() - 1 - random.below(std::min<std::size_t>(texts.size(), 20));
      const auto edit =
        random.one_in(8) ? random.operation(texts[revision]) : random.keystroke(texts[revision]);
      auto sent = round == 0 ? typed(0, random.text(2'000)) : edit;
      HOLDS(std::holds_alternative<accepted>(one.submit({}, round == 0 ? 0 : revision, sent)));
      texts.push_back(applied(texts.back(), one.logged(texts.size()).edit));
      HOLDS(to_utf16(one.head_text().to_string()) == texts.back());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
