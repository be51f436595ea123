#include "storage/keys.hpp"

#include "core/data/utf8.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::storage::test {

BOOST_AUTO_TEST_SUITE(keys)

// A message with a number's bytes in it could not be shown as JSON.
BOOST_AUTO_TEST_CASE(a_key_in_an_error_text_is_always_utf8) {
  BOOST_TEST(describe_key(std::string_view{"notes\0n\xc3\xa4", 9}) == "notes/n\xc3\xa4");
  const std::string number{"\0\x80\xff\x01", 4};
  BOOST_TEST(describe_key(number) == "/\\x80\\xff\\x01");
  BOOST_TEST(core::is_valid_utf8(describe_key(number)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::storage::test
