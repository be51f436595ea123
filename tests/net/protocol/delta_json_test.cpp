#include "net/protocol/delta_json.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace syncline;

void add_item(msg::DeltaPage& page, const std::string& id, std::uint64_t birth_seq) {
  auto& item = *page.add_items();
  item.set_id(id);
  item.set_body("{}");
  item.set_version(1);
  item.set_birth_seq(birth_seq);
}

void add_tombstone(msg::DeltaPage& page, const std::string& id, std::uint64_t birth_seq) {
  auto& item = *page.add_deleted();
  item.set_id(id);
  item.set_deleted(true);
  item.set_birth_seq(birth_seq);
}

msg::DeltaPage make_page() {
  msg::DeltaPage page;
  page.set_phase(msg::Cursor::CHANGES);
  page.set_next_cursor("n");
  add_item(page, "old", 10);
  add_item(page, "new", 11);
  add_tombstone(page, "gone", 5);
  add_tombstone(page, "walked", 15);
  add_tombstone(page, "never_seen", 30);
  return page;
}

BOOST_AUTO_TEST_SUITE(delta_json)

BOOST_AUTO_TEST_CASE(tells_created_from_updated_by_birth) {
  BOOST_TEST(net::delta_page_json(make_page(), 10) ==
             R"({"created":[{"id":"new","version":1,"lastModified":0}],)"
             R"("updated":[{"id":"old","version":1,"lastModified":0}],)"
             R"("deleted":["gone","walked","never_seen"],"nextCursor":"n","hasMore":false})");
}

BOOST_AUTO_TEST_CASE(leaves_out_tombstones_of_items_that_the_client_never_had) {
  const auto text = net::delta_page_json(make_page(), 10, 20);
  BOOST_TEST(text.find(R"("deleted":["gone","walked"])") != std::string::npos, text);
  // The walk ended before the cursor: the cursor decides.
  BOOST_TEST(net::delta_page_json(make_page(), 10, 0).find(R"("deleted":["gone"])") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(calls_everything_created_while_the_first_walk_runs) {
  auto page = make_page();
  page.set_phase(msg::Cursor::SNAPSHOT);
  page.set_has_more(true);
  const auto text = net::delta_page_json(page, 1000);
  BOOST_TEST(text.find(R"("updated":[])") != std::string::npos, text);
  BOOST_TEST(text.ends_with(R"("nextCursor":"n","hasMore":true})"), text);
}

BOOST_AUTO_TEST_CASE(shows_an_empty_page) {
  BOOST_TEST(net::delta_page_json({}, 0) ==
             R"({"created":[],"updated":[],"deleted":[],"nextCursor":"","hasMore":false})");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
