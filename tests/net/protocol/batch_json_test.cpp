#include "net/protocol/batch_json.hpp"

#include "core/data/json.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

namespace {

using namespace syncline;

/// A batch of these operations, or the code of the error that refused all of them.
net::json_batch parse(const std::string& operations, const std::string& more = "") {
  auto batch = net::parse_batch_json("{" + more + "\"operations\":[" + operations + "]}");
  if (!batch)
    BOOST_FAIL(batch.error().code + ": " + batch.error().message);
  return *std::move(batch);
}

std::string refusal_of(const std::string& body, const net::batch_json_limits& limits = {}) {
  const auto batch = net::parse_batch_json(body, "items", limits);
  return batch ? "accepted" : batch.error().code;
}

/// The code with which one operation fails.
std::string code_of(const std::string& operation) {
  const auto batch = parse(operation);
  BOOST_REQUIRE(batch.operations.size() == 1U);
  const auto& only = batch.operations.front();
  BOOST_TEST(only.error.has_value() == (only.mutation_index == -1));
  return only.error ? only.error->code() : "accepted";
}

msg::Mutation mutation_of(const std::string& operation, const std::string& more = "") {
  const auto batch = parse(operation, more);
  BOOST_REQUIRE(batch.request.mutations_size() == 1);
  if (batch.operations.front().error)
    BOOST_FAIL(batch.operations.front().error->message());
  return batch.request.mutations(0);
}

const std::string numbered = R"("client":"c",)";

BOOST_AUTO_TEST_SUITE(batch_json)

BOOST_AUTO_TEST_CASE(reads_a_create) {
  const auto mutation = mutation_of(R"({"operation":"CREATE","id":"a","data":{"t":"x","n":1.0}})");
  BOOST_TEST(mutation.kind() == msg::CREATE);
  BOOST_TEST(mutation.collection() == "items");
  BOOST_TEST(mutation.id() == "a");
  BOOST_TEST(mutation.body() == R"({"t":"x","n":1.0})");
  BOOST_TEST(!mutation.has_patch());
  BOOST_TEST(!mutation.unconditional());
  BOOST_TEST(mutation.mutation_id() == 0U);
}

BOOST_AUTO_TEST_CASE(reads_an_update_as_a_patch_or_a_whole_body) {
  const auto patch =
    mutation_of(R"({"operation":"UPDATE","id":"a","data":{"t":null},"version":4})");
  BOOST_TEST(patch.patch() == R"({"t":null})");
  BOOST_TEST(!patch.has_body());
  BOOST_TEST(patch.base_version() == 4U);
  BOOST_TEST(!patch.unconditional());
  const auto whole =
    mutation_of(R"({"operation":"UPDATE","id":"a","data":{"t":1},"replace":true})");
  BOOST_TEST(whole.body() == R"({"t":1})");
  BOOST_TEST(!whole.has_patch());
  BOOST_TEST(whole.unconditional());
}

BOOST_AUTO_TEST_CASE(reads_increments_as_integers_and_reals) {
  const auto mutation =
    mutation_of(R"({"operation":"UPDATE","id":"a","increments":{"n":-3,"x":0.5,"y":2.0}})");
  BOOST_REQUIRE(mutation.increments_size() == 3);
  BOOST_TEST(mutation.increments(0).field() == "n");
  BOOST_TEST(mutation.increments(0).integer() == -3);
  BOOST_TEST(mutation.increments(1).real() == 0.5);
  BOOST_TEST(mutation.increments(2).has_real());
  BOOST_TEST(!mutation.has_patch());
}

BOOST_AUTO_TEST_CASE(reads_deletes_and_skips) {
  const auto conditional = mutation_of(R"({"operation":"DELETE","id":"a","version":0})");
  BOOST_TEST(!conditional.unconditional());
  BOOST_TEST(mutation_of(R"({"operation":"DELETE","id":"a"})").unconditional());
  BOOST_TEST(
    mutation_of(R"({"operation":"DELETE","id":"a","data":{"version":2,"x":[]}})").base_version() ==
    2U);
  const auto skip = mutation_of(R"({"operation":"SKIP","mutationId":9})", numbered);
  BOOST_TEST(skip.kind() == msg::SKIP);
  BOOST_TEST(skip.mutation_id() == 9U);
  BOOST_TEST(code_of(R"({"operation":"SKIP","id":"a"})") == "bad_operation");
}

BOOST_AUTO_TEST_CASE(reads_numbering_nonce_time_and_group) {
  const auto batch = parse(R"({"operation":"DELETE","id":"a","mutationId":18446744073709551615,
    "nonce":"00000000000000Ff","clientTime":1700000000000.75,"group":5})",
                           R"("client":"c","ackedThrough":7,)");
  BOOST_TEST(batch.request.client() == "c");
  BOOST_TEST(batch.request.acked_through() == 7U);
  const auto& mutation = batch.request.mutations(0);
  BOOST_TEST(mutation.mutation_id() == 18446744073709551615U);
  BOOST_TEST(mutation.nonce() == 255U);
  BOOST_TEST(mutation.client_time().wall_ms() == 1'700'000'000'000);
  BOOST_TEST(mutation.group() == 5U);
  BOOST_TEST(mutation.group_size() == 1U);
  const auto uuid = R"({"operation":"DELETE","id":"a","nonce":"0190b5a0-0000-7000-8000-1"})";
  BOOST_TEST(mutation_of(uuid).nonce() != 0U);
  BOOST_TEST(mutation_of(uuid).nonce() == mutation_of(uuid).nonce());
}

