// What a device takes from a server that is not ours, is broken, or is cut off: nothing. No change,
// no cursor, no deletion; and `status` says what is wrong.

#include "tests/runtime/bad_server_support.hpp"

#include <tuple>

BOOST_AUTO_TEST_SUITE(bad_server)

using namespace syncline;
using namespace syncline::tests;

namespace {

constexpr std::string_view protobuf = "application/x-protobuf";
constexpr std::string_view portal = "<!doctype html><html><body>Sign in</body></html>";

struct strange_reply {
  std::string name;
  std::string bytes;
  std::string code; ///< what `status` says of both halves
};

std::vector<strange_reply> strange_replies() {
  return {
    {"HTML", reply_bytes(200, "text/html", portal), "not_our_server"},
    {"HTML as protobuf", reply_bytes(200, protobuf, portal), "not_our_server"},
    {"HTML without a length",
     "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + std::string{portal}, "not_our_server"},
    {"JSON", reply_bytes(200, "application/json", R"({"created":[],"updated":[],"deleted":[]})"),
     "not_our_server"},
    {"nothing", reply_bytes(200, protobuf, ""), "not_our_server"},
    {"nothing as HTML", reply_bytes(200, "text/html", ""), "not_our_server"},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", "not_our_server"},
    {"404 as HTML", reply_bytes(404, "text/html", portal), "not_our_server"},
    {"404 of nothing", reply_bytes(404, protobuf, ""), "not_our_server"},
    {"404 as JSON",
     reply_bytes(404, "application/json",
                 R"({"error":{"code":"unknown_route","message":"no such route"}})"),
     "not_our_server"},
    {"405", reply_bytes(405, "text/html", portal), "not_our_server"},
    {"409 as HTML", reply_bytes(409, "text/html", portal), "not_our_server"},
    {"410 as HTML", reply_bytes(410, "text/html", portal), "not_our_server"},
    {"410 of nothing", reply_bytes(410, protobuf, ""), "not_our_server"},
    {"410 as JSON",
     reply_bytes(
       410, "application/json",
       R"({"error":{"code":"cursor_expired","message":"x","details":{"reason":"epoch"}}})"),
     "not_our_server"},
    {"a redirect",
     reply_bytes(302, "text/html", portal, "Location: http://127.0.0.1:1/sign-in\r\n"),
     "not_our_server"},
    {"401", reply_bytes(401, "text/html", portal), "needs_auth"},
    {"403", reply_bytes(403, "text/html", portal), "needs_auth"},
    {"500", reply_bytes(500, "text/html", portal), "server_error"},
    {"502", reply_bytes(502, "text/html", portal), "unreachable"},
    {"503", reply_bytes(503, "text/html", portal), "unreachable"},
    {"no HTTP", "SSH-2.0-server\r\n", "connection_cut"},
    {"a closed connection", "", "connection_cut"},
    {"gzip that is none", reply_bytes(200, protobuf, portal, "Content-Encoding: gzip\r\n"),
     "bad_encoding"},
  };
}

std::string page_with(const std::string& reply,
                      const std::function<void(msg::DeltaPage&)>& change) {
  msg::DeltaPage page;
  BOOST_REQUIRE(page.ParseFromString(body_of_reply(reply)));
  change(page);
  return with_body(reply, page.SerializeAsString());
}

} // namespace

BOOST_AUTO_TEST_CASE(answers_that_are_not_our_servers_change_nothing_and_are_named) {
  for (const auto past : {device_past::pulled, device_past::wrote, device_past::was_born}) {
    half_synced half{past};
    for (const auto& strange : strange_replies()) {
      half.front().lie(
        [bytes = strange.bytes](const std::string&, const std::string&) { return bytes; }, false);
      half.check_nothing_taken(strange.name, strange.code);
    }
    half.check_heals();
  }
}

BOOST_AUTO_TEST_CASE(an_answer_cut_at_any_byte_is_not_taken) {
  for (const auto past : {device_past::pulled, device_past::wrote, device_past::was_born}) {
    half_synced half{past};
    std::size_t cut = 0;
    std::size_t whole = 0;
    half.front().lie([&](const std::string&, const std::string& reply) {
      whole = reply.size();
      return reply.substr(0, cut);
    });
    do
      half.check_nothing_taken("cut at " + std::to_string(cut), "connection_cut");
    while (++cut < whole);
    BOOST_TEST(whole > 200U);
    half.check_heals(); // What was pushed was applied the first time, and only then.
  }
}

// A party between may give a cut answer a new, fitting length.
BOOST_AUTO_TEST_CASE(an_answer_that_is_only_the_beginning_of_itself_is_not_taken) {
  for (const auto past : {device_past::pulled, device_past::wrote, device_past::was_born}) {
    half_synced half{past};
    std::size_t size = 0;
    std::size_t whole = 0;
    half.front().lie([&](const std::string&, const std::string& reply) {
      const auto body = body_of_reply(reply);
      whole = body.size();
      return with_body(reply, body.substr(0, size));
    });
    do
      half.check_nothing_taken(std::to_string(size) + " bytes", "not_our_server");
    while (++size < whole);
    BOOST_TEST(whole > 100U);
    half.check_heals();
  }
}

BOOST_AUTO_TEST_CASE(a_good_page_of_the_wrong_type_or_place_is_not_taken) {
  const auto as_type = [](std::string_view type) {
    return
      [type](const std::string& reply) { return reply_bytes(200, type, body_of_reply(reply)); };
  };
  const auto changed = [](const std::function<void(msg::DeltaPage&)>& change) {
    return [change](const std::string& reply) { return page_with(reply, change); };
  };
  using forge = std::function<std::string(const std::string& reply)>;
  const std::vector<std::pair<std::string, forge>> forgeries{
    {"HTML", as_type("text/html")},
    {"JSON", as_type("application/json")},
    {"octets", as_type("application/octet-stream")},
    {"no type", as_type("")},
    {"another collection", changed([](auto& page) { page.set_collection("other"); })},
    {"no collection", changed([](auto& page) { page.clear_collection(); })},
    {"another place", changed([](auto& page) { page.set_prev_cursor("elsewhere"); })},
    {"its own end", changed([](auto& page) { page.set_prev_cursor(page.next_cursor()); })},
    {"no next cursor", changed([](auto& page) { page.clear_next_cursor(); })},
    {"no head", changed([](auto& page) { page.clear_head(); })},
    {"no epoch", changed([](auto& page) { page.mutable_head()->clear_epoch(); })},
    {"a page after itself", changed([](auto& page) {
       page.set_has_more(true);
       page.set_next_cursor(page.prev_cursor());
     })},
    {"a deletion that is an item", changed([](auto& page) {
       auto& item = *page.add_deleted();
       item.set_id("same");
       item.set_body("{}");
     })},
  };
  for (const auto past : {device_past::pulled, device_past::was_born}) {
    half_synced half{past};
    for (const auto& [name, forge_reply] : forgeries) {
      half.front().lie(
        [&, forge_reply = forge_reply](const std::string&, const std::string& reply) {
          return forge_reply(reply);
        });
      half.check_nothing_taken(name, "not_our_server");
    }
    half.check_heals();
  }
}

BOOST_AUTO_TEST_CASE(a_walk_that_hides_items_or_claims_no_range_is_not_taken) {
  const std::vector<std::pair<std::string, std::function<void(msg::DeltaPage&)>>> changes{
    {"covers nothing", [](auto& page) { page.clear_range_to_end(); }},
    {"ends before its items",
     [](auto& page) {
       page.clear_range_to_end();
       page.set_range_through("a");
     }},
    {"begins behind its items", [](auto& page) { page.set_range_after("zzz"); }},
    {"items in no order",
     [](auto& page) { page.mutable_items()->SwapElements(0, page.items_size() - 1); }},
    {"an item twice", [](auto& page) { *page.add_items() = page.items(page.items_size() - 1); }},
    {"a deletion in a walk",
     [](auto& page) {
       page.add_deleted()->set_id("mine");
       page.mutable_deleted(0)->set_deleted(true);
     }},
    {"a dead item", [](auto& page) { page.mutable_items(0)->set_deleted(true); }},
  };
  half_synced half{device_past::was_born};
  for (const auto& [name, change] : changes) {
    half.front().lie([change = change](const std::string&, const std::string& reply) {
      return page_with(reply, change);
    });
    half.check_nothing_taken(name, "not_our_server");
  }
  half.check_heals();
}

BOOST_AUTO_TEST_CASE(an_answer_to_a_batch_that_answers_nothing_of_it_is_not_taken) {
  const std::vector<std::pair<std::string, std::function<void(msg::BatchResponse&)>>> changes{
    {"no results", [](auto& response) { response.clear_results(); }},
    {"no head", [](auto& response) { response.clear_head(); }},
    {"no epoch", [](auto& response) { response.mutable_head()->clear_epoch(); }},
    {"answers to others",
     [](auto& response) {
       for (auto& result : *response.mutable_results())
         result.set_mutation_id(result.mutation_id() + 1000);
     }},
    {"answers without ids",
     [](auto& response) {
       for (auto& result : *response.mutable_results())
         result.clear_mutation_id();
     }},
    {"answers without a status",
     [](auto& response) {
       for (auto& result : *response.mutable_results())
         result.clear_status();
     }},
    {"answers of the future",
     [](auto& response) {
       for (auto& result : *response.mutable_results())
         result.set_status(static_cast<msg::MutationStatus>(77));
     }},
  };
  half_synced half{device_past::wrote};
  for (const auto& [name, change] : changes) {
    half.front().lie([change = change](const std::string&, const std::string& reply) {
      msg::BatchResponse response;
      if (!response.ParseFromString(body_of_reply(reply)))
        return reply_bytes(503, "text/html", portal);
      change(response);
      return with_body(reply, response.SerializeAsString());
    });
    half.check_nothing_taken(name, "not_our_server");
  }
  half.check_heals();
}

BOOST_AUTO_TEST_CASE(a_304_that_was_not_asked_for_is_not_taken) {
  half_synced half{device_past::was_born};
  half.front().lie(
    [&](const std::string&, const std::string&) {
      return std::string{"HTTP/1.1 304 Not Modified\r\n\r\n"};
    },
    false);
  half.check_nothing_taken("304", "not_our_server");
  half.check_heals();
}

// A cut refusal may say that history was lost, but no longer how; or that numbers are wrong, but
// not which are right.
BOOST_AUTO_TEST_CASE(a_refusal_that_is_only_the_beginning_of_itself_is_not_taken) {
  msg::ErrorReply expired;
  expired.set_code("cursor_expired");
  expired.set_message("the server has lost history");
  expired.set_reason("epoch");
  msg::ErrorReply gap;
  gap.set_code("mutation_gap");
  gap.set_message("another number is next");
  gap.set_expected(77);
  msg::ErrorReply restarted;
  restarted.set_code("server_restarted");
  restarted.set_message("send it again");
  restarted.set_start(77);
  const std::vector<std::tuple<int, device_past, msg::ErrorReply>> refusals{
    {410, device_past::pulled, expired},
    {410, device_past::wrote, expired},
    {409, device_past::wrote, gap},
    {409, device_past::wrote, restarted}};
  for (const auto& [status, past, refusal] : refusals) {
    half_synced half{past};
    const auto whole = refusal.SerializeAsString();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      half.front().lie(
        [&, status = status](const std::string&, const std::string&) {
          return reply_bytes(status, protobuf, whole.substr(0, size));
        },
        false);
      half.check_nothing_taken(refusal.code() + ", " + std::to_string(size) + " bytes",
                               "not_our_server");
    }
    half.check_heals();
  }
}

