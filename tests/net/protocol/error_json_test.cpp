#include "net/protocol/error_json.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

namespace {

using namespace syncline;

BOOST_AUTO_TEST_SUITE(error_json)

BOOST_AUTO_TEST_CASE(shows_code_and_message) {
  BOOST_TEST(net::error_json(core::error{"not_found", "No \"route\"."}) ==
             R"({"error":{"code":"not_found","message":"No \"route\"."}})");
}

BOOST_AUTO_TEST_CASE(shows_the_details_that_are_set) {
  msg::ErrorReply gap;
  gap.set_code("mutation_gap");
  gap.set_expected(7);
  BOOST_TEST(net::error_json(gap) ==
             R"({"error":{"code":"mutation_gap","message":"","details":{"expected":7}}})");
  msg::ErrorReply expired;
  expired.set_code("cursor_expired");
  expired.set_reason("epoch");
  expired.set_epoch(255);
  BOOST_TEST(net::error_json(expired) ==
             R"({"error":{"code":"cursor_expired","message":"",)"
             R"("details":{"reason":"epoch","epoch":"00000000000000ff"}}})");
  msg::ErrorReply restarted;
  restarted.set_code("server_restarted");
  restarted.set_start(0xFEDCBA9876543210ULL);
  BOOST_TEST(net::error_json(restarted) == R"({"error":{"code":"server_restarted","message":"",)"
                                           R"("details":{"start":"fedcba9876543210"}}})");
}

BOOST_AUTO_TEST_CASE(knows_the_status_of_each_code) {
  const std::pair<const char*, int> expected[] = {{"bad_json", 400},
                                                  {"bad_operation", 400},
                                                  {"bad_encoding", 400},
                                                  {"invalid_token", 400},
                                                  {"duplicate_key", 400},
                                                  {"unauthorized", 401},
                                                  {"forbidden", 403},
                                                  {"not_found", 404},
                                                  {"unknown_route", 404},
                                                  {"method_not_allowed", 405},
                                                  {"request_timeout", 408},
                                                  {"mutation_gap", 409},
                                                  {"server_restarted", 409},
                                                  {"client_retired", 409},
                                                  {"idempotency_mismatch", 409},
                                                  {"cursor_expired", 410},
                                                  {"too_large", 413},
                                                  {"too_many", 413},
                                                  {"uri_too_long", 414},
                                                  {"unsupported_media_type", 415},
                                                  {"expectation_failed", 417},
                                                  {"too_many_requests", 429},
                                                  {"head_too_large", 431},
                                                  {"internal", 500},
                                                  {"something_new", 500},
                                                  {"", 500},
                                                  {"unsupported_transfer_encoding", 501},
                                                  {"store_full", 503},
                                                  {"store_io", 503},
                                                  {"overloaded", 503},
                                                  {"not_ready", 503},
                                                  {"stopped", 503},
                                                  {"disk_full", 503},
                                                  {"unsupported_http_version", 505}};
  for (const auto& [code, status] : expected)
    BOOST_TEST(net::http_status_of(code) == status, code);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