BOOST_AUTO_TEST_CASE(takes_the_local_id_where_a_create_has_no_other) {
  const auto batch = parse(R"({"operation":"CREATE","localId":"l","data":{}},
    {"operation":"CREATE","id":"i","localId":"l","data":{}},
    {"operation":"UPDATE","localId":"l","data":{}})");
  BOOST_TEST(batch.request.mutations(0).id() == "l");
  BOOST_TEST(batch.request.mutations(1).id() == "i");
  BOOST_TEST(batch.operations[1].local_id == "l");
  BOOST_TEST(batch.operations[2].error->code() == "bad_operation");
  BOOST_TEST(batch.operations[2].local_id == "l");
}

BOOST_AUTO_TEST_CASE(takes_an_items_own_fields_out_of_data_that_is_given_back) {
  const auto mutation = mutation_of(R"({"operation":"UPDATE","id":"a",
    "data":{"id":"a","t":1,"version":3,"lastModified":1700000000000}})");
  BOOST_TEST(mutation.patch() == R"({"t":1})");
  BOOST_TEST(mutation.base_version() == 3U);
  BOOST_TEST(mutation_of(R"({"operation":"UPDATE","id":"a","version":5,"data":{"version":3}})")
               .base_version() == 5U);
  // Not what we gave out: nothing is dropped in silence.
  for (const auto* data :
       {R"({"id":"b"})", R"({"id":1})", R"({"version":"3"})", R"({"version":-1})",
        R"({"lastModified":"today"})", R"({"collection":"items"})", R"({"deleted":false})"})
    BOOST_TEST(code_of(R"({"operation":"UPDATE","id":"a","data":)" + std::string{data} + "}") ==
                 "reserved_name",
               data);
  BOOST_TEST(code_of(R"({"operation":"CREATE","id":"a","data":{"x":{"id":1,"version":"v"}}})") ==
             "accepted");
}

BOOST_AUTO_TEST_CASE(fails_one_bad_operation_alone) {
  const auto batch = parse(R"({"operation":"DELETE","id":"a"}, 7, null, [], "x", {},
    {"operation":"DELETE","id":"b"})");
  BOOST_REQUIRE(batch.operations.size() == 7U);
  BOOST_TEST(batch.request.mutations_size() == 2);
  BOOST_TEST(batch.operations.front().mutation_index == 0);
  BOOST_TEST(batch.operations.back().mutation_index == 1);
  for (std::size_t at = 1; at < 6; ++at) {
    BOOST_TEST(batch.operations[at].error->code() == "bad_operation", at);
    BOOST_TEST(batch.operations[at].mutation_index == -1, at);
  }
}

