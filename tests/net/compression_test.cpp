#include "net/compression.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>

using namespace syncline;
using net::content_coding;
using net::decode_limits;

namespace {

std::string encoded(content_coding coding, std::string_view plain) {
  return net::compress(coding, plain).value();
}

std::string decode_error(content_coding coding, std::string_view bytes,
                         const decode_limits& limits = {}) {
  const auto decoded = net::decompress(coding, bytes, limits);
  return decoded ? "decoded" : decoded.error().code;
}

std::string decode_message(content_coding coding, std::string_view bytes) {
  return net::decompress(coding, bytes).error().message;
}

std::string noise(std::size_t size) {
  std::string bytes;
  std::uint64_t state = 88172645463325252u;
  while (bytes.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bytes.push_back(static_cast<char>(state));
  }
  return bytes;
}

constexpr auto codings = {content_coding::identity, content_coding::gzip, content_coding::zstd};
constexpr auto packed = {content_coding::gzip, content_coding::zstd};

} // namespace

BOOST_AUTO_TEST_SUITE(net_compression)

BOOST_AUTO_TEST_CASE(every_body_comes_back_whole_in_whatever_pieces_it_is_fed) {
  const bool holds = rc::check("decode(encode(body)) == body", [](const std::string& body) {
    const auto piece_size = *rc::gen::inRange<std::size_t>(1, 40);
    for (const auto coding : codings) {
      const auto wire = encoded(coding, body);
      net::streaming_decoder decoder{coding};
      for (std::size_t at = 0; at < wire.size(); at += piece_size)
        if (!decoder.feed(std::string_view{wire}.substr(at, piece_size)))
          return false;
      if (!decoder.finish() || decoder.take_output() != body)
        return false;
    }
    return true;
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(large_bodies_that_do_not_compress_come_back_whole) {
  const auto body = noise(3'000'000);
  for (const auto coding : codings)
    BOOST_TEST((net::decompress(coding, encoded(coding, body)).value() == body));
}

BOOST_AUTO_TEST_CASE(a_body_cut_at_any_byte_is_bad_encoding) {
  for (const auto coding : packed) {
    const auto wire = encoded(coding, R"({"items":[{"id":"a"},{"id":"b"}],"hasMore":false})");
    for (std::size_t size = 0; size < wire.size(); ++size)
      BOOST_TEST(decode_error(coding, wire.substr(0, size)) == "bad_encoding");
    BOOST_TEST(decode_error(coding, wire) == "decoded");
  }
}

BOOST_AUTO_TEST_CASE(a_changed_checksum_or_bytes_after_the_end_are_bad_encoding) {
  auto wrong_sum = encoded(content_coding::gzip, "some text");
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  BOOST_TEST(decode_error(content_coding::gzip, wrong_sum) == "bad_encoding");
  for (const auto coding : packed) {
    const auto wire = encoded(coding, "some text");
    for (const std::string tail : {"x", "\r\n", "{\"more\":1}"})
      BOOST_TEST(decode_error(coding, wire + tail) == "bad_encoding");
    BOOST_TEST(decode_error(coding, wire + std::string(1, '\0')) == "bad_encoding");
  }
}

BOOST_AUTO_TEST_CASE(members_in_a_row_are_one_body_and_are_counted_together) {
  for (const auto coding : packed) {
    const auto two = encoded(coding, "first ") + encoded(coding, "second");
    BOOST_TEST(net::decompress(coding, two).value() == "first second");
    BOOST_TEST(decode_error(coding, two, {.decoded_max = 11}) == "too_large");
    BOOST_TEST(decode_error(coding, two, {.decoded_max = 12}) == "decoded");
    BOOST_TEST(decode_error(coding, two.substr(0, two.size() - 1)) == "bad_encoding");
  }
}

BOOST_AUTO_TEST_CASE(a_bomb_is_refused_at_the_limit_in_one_piece_and_in_many) {
  const std::string zeros(std::size_t{16} << 20, '\0');
  for (const auto coding : packed) {
    const auto bomb = encoded(coding, zeros);
    BOOST_TEST(decode_error(coding, bomb) == "too_large"); // ratio
    BOOST_TEST(
      decode_error(coding, bomb, {.decoded_max = zeros.size() - 1, .ratio_max = 1'000'000}) ==
      "too_large");
    net::streaming_decoder decoder{coding, {.ratio_max = 1'000'000}};
    BOOST_TEST(decoder.feed(bomb).has_value());
    BOOST_TEST(decoder.take_output().size() == zeros.size());
  }
}

BOOST_AUTO_TEST_CASE(a_bomb_is_cut_before_its_output_is_held) {
  std::string bomb;
  const auto member = encoded(content_coding::gzip, std::string(std::size_t{8} << 20, 'x'));
  for (int count = 0; count < 100; ++count)
    bomb += member;
  net::streaming_decoder decoder{content_coding::gzip, {.ratio_max = 10'000}};
  BOOST_TEST(decoder.feed(bomb).error().code == "too_large");
  BOOST_TEST(decoder.take_output().size() <= std::size_t{64} << 20);
}

BOOST_AUTO_TEST_CASE(the_ratio_counts_only_above_one_mebibyte) {
  const std::string below(std::size_t{1} << 20, 'x');
  for (const auto coding : packed) {
    BOOST_TEST(decode_error(coding, encoded(coding, below)) == "decoded");
    BOOST_TEST(decode_error(coding, encoded(coding, below + "xx")) == "too_large");
  }
}

BOOST_AUTO_TEST_CASE(encoded_bodies_over_their_limit_are_refused_before_they_are_decoded) {
  for (const auto coding : codings) {
    BOOST_TEST(decode_error(coding, std::string(101, '?'), {.encoded_max = 100}) == "too_large");
    net::streaming_decoder decoder{coding, {.encoded_max = 3}};
    BOOST_TEST(!decoder.feed("1234").has_value());
    BOOST_TEST(!decoder.feed("1").has_value());
    BOOST_TEST(!decoder.finish().has_value());
  }
}

BOOST_AUTO_TEST_CASE(wrong_labels_are_told_by_what_the_bytes_look_like) {
  const auto json = decode_message(content_coding::gzip, R"({"a":1})");
  BOOST_TEST(json.find("begins with '{', looks like JSON") != std::string::npos);
  const auto html = decode_message(content_coding::zstd, "<html>");
  BOOST_TEST(html.find("looks like HTML") != std::string::npos);
  const auto zstd = decode_message(content_coding::gzip, encoded(content_coding::zstd, "text"));
  BOOST_TEST(zstd.find("begins like zstd") != std::string::npos);
  const auto gzip = decode_message(content_coding::zstd, encoded(content_coding::gzip, "text"));
  BOOST_TEST(gzip.find("begins like gzip") != std::string::npos);
  BOOST_TEST(decode_message(content_coding::gzip, "").find("is empty") != std::string::npos);
  BOOST_TEST(net::describe_bytes("\x01") == "begins with byte 0x01");
}

BOOST_AUTO_TEST_CASE(random_bytes_never_decode_without_limits_being_kept) {
  const bool holds = rc::check("no crash, and an error or few bytes", [](const std::string& bytes) {
    const decode_limits limits{.encoded_max = 1000, .decoded_max = 1000};
    for (const std::string_view magic :
         {std::string_view{""}, std::string_view{"\x1f\x8b\x08\0", 4},
          std::string_view{"\x28\xb5\x2f\xfd"}})
      for (const auto coding : packed) {
        const auto decoded = net::decompress(coding, std::string{magic} + bytes, limits);
        if (decoded && decoded->size() > limits.decoded_max)
          return false;
      }
    return true;
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(coding_names_are_read_without_regard_to_case_and_lists_are_not_taken) {
  using net::parse_content_coding;
  BOOST_TEST((parse_content_coding("") == content_coding::identity));
  BOOST_TEST((parse_content_coding(" GZip\t") == content_coding::gzip));
  BOOST_TEST((parse_content_coding("x-gzip") == content_coding::gzip));
  BOOST_TEST((parse_content_coding("zstd") == content_coding::zstd));
  for (const std::string_view other : {"br", "deflate", "gzip, gzip", "gzip,", "gzipp"})
    BOOST_TEST(!parse_content_coding(other).has_value());
}

BOOST_AUTO_TEST_CASE(the_best_accepted_coding_is_chosen) {
  using net::choose_coding;
  BOOST_TEST((choose_coding("") == content_coding::identity));
  BOOST_TEST((choose_coding("gzip") == content_coding::gzip));
  BOOST_TEST((choose_coding("gzip, deflate, br, zstd") == content_coding::zstd));
  BOOST_TEST((choose_coding("zstd;q=0.5, gzip;q=0.8") == content_coding::gzip));
  BOOST_TEST((choose_coding("zstd;q=0, gzip") == content_coding::gzip));
  BOOST_TEST((choose_coding("*") == content_coding::zstd));
  BOOST_TEST((choose_coding("zstd;q=0, *;q=0.1") == content_coding::gzip));
  BOOST_TEST((choose_coding("gzip;q=0.000") == content_coding::identity));
  BOOST_TEST((choose_coding("gzip;q=nonsense") == content_coding::identity));
  BOOST_TEST((choose_coding("identity, br") == content_coding::identity));
}

BOOST_AUTO_TEST_CASE(levels_out_of_range_are_refused) {
  BOOST_TEST(net::compress(content_coding::gzip, "x", 10).error().code == "compression_failed");
  BOOST_TEST(net::compress(content_coding::zstd, "x", 20).error().code == "compression_failed");
  BOOST_TEST(net::compress(content_coding::gzip, "x", 9).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
