#include "storage/checksum.hpp"

#include "core/ensure.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>

using namespace syncline::storage;

BOOST_AUTO_TEST_SUITE(checksum)

BOOST_AUTO_TEST_CASE(unseal_gives_back_what_seal_took) {
  BOOST_TEST(rc::check("seal, then unseal", [](const std::string& key, const std::string& payload) {
    return unseal(key, seal(key, payload)) == payload;
  }));
}

BOOST_AUTO_TEST_CASE(the_stored_form_is_8_bytes_little_endian_and_the_payload) {
  // Fixed for ever: these bytes are in files.
  const std::string stored = seal("key", "payload");
  BOOST_TEST(stored.size() == seal_bytes + 7);
  BOOST_TEST(stored.substr(seal_bytes) == "payload");
  std::string hex;
  for (const char each : stored.substr(0, seal_bytes)) {
    constexpr const char* digits = "0123456789abcdef";
    hex += digits[static_cast<unsigned char>(each) >> 4];
    hex += digits[static_cast<unsigned char>(each) & 15];
  }
  BOOST_TEST(hex == "63b8628dfeba7ed9");
}

BOOST_AUTO_TEST_CASE(every_single_flipped_bit_is_seen) {
  for (const std::size_t length : {0U, 1U, 7U, 16U, 17U, 128U, 200U, 241U, 1000U}) {
    const std::string payload(length, 'p');
    std::string stored = seal("key", payload);
    for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
      const char mask = static_cast<char>(1 << (bit % 8));
      stored[bit / 8] = static_cast<char>(stored[bit / 8] ^ mask);
      BOOST_REQUIRE(!unseal("key", stored));
      stored[bit / 8] = static_cast<char>(stored[bit / 8] ^ mask);
    }
    BOOST_TEST(unseal("key", stored).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_record_under_another_key_is_seen) {
  BOOST_TEST(!unseal("other", seal("key", "payload")));
  // Bytes may not wander from the key to the payload.
  BOOST_TEST(!unseal("ab", seal("a", "bc")));
}

BOOST_AUTO_TEST_CASE(a_record_that_was_cut_off_is_seen) {
  const std::string stored = seal("key", "payload");
  for (std::size_t length = 0; length < stored.size(); ++length)
    BOOST_TEST(!unseal("key", std::string_view{stored}.substr(0, length)));
}

BOOST_AUTO_TEST_CASE(a_reused_buffer_and_one_built_in_place_hold_the_same) {
  std::string reused = "what was there before, longer than the record that comes now";
  seal_into(reused, "key", "payload");
  BOOST_TEST(reused == seal("key", "payload"));
  const auto* where = reused.data();
  seal_into(reused, "key", "another");
  BOOST_TEST(reused.data() == where);

  std::string built = "rest";
  begin_seal(built);
  built += "pay";
  built += "load";
  finish_seal(built, "key");
  BOOST_TEST(built == seal("key", "payload"));

  std::string without_room = "short";
  BOOST_CHECK_THROW(finish_seal(without_room, "key"), syncline::core::broken_invariant);
}

BOOST_AUTO_TEST_SUITE_END()