BOOST_AUTO_TEST_CASE(refuses_wrong_types_and_missing_parts) {
  for (const auto* members :
       {R"("operation":"create","id":"a","data":{})",
        R"("operation":1,"id":"a")",
        R"("id":"a")",
        R"("operation":"DELETE")",
        R"("operation":"DELETE","id":7)",
        R"("operation":"DELETE","id":"")",
        R"("operation":"CREATE","data":{})",
        R"("operation":"CREATE","id":"a")",
        R"("operation":"CREATE","id":"a","data":[])",
        R"("operation":"CREATE","id":"a","data":null)",
        R"("operation":"CREATE","id":"a","localId":1,"data":{})",
        R"("operation":"UPDATE","id":"a")",
        R"("operation":"UPDATE","id":"a","replace":true,"increments":{"n":1})",
        R"("operation":"UPDATE","id":"a","replace":1,"data":{})",
        R"("operation":"UPDATE","id":"a","increments":{})",
        R"("operation":"UPDATE","id":"a","increments":[1])",
        R"("operation":"UPDATE","id":"a","increments":{"n":"1"})",
        R"("operation":"UPDATE","id":"a","increments":{"n":null})",
        R"("operation":"UPDATE","id":"a","increments":{"n":18446744073709551615})",
        R"("operation":"CREATE","id":"a","data":{},"increments":{"n":1})",
        R"("operation":"DELETE","id":"a","version":"1")",
        R"("operation":"DELETE","id":"a","version":1.0)",
        R"("operation":"DELETE","id":"a","version":-1)",
        R"("operation":"DELETE","id":"a","data":1)",
        R"("operation":"DELETE","id":"a","mutationId":1)",
        R"("operation":"DELETE","id":"a","nonce":0)",
        R"("operation":"DELETE","id":"a","nonce":"")",
        R"("operation":"DELETE","id":"a","nonce":1.5)",
        R"("operation":"DELETE","id":"a","nonce":"0000000000000000")",
        R"("operation":"DELETE","id":"a","group":true)",
        R"("operation":"DELETE","id":"a","clientTime":-1)",
        R"("operation":"DELETE","id":"a","clientTime":"now")",
        R"("operation":"DELETE","id":"a","clientTime":1e300)"})
    BOOST_TEST(code_of("{" + std::string{members} + "}") == "bad_operation", members);
  BOOST_TEST(code_of(R"({"operation":"DELETE","id":"a/"})") == "bad_id");
  BOOST_TEST(code_of(R"({"operation":"DELETE","id":"a\u0000"})") == "bad_id");
  BOOST_TEST(code_of(R"({"operation":"UPDATE","id":"a","increments":{"version":1}})") ==
             "reserved_name");
}

BOOST_AUTO_TEST_CASE(takes_null_for_absent_and_ignores_unknown_members) {
  const auto mutation = mutation_of(R"({"operation":"DELETE","id":"a","localId":null,"data":null,
    "version":null,"nonce":null,"group":null,"clientTime":null,"mutationId":null,"replace":null,
    "increments":null,"colour":"red"})",
                                    R"("client":null,"ackedThrough":null,"later":[],)");
  BOOST_TEST(mutation.unconditional());
}

BOOST_AUTO_TEST_CASE(fails_bodies_beyond_the_limits_alone) {
  const std::string large(1'100'000, 'x');
  BOOST_TEST(code_of(R"({"operation":"CREATE","id":"a","data":{"x":")" + large + "\"}}") ==
             "too_large");
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  BOOST_TEST(code_of(R"({"operation":"CREATE","id":"a","data":{"x":)" + deep + "}}") == "too_deep");
}

