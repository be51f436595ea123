#include "net/protocol/websocket_handshake.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace syncline::net;
namespace msg = syncline::msg;

namespace {

using header = std::pair<std::string, std::string>;

// A good handshake in which some headers are others, or, with an empty value, are missing.
msg::HttpRequest handshake(const std::vector<header>& changes = {}) {
  std::vector<header> headers{{"host", "Example.org:8440"},
                              {"connection", "keep-alive, Upgrade"},
                              {"upgrade", "WebSocket"},
                              {"sec-websocket-version", "13"},
                              {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  for (const auto& change : changes) {
    std::erase_if(headers, [&](const auto& each) { return each.first == change.first; });
    if (!change.second.empty())
      headers.push_back(change);
  }
  msg::HttpRequest request;
  request.set_method("GET");
  request.set_target("/stream");
  for (const auto& [name, value] : headers) {
    auto& added = *request.add_headers();
    added.set_name(name);
    added.set_value(value);
  }
  return request;
}

std::string refusal(const msg::HttpRequest& request) {
  const auto checked = check_websocket_request(request);
  return checked ? "" : checked.error().code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_websocket_handshake)

BOOST_AUTO_TEST_CASE(a_request_asks_for_websocket_where_its_upgrade_says_so) {
  BOOST_TEST(asks_for_websocket(handshake()));
  BOOST_TEST(asks_for_websocket(handshake({{"upgrade", "h2c, websocket"}})));
  BOOST_TEST(!asks_for_websocket(handshake({{"upgrade", ""}})));
  BOOST_TEST(!asks_for_websocket(handshake({{"upgrade", "h2c"}})));
}

BOOST_AUTO_TEST_CASE(a_handshake_that_is_not_whole_is_refused) {
  BOOST_TEST(refusal(handshake()) == "");
  BOOST_TEST(refusal(handshake({{"connection", "keep-alive"}})) == "bad_upgrade");
  BOOST_TEST(refusal(handshake({{"sec-websocket-key", ""}})) == "bad_upgrade");
  BOOST_TEST(refusal(handshake({{"sec-websocket-key", "dGhlIHNhbXBsZQ=="}})) == "bad_upgrade");
  BOOST_TEST(refusal(handshake({{"sec-websocket-key", "dGhl HNhbXBsZSBub25jZQ=="}})) ==
             "bad_upgrade");
  BOOST_TEST(refusal(handshake({{"sec-websocket-version", "8"}})) == "websocket_version");
  BOOST_TEST(refusal(handshake({{"sec-websocket-version", ""}})) == "websocket_version");
  auto posted = handshake();
  posted.set_method("POST");
  BOOST_TEST(refusal(posted) == "bad_upgrade");
  auto with_body = handshake();
  with_body.set_body("x");
  BOOST_TEST(refusal(with_body) == "bad_upgrade");
}

BOOST_AUTO_TEST_CASE(pages_of_other_sites_are_refused) {
  BOOST_TEST(refusal(handshake({{"origin", "http://example.org:8440"}})) == "");
  BOOST_TEST(refusal(handshake({{"origin", "https://example.org:8440"}})) == "");
  for (const std::string foreign :
       {"http://example.org", "http://example.org:8441", "http://evil.org:8440", "null",
        "file://example.org:8440", "http://example.org:8440.evil.org"})
    BOOST_TEST(refusal(handshake({{"origin", foreign}})) == "foreign_origin", foreign);
}

BOOST_AUTO_TEST_CASE(the_first_known_subprotocol_that_is_offered_is_chosen) {
  const auto chosen = [](const std::string& offered) {
    return choose_subprotocol(handshake({{"sec-websocket-protocol", offered}}), {"syncline.v1"});
  };
  BOOST_TEST(chosen("syncline.v1") == "syncline.v1");
  BOOST_TEST(chosen("chat, syncline.v1") == "syncline.v1");
  BOOST_TEST(chosen("syncline.v2") == "");
  BOOST_TEST(chosen("") == "");
}

BOOST_AUTO_TEST_SUITE_END()
