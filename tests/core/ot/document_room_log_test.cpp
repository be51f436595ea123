// A document of which only the end of the log is loaded.

#include "core/ot/document_room.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

constexpr std::uint64_t start = 7;

operation typed(std::uint32_t at, std::string_view inserted) {
  operation made;
  made.retain(at);
  made.insert(inserted);
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(document_room_logs)

BOOST_AUTO_TEST_CASE(older_operations_are_asked_for_where_they_matter) {
  stored_document stored;
  stored.text = "abcd";
  stored.revision = 4;
  stored.lives = {{1, start}};
  stored.log = {{4, typed(3, "d"), {"ann", 4, 14}, start}};
  stored.clients = {{"ann", {4, 14, 4}}};
  document_room room{server_document{std::move(stored), start, {}}, "e", {}};
  const auto join = [](std::optional<std::uint64_t> revision,
                       std::optional<operation_identity> pending = std::nullopt) {
    document_room::join_message made;
    made.request.client = "ann";
    made.request.revision = revision;
    made.request.pending = std::move(pending);
    return made;
  };
  BOOST_TEST(!room.older_needed(join(3), 0));
  BOOST_TEST((room.older_needed(join(2), 0) == 2U));
  BOOST_TEST(!room.older_needed(join(2), 3)); // It is too old, whoever is asked.
  BOOST_TEST(!room.older_needed(join(std::nullopt), 1));
  BOOST_TEST(!room.older_needed(join(std::nullopt, operation_identity{"ann", 4, 14}), 1));
  BOOST_TEST((room.older_needed(join(std::nullopt, operation_identity{"ann", 3, 13}), 1) == 1U));
  room.prepend_log(
    {{2, typed(1, "b"), {"ann", 2, 12}, start}, {3, typed(2, "c"), {"ann", 3, 13}, start}});
  BOOST_TEST(!room.older_needed(join(1), 1));
  std::vector<outgoing> out;
  room.open(1);
  room.on_join(1, join(std::nullopt, operation_identity{"ann", 3, 13}), out);
  BOOST_REQUIRE(out.size() == 1U);
  BOOST_TEST(std::get<say::snapshot>(out[0].what).whole.pending == "in");
  room.open(2);
  room.on_join(2, join(1), out);
  room.flush(out);
  BOOST_TEST(std::get<say::joined>(out[1].what).revision == 1U);
  BOOST_TEST(std::get<say::edit>(out[2].what).revision == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
