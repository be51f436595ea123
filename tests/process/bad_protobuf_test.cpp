// The same for the batches of our own clients, in protobuf.

#include "tests/process/bad_input_support.hpp"
#include "tests/support/loopback.hpp"
#include "wire.pb.h"

#include <functional>

BOOST_AUTO_TEST_SUITE(bad_protobuf)

using namespace syncline;
using namespace syncline::tests;

namespace {

constexpr std::string_view protobuf = "application/x-protobuf";

std::string post_protobuf(std::string_view body, std::string_view headers = {}) {
  return post_bytes("/batch-sync",
                    "Content-Type: " + std::string{protobuf} + "\r\n" + std::string{headers}, body);
}

/// A batch that the server would take, with one mutation.
msg::BatchRequest good_batch(guarded_server& server) {
  const auto status = server.get().get().status();
  msg::BatchRequest batch;
  batch.set_client("client");
  batch.set_start(status.start);
  auto& mutation = *batch.add_mutations();
  mutation.set_kind(msg::CREATE);
  mutation.set_collection("items");
  mutation.set_id("new");
  mutation.set_body("{}");
  mutation.set_nonce(1);
  mutation.set_mutation_id(1);
  return batch;
}

using change_mutation = std::function<void(msg::Mutation&)>;

/// The batch is answered, its mutation with FAILED and `code`, and nothing is stored.
void check_mutation_fails(const std::string& name, const change_mutation& change,
                          const std::string& code) {
  guarded_server server;
  auto batch = good_batch(server);
  change(*batch.mutable_mutations(0));
  raw_client client{server.get().get().port()};
  (void)client.send(post_protobuf(batch.SerializeAsString(), "Accept: application/x-protobuf\r\n"));
  const auto reply = client.read_reply();
  BOOST_TEST(reply.starts_with("HTTP/1.1 200 "), name << ": " << reply.substr(0, 300));
  msg::BatchResponse response;
  BOOST_TEST(response.ParseFromString(reply.substr(reply.find("\r\n\r\n") + 4)), name);
  if (response.results_size() != 1) {
    BOOST_ERROR(name << ": " << response.results_size() << " results");
    return;
  }
  BOOST_TEST(msg::MutationStatus_Name(response.results(0).status()) == "FAILED", name);
  BOOST_TEST(response.results(0).error().code() == code, name);
  BOOST_TEST(response.results(0).error().message().size() > 10U, name);
  server.check_unharmed(name);
}

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i)
    text += "{\"a\":";
  return text + "1" + std::string(depth, '}');
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_no_batch_is_refused_whole) {
  guarded_server server;
  const auto good = good_batch(server).SerializeAsString();
  const auto refuse = [&](const std::string& name, std::string_view body) {
    server.check_refused({name, post_protobuf(body), 400, "bad_protobuf"});
  };
  refuse("JSON", R"({"operations":[]})");
  refuse("HTML", "<html></html>");
  refuse("a varint without an end", std::string(20, '\xFF'));
  refuse("a field without its bytes", std::string{"\x2A\x7F", 2});
  refuse("a field of 2 GB", std::string{"\x2A\xFF\xFF\xFF\xFF\x07", 6});
  refuse("an end of a group that did not begin", "\x2C");
  refuse("field number 0", std::string{"\x02\x01x", 3});
  refuse("a client that is no UTF-8", std::string{"\x0A\x01\xFF", 3});
  std::string groups;
  for (int i = 0; i < 100'000; ++i)
    groups += '\x7B'; // Field 15 opens a group in a group in a group ...
  refuse("100,000 groups in each other", groups);
  server.check_refused({"an id that is no UTF-8", post_protobuf([&] {
                          auto text = good;
                          text[text.find("new")] = '\xFF';
                          return text;
                        }()),
                        400, "bad_protobuf"});
}

// A cut at the end of a field is a batch again, but a smaller one: nothing in it tells, so the
// length of the message has to (see `bodies_that_end_early_are_told_so_and_not_served`). What is
// left here must never be more than was sent.
BOOST_AUTO_TEST_CASE(a_batch_cut_at_any_byte_never_stores_another_one) {
  guarded_server server;
  auto batch = good_batch(server);
  batch.mutable_mutations(0)->set_kind(msg::CREATE);
  batch.mutable_mutations(0)->set_payload_hash(std::string(32, 'x')); // is not the mutation's
  const auto whole = batch.SerializeAsString();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto answer = server.ask(post_protobuf(whole.substr(0, size)));
    const bool refused = answer.status == 400 || answer.status == 409;
    const bool empty = answer.status == 200 && size < whole.size();
    BOOST_TEST((refused || empty), size << " bytes: " << answer.status);
  }
  server.check_unharmed("cut batches");
}

