// Operations as JSON, from whoever sends them.

#include "net/protocol/operation_json.hpp"

#include "core/data/json.hpp"
#include "core/ot/text.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using core::ot::operation;

namespace {

constexpr std::size_t bytes_max = std::size_t{1} << 20U;

core::expected<operation> read(std::string_view json) {
  const auto parsed = net::parse_with_operations(json, bytes_max);
  if (!parsed)
    return parsed.error();
  return net::read_operation(*parsed);
}

std::string code(std::string_view json) {
  const auto made = read(json);
  return made ? "" : made.error().code;
}

std::string written(const operation& edit) {
  std::string out;
  net::append_operation_json(out, edit);
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(operation_json)

BOOST_AUTO_TEST_CASE(it_is_written_as_it_was_read) {
  for (const std::string_view json : {
         R"([])",
         R"([{"type":"retain","length":3}])",
         R"([{"type":"insert","text":"a\"\\\u0000漢😀"},{"type":"delete","length":2}])",
         R"([{"type":"retain","length":1073741824}])",
       }) {
    const auto made = read(json);
    BOOST_REQUIRE(made.has_value());
    BOOST_TEST(written(*made) == json);
    BOOST_TEST(core::to_text(net::operation_json(*made)) == json);
  }
}

// D3, and PROTOCOL.md: lengths of 0, parts that belong together, an insert behind the removal at
// one place.
BOOST_AUTO_TEST_CASE(sloppy_operations_come_into_canonical_form) {
  const auto made = read(R"([{"type":"retain","length":0},{"type":"retain","length":1},
    {"type":"retain","length":1},{"type":"delete","length":1},{"type":"insert","text":""},
    {"type":"insert","text":"x"},{"type":"delete","length":1},{"type":"insert","text":"y"}])");
  BOOST_REQUIRE(made.has_value());
  BOOST_TEST(written(*made) == R"([{"type":"retain","length":2},{"type":"insert","text":"xy"},)"
                               R"({"type":"delete","length":2}])");
}

BOOST_AUTO_TEST_CASE(each_fault_has_its_code) {
  BOOST_TEST(code("[") == "bad_message");
  BOOST_TEST(code("") == "bad_message");
  BOOST_TEST(code("{}") == "not_an_array");
  BOOST_TEST(code("null") == "not_an_array");
  BOOST_TEST(code("[3]") == "bad_component");
  BOOST_TEST(code("[{}]") == "bad_component");
  BOOST_TEST(code(R"([{"type":7}])") == "bad_component");
  BOOST_TEST(code(R"([{"type":"retain"}])") == "bad_component");
  BOOST_TEST(code(R"([{"type":"insert","length":1}])") == "bad_component");
  BOOST_TEST(code(R"([{"type":"insert","text":1}])") == "bad_component");
  BOOST_TEST(code(R"([{"type":"replace","length":1}])") == "unknown_type");
  BOOST_TEST(code(R"([{"type":"insert","text":"x","attributes":{}}])") == "unsupported");
}

// D4
BOOST_AUTO_TEST_CASE(lengths_that_are_none_are_refused) {
  for (const std::string_view length :
       {"-1", "1.5", "1.0", "1e3", "\"1\"", "null", "true", "1073741825", "9007199254740992",
        "18446744073709551615", "18446744073709551616", "1e400"}) {
    const std::string number{length};
    BOOST_TEST(code(R"([{"type":"retain","length":)" + number + "}]") == "bad_length");
    BOOST_TEST(code(R"([{"type":"delete","length":)" + number + "}]") == "bad_length");
  }
  BOOST_TEST(code(R"([{"type":"retain","length":NaN}])") == "bad_message");
  BOOST_TEST(code(R"([{"type":"retain","length":1073741824},{"type":"delete","length":1}])") ==
             "bad_length");
}

// D1: half a pair is no character; both halves, escaped or not, are one.
BOOST_AUTO_TEST_CASE(half_a_surrogate_pair_is_refused) {
  const auto insert = [](std::string_view text) {
    return R"([{"type":"insert","text":")" + std::string{text} + "\"}]";
  };
  for (const std::string_view text :
       {R"(\ud83d)", R"(\ude00)", R"(a\uD83Db)", R"(\ud83d\ud83d\ude00)", R"(\ude00\ud83d)",
        R"(\\\ud83d)", R"(\ud83d\n)"})
    BOOST_TEST(code(insert(text)) == "lone_surrogate");
  BOOST_TEST(code(insert(R"(\ud83d\ude00)")) == "");
  BOOST_TEST(code(insert(R"(\\ud83d)")) == ""); // A backslash, and letters.
  BOOST_TEST(read(insert(R"(\ud83d\ude00)"))->target_length() == 2U);
  // The same half in UTF-8 is none.
  BOOST_TEST(code(insert("\xED\xA0\xBD")) == "bad_message");
}

// D2: kept bit for bit.
BOOST_AUTO_TEST_CASE(no_text_is_normalised) {
  const std::string text = "e\xCC\x81 \xC3\xA9 \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB "
                           "\xD7\xA9\xD7\x9C \xE2\x80\xAE\r\n\r\t\x01\x7F\xEF\xBF\xBD";
  operation made;
  made.insert(text);
  made.insert(std::string_view{"\0", 1}, 1);
  const auto again = read(written(made));
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((*again == made));
  BOOST_TEST(again->text() == made.text());
}

BOOST_AUTO_TEST_CASE(what_is_too_long_is_not_read) {
  BOOST_TEST(code("[" + std::string(bytes_max, ' ') + "]") == "too_large");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
