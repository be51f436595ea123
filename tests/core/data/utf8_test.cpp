#include "core/data/utf8.hpp"

#include "tests/support/conformance_files.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace syncline;
using core::is_valid_utf8;

BOOST_AUTO_TEST_SUITE(core_data_utf8)

BOOST_AUTO_TEST_CASE(agrees_with_every_published_case) {
  const auto file = test::find_test_data("conformance/utf8/autobahn-utf8.json");
  if (!file)
    return;
  const auto list = test::read_json(*file);
  for (const auto& item : list.items()) {
    const std::string bytes = test::from_hex(item.find("hex")->as_string());
    BOOST_TEST(is_valid_utf8(bytes) == item.find("valid")->as_boolean(),
               item.find("hex")->as_string());
  }
}

BOOST_AUTO_TEST_CASE(refuses_overlong_forms_surrogates_and_what_lies_above_unicode) {
  for (const char* bytes :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80", "\xF5", "\xFF", "a\xE2\x82", "\xE2\x82z"})
    BOOST_TEST(!is_valid_utf8(bytes));
  for (const char* bytes : {"", "a", "\x7F", "\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                            "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"})
    BOOST_TEST(is_valid_utf8(bytes));
  BOOST_TEST(is_valid_utf8(std::string_view{"\0", 1}));
}

BOOST_AUTO_TEST_CASE(finds_a_fault_at_every_place_of_a_text_longer_than_a_register) {
  for (std::size_t at = 0; at < 200; ++at) {
    std::string text(200, 'x');
    BOOST_TEST(is_valid_utf8(text));
    text[at] = '\xFF';
    BOOST_TEST(!is_valid_utf8(text));
    BOOST_TEST(core::first_invalid_utf8(text) == at);
  }
  BOOST_TEST(core::first_invalid_utf8("é") == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
