#include "core/data/json.hpp"

#include "core/ensure.hpp"
#include "json_generator.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

using namespace syncline;
using core::json_kind;
using core::json_limits;
using core::json_value;
using core::parse_json;
using core::to_text;
using core::validate_body;

namespace {

std::string code_of(const std::string& text, const json_limits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  return parsed ? "" : parsed.error().code;
}

std::string body_code(const std::string& text, const json_limits& limits = {}) {
  const auto checked = validate_body(text, limits);
  return checked ? "" : checked.error().code;
}

std::string nested(std::size_t depth, const std::string& innermost) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i)
    text += i % 2 == 0 ? "[" : "{\"a\":";
  text += innermost;
  for (std::size_t i = depth; i > 0; --i)
    text += i % 2 == 1 ? "]" : "}";
  return text;
}

std::string body_with_keys(std::size_t count, const std::string& last) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i)
    text += "\"k" + std::to_string(i * 7919 % count) + "\":1,";
  return text + last + "}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_json)

BOOST_AUTO_TEST_CASE(reads_every_kind_in_document_order) {
  const auto parsed = parse_json(
    R"( {"z":null,"b":[true,-1,18446744073709551615,1.5,"é\u00e9\ud834\udd1e"],"a":{}} )");
  BOOST_REQUIRE(parsed.has_value());
  const auto& members = parsed->members();
  BOOST_TEST(members.size() == 3u);
  BOOST_TEST(members[0].first == "z");
  BOOST_TEST(members[0].second.is_null());
  const auto& items = members[1].second.items();
  BOOST_TEST(items[0].as_boolean());
  BOOST_TEST(items[1].as_integer() == -1);
  BOOST_TEST(items[2].as_unsigned_integer() == std::numeric_limits<std::uint64_t>::max());
  BOOST_TEST(items[3].as_real() == 1.5);
  BOOST_TEST(items[4].as_string() == "éé\xF0\x9D\x84\x9E");
  BOOST_TEST(members[2].second.is_object());
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_json) {
  for (const char* text :
       {"",      " ",     "{",        "}",    "[1,]",    "{\"a\":1,}", "nul",  "1 2",
        "'a'",   "{a:1}", "[01]",     "[+1]", "[.5]",    "[1.]",       "[-]",  "[1e]",
        "[0x1]", "NaN",   "\"\x01\"", "\"a",  "\"\\x\"", "\"\\u12\"",  "[1]x", "// c\n1"})
    BOOST_TEST(code_of(text) == "bad_json", text);
  BOOST_TEST(code_of(std::string{"1\0", 2}) == "bad_json");
  BOOST_TEST(code_of(std::string{"\0{}", 3}) == "bad_json");
  BOOST_TEST(code_of(std::string{"\"a\0b\"", 5}) == "bad_json");
  BOOST_TEST(code_of("\xEF\xBB\xBF{}") == "bad_json");
  BOOST_TEST(code_of("\xEF\xBB\xBF") == "bad_json");
  BOOST_TEST(code_of("{\"a\":1}\xEF\xBB\xBF") == "bad_json");
}

