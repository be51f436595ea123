// JSON bodies against documents and strings collected by others.

#include "core/data/ids.hpp"
#include "core/data/json.hpp"
#include "core/data/utf8.hpp"
#include "tests/support/conformance_files.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace syncline;
using core::validate_body;

namespace {

std::string wrapped(const std::string& document) {
  return "{\"v\":" + document + "}";
}

std::string quoted(const std::string& text) {
  std::string out;
  core::append_json_string(out, text);
  return out;
}

// As a value and as a name.
void check_carried(const std::string& text) {
  const std::string body = "{\"v\":" + quoted(text) + ",\"w\":{" + quoted(text) + ":1}}";
  BOOST_TEST(validate_body(body).has_value());
  const auto tree = core::parse_json(body);
  BOOST_REQUIRE(tree.has_value());
  BOOST_TEST(tree->find("v")->as_string() == text);
  BOOST_TEST(tree->find("w")->members()[0].first == text);
  BOOST_TEST(core::to_text(*tree) == body);
}

const std::set<std::string> duplicates{"y_object_duplicated_key.json",
                                       "y_object_duplicated_key_and_value.json"};

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_json_conformance)

// No `n_` document becomes legal by being wrapped: the ones that lack a closing brace meet only the
// wrapper's, and then the wrapper itself stays open.
BOOST_AUTO_TEST_CASE(refuses_every_n_and_accepts_every_y_but_two_with_duplicate_names) {
  const auto folder = test::find_test_data("conformance/json/test_parsing");
  if (!folder)
    return;
  std::size_t refused = 0;
  std::size_t accepted = 0;
  std::size_t free = 0;
  for (const auto& [name, document] : test::read_folder(*folder)) {
    const auto body = validate_body(wrapped(document));
    const auto bare = core::parse_json(document);
    if (name.starts_with("n_")) {
      BOOST_TEST(!body.has_value(), name << " is accepted as a member");
      BOOST_TEST(!bare.has_value(), name << " is accepted alone");
      ++refused;
    } else if (duplicates.contains(name)) {
      BOOST_TEST((!body && body.error().code == "duplicate_key"), name);
    } else if (name.starts_with("y_")) {
      BOOST_TEST(body.has_value(), name << ": " << (body ? "" : body.error().message));
      BOOST_REQUIRE(bare.has_value());
      const auto again = core::parse_json(core::to_text(*bare));
      BOOST_TEST((again && *again == *bare), name << " changes when written");
      ++accepted;
    } else {
      BOOST_TEST((!body || core::parse_json(wrapped(document)).has_value()), name);
      ++free;
    }
  }
  BOOST_TEST(refused == 188u);
  BOOST_TEST(accepted == 93u);
  BOOST_TEST(free == 35u);
}

BOOST_AUTO_TEST_CASE(gives_one_answer_to_documents_that_parsers_disagree_on) {
  const auto folder = test::find_test_data("conformance/json/test_transform");
  if (!folder)
    return;
  const std::set<std::string> refused_ones{
    "number_-9223372036854775809.json",         "object_same_key_different_values.json",
    "object_same_key_same_value.json",          "object_same_key_unclear_values.json",
    "string_1_escaped_invalid_codepoint.json",  "string_1_invalid_codepoint.json",
    "string_2_escaped_invalid_codepoints.json", "string_2_invalid_codepoints.json",
    "string_3_escaped_invalid_codepoints.json", "string_3_invalid_codepoints.json"};
  for (const auto& [name, document] : test::read_folder(*folder)) {
    const auto body = validate_body(wrapped(document));
    BOOST_TEST(body.has_value() != refused_ones.contains(name), name);
    const auto tree = core::parse_json(wrapped(document));
    BOOST_TEST(tree.has_value() == body.has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(bodies_carry_every_naughty_string_bit_for_bit) {
  const auto file = test::find_test_data("conformance/strings/blns.base64.json");
  if (!file)
    return;
  const auto pieces = test::read_naughty_strings(*file);
  BOOST_TEST(pieces.size() == 676u);
  std::size_t cut_inside_a_character = 0;
  for (const std::string& piece : pieces) {
    const bool whole = core::is_valid_utf8(piece);
    const auto checked = validate_body("{\"v\":" + quoted(piece) + "}");
    BOOST_TEST(checked.has_value() == whole);
    if (whole)
      check_carried(piece);
    else
      BOOST_TEST(checked.error().code == "bad_utf8");
    cut_inside_a_character += !whole;
  }
  const auto strings = test::join_naughty_pieces(pieces);
  BOOST_TEST(strings.size() == 500u);
  BOOST_TEST(cut_inside_a_character > 0u);
  for (const std::string& naughty : strings)
    check_carried(naughty);
}

BOOST_AUTO_TEST_CASE(bodies_take_the_byte_strings_that_are_utf8_and_no_others) {
  const auto file = test::find_test_data("conformance/utf8/autobahn-utf8.json");
  if (!file)
    return;
  std::size_t count = 0;
  const auto list = test::read_json(*file);
  for (const auto& item : list.items()) {
    const std::string bytes = test::from_hex(item.find("hex")->as_string());
    const bool valid = item.find("valid")->as_boolean();
    const std::string body = "{\"v\":" + quoted(bytes) + "}";
    const auto checked = validate_body(body);
    BOOST_TEST(checked.has_value() == valid, item.find("hex")->as_string());
    if (!valid)
      BOOST_TEST(checked.error().code == "bad_utf8");
    else
      BOOST_TEST(core::parse_json(body)->find("v")->as_string() == bytes);
    ++count;
  }
  BOOST_TEST(count == 132u);
}

BOOST_AUTO_TEST_SUITE_END()
