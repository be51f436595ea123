// The plain JSON routes from the client's side: what is sent, and what is believed.

#include "core/data/json.hpp"
#include "net/protocol/client_protocol.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

using namespace syncline::net;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

msg::Mutation mutation(msg::MutationKind kind, const std::string& id, std::uint64_t version = 0) {
  msg::Mutation made;
  made.set_kind(kind);
  made.set_collection("my notes");
  made.set_id(id);
  made.set_mutation_id(7);
  if (version != 0) {
    made.mutable_base()->set_start(1);
    made.mutable_base()->set_seq(version);
  }
  return made;
}

msg::BatchRequest batch(const std::vector<msg::Mutation>& mutations) {
  msg::BatchRequest made;
  made.set_idempotency_key("key");
  for (const auto& one : mutations)
    *made.add_mutations() = one;
  return made;
}

std::string sent(const std::vector<msg::Mutation>& mutations) {
  const auto request = json_protocol(foreign_pull::delta)->batch_request(batch(mutations), 1000);
  return request ? request->body() : "nothing";
}

msg::HttpReply reply(std::uint32_t status, const std::string& body,
                     const std::string& type = "application/json") {
  msg::HttpReply made;
  made.set_status(status);
  made.set_body(body);
  auto& header = *made.add_headers();
  header.set_name("content-type");
  header.set_value(type);
  return made;
}

batch_reply answered(const std::vector<msg::Mutation>& mutations, const msg::HttpReply& http) {
  return json_protocol(foreign_pull::delta)->read_batch(batch(mutations), http, 0);
}

delta_reply pulled(const std::string& body, foreign_pull how = foreign_pull::delta) {
  return json_protocol(how)->read_delta(reply(200, body), "notes", "before", 0);
}

const std::string one_result =
  R"({"results":[{"id":"a","serverId":"srv-1","status":"SYNCED","success":true,"newVersion":4}]})";

} // namespace

BOOST_AUTO_TEST_SUITE(net_json_protocol)

BOOST_AUTO_TEST_CASE(operations_as_the_public_description_has_them) {
  auto create = mutation(msg::CREATE, "a");
  create.set_body(R"({"n":1})");
  BOOST_TEST(sent({create}) ==
             R"({"operations":[{"operation":"CREATE","localId":"a","data":{"n":1}}]})");
  auto update = mutation(msg::UPDATE, "a", 3);
  update.set_server_id("srv-1");
  update.set_patch(R"({"n":null})");
  BOOST_TEST(sent({update}) == R"({"operations":[{"operation":"UPDATE","id":"srv-1",)"
                               R"("data":{"n":null},"version":3}]})");
  update.clear_patch();
  update.set_body("{}");
  BOOST_TEST(sent({update}) == R"({"operations":[{"operation":"UPDATE","id":"srv-1",)"
                               R"("data":{},"replace":true,"version":3}]})");
  auto remove = mutation(msg::DELETE, "b", 9);
  BOOST_TEST(sent({remove, update})
               .starts_with(R"({"operations":[{"operation":"DELETE","id":"b","version":9},{)"));
}

// What only adds up is right on every version.
BOOST_AUTO_TEST_CASE(increments_alone_name_no_version) {
  auto add = mutation(msg::UPDATE, "a", 3);
  auto& whole = *add.add_increments();
  whole.set_field("n");
  whole.set_integer(-2);
  auto& real = *add.add_increments();
  real.set_field("x");
  real.set_real(0.5);
  BOOST_TEST(sent({add}) ==
             R"({"operations":[{"operation":"UPDATE","id":"a","increments":{"n":-2,"x":0.5}}]})");
  add.set_patch(R"({"t":1})");
  BOOST_TEST(sent({add}).ends_with(R"("version":3}]})"));
}

BOOST_AUTO_TEST_CASE(a_batch_names_its_collection_and_its_key) {
  const auto request =
    json_protocol(foreign_pull::delta)->batch_request(batch({mutation(msg::DELETE, "a")}), 1234);
  BOOST_REQUIRE(request.has_value());
  BOOST_TEST(request->method() == "POST");
  BOOST_TEST(request->target() == "/batch-sync?collection=my%20notes");
  BOOST_TEST(header_of(*request, "idempotency-key") == "key");
  BOOST_TEST(header_of(*request, "content-type") == "application/json");
  BOOST_TEST(request->timeout_ms() == 1234U);
}

BOOST_AUTO_TEST_CASE(a_skip_is_answered_here) {
  const auto skip = mutation(msg::SKIP, "a");
  BOOST_TEST(sent({skip}) == "nothing");
  const auto alone = answered({skip}, {});
  BOOST_TEST((alone.kind == reply_kind::ok));
  BOOST_REQUIRE(alone.response.results_size() == 1);
  BOOST_TEST((alone.response.results(0).status() == msg::SKIPPED));
  const auto beside = answered({skip, mutation(msg::UPDATE, "a", 3)}, reply(200, one_result));
  BOOST_REQUIRE(beside.response.results_size() == 2);
  BOOST_TEST((beside.response.results(0).status() == msg::SKIPPED));
  BOOST_TEST((beside.response.results(1).status() == msg::SYNCED));
}