BOOST_AUTO_TEST_CASE(refuses_the_whole_where_no_operation_can_be_told) {
  for (const auto* body :
       {"", "{", "nul", "{\"operations\":[]", "{\"operations\":[1e999]}",
        "{\"operations\":[{\"id\":\"\\ud800\"}]}", "{\"operations\":[{\"id\":\"\xFF\"}]}",
        "{\"operations\":[{\"id\":1,\"i\\u0064\":2}]}", "\xEF\xBB\xBF{}"})
    BOOST_TEST(refusal_of(body) == "bad_json", body);
  BOOST_TEST(refusal_of(std::string(100'000, '[')) == "bad_json");
  for (const auto* body :
       {"[]", "1", "{}", "{\"operations\":{}}", "{\"operations\":null}",
        "{\"operations\":[],\"client\":7}", "{\"operations\":[],\"ackedThrough\":-1}",
        "{\"operations\":[],\"ackedThrough\":1.5}"})
    BOOST_TEST(refusal_of(body) == "bad_batch", body);
  net::batch_json_limits limits;
  limits.operations_max = 2;
  limits.body_max = 30;
  BOOST_TEST(refusal_of("{\"operations\":[1,2]}", limits) == "accepted");
  BOOST_TEST(refusal_of("{\"operations\":[1,2,3]}", limits) == "too_many");
  BOOST_TEST(refusal_of("{\"operations\":[1,2]               }", limits) == "too_large");
  BOOST_TEST(net::parse_batch_json("{\"operations\":[]}", "No!").error().code == "bad_collection");
}

BOOST_AUTO_TEST_CASE(keeps_the_sequence_dense_by_a_skip_for_what_it_refuses) {
  const auto batch = parse(R"({"operation":"CREATE","id":"a","mutationId":4,"nonce":8,"data":7},
    {"operation":"DELETE","id":"b","mutationId":5})",
                           numbered);
  BOOST_REQUIRE(batch.request.mutations_size() == 2);
  const auto& skip = batch.request.mutations(0);
  BOOST_TEST(skip.kind() == msg::SKIP);
  BOOST_TEST(skip.mutation_id() == 4U);
  BOOST_TEST(skip.nonce() == 8U);
  BOOST_TEST(!skip.has_body());
  BOOST_TEST(batch.operations[0].error->code() == "bad_operation");
  BOOST_TEST(batch.operations[0].mutation_index == 0);
}

BOOST_AUTO_TEST_CASE(fails_a_group_as_a_whole) {
  const auto batch = parse(R"({"operation":"DELETE","id":"a","group":"g"},
    {"operation":"DELETE","id":"b"}, {"operation":"CREATE","id":"c","group":"g"},
    {"operation":"DELETE","id":"d","group":"h"},{"operation":"DELETE","id":"e","group":"h"})");
  BOOST_TEST(batch.operations[0].error->code() == "group");
  BOOST_TEST(!batch.operations[1].error.has_value());
  BOOST_TEST(batch.operations[2].error->code() == "bad_operation");
  BOOST_TEST(!batch.operations[3].error.has_value());
  BOOST_TEST(batch.request.mutations_size() == 3);
  BOOST_TEST(batch.request.mutations(1).group_size() == 2U);
  BOOST_TEST(batch.request.mutations(1).group() == batch.request.mutations(2).group());
}

BOOST_AUTO_TEST_CASE(answers_in_the_order_of_the_request) {
  const auto batch = parse(R"({"operation":"DELETE","id":"a"}, {"operation":"DELETE"},
    {"operation":"CREATE","localId":"l","data":{}}, {"operation":"UPDATE","id":"u","data":{}},
    {"operation":"DELETE","id":"g"})");
  msg::BatchResponse response;
  auto& synced = *response.add_results();
  synced.set_status(msg::SYNCED);
  synced.set_not_found(true);
  auto& created = *response.add_results();
  created.set_status(msg::SYNCED);
  created.set_version(1);
  created.set_last_modified_ms(99);
  created.mutable_stamp()->set_seq(12);
  created.set_server_id("s");
  auto& conflict = *response.add_results();
  conflict.set_status(msg::CONFLICT);
  auto& item = *conflict.mutable_server_item();
  item.set_id("u");
  item.set_body(R"({"t":1})");
  item.set_version(6);
  item.set_last_modified_ms(77);
  auto& gone = *response.add_results();
  gone.set_status(msg::DELETE_CONFLICT);
  gone.mutable_server_item()->set_id("g");
  gone.mutable_server_item()->set_deleted(true);
  const auto text = net::batch_results_json(batch, response);
  auto parsed = core::parse_json(text);
  BOOST_REQUIRE(parsed.has_value());
  const auto& results = parsed->find("results")->items();
  BOOST_REQUIRE(results.size() == 5U);
  BOOST_TEST(core::to_text(results[0]) ==
             R"({"id":"a","serverId":"a","status":"SYNCED","success":true,"isConflict":false,)"
             R"("isNotFound":true,"version":0,"newVersion":0,"lastModified":0,"seq":0})");
  BOOST_TEST(results[1].find("status")->as_string() == "FAILED");
  BOOST_TEST(results[1].find("error")->find("code")->as_string() == "bad_operation");
  BOOST_TEST(!results[1].find("error")->find("retryable")->as_boolean());
  BOOST_TEST(
    core::to_text(results[2]) ==
    R"({"id":"l","localId":"l","serverId":"s","status":"SYNCED","success":true,)"
    R"("isConflict":false,"isNotFound":false,"version":1,"newVersion":1,"lastModified":99,)"
    R"("seq":12})");
  BOOST_TEST(core::to_text(results[3]) ==
             R"({"id":"u","serverId":"u","status":"CONFLICT","success":false,"isConflict":true,)"
             R"("isNotFound":false,"version":6,"newVersion":6,"lastModified":77,"seq":0,)"
             R"("serverVersion":{"id":"u","t":1,"version":6,"lastModified":77}})");
  BOOST_TEST(results[4].find("status")->as_string() == "DELETE_CONFLICT");
  BOOST_TEST(results[4].find("serverVersion")->find("deleted")->as_boolean());
}

/// The status and error code of each result, as "STATUS" or "STATUS code".
std::vector<std::string> statuses(const net::json_batch& batch,
                                  const msg::BatchResponse& response) {
  auto parsed = core::parse_json(net::batch_results_json(batch, response));
  BOOST_REQUIRE(parsed.has_value());
  std::vector<std::string> found;
  for (const auto& result : parsed->find("results")->items()) {
    found.push_back(result.find("status")->as_string());
    if (const auto* error = result.find("error"))
      found.back() += " " + error->find("code")->as_string();
  }
  return found;
}

BOOST_AUTO_TEST_CASE(names_what_a_mutated_retry_left_undone) {
  const auto batch = parse(R"({"operation":"DELETE","id":"a","mutationId":1},
    {"operation":"DELETE","id":"b","mutationId":2},{"operation":"DELETE","id":"c","mutationId":3})",
                           numbered);
  msg::BatchResponse response;
  response.add_results()->set_status(msg::SYNCED);
  response.set_mutated_retry_id(2);
  const std::vector<std::string> expected = {"SYNCED", "FAILED mutated_retry",
                                             "FAILED not_applied"};
  BOOST_TEST(statuses(batch, response) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tells_the_stored_result_where_a_refused_operation_was_applied_before) {
  const auto batch = parse(R"({"operation":"CREATE","id":"a","mutationId":1},
    {"operation":"CREATE","id":"b","mutationId":2},{"operation":"SKIP","mutationId":3},
    {"operation":"DELETE","id":"d","mutationId":4},{"operation":"DELETE","id":"e","mutationId":5})",
                           numbered);
  msg::BatchResponse response;
  response.add_results()->set_status(msg::SKIPPED);
  response.add_results()->set_status(msg::SYNCED);
  response.add_results()->set_status(msg::SKIPPED);
  response.add_results()->set_status(msg::OUTCOME_UNKNOWN);
  auto& failed = *response.add_results();
  failed.set_status(msg::FAILED);
  failed.mutable_error()->set_code("not_a_number");
  const std::vector<std::string> expected = {"FAILED bad_operation", "SYNCED", "SYNCED",
                                             "FAILED outcome_unknown", "FAILED not_a_number"};
  BOOST_TEST(statuses(batch, response) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(answers_an_empty_batch) {
  BOOST_TEST(net::batch_results_json(parse(""), {}) == R"({"results":[]})");
}

// Whatever stands in `operations`, each element gets one result, and mutations keep their order.
BOOST_AUTO_TEST_CASE(gives_each_element_one_result) {
  BOOST_TEST(rc::check("as many results as operations", [] {
    static const std::vector<std::string> choices = {
      R"({"operation":"DELETE","id":"a"})",
      R"({"operation":"CREATE","id":"b","mutationId":3})",
      R"({"operation":"CREATE","localId":"c","data":{"x":1}})",
      "1",
      "null",
      R"({"operation":"UPDATE","id":"d","group":1,"data":{}})",
      R"({"group":1})",
      R"({"operation":"UPDATE","id":"e","increments":{"n":1}})"};
    std::string operations;
    const auto count = *rc::gen::inRange<std::size_t>(0, 12);
    for (std::size_t at = 0; at < count; ++at)
      operations += (at == 0 ? "" : ",") + *rc::gen::elementOf(choices);
    const auto batch = parse(operations, numbered);
    int next = 0;
    for (const auto& operation : batch.operations) {
      if (operation.mutation_index >= 0 && operation.mutation_index != next++)
        return false;
      if (operation.mutation_index < 0 && !operation.error)
        return false;
    }
    return next == batch.request.mutations_size() && statuses(batch, {}).size() == count;
  }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