BOOST_AUTO_TEST_CASE(a_batch_of_wrong_claims_is_refused_whole) {
  guarded_server server;
  const auto refuse = [&](const std::string& name,
                          const std::function<void(msg::BatchRequest&)>& change, int status,
                          const std::string& code) {
    auto batch = good_batch(server);
    change(batch);
    server.check_refused({name, post_protobuf(batch.SerializeAsString()), status, code});
  };
  const auto epoch = server.get().get().status().epoch;
  const auto start = server.get().get().status().start;
  refuse(
    "no client", [](auto& batch) { batch.clear_client(); }, 400, "bad_batch");
  refuse(
    "a client of 129 bytes", [](auto& batch) { batch.set_client(std::string(129, 'c')); }, 400,
    "bad_batch");
  refuse(
    "a client with a zero byte",
    [](auto& batch) {
      batch.set_client(std::string{"a\0b", 3});
    },
    400, "bad_batch");
  refuse(
    "mutation id 0", [](auto& batch) { batch.mutable_mutations(0)->set_mutation_id(0); }, 400,
    "bad_batch");
  refuse(
    "mutation ids with a hole",
    [](auto& batch) {
      *batch.add_mutations() = batch.mutations(0);
      batch.mutable_mutations(1)->set_mutation_id(3);
    },
    400, "bad_batch");
  refuse(
    "a damaged mutation",
    [](auto& batch) { batch.mutable_mutations(0)->set_payload_hash(std::string(32, 'x')); }, 400,
    "bad_batch");
  refuse(
    "a gap", [](auto& batch) { batch.mutable_mutations(0)->set_mutation_id(2); }, 409,
    "mutation_gap");
  refuse(
    "no start", [](auto& batch) { batch.clear_start(); }, 409, "server_restarted");
  refuse(
    "another start", [](auto& batch) { batch.set_start(7); }, 409, "server_restarted");
  refuse(
    "a place of another epoch",
    [&](auto& batch) {
      batch.mutable_seen()->set_epoch(epoch ^ 1);
      batch.mutable_seen()->set_start(start);
      batch.mutable_seen()->set_seq(1);
    },
    410, "cursor_expired");
  refuse(
    "a place ahead of the head",
    [&](auto& batch) {
      batch.mutable_seen()->set_epoch(epoch);
      batch.mutable_seen()->set_start(start);
      batch.mutable_seen()->set_seq(1'000);
    },
    410, "cursor_expired");
  refuse(
    "1001 mutations",
    [](auto& batch) {
      for (std::uint64_t id = 2; id <= 1001; ++id) {
        *batch.add_mutations() = batch.mutations(0);
        batch.mutable_mutations(static_cast<int>(id) - 1)->set_mutation_id(id);
      }
    },
    413, "too_many");
}

BOOST_AUTO_TEST_CASE(names_beyond_the_rules_fail_alone) {
  for (const std::string name : {"", "Notes", "a b", "a.b", "..", "caf\xC3\xA9", "a/b"})
    check_mutation_fails(
      "collection '" + name + "'", [&](auto& m) { m.set_collection(name); }, "bad_collection");
  check_mutation_fails(
    "a collection of 65 bytes", [](auto& m) { m.set_collection(std::string(65, 'a')); },
    "bad_collection");
  for (const std::string id : {"", "/a", "a/", "..", "a/../b", "a\nb", "\x7F", "\xC2\x85"})
    check_mutation_fails(
      "id '" + id + "'", [&](auto& m) { m.set_id(id); }, "bad_id");
  check_mutation_fails(
    "an id with a zero byte",
    [](auto& m) {
      m.set_id(std::string{"a\0b", 3});
    },
    "bad_id");
  check_mutation_fails(
    "an id of 201 bytes", [](auto& m) { m.set_id(std::string(201, 'a')); }, "bad_id");
  check_mutation_fails(
    "an id of 1 MB", [](auto& m) { m.set_id(std::string(1'000'000, 'a')); }, "bad_id");
}

BOOST_AUTO_TEST_CASE(bodies_beyond_the_rules_fail_alone) {
  const auto body = [](std::string text) {
    return [text = std::move(text)](msg::Mutation& m) { m.set_body(text); };
  };
  check_mutation_fails("an empty body", body(""), "bad_json");
  check_mutation_fails("half a body", body("{\"a\":"), "bad_json");
  check_mutation_fails("two bodies", body("{}{}"), "bad_json");
  check_mutation_fails("a byte order mark", body("\xEF\xBB\xBF{}"), "bad_json");
  check_mutation_fails("a zero byte", body(std::string{"{}\0", 3}), "bad_json");
  check_mutation_fails("a lone surrogate", body(R"({"a":"\ud800"})"), "bad_json");
  check_mutation_fails("a list", body("[]"), "not_an_object");
  check_mutation_fails("a number", body("1"), "not_an_object");
  for (const std::string bytes : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80"})
    check_mutation_fails("no UTF-8", body("{\"a\":\"" + bytes + "\"}"), "bad_utf8");
  check_mutation_fails("65 deep", body(nested(65)), "too_deep");
  check_mutation_fails("100,000 deep", body(nested(100'000)), "too_deep");
  check_mutation_fails(
    "over 1 MiB", body("{\"a\":\"" + std::string(std::size_t{1} << 20, 'x') + "\"}"), "too_large");
  check_mutation_fails("duplicate keys", body(R"({"a":1,"a":1})"), "duplicate_key");
  check_mutation_fails("duplicate keys, one escaped", body(R"({"a":1,"\u0061":2})"),
                       "duplicate_key");
  check_mutation_fails("duplicate keys deep inside", body(R"({"o":[{"a":1,"a":2}]})"),
                       "duplicate_key");
  check_mutation_fails("1e400", body(R"({"a":1e400})"), "number_out_of_range");
  check_mutation_fails("a long integer", body(R"({"a":18446744073709551616})"),
                       "number_out_of_range");
  for (const std::string name : {"id", "collection", "version", "lastModified", "deleted"})
    check_mutation_fails(name, body("{\"" + name + "\":1}"), "reserved_name");
}

BOOST_AUTO_TEST_CASE(mutations_that_make_no_sense_fail_alone) {
  check_mutation_fails(
    "no kind", [](auto& m) { m.clear_kind(); }, "bad_mutation");
  check_mutation_fails(
    "a kind of the future", [](auto& m) { m.set_kind(static_cast<msg::MutationKind>(77)); },
    "bad_mutation");
  check_mutation_fails(
    "a creation without a body", [](auto& m) { m.clear_body(); }, "bad_mutation");
  check_mutation_fails(
    "a creation with a patch", [](auto& m) { m.set_patch("{}"); }, "bad_mutation");
  const auto update = [](const change_mutation& change) {
    return [change](msg::Mutation& m) {
      m.set_kind(msg::UPDATE);
      m.set_id("kept");
      m.clear_body();
      change(m);
    };
  };
  check_mutation_fails("an empty update", update([](auto&) {}), "bad_mutation");
  check_mutation_fails("a body and a patch", update([](auto& m) {
                         m.set_body("{}");
                         m.set_patch("{}");
                       }),
                       "bad_mutation");
  check_mutation_fails("a patch that is a list", update([](auto& m) { m.set_patch("[]"); }),
                       "not_an_object");
  check_mutation_fails("an increment without an amount",
                       update([](auto& m) { m.add_increments()->set_field("n"); }), "bad_mutation");
  const auto add = [&](const std::string& field, std::int64_t amount) {
    return update([=](msg::Mutation& m) {
      m.add_increments()->set_field(field);
      m.mutable_increments(0)->set_integer(amount);
    });
  };
  check_mutation_fails("counts a reserved name", add("version", 1), "reserved_name");
  check_mutation_fails("overflows", add("n", INT64_MAX), "number_overflow");
  check_mutation_fails(
    "a deletion with a body", [](auto& m) { m.set_kind(msg::DELETE); }, "bad_mutation");
  check_mutation_fails(
    "a group that is not whole",
    [](auto& m) {
      m.set_group(5);
      m.set_group_size(2);
    },
    "group");
}

BOOST_AUTO_TEST_CASE(a_refusal_comes_in_the_form_that_was_asked_for) {
  guarded_server server;
  raw_client client{server.get().get().port()};
  (void)client.send(post_protobuf("x", "Accept: application/x-protobuf\r\n"));
  const auto reply = client.read_reply();
  BOOST_TEST(reply.starts_with("HTTP/1.1 400 "));
  msg::ErrorReply refusal;
  BOOST_TEST(refusal.ParseFromString(reply.substr(reply.find("\r\n\r\n") + 4)));
  BOOST_TEST(refusal.code() == "bad_protobuf");
  BOOST_TEST(!refusal.message().empty());
}

BOOST_AUTO_TEST_SUITE_END()
