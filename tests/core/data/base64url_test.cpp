#include "core/data/base64url.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>
#include <utility>
#include <vector>

using syncline::core::from_base64url;
using syncline::core::to_base64url;

BOOST_AUTO_TEST_SUITE(core_data_base64url)

BOOST_AUTO_TEST_CASE(gives_the_vectors_of_rfc_4648_without_padding) {
  const std::vector<std::pair<std::string, std::string>> vectors{
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xEF\xFF", "--__"}};
  for (const auto& [bytes, text] : vectors) {
    BOOST_TEST(to_base64url(bytes) == text);
    BOOST_TEST(from_base64url(text).value() == bytes);
  }
}

BOOST_AUTO_TEST_CASE(refuses_every_other_spelling) {
  for (const char* text : {"Z", "Zm9vY", "Zg==", "Zm8=", "++//", "Zm 8", "Zm8\n", "Zh", "Zm9", "=",
                           "Zg.", "Zm\xC3\xA9"})
    BOOST_TEST(!from_base64url(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(bytes_survive_and_each_text_has_one_value) {
  BOOST_TEST(rc::check("bytes round trip", [](const std::string& bytes) {
    return from_base64url(to_base64url(bytes)) == bytes;
  }));
  BOOST_TEST(rc::check("an accepted text is what we would write", [] {
    const auto digit = rc::gen::elementOf(std::string{"AQgwZz09-_8"});
    const auto text = *rc::gen::container<std::string>(digit);
    const auto bytes = from_base64url(text);
    return !bytes || to_base64url(*bytes) == text;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