// Each of these is right once, and has the same batch sent again at once. A server that says it
// again and again must be given a rest, and must not cost the writes that wait.
BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_again_and_again_is_not_sent_in_a_storm) {
  const std::vector<std::pair<std::string, std::function<void(msg::ErrorReply&)>>> refusals{
    {"server_restarted", [](auto& refusal) { refusal.set_start(refusal.start() + 1); }},
    {"mutation_gap", [](auto& refusal) { refusal.set_expected(77); }},
    {"client_retired", [](auto&) {}},
  };
  for (const auto& [code, change] : refusals) {
    half_synced half{device_past::wrote};
    msg::ErrorReply refusal;
    refusal.set_code(code);
    refusal.set_message("said again and again");
    const auto before = half.front().requests();
    half.front().lie(
      [&, change = change](const std::string&, const std::string&) {
        change(refusal);
        return reply_bytes(409, protobuf, refusal.SerializeAsString());
      },
      false);
    half.check_nothing_taken(code, code);
    BOOST_TEST(half.front().requests() - before <= 10U, code);
    half.check_heals();
  }
}

// A failed push once kept the pull from being tried: a device that could not write could not read
// either.
BOOST_AUTO_TEST_CASE(a_server_that_takes_no_writes_still_has_news) {
  half_synced half{device_past::wrote};
  half.front().lie([](const std::string& request, const std::string& reply) {
    return request.starts_with("POST") ? reply_bytes(500, "text/plain", "no") : reply;
  });
  const auto before = state_of(half.device());
  const auto report = value_or_fail(half.device().sync_now());
  BOOST_TEST(!report.success);
  BOOST_TEST(report.error.code == "server_error");
  const auto after = state_of(half.device());
  BOOST_TEST(after.cursor_seq > before.cursor_seq);
  BOOST_TEST(after.waiting == before.waiting);
  half.front().tell_truth();
  half.check_heals();
}

BOOST_AUTO_TEST_SUITE_END()