BOOST_AUTO_TEST_CASE(refuses_bytes_that_are_not_utf8) {
  BOOST_TEST(code_of("[\"\xFF\"]") == "bad_utf8");
  BOOST_TEST(code_of("[\"\xC0\x80\"]") == "bad_utf8");
  BOOST_TEST(code_of("{\"\xED\xA0\x80\":1}") == "bad_utf8");
  const auto refused = parse_json("[\"abc\xFF\"]");
  BOOST_TEST(refused.error().message.find("byte 5") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_every_half_of_a_surrogate_pair_and_takes_every_whole) {
  const std::string hex = "0123456789abcdef";
  const auto escape = [&hex](unsigned unit) {
    std::string text = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4)
      text += hex[(unit >> shift) & 15u];
    return text;
  };
  std::size_t wrong = 0;
  for (unsigned unit = 0xD800; unit < 0xE000; ++unit) {
    wrong += code_of("[\"" + escape(unit) + "\"]") != "bad_json";
    wrong += code_of("{\"" + escape(unit) + "\":1}") != "bad_json";
    wrong += code_of("[\"" + escape(unit) + "x\"]") != "bad_json";
    wrong += code_of("[\"" + escape(unit) + "\\n\"]") != "bad_json";
    for (const unsigned second : {0x0041u, 0xD7FFu, 0xD800u, 0xDBFFu, 0xDC00u, 0xDFFFu, 0xE000u}) {
      const bool pair = unit < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF;
      wrong += code_of("[\"" + escape(unit) + escape(second) + "\"]").empty() != pair;
    }
  }
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(refuses_numbers_beyond_64_bits_and_beyond_a_double) {
  for (const char* text :
       {"18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "1e400",
        "-1e400", "[1,2,{\"a\":1e999}]", "[\"-\",\"1.\",1E+400 ]", "1.7976931348623159e308"})
    BOOST_TEST(code_of(text) == "number_out_of_range", text);
  BOOST_TEST(code_of("[1e400") != "");
  BOOST_TEST(code_of("1e400x") == "bad_json");
  for (const char* text : {"18446744073709551615", "-9223372036854775808", "1e308", "-0", "1e-999"})
    BOOST_TEST(code_of(text) == "", text);
}

BOOST_AUTO_TEST_CASE(counts_depth_exactly_whether_the_innermost_is_empty_or_not) {
  const json_limits limits;
  for (const char* innermost : {"1", "[]", "{}"}) {
    const std::size_t own = *innermost == '1' ? 0 : 1;
    BOOST_TEST(code_of(nested(64 - own, innermost), limits) == "");
    BOOST_TEST(code_of(nested(65 - own, innermost), limits) == "too_deep");
  }
  BOOST_TEST(code_of(nested(100'000, "1")) == "too_deep");
  BOOST_TEST(code_of(std::string(100'000, '[') + std::string(100'000, ']')) == "too_deep");
  BOOST_TEST(code_of(std::string(100'000, '[')) == "bad_json");
  BOOST_TEST(body_code("{\"v\":" + nested(63, "1") + "}") == "");
  BOOST_TEST(body_code("{\"v\":" + nested(64, "1") + "}") == "too_deep");
}

BOOST_AUTO_TEST_CASE(a_deeper_limit_of_one_caller_does_not_widen_that_of_the_next) {
  json_limits deep;
  deep.depth_max = 1000;
  BOOST_TEST(code_of(nested(1000, "1"), deep) == "");
  BOOST_TEST(code_of(nested(1001, "1"), deep) == "too_deep");
  BOOST_TEST(code_of(nested(65, "1")) == "too_deep");
  json_limits flat;
  flat.depth_max = 1;
  BOOST_TEST(code_of("[1]", flat) == "");
  BOOST_TEST(code_of("[[]]", flat) == "too_deep");
  deep.depth_max = 1025;
  BOOST_CHECK_THROW(static_cast<void>(parse_json("1", deep)), core::broken_invariant);
}

BOOST_AUTO_TEST_CASE(refuses_one_byte_above_the_limit) {
  json_limits limits;
  limits.bytes_max = 10;
  BOOST_TEST(code_of("\"12345678\"", limits) == "");
  BOOST_TEST(code_of("\"123456789\"", limits) == "too_large");
  const std::string body = "{\"v\":\"" + std::string((1u << 20) - 8, 'x') + "\"}";
  BOOST_TEST(body.size() == 1u << 20);
  BOOST_TEST(body_code(body) == "");
  BOOST_TEST(body_code(body + " ") == "too_large");
}

BOOST_AUTO_TEST_CASE(refuses_one_name_twice_however_it_is_spelt) {
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"\u0061":3})", R"([{"x":{"é":1,"\u00e9":2}}])",
        R"({"":1,"":2})", R"({"\u0000":1,"\u0000":2})", R"({"a/b":1,"a\/b":2})",
        R"({"\ud834\udd1e":1,"𝄞":2})", R"({"a":{"b":1},"c":{"b":1},"a":0})"})
    BOOST_TEST(code_of(text) == "duplicate_key", text);
  for (const char* text : {R"({"a":{"a":{"a":1}}})", R"([{"a":1},{"a":1}])", R"({"a":1,"A":1})",
                           R"({"a":1,"a\u0000":1})", R"({"é":1,"e\u0301":1})"})
    BOOST_TEST(code_of(text) == "", text);
  const auto refused = parse_json("{\"a\\nb\":1,\"a\\u000ab\":1}");
  BOOST_TEST(refused.error().message.find(R"("a\nb")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(finds_the_name_that_stands_twice_among_many) {
  for (const std::size_t count : {2u, 15u, 16u, 17u, 18u, 64u, 65u, 1000u, 40'000u}) {
    BOOST_TEST(body_code(body_with_keys(count, "\"last\":1")) == "", count);
    BOOST_TEST(body_code(body_with_keys(count, "\"k0\":1")) == "duplicate_key", count);
    const std::string inner = "\"inner\":[" + body_with_keys(count, "\"last\":1") + "]";
    BOOST_TEST(body_code(body_with_keys(count, inner)) == "", count);
    const std::string last = "\"k" + std::to_string(count - 1) + "\":1";
    BOOST_TEST(body_code(body_with_keys(count, last)) == "duplicate_key", count);
  }
}

// Time: simdjson reads each byte a fixed number of times; the check looks at each name once, and an
// object with n > 16 names sorts them, which compares n * log2(n) times whatever the names are
// (no hash table: nothing to flood). This runs the case that a quadratic check would not survive:
// 100,000 names would be 5,000,000,000 comparisons.
BOOST_AUTO_TEST_CASE(checks_100_000_names_of_one_length_with_one_long_prefix_and_end) {
  for (const std::size_t count : {50'000u, 100'000u}) {
    std::string body = "{";
    for (std::size_t i = 0; i < count; ++i)
      body += "\"sameprefix" + std::to_string(100'000 + i) + "suffix\":0,";
    json_limits limits;
    limits.bytes_max = std::size_t{8} << 20;
    BOOST_TEST(body_code(body + "\"z\":0}", limits) == "");
    BOOST_TEST(body_code(body + "\"sameprefix100007suffix\":0}", limits) == "duplicate_key");
    const auto left = parse_json(body + "\"z\":0}", limits);
    const auto right = parse_json("{\"z\":0," + body.substr(1, body.size() - 2) + "}", limits);
    BOOST_TEST((*left == *right));
  }
}

BOOST_AUTO_TEST_CASE(a_body_is_one_object_without_the_names_of_the_item) {
  BOOST_TEST(body_code("{}") == "");
  BOOST_TEST(body_code(" \n{\"v\":{\"id\":1,\"deleted\":true}}\t") == "");
  for (const char* text : {"[]", "null", "1", "\"{}\"", "true"})
    BOOST_TEST(body_code(text) == "not_an_object", text);
  for (const char* name :
       {"id", "collection", "version", "lastModified", "deleted", "i\\u0064", "\\u0076ersion"}) {
    BOOST_TEST(body_code(std::string{"{\"a\":1,\""} + name + "\":1}") == "reserved_name", name);
    const auto patch = core::validate_patch(std::string{"{\""} + name + "\":null}");
    BOOST_TEST((!patch && patch.error().code == "reserved_name"), name);
  }
  for (const char* name : {"ID", "Version", "lastmodified", "delete", "versions", ""})
    BOOST_TEST(body_code(std::string{"{\""} + name + "\":1}") == "", name);
  BOOST_TEST(core::validate_patch(R"({"a":null,"b":{"c":null}})").has_value());
  BOOST_TEST(body_code("[1,") == "bad_json");
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_text_are_never_read_as_part_of_it) {
  const std::string longer = "12345]]}\"";
  BOOST_TEST(parse_json(std::string_view{longer}.substr(0, 3))->as_integer() == 123);
  BOOST_TEST(code_of("[1234567890123,") == "bad_json");
  // The parser's buffer now holds more text than the next one has.
  BOOST_TEST(code_of("[1") == "bad_json");
  BOOST_TEST(parse_json("1")->as_integer() == 1);
}

BOOST_AUTO_TEST_CASE(large_and_small_texts_may_alternate) {
  const std::string large = "[\"" + std::string(900'000, 'y') + "\"]";
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(parse_json(large)->items()[0].as_string().size() == 900'000u);
    BOOST_TEST(parse_json("[\"" + std::string(5000, 'z') + "\"]").has_value());
    BOOST_TEST(code_of("{") == "bad_json");
  }
}

BOOST_AUTO_TEST_CASE(writes_compact_text_in_which_a_real_stays_a_real) {
  const auto real = [](double value) { return to_text(json_value::real(value)); };
  BOOST_TEST(real(1.0) == "1.0");
  BOOST_TEST(real(-0.0) == "-0.0");
  BOOST_TEST(real(0.1) == "0.1");
  BOOST_TEST(real(1e22) == "1e+22");
  BOOST_TEST(real(5e-324) == "5e-324");
  BOOST_TEST(to_text(json_value::integer(std::numeric_limits<std::int64_t>::min())) ==
             "-9223372036854775808");
  const std::string text = R"({"b":[],"a":{},"c":[1,"x",null,true,false],"d":{"e":{"f":1.5}}})";
  BOOST_TEST(to_text(*parse_json(text)) == text);
  std::string out = "x=";
  core::append_json_string(out, std::string_view{"\"\\/\b\f\n\r\t\x1F\x7F\0é", 13});
  BOOST_TEST(out == "x=\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u001f\x7F\\u0000é\"");
  BOOST_CHECK_THROW(static_cast<void>(json_value::real(std::numeric_limits<double>::infinity())),
                    core::broken_invariant);
}

BOOST_AUTO_TEST_CASE(every_value_survives_writing_and_reading) {
  BOOST_TEST(rc::check("parse(to_text(v)) == v, and the text is stable", [] {
    const json_value value = *test::values();
    const std::string text = to_text(value);
    const auto again = parse_json(text);
    return again && *again == value && to_text(*again) == text;
  }));
}

BOOST_AUTO_TEST_CASE(every_double_survives_bit_for_bit) {
  BOOST_TEST(rc::check("doubles round trip", [](std::uint64_t bits) {
    const auto value = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(value));
    const auto again = parse_json(to_text(json_value::real(value)));
    return again && again->kind() == json_kind::real &&
           std::bit_cast<std::uint64_t>(again->as_real()) == bits;
  }));
}

BOOST_AUTO_TEST_CASE(any_bytes_give_an_answer_and_both_readers_agree) {
  BOOST_TEST(rc::check("validate_body accepts only what parse_json does", [] {
    const auto piece = rc::gen::elementOf(
      std::vector<std::string>{"{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "1e999", "-",
                               "null", "\"\\u0061\"", " ", "\"", "\\", "\xFF", "é"});
    std::string text;
    for (const std::string& part : *rc::gen::container<std::vector<std::string>>(piece))
      text += part;
    const auto parsed = parse_json(text);
    const auto checked = validate_body(text);
    const bool body = parsed && parsed->is_object();
    return checked.has_value() == body &&
           (parsed.has_value() || checked.error().code == parsed.error().code);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
