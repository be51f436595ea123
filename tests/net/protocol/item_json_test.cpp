#include "net/protocol/item_json.hpp"

#include "core/data/json.hpp"
#include "core/ensure.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>

namespace {

using namespace syncline;

msg::Item make_item(const std::string& id, const std::string& body) {
  msg::Item item;
  item.set_id(id);
  item.set_body(body);
  item.set_version(3);
  item.set_last_modified_ms(1'700'000'000'000);
  return item;
}

std::string json_of(const msg::Item& item) {
  std::string out;
  net::append_item_json(out, item);
  return out;
}

BOOST_AUTO_TEST_SUITE(item_json)

BOOST_AUTO_TEST_CASE(shows_an_item_flat) {
  BOOST_TEST(json_of(make_item("a", R"({"title":"x","n":[1,{"id":2}]})")) ==
             R"({"id":"a","title":"x","n":[1,{"id":2}],"version":3,"lastModified":1700000000000})");
}

BOOST_AUTO_TEST_CASE(keeps_the_spelling_of_the_body) {
  BOOST_TEST(json_of(make_item("a", "\n{ \"n\" : 1.50e1 , \"s\":\"\\u0041\" }\t")) ==
             "{\"id\":\"a\",\"n\" : 1.50e1 , \"s\":\"\\u0041\",\"version\":3,"
             "\"lastModified\":1700000000000}");
}

BOOST_AUTO_TEST_CASE(shows_an_empty_body_and_escapes_the_id) {
  BOOST_TEST(json_of(make_item("a\"\\", "{ }")) ==
             R"({"id":"a\"\\","version":3,"lastModified":1700000000000})");
}

BOOST_AUTO_TEST_CASE(shows_a_tombstone) {
  auto item = make_item("a", "");
  item.set_deleted(true);
  BOOST_TEST(json_of(item) ==
             R"({"id":"a","deleted":true,"version":3,"lastModified":1700000000000})");
}

BOOST_AUTO_TEST_CASE(takes_a_living_item_without_a_body_for_a_broken_invariant) {
  BOOST_CHECK_THROW(json_of(make_item("a", "")), core::broken_invariant);
  BOOST_CHECK_THROW(json_of(make_item("a", "[]")), core::broken_invariant);
}

BOOST_AUTO_TEST_CASE(writes_largest_numbers_and_hex) {
  std::string out;
  net::append_number(out, ~std::uint64_t{0});
  net::append_number(out, std::int64_t{-5});
  net::append_hex64(out, 0x00AB00000000000FULL);
  BOOST_TEST(out == "18446744073709551615-5\"00ab00000000000f\"");
}

// Reading the flat form back and taking the item's own fields out gives the body.
BOOST_AUTO_TEST_CASE(loses_nothing_of_any_body) {
  BOOST_TEST(rc::check("flat form minus own fields equals the body", [] {
    auto body = core::json_value::object();
    const auto count = *rc::gen::inRange(0, 5);
    for (int at = 0; at < count; ++at)
      body.set("f" + std::to_string(at), core::json_value::integer(*rc::gen::arbitrary<int>()));
    const auto text = core::to_text(body);
    auto flat = core::parse_json(json_of(make_item("i", text)));
    if (!flat)
      return false;
    const bool had_all = flat->erase("id") && flat->erase("version") && flat->erase("lastModified");
    return had_all && *flat == body;
  }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
