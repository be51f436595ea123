#include "net/protocol/chunked_body.hpp"

#include "net/protocol/error_json.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace syncline;
using namespace std::string_literals;

/// What came of a stream: the body, the code of a refusal, and how much was taken.
struct outcome {
  std::string body;
  std::string code; // "done", "more", or that of the refusal
  std::size_t consumed = 0;

  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome decode(std::string_view bytes, std::size_t piece = 1'000'000,
               net::chunked_limits limits = {}) {
  net::chunked_decoder decoder{limits};
  outcome found;
  found.code = "more";
  while (found.consumed < bytes.size()) {
    const auto step = decoder.feed(bytes.substr(found.consumed, piece), found.body);
    found.consumed += step.consumed;
    BOOST_TEST(step.done == decoder.done());
    if (step.done)
      found.code = "done";
    if (step.refusal) {
      BOOST_TEST(step.refusal->status == net::http_status_of(step.refusal->code));
      found.code = step.refusal->code;
    }
    if (step.done || step.refusal)
      break;
  }
  return found;
}

std::string code_of(std::string_view bytes) {
  return decode(bytes).code;
}

BOOST_AUTO_TEST_SUITE(chunked_body)

BOOST_AUTO_TEST_CASE(joins_chunks_and_leaves_the_next_request_alone) {
  const std::string stream =
    "5\r\nhello\r\n06;a=b;c=\"d\\\"\";e\r\n world\r\n000\r\nA: b\r\n\r\nGET /";
  const auto found = decode(stream);
  BOOST_TEST(found.body == "hello world");
  BOOST_TEST(found.code == "done");
  BOOST_TEST(found.consumed == stream.size() - 5);
}

BOOST_AUTO_TEST_CASE(decodes_the_same_however_the_bytes_are_cut) {
  BOOST_TEST(rc::check("cutting changes nothing", [] {
    const auto chunks = *rc::gen::arbitrary<std::vector<std::string>>();
    std::string stream;
    std::string body;
    for (const auto& chunk : chunks) {
      if (chunk.empty())
        continue;
      std::ostringstream size;
      size << std::hex << chunk.size();
      stream += size.str() + "\r\n" + chunk + "\r\n";
      body += chunk;
    }
    stream += "0\r\n\r\n";
    const auto piece = *rc::gen::inRange<std::size_t>(1, 9);
    const auto found = decode(stream, piece);
    return found == outcome{body, "done", stream.size()} && found == decode(stream);
  }));
}

BOOST_AUTO_TEST_CASE(gives_the_same_verdict_on_damaged_bytes_however_they_are_cut) {
  BOOST_TEST(rc::check("cutting hides no damage", [] {
    std::string stream = "a;x=y\r\n0123456789\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n";
    const auto at = *rc::gen::inRange<std::size_t>(0, stream.size());
    stream[at] = static_cast<char>(*rc::gen::inRange(0, 256));
    const auto whole = decode(stream);
    const auto cut = decode(stream, *rc::gen::inRange<std::size_t>(1, 5));
    return whole.code == cut.code && whole.body == cut.body && whole.consumed == cut.consumed;
  }));
}

BOOST_AUTO_TEST_CASE(says_that_a_body_was_cut_off) {
  const std::string stream = "3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < stream.size(); ++size)
    BOOST_TEST(decode(stream.substr(0, size)).code == "more", size);
}

BOOST_AUTO_TEST_CASE(refuses_bad_sizes) {
  for (const auto& start :
       {"g\r\n"s, "\r\n"s, ";a\r\n"s, " 5\r\n"s, "5 \r\n"s, "5\t\r\n"s, "0x5\r\n"s, "-1\r\n"s,
        "+1\r\n"s, "5\n"s, "5\r5"s, "5 ;a\r\n"s, "5\0\r\n"s, "5,5\r\n"s})
    BOOST_TEST(code_of(start) == "bad_chunk", start);
}

BOOST_AUTO_TEST_CASE(refuses_sizes_that_do_not_fit_in_64_bits) {
  net::chunked_limits limits;
  limits.body_max = ~std::uint64_t{0};
  BOOST_TEST(decode("ffffffffffffffff\r\n", 100, limits).code == "more");
  BOOST_TEST(decode("10000000000000000\r\n", 100, limits).code == "bad_chunk");
  BOOST_TEST(decode("00000000000000001\r\n", 100, limits).code == "bad_chunk");
  // The sum of two chunks does not wrap round either.
  BOOST_TEST(decode("1\r\na\r\nffffffffffffffff\r\n", 100, limits).code == "too_large");
}

BOOST_AUTO_TEST_CASE(refuses_chunks_of_another_size_than_announced) {
  BOOST_TEST(code_of("3\r\nabcd\r\n0\r\n\r\n") == "bad_chunk");
  BOOST_TEST(code_of("3\r\nab\r\n0\r\n\r\n") == "bad_chunk");
  BOOST_TEST(code_of("3\r\nabc\n0\r\n\r\n") == "bad_chunk");
  BOOST_TEST(code_of("3\r\nabc\rx") == "bad_chunk");
  BOOST_TEST(code_of("3\r\nabc0\r\n\r\n") == "bad_chunk");
}

BOOST_AUTO_TEST_CASE(refuses_malformed_extensions) {
  for (const auto* extension : {";", ";;a", ";a=", ";a=\"b", ";a=\"b\"c", "; a", ";a =b", ";a= b",
                                ";a=b ", ";=b", ";a=\"\x01\""})
    BOOST_TEST(code_of("1"s + extension + "\r\nx\r\n0\r\n\r\n") == "bad_chunk", extension);
  for (const auto* extension : {";a", ";a=b", ";a=\"\"", ";a=\"b;c\\\"d\"", ";a;b;c=d"})
    BOOST_TEST(code_of("1"s + extension + "\r\nx\r\n0\r\n\r\n") == "done", extension);
}

BOOST_AUTO_TEST_CASE(bounds_extensions_over_the_whole_body) {
  std::string stream;
  for (int count = 0; count < 5; ++count)
    stream += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  BOOST_TEST(code_of(stream) == "bad_chunk");
}

BOOST_AUTO_TEST_CASE(refuses_a_body_above_its_limit_before_storing_it) {
  net::chunked_limits limits;
  limits.body_max = 5;
  BOOST_TEST(decode("5\r\nhello\r\n0\r\n\r\n", 100, limits).code == "done");
  const auto found = decode("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 100, limits);
  BOOST_TEST(found.code == "too_large");
  BOOST_TEST(found.body == "abc");
}

BOOST_AUTO_TEST_CASE(checks_trailers_as_headers_and_bounds_them) {
  BOOST_TEST(code_of("0\r\nA: b\r\nC: d\r\n\r\n") == "done");
  for (const auto* trailer : {"A : b", " A: b", "A", ": b", "A: b\x01", "Content-Length: 1",
                              "transfer-encoding: chunked", "Host: a", "Authorization: x"})
    BOOST_TEST(code_of("0\r\n"s + trailer + "\r\n\r\n") == "bad_header", trailer);
  BOOST_TEST(code_of("0\r\nA: b\n\r\n") == "bad_header");
  BOOST_TEST(code_of("0\r\nA: b\rC") == "bad_header");
  BOOST_TEST(code_of("0\r\nA: " + std::string(9000, 'x')) == "head_too_large");
  std::string many = "0\r\n";
  for (int count = 0; count < 33; ++count)
    many += "A: b\r\n";
  BOOST_TEST(code_of(many) == "head_too_large");
}

BOOST_AUTO_TEST_CASE(stays_refused_and_stays_done) {
  net::chunked_decoder refused;
  std::string body;
  BOOST_TEST(refused.feed("z", body).refusal.has_value());
  const auto again = refused.feed("1\r\na\r\n0\r\n\r\n", body);
  BOOST_TEST(again.refusal.has_value());
  BOOST_TEST(again.consumed == 0U);
  net::chunked_decoder done;
  BOOST_TEST(done.feed("0\r\n\r\n", body).done);
  const auto after = done.feed("1\r\na\r\n", body);
  BOOST_TEST(after.done);
  BOOST_TEST(after.consumed == 0U);
  BOOST_TEST(body.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
