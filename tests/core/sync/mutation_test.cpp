#include "core/sync/mutation.hpp"

#include "tests/core/sync/sync_builders.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

using namespace syncline;
using core::apply_mutation;
using core::payload_bytes;
using core::validate_mutation;

namespace {

using edit = std::function<void(msg::Mutation&)>;

msg::Mutation full_mutation() {
  auto made = test::plus(test::patch(R"({"a":1})"), "n", 1);
  made.set_nonce(7);
  *made.mutable_base() = core::to_message(core::stamp{3, 4});
  made.mutable_client_time()->set_wall_ms(5);
  made.mutable_client_time()->set_counter(6);
  made.set_group(8);
  made.set_group_size(2);
  return made;
}

std::string outcome(const std::optional<std::string>& body, const msg::Mutation& mutation) {
  std::optional<std::string_view> view;
  if (body)
    view = *body;
  const auto result = apply_mutation(view, mutation);
  if (!result)
    return result.error().code;
  return result->value_or("nothing");
}

std::string verdict(const msg::Mutation& mutation) {
  const auto valid = validate_mutation(mutation);
  return valid ? "valid" : valid.error().code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_mutation)

BOOST_AUTO_TEST_CASE(every_field_that_decides_the_effect_is_under_the_payload_hash) {
  const std::vector<edit> edits{
    [](auto& m) { m.set_kind(msg::CREATE); },
    [](auto& m) { m.set_collection("other"); },
    [](auto& m) { m.set_id("other"); },
    [](auto& m) { m.set_body("{}"); },
    [](auto& m) { m.set_patch("{}"); },
    [](auto& m) { m.clear_patch(); },
    [](auto& m) { m.set_patch(""); },
    [](auto& m) { m.clear_increments(); },
    [](auto& m) { m.mutable_increments(0)->set_field("m"); },
    [](auto& m) { m.mutable_increments(0)->set_integer(2); },
    [](auto& m) { m.mutable_increments(0)->set_real(1.0); },
    [](auto& m) { m.mutable_increments(0)->set_real(5e-324); }, // the bits of the integer 1
    [](auto& m) { *m.add_increments() = m.increments(0); },
    [](auto& m) { m.set_nonce(8); },
    [](auto& m) { m.mutable_base()->set_start(9); },
    [](auto& m) { m.mutable_base()->set_seq(9); },
    [](auto& m) { m.mutable_client_time()->set_wall_ms(9); },
    [](auto& m) { m.mutable_client_time()->set_counter(9); },
    [](auto& m) { m.set_group(9); },
    [](auto& m) { m.set_group_size(9); },
  };
  std::vector<std::string> seen{payload_bytes(full_mutation())};
  for (const auto& change : edits) {
    auto changed = full_mutation();
    change(changed);
    seen.push_back(payload_bytes(changed));
  }
  for (std::size_t i = 0; i < seen.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      BOOST_TEST((seen[i] != seen[j]), "edits " << i << " and " << j << " look alike");
}

BOOST_AUTO_TEST_CASE(identity_and_checks_of_plain_clients_are_not_under_the_payload_hash) {
  auto sent = full_mutation();
  sent.set_mutation_id(3);
  sent.set_payload_hash("x");
  sent.add_formers()->set_client("former");
  sent.set_unconditional(true);
  sent.set_base_version(2);
  BOOST_TEST((payload_bytes(sent) == payload_bytes(full_mutation())));
}

BOOST_AUTO_TEST_CASE(neighbouring_texts_cannot_be_cut_differently_under_the_payload_hash) {
  BOOST_TEST(rc::check("(collection, id, body, patch) is injective", [] {
    const auto text = [] { return *rc::gen::container<std::string>(rc::gen::element('a', '\0')); };
    const auto any = [&] {
      auto made = test::mutation(msg::UPDATE);
      made.set_collection(text());
      made.set_id(text());
      if (*rc::gen::arbitrary<bool>())
        made.set_body(text());
      if (*rc::gen::arbitrary<bool>())
        made.set_patch(text());
      return made;
    };
    const auto left = any();
    const auto right = any();
    return (payload_bytes(left) == payload_bytes(right)) ==
           (left.SerializeAsString() == right.SerializeAsString());
  }));
}

BOOST_AUTO_TEST_CASE(only_an_update_of_increments_alone_commutes) {
  BOOST_TEST(core::is_increments_only(test::add("n", 1)));
  BOOST_TEST(!core::is_increments_only(test::plus(test::patch("{}"), "n", 1)));
  BOOST_TEST(!core::is_increments_only(test::plus(test::put("{}"), "n", 1)));
  BOOST_TEST(!core::is_increments_only(test::create("{}")));
  BOOST_TEST(!core::is_increments_only(test::remove()));
  BOOST_TEST(!core::is_increments_only(test::mutation(msg::SKIP)));
}

BOOST_AUTO_TEST_CASE(absolute_parts_are_applied_before_increments) {
  const std::string body = R"({"n":1,"a":2})";
  BOOST_TEST(outcome(body, test::plus(test::patch(R"({"n":10})"), "n", 5)) == R"({"n":15,"a":2})");
  BOOST_TEST(outcome(body, test::plus(test::patch(R"({"n":null})"), "n", 5)) == R"({"a":2,"n":5})");
  BOOST_TEST(outcome(body, test::plus(test::put(R"({"b":1})"), "n", 5)) == R"({"b":1,"n":5})");
  BOOST_TEST(outcome(body, test::add("n", 5)) == R"({"n":6,"a":2})");
}

BOOST_AUTO_TEST_CASE(each_kind_does_what_its_name_says) {
  const std::string body = R"({"a":1})";
  BOOST_TEST(outcome(body, test::create(R"({ "b": 2 })")) == R"({ "b": 2 })");
  BOOST_TEST(outcome(std::nullopt, test::create("{}")) == "{}");
  BOOST_TEST(outcome(body, test::put("{}")) == "{}");
  BOOST_TEST(outcome(body, test::patch(R"({"a":null,"b":{"c":null}})")) == R"({"b":{}})");
  BOOST_TEST(outcome(std::nullopt, test::patch(R"({"b":1})")) == R"({"b":1})");
  BOOST_TEST(outcome(std::nullopt, test::add("n", 1)) == R"({"n":1})");
  BOOST_TEST(outcome(body, test::remove()) == "nothing");
  BOOST_TEST(outcome(std::nullopt, test::remove()) == "nothing");
  BOOST_TEST(outcome(body, test::mutation(msg::SKIP)) == body);
  BOOST_TEST(outcome(std::nullopt, test::mutation(msg::SKIP)) == "nothing");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_applied_says_why) {
  const std::string half = "{\"a\":\"" + std::string(600'000, 'x') + "\"}";
  const std::string other_half = "{\"b\":\"" + std::string(600'000, 'x') + "\"}";
  BOOST_TEST(outcome(half, test::patch(other_half)) == "too_large");
  BOOST_TEST(outcome(std::nullopt, test::put(std::string((1u << 20) + 1, ' '))) == "too_large");
  BOOST_TEST(outcome(R"({"n":"x"})", test::add("n", 1)) == "not_a_number");
  BOOST_TEST(outcome(R"({"n":9223372036854775807})", test::add("n", 1)) == "number_overflow");
}

BOOST_AUTO_TEST_CASE(without_increments_only_what_the_writer_set_is_applied) {
  const auto text = [](const std::optional<std::string>& body, const msg::Mutation& mutation) {
    std::optional<std::string_view> view;
    if (body)
      view = *body;
    return core::apply_without_increments(view, mutation).value().value_or("nothing");
  };
  const std::string body = R"({"n":1})";
  BOOST_TEST(text(body, test::plus(test::patch(R"({"a":1})"), "n", 5)) == R"({"n":1,"a":1})");
  BOOST_TEST(text(body, test::add("n", 5)) == body);
  BOOST_TEST(text(std::nullopt, test::add("n", 5)) == "nothing");
  BOOST_TEST(text(body, test::remove()) == "nothing");
}

BOOST_AUTO_TEST_CASE(accepts_what_each_kind_may_have) {
  for (const auto& good :
       {test::create("{}"), test::put("{}"), test::patch("{}"), test::add("n", 0), test::remove(),
        test::plus(test::put("{}"), "n", 1), test::plus(test::patch("{}"), "n", 1),
        test::mutation(msg::SKIP), test::create(test::nested(64))})
    BOOST_TEST(verdict(good) == "valid", good.ShortDebugString());
}

BOOST_AUTO_TEST_CASE(refuses_at_the_door_what_does_not_fit_its_kind) {
  auto both = test::put("{}");
  both.set_patch("{}");
  auto create_with_patch = test::create("{}");
  create_with_patch.set_patch("{}");
  auto remove_with_body = test::remove();
  remove_with_body.set_body("{}");
  auto remove_with_patch = test::remove();
  remove_with_patch.set_patch("{}");
  auto no_amount = test::mutation(msg::UPDATE);
  no_amount.add_increments()->set_field("n");
  for (const auto& bad :
       {both, create_with_patch, remove_with_body, remove_with_patch, no_amount,
        test::mutation(msg::CREATE), test::mutation(msg::UPDATE),
        test::mutation(msg::MUTATION_KIND_UNSPECIFIED), test::mutation(msg::MutationKind{77}),
        test::plus(test::create("{}"), "n", 1), test::plus(test::remove(), "n", 1)})
    BOOST_TEST(verdict(bad) == "bad_mutation", bad.ShortDebugString());
}

BOOST_AUTO_TEST_CASE(refuses_bad_ids_and_bodies_by_their_own_codes) {
  auto bad_id = test::create("{}");
  bad_id.set_id("../x");
  BOOST_TEST(verdict(bad_id) == "bad_id");
  auto skip_of_bad_id = test::mutation(msg::SKIP);
  skip_of_bad_id.clear_id();
  BOOST_TEST(verdict(skip_of_bad_id) == "bad_id");
  auto bad_collection = test::remove();
  bad_collection.set_collection("Notes");
  BOOST_TEST(verdict(bad_collection) == "bad_collection");
  BOOST_TEST(verdict(test::create("[]")) == "not_an_object");
  BOOST_TEST(verdict(test::create(R"({"version":1})")) == "reserved_name");
  BOOST_TEST(verdict(test::patch(R"({"id":null})")) == "reserved_name");
  BOOST_TEST(verdict(test::put(test::nested(65))) == "too_deep");
  BOOST_TEST(verdict(test::patch("{")) == "bad_json");
}

BOOST_AUTO_TEST_CASE(a_valid_change_of_a_valid_body_gives_a_valid_body) {
  BOOST_TEST(rc::check("validate(apply(body, change)) unless it is refused", [] {
    const auto body = test::any_body();
    const auto change = test::any_change(body);
    RC_ASSERT(validate_mutation(change).has_value());
    const auto after = apply_mutation(body, change);
    return !after || !*after || core::validate_body(**after).has_value();
  }));
}

BOOST_AUTO_TEST_SUITE_END()