BOOST_AUTO_TEST_CASE(versions_become_stamps) {
  auto patched = mutation(msg::UPDATE, "a", 2);
  patched.set_patch("{}");
  const auto checked = answered({patched}, reply(200, one_result));
  const auto& result = checked.response.results(0);
  BOOST_TEST(result.version() == 4U);
  BOOST_TEST(result.stamp().seq() == 4U);
  BOOST_TEST(result.stamp().start() != 0U);
  BOOST_TEST(result.previous_stamp().seq() == 2U); // The server compared it.
  BOOST_TEST(result.server_id() == "srv-1");
  BOOST_TEST(result.mutation_id() == 7U);
  auto add = mutation(msg::UPDATE, "a", 2);
  add.add_increments()->set_field("n");
  const auto unchecked = answered({add}, reply(200, one_result));
  BOOST_TEST(unchecked.response.results(0).previous_stamp().seq() == 3U); // Others' lay between.
  const auto removed =
    answered({mutation(msg::DELETE, "a", 4)}, reply(200, one_result)); // Of what was there.
  BOOST_TEST(removed.response.results(0).stamp().seq() == 5U);
}

BOOST_AUTO_TEST_CASE(conflicts_and_failures) {
  const auto conflict =
    answered({mutation(msg::UPDATE, "a", 2)},
             reply(200, R"({"results":[{"status":"CONFLICT","serverVersion":)"
                        R"({"id":"srv-1","n":9,"version":5,"lastModified":1}}]})"));
  BOOST_REQUIRE((conflict.kind == reply_kind::ok));
  const auto& met = conflict.response.results(0).server_item();
  BOOST_TEST(met.id() == "a");
  BOOST_TEST(met.body() == R"({"n":9})");
  BOOST_TEST(met.stamp().seq() == 5U);
  const auto gone = answered({mutation(msg::UPDATE, "a", 2)},
                             reply(200, R"({"results":[{"status":"DELETE_CONFLICT"}]})"));
  BOOST_TEST((gone.response.results(0).status() == msg::DELETE_CONFLICT));
  BOOST_TEST(!gone.response.results(0).has_server_item());
  const auto failed = answered(
    {mutation(msg::UPDATE, "a", 2)},
    reply(200, R"({"results":[{"status":"FAILED","error":{"code":"no","retryable":true}}]})"));
  BOOST_TEST(failed.response.results(0).error().code() == "no");
  BOOST_TEST(failed.response.results(0).error().retryable());
  const auto dumb =
    answered({mutation(msg::UPDATE, "a", 2)}, reply(200, R"({"results":[{"status":"FAILED"}]})"));
  BOOST_TEST(dumb.response.results(0).error().code() == "failed");
}

// None of these is the answer to a batch of one: nothing of it is believed.
BOOST_AUTO_TEST_CASE(an_answer_that_does_not_fit_is_not_our_servers) {
  for (const std::string body :
       {"", "[]", "{}", R"({"results":[]})", R"({"results":{}})", R"({"results":[1]})",
        R"({"results":[{}]})", R"({"results":[{"status":"FINE"}]})",
        R"({"results":[{"status":"SYNCED","localId":"other"}]})",
        R"({"results":[{"status":"SYNCED"},{"status":"SYNCED"}]})",
        R"({"results":[{"status":"CONFLICT","serverVersion":{"n":1}}]})", "<html>"})
    BOOST_TEST((answered({mutation(msg::UPDATE, "a", 1)}, reply(200, body)).kind ==
                reply_kind::not_our_server),
               body);
  BOOST_TEST((answered({mutation(msg::UPDATE, "a", 1)}, reply(200, one_result, "text/html")).kind ==
              reply_kind::not_our_server));
}

BOOST_AUTO_TEST_CASE(pulls_name_cursor_or_time) {
  msg::PullState state;
  const auto delta = json_protocol(foreign_pull::delta);
  BOOST_TEST(delta->delta_request("notes", state, 500, "", 1).target() ==
             "/delta?collection=notes&limit=500&cursor=0");
  state.mutable_cursor()->set_token("pos+1.2");
  const auto next = delta->delta_request("notes", state, 500, "W/\"1\"", 1);
  BOOST_TEST(next.target() == "/delta?collection=notes&limit=500&cursor=pos%2B1.2");
  BOOST_TEST(header_of(next, "if-none-match") == "W/\"1\"");
  state.mutable_cursor()->set_token("1700000000000");
  BOOST_TEST(json_protocol(foreign_pull::since)->delta_request("notes", state, 9, "", 1).target() ==
             "/updates?collection=notes&limit=9&since=1700000000000");
}

