// People's typing, replayed: the text and every committed operation are known.

#include "core/ot/text.hpp"
#include "core/ot/transform.hpp"
#include "tests/support/conformance_files.hpp"
#include "tests/support/traces.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <deque>

namespace syncline::tests {

using namespace core::ot;

namespace {

operation operation_of(const test::recorded_edit& edit, std::uint64_t length) {
  operation made;
  made.retain(edit.position);
  made.insert(edit.inserted);
  made.remove(edit.removed);
  BOOST_REQUIRE(complete(made, length).has_value());
  return made;
}

std::string json_of(const operation& edit) {
  auto list = nlohmann::ordered_json::array();
  auto text = edit.text();
  for (const auto& each : edit.components()) {
    nlohmann::ordered_json component;
    component["type"] = each.what == step::retain   ? "retain"
                        : each.what == step::insert ? "insert"
                                                    : "delete";
    if (each.what == step::insert) {
      component["text"] = text.substr(0, each.bytes);
      text.remove_prefix(each.bytes);
    } else {
      component["length"] = each.length;
    }
    list.push_back(std::move(component));
  }
  return list.dump();
}

void apply_or_fail(text& on, const operation& edit) {
  const auto done = on.apply(edit);
  BOOST_REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().message));
}

/// One author: the own text, and what was committed that he has not read.
struct author {
  text own;
  std::deque<operation> unread;
  std::size_t read = 0;

  void read_until(std::size_t seen) {
    for (; read < seen; ++read) {
      apply_or_fail(own, unread.front());
      unread.pop_front();
    }
  }
  operation type(const std::vector<test::recorded_edit>& edits) {
    std::vector<operation> made;
    for (const auto& edit : edits) {
      made.push_back(operation_of(edit, own.length()));
      apply_or_fail(own, made.back());
    }
    return compose_all(made).value();
  }
  /// As the server commits it: over all that he had not read, which passes over it in turn.
  operation commit(operation typed) {
    operation next;
    operation over;
    for (auto& each : unread) {
      BOOST_REQUIRE(transform(typed, each, tie::a, next, over).has_value());
      std::swap(typed, next);
      std::swap(each, over);
    }
    return typed;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(traces)

BOOST_AUTO_TEST_CASE(one_author_types_a_paper) {
  const auto file = test::find_test_data("traces/automerge-paper.json.gz");
  if (!file)
    return;
  const auto recorded = test::read_trace_file(*file);
  text paper;
  for (const auto& edit : recorded.edits)
    apply_or_fail(paper, operation_of(edit, paper.length()));
  BOOST_TEST(test::sha256_hex(paper.to_string()) == recorded.end_sha256);
}

BOOST_AUTO_TEST_CASE(two_authors_type_at_once) {
  const auto file = test::find_test_data("traces/friendsforever.json.gz");
  if (!file)
    return;
  const auto recorded = test::read_trace_file(*file);
  std::vector<author> authors(recorded.agents);
  text server;
  std::string committed;
  for (const auto& transaction : recorded.transactions) {
    auto& from = authors[transaction.agent];
    from.read_until(transaction.seen);
    const auto made = from.commit(from.type(transaction.edits));
    apply_or_fail(server, made);
    committed += (committed.empty() ? "" : "\n") + json_of(made);
    for (auto& each : authors)
      if (&each != &from)
        each.unread.push_back(made);
  }
  BOOST_TEST(test::sha256_hex(committed) == recorded.committed_sha256);
  BOOST_TEST(test::sha256_hex(server.to_string()) == recorded.end_sha256);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
