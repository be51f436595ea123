#include "net/protocol/url.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>

namespace {

using namespace syncline;

std::string path_of(std::string_view target) {
  const auto parsed = net::parse_target(target);
  return parsed ? parsed->path : parsed.error().code;
}

std::string value_of(std::string_view target, std::string_view name) {
  const auto parsed = net::parse_target(target);
  if (!parsed)
    return parsed.error().code;
  const auto* value = parsed->find(name);
  return value == nullptr ? "absent" : *value;
}

BOOST_AUTO_TEST_SUITE(url)

BOOST_AUTO_TEST_CASE(decodes_exactly_once) {
  BOOST_TEST(path_of("/document/a%2520b") == "/document/a%20b");
  BOOST_TEST(path_of("/document/a%2Fb") == "/document/a/b");
  BOOST_TEST(path_of("/%C3%A9") == "/\xC3\xA9");
  BOOST_TEST(value_of("/delta?cursor=%2525", "cursor") == "%25");
}

BOOST_AUTO_TEST_CASE(keeps_a_plus_sign) {
  BOOST_TEST(path_of("/a+b") == "/a+b");
  BOOST_TEST(value_of("/x?a=b+c", "a") == "b+c");
}

BOOST_AUTO_TEST_CASE(refuses_bad_percent_encoding) {
  for (const auto* target : {"/%", "/%2", "/%zz", "/a%2", "/?a=%", "/?%g0=1", "/% 20"})
    BOOST_TEST(path_of(target) == "bad_url", target);
}

BOOST_AUTO_TEST_CASE(refuses_what_no_name_may_hold) {
  for (const auto* target :
       {"/%00", "/%0A", "/%7F", "/%FF", "/%C0%AF", "/%ED%A0%80", "/?a=%0d%0a", "/a#b", "/?a#b"})
    BOOST_TEST(path_of(target) == "bad_url", target);
}

BOOST_AUTO_TEST_CASE(refuses_dot_segments_instead_of_resolving_them) {
  for (const auto* target : {"/.", "/..", "/a/../b", "/a/./b", "/%2e%2e/b", "/a%2F..%2Fb", "/a/.."})
    BOOST_TEST(path_of(target) == "bad_url", target);
  BOOST_TEST(path_of("/a/...") == "/a/...");
  BOOST_TEST(path_of("/.well-known//x") == "/.well-known//x");
}

BOOST_AUTO_TEST_CASE(reads_all_forms_of_a_target) {
  BOOST_TEST(path_of("*") == "*");
  BOOST_TEST(path_of("http://a:1/delta?x=1") == "/delta");
  BOOST_TEST(value_of("https://a?x=1", "x") == "1");
  BOOST_TEST(path_of("http://a") == "/");
  BOOST_TEST(path_of("//evil/x") == "//evil/x");
  BOOST_TEST(path_of("delta") == "bad_url");
}

BOOST_AUTO_TEST_CASE(splits_a_query) {
  BOOST_TEST(value_of("/x?a=1&b=2&&c", "b") == "2");
  BOOST_TEST(value_of("/x?a=1&b=2&&c", "c") == "");
  BOOST_TEST(value_of("/x?a=1&b=2&&c", "d") == "absent");
  BOOST_TEST(value_of("/x?a=b=c?d/e", "a") == "b=c?d/e");
  BOOST_TEST(value_of("/x?%61=1", "a") == "1");
  BOOST_TEST(value_of("/x?", "a") == "absent");
  BOOST_TEST(value_of("/x?a=1&a=2", "a") == "bad_url");
  std::string many = "/x?";
  for (int count = 0; count < 65; ++count)
    many += "p" + std::to_string(count) + "=1&";
  BOOST_TEST(path_of(many) == "bad_url");
}

BOOST_AUTO_TEST_CASE(encodes_so_that_decoding_gives_the_same_back) {
  BOOST_TEST(rc::check("round trip of any bytes", [](const std::string& text, bool keep_slash) {
    std::string encoded;
    net::append_percent_encoded(encoded, text, keep_slash);
    const auto decoded = net::percent_decode(encoded);
    return decoded.has_value() && *decoded == text;
  }));
  std::string encoded;
  net::append_percent_encoded(encoded, "a/b c\xC3\xA9");
  BOOST_TEST(encoded == "a%2Fb%20c%C3%A9");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