BOOST_AUTO_TEST_CASE(pages_become_changes) {
  const auto page = pulled(
    R"({"created":[{"id":"a","t":"x","version":1,"lastModified":5}],)"
    R"("updated":[{"id":"b","version":2}],"deleted":["c"],"nextCursor":"n","hasMore":true})");
  BOOST_REQUIRE((page.kind == reply_kind::ok));
  BOOST_REQUIRE(page.page.items_size() == 2);
  BOOST_TEST(page.page.items(0).body() == R"({"t":"x"})");
  BOOST_TEST(page.page.items(0).last_modified_ms() == 5);
  BOOST_TEST(page.page.items(1).body() == "{}");
  BOOST_REQUIRE(page.page.deleted_size() == 1);
  BOOST_TEST(page.page.deleted(0).stamp().seq() > page.page.items(1).stamp().seq());
  BOOST_TEST(page.page.prev_cursor() == "before");
  BOOST_TEST(page.page.next_cursor() == "n");
  BOOST_TEST(page.page.has_more());
  const auto since = pulled(R"({"items":[],"deleted":[],"serverTime":2,"nextSince":17,)"
                            R"("hasMore":false})",
                            foreign_pull::since);
  BOOST_REQUIRE((since.kind == reply_kind::ok));
  BOOST_TEST(since.page.next_cursor() == "17");
}

BOOST_AUTO_TEST_CASE(what_is_no_whole_page_changes_nothing) {
  for (const std::string body :
       {"", "{}", R"({"created":[],"updated":[],"deleted":[],"nextCursor":"n"})",
        R"({"created":[],"updated":[],"nextCursor":"n","hasMore":false})",
        R"({"created":[],"updated":[],"deleted":[],"nextCursor":"","hasMore":false})",
        R"({"created":[],"updated":[],"deleted":[],"nextCursor":"before","hasMore":true})",
        R"({"created":[{"id":"a"}],"updated":[],"deleted":[],"nextCursor":"n","hasMore":false})",
        R"({"created":[{"version":1}],"updated":[],"deleted":[],"nextCursor":"n","hasMore":false})",
        R"({"created":[],"updated":[],"deleted":[1],"nextCursor":"n","hasMore":false})",
        R"({"created":[],"updated":[],"deleted":["a\u0000"],"nextCursor":"n","hasMore":false})",
        R"({"created":[],"updated":[],"deleted":[],"nextCursor":"n","hasMore":0})"})
    BOOST_TEST((pulled(body).kind == reply_kind::not_our_server), body);
  const std::string long_id(201, 'a');
  BOOST_TEST((pulled(R"({"created":[],"updated":[],"deleted":[")" + long_id +
                     R"("],"nextCursor":"n","hasMore":false})")
                .kind == reply_kind::not_our_server));
  BOOST_TEST((pulled(R"({"items":[],"deleted":[],"hasMore":false})", foreign_pull::since).kind ==
              reply_kind::not_our_server));
}

BOOST_AUTO_TEST_CASE(refusals_by_their_status) {
  const auto kind = [](std::uint32_t status, const std::string& body = "") {
    return json_protocol(foreign_pull::delta)->read_delta(reply(status, body), "notes", "c", 0);
  };
  BOOST_TEST((kind(304).kind == reply_kind::not_modified));
  BOOST_TEST((kind(404).kind == reply_kind::not_our_server));
  BOOST_TEST((kind(401).kind == reply_kind::needs_auth));
  BOOST_TEST((kind(400).kind == reply_kind::bad_content));
  BOOST_TEST((kind(500).kind == reply_kind::server_error));
  BOOST_TEST((kind(503).kind == reply_kind::transient));
  BOOST_TEST((kind(0).kind == reply_kind::transient));
  BOOST_TEST((kind(409, R"({"error":{"code":"x"}})").kind == reply_kind::transient));
  const auto expired = [&](const std::string& details) {
    const auto said = kind(410, R"({"error":{"code":"cursor_expired")" + details + "}}");
    return said.kind == reply_kind::refused ? said.refusal.code() + " " + said.refusal.reason()
                                            : std::string{to_string(said.kind)};
  };
  BOOST_TEST(expired("") == "cursor_expired floor");
  BOOST_TEST(expired(R"(,"details":{"reason":"ahead"})") == "cursor_expired ahead");
  BOOST_TEST(expired(R"(,"details":{"reason":"whim"})") == "cursor_expired floor");
  BOOST_TEST((kind(410, "<html>gone</html>").kind == reply_kind::not_our_server));
}

BOOST_AUTO_TEST_SUITE_END()
