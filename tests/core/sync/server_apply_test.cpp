#include "core/sync/server_apply.hpp"

#include "tests/core/sync/sync_builders.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <string>

using namespace syncline;
using core::item_view;
using core::judge;
using core::stamp;
using test::add;
using test::create;
using test::nested;
using test::patch;
using test::plus;
using test::put;
using test::remove;
using test::row;
using test::tombstone;

namespace {

constexpr std::int64_t now_ms = 1'000'000;
constexpr stamp next{9, 50};
const std::optional<item_view> nothing;

core::server_moment moment() {
  return {next, now_ms, 0, 77};
}

msg::Mutation made_on(msg::Mutation mutation, const stamp& base) {
  *mutation.mutable_base() = core::to_message(base);
  mutation.set_mutation_id(4);
  return mutation;
}

core::server_verdict judged(const std::optional<item_view>& current,
                            const msg::Mutation& mutation) {
  return judge(current, mutation, moment());
}

std::string status(const core::server_verdict& verdict) {
  const auto& result = verdict.result;
  return result.status() == msg::FAILED ? "FAILED " + result.error().code()
                                        : msg::MutationStatus_Name(result.status());
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_sync_server_apply)

BOOST_AUTO_TEST_CASE(a_create_of_a_new_id_is_born_with_version_1) {
  const auto verdict = judged(nothing, made_on(create(R"({"a":1})"), {}));
  BOOST_TEST(status(verdict) == "SYNCED");
  BOOST_TEST(verdict.header->version == 1u);
  BOOST_TEST(verdict.header->birth_seq == next.seq);
  BOOST_TEST((verdict.header->stamp == next));
  BOOST_TEST(verdict.header->last_modified_ms == now_ms);
  BOOST_TEST(verdict.header->writer_tag == 77u);
  BOOST_TEST(!verdict.header->deleted);
  BOOST_TEST(verdict.body == R"({"a":1})");
  BOOST_TEST(verdict.result.mutation_id() == 4u);
  BOOST_TEST(verdict.result.server_id() == "n1");
  BOOST_TEST(verdict.result.version() == 1u);
  BOOST_TEST(verdict.result.last_modified_ms() == now_ms);
  BOOST_TEST((core::from_message(verdict.result.stamp()) == next));
  BOOST_TEST(!verdict.result.has_previous_stamp());
}

BOOST_AUTO_TEST_CASE(a_create_of_an_existing_id_is_a_conflict_whatever_its_base) {
  for (const stamp& base : {stamp{}, stamp{1, 5}}) {
    const auto verdict = judged(row(5, R"({"a":1})"), made_on(create(R"({"a":2})"), base));
    BOOST_TEST(status(verdict) == "CONFLICT");
    BOOST_TEST(!verdict.header.has_value());
    BOOST_TEST(verdict.result.server_item().body() == R"({"a":1})");
    BOOST_TEST(verdict.result.server_item().id() == "n1");
    BOOST_TEST((core::from_message(verdict.result.server_item().stamp()) == stamp{1, 5}));
    BOOST_TEST(!verdict.result.has_stamp());
  }
}

BOOST_AUTO_TEST_CASE(a_create_with_an_equal_body_is_synced_and_changes_nothing) {
  const auto existing = row(5, R"({"a":1,"b":2})");
  for (const char* body : {R"({"a":1,"b":2})", R"({ "b": 2.0, "a": 1 })"}) {
    const auto verdict = judged(existing, made_on(create(body), {}));
    BOOST_TEST(status(verdict) == "SYNCED");
    BOOST_TEST(!verdict.header.has_value());
    BOOST_TEST((core::from_message(verdict.result.stamp()) == existing.header.stamp));
    BOOST_TEST((core::from_message(verdict.result.previous_stamp()) == existing.header.stamp));
    BOOST_TEST(verdict.result.version() == existing.header.version);
    BOOST_TEST(verdict.result.last_modified_ms() == existing.header.last_modified_ms);
  }
}

BOOST_AUTO_TEST_CASE(a_create_on_a_tombstone_goes_on_from_its_version_and_keeps_its_birth) {
  const auto verdict = judged(tombstone(5), made_on(create("{}"), {}));
  BOOST_TEST(status(verdict) == "SYNCED");
  BOOST_TEST(verdict.header->version == 106u);
  BOOST_TEST(verdict.header->birth_seq == 1u);
  BOOST_TEST(!verdict.header->deleted);
  BOOST_TEST((verdict.header->stamp == next));
  BOOST_TEST(!verdict.result.has_previous_stamp());
}

BOOST_AUTO_TEST_CASE(an_update_on_its_base_is_applied_and_says_on_what) {
  const auto verdict =
    judged(row(5, R"({"a":1,"n":1})"), made_on(plus(patch(R"({"a":2})"), "n", 3), {1, 5}));
  BOOST_TEST(status(verdict) == "SYNCED");
  BOOST_TEST(verdict.body == R"({"a":2,"n":4})");
  BOOST_TEST(verdict.header->version == 106u);
  BOOST_TEST(verdict.header->birth_seq == 1u);
  BOOST_TEST((core::from_message(verdict.result.stamp()) == next));
  BOOST_TEST((core::from_message(verdict.result.previous_stamp()) == stamp{1, 5}));
}

BOOST_AUTO_TEST_CASE(an_update_on_another_base_is_a_conflict_that_brings_the_item) {
  const auto existing = row(5, R"({"a":1})");
  // Neither older nor newer, nor the same seq under another start (M8), nor none.
  for (const stamp& base : {stamp{1, 4}, stamp{1, 6}, stamp{2, 5}, stamp{}})
    for (const auto& update : {patch(R"({"a":2})"), put("{}"), plus(put("{}"), "n", 1)}) {
      const auto verdict = judged(existing, made_on(update, base));
      BOOST_TEST(status(verdict) == "CONFLICT");
      BOOST_TEST(!verdict.header.has_value());
      BOOST_TEST(verdict.result.server_item().body() == R"({"a":1})");
    }
}

BOOST_AUTO_TEST_CASE(increments_alone_ignore_their_base) {
  for (const stamp& base : {stamp{}, stamp{1, 4}, stamp{7, 900}}) {
    const auto verdict = judged(row(5, R"({"n":1})"), made_on(add("n", 2), base));
    BOOST_TEST(status(verdict) == "SYNCED");
    BOOST_TEST(verdict.body == R"({"n":3})");
    BOOST_TEST((core::from_message(verdict.result.previous_stamp()) == stamp{1, 5}));
  }
}

BOOST_AUTO_TEST_CASE(an_update_of_an_unknown_or_deleted_id_is_never_a_creation) {
  for (const auto& update : {patch("{}"), put("{}"), add("n", 1)}) {
    const auto unknown = judged(nothing, made_on(update, {}));
    BOOST_TEST(status(unknown) == "DELETE_CONFLICT");
    BOOST_TEST(!unknown.result.has_server_item());
    BOOST_TEST(!unknown.header.has_value());
    const auto deleted = judged(tombstone(5), made_on(update, {1, 5}));
    BOOST_TEST(status(deleted) == "DELETE_CONFLICT");
    BOOST_TEST(deleted.result.server_item().deleted());
    BOOST_TEST((core::from_message(deleted.result.server_item().stamp()) == stamp{1, 5}));
    BOOST_TEST(!deleted.header.has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_deletion_on_its_base_leaves_a_tombstone) {
  const auto verdict = judged(row(5, R"({"a":1})"), made_on(remove(), {1, 5}));
  BOOST_TEST(status(verdict) == "SYNCED");
  BOOST_TEST(verdict.header->deleted);
  BOOST_TEST(verdict.header->version == 106u);
  BOOST_TEST(verdict.header->birth_seq == 1u);
  BOOST_TEST(verdict.body == "");
  BOOST_TEST((core::from_message(verdict.result.previous_stamp()) == stamp{1, 5}));
  BOOST_TEST(!verdict.result.not_found());
}

BOOST_AUTO_TEST_CASE(a_deletion_of_what_others_changed_is_a_conflict) {
  const auto verdict = judged(row(5, R"({"a":1})"), made_on(remove(), {1, 4}));
  BOOST_TEST(status(verdict) == "DELETE_CONFLICT");
  BOOST_TEST(verdict.result.server_item().body() == R"({"a":1})");
  BOOST_TEST(!verdict.header.has_value());
}

BOOST_AUTO_TEST_CASE(deleting_what_is_not_there_is_synced_as_of_the_head) {
  for (const auto& current : {nothing, std::optional{tombstone(5)}}) {
    const auto verdict = judged(current, made_on(remove(), {1, 3}));
    BOOST_TEST(status(verdict) == "SYNCED");
    BOOST_TEST(verdict.result.not_found());
    BOOST_TEST(!verdict.header.has_value());
    BOOST_TEST((core::from_message(verdict.result.stamp()) == stamp{9, 49}));
    BOOST_TEST(verdict.result.has_previous_stamp() == current.has_value());
    if (current) // What the client has to have pulled.
      BOOST_TEST((core::from_message(verdict.result.previous_stamp()) == stamp{1, 5}));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_applied_fails_for_good_and_changes_nothing) {
  const auto existing = row(5, R"({"a":"x","n":9223372036854775807})");
  const std::string large = "{\"b\":\"" + std::string((1u << 20) - 20, 'x') + "\"}";
  auto reserved = add("version", 1);
  for (const auto& [mutation, code] : std::vector<std::pair<msg::Mutation, std::string>>{
         {add("a", 1), "not_a_number"},
         {add("n", 1), "number_overflow"},
         {reserved, "reserved_name"},
         {patch(large), "too_large"},
         {put(nested(65)), "too_deep"},
         {patch(R"({"id":1})"), "reserved_name"},
         {create("[]"), "not_an_object"},
         {test::mutation(msg::CREATE), "bad_mutation"},
         {test::mutation(msg::UPDATE), "bad_mutation"},
         {test::mutation(msg::MUTATION_KIND_UNSPECIFIED), "bad_mutation"}}) {
    const auto verdict = judged(existing, made_on(mutation, {1, 5}));
    BOOST_TEST(status(verdict) == "FAILED " + code);
    BOOST_TEST(!verdict.result.error().retryable());
    BOOST_TEST(!verdict.result.error().message().empty());
    BOOST_TEST(!verdict.header.has_value());
    BOOST_TEST(verdict.result.mutation_id() == 4u);
  }
}

BOOST_AUTO_TEST_CASE(a_body_of_the_deepest_kind_is_accepted_and_one_deeper_fails) {
  BOOST_TEST(status(judged(nothing, create(nested(64)))) == "SYNCED");
  BOOST_TEST(status(judged(nothing, create(nested(65)))) == "FAILED too_deep");
}

BOOST_AUTO_TEST_CASE(a_skip_is_answered_and_changes_nothing) {
  const auto verdict = judged(row(5, "{}"), made_on(test::mutation(msg::SKIP), {}));
  BOOST_TEST(status(verdict) == "SKIPPED");
  BOOST_TEST(!verdict.header.has_value());
}

BOOST_AUTO_TEST_CASE(last_modified_never_falls_along_the_sequence_and_rises_with_each_change) {
  const auto at = [](std::int64_t clock_ms, std::int64_t space_ms, std::int64_t item_ms) {
    auto existing = row(5, R"({"n":1})");
    existing.header.last_modified_ms = item_ms;
    return judge(existing, add("n", 1), {next, clock_ms, space_ms, 0}).header->last_modified_ms;
  };
  BOOST_TEST(at(900, 500, 400) == 900);
  BOOST_TEST(at(300, 500, 400) == 500); // the clock fell
  BOOST_TEST(at(300, 500, 500) == 501); // changed twice in one millisecond
  BOOST_TEST(at(300, 300, 800) == 801);
}

BOOST_AUTO_TEST_CASE(the_writers_time_is_clamped_to_one_minute_ahead) {
  const auto written_at = [](std::int64_t wall_ms) {
    auto mutation = add("n", 1);
    mutation.mutable_client_time()->set_wall_ms(wall_ms);
    mutation.mutable_client_time()->set_counter(3);
    return *judged(row(5, "{}"), mutation).header;
  };
  BOOST_TEST(written_at(now_ms + 60'000).writer_wall_ms == now_ms + 60'000);
  BOOST_TEST(written_at(now_ms + 60'000).writer_counter == 3u);
  BOOST_TEST(written_at(now_ms + 60'001).writer_wall_ms == now_ms + 60'000);
  BOOST_TEST(written_at(5).writer_wall_ms == 5);
}

BOOST_AUTO_TEST_CASE(plain_clients_are_checked_by_version_or_not_at_all) {
  const auto plain = [](msg::Mutation mutation, std::uint64_t version) {
    mutation.set_unconditional(true);
    mutation.set_base_version(version);
    return status(judged(row(5, R"({"a":1})"), mutation));
  };
  BOOST_TEST(plain(patch("{}"), 0) == "SYNCED");
  BOOST_TEST(plain(patch("{}"), 105) == "SYNCED");
  BOOST_TEST(plain(patch("{}"), 104) == "CONFLICT");
  BOOST_TEST(plain(remove(), 0) == "SYNCED");
  BOOST_TEST(plain(remove(), 104) == "DELETE_CONFLICT");
  BOOST_TEST(plain(create(R"({"a":2})"), 0) == "CONFLICT");
}

// As the JSON codec makes them: a version is a condition, so `unconditional` is not set.
BOOST_AUTO_TEST_CASE(a_plain_write_on_the_right_version_was_always_a_conflict) {
  const auto versioned = [](msg::Mutation mutation, std::uint64_t version) {
    mutation.set_base_version(version);
    return status(judged(row(5, R"({"a":1})"), mutation));
  };
  BOOST_TEST(versioned(patch("{}"), 105) == "SYNCED");
  BOOST_TEST(versioned(patch("{}"), 104) == "CONFLICT");
  BOOST_TEST(versioned(remove(), 105) == "SYNCED");
  BOOST_TEST(versioned(patch("{}"), 0) == "CONFLICT"); // "Nothing is there": something is.
}

BOOST_AUTO_TEST_CASE(a_change_is_exactly_what_the_client_shows_and_nothing_else_changes) {
  BOOST_TEST(rc::check("judged body == applied body, one version and one stamp on", [] {
    const auto body = test::any_body();
    const bool exists = *rc::gen::inRange(0, 4) > 0;
    std::optional<item_view> current;
    if (exists)
      current = *rc::gen::inRange(0, 4) > 0 ? row(5, body) : tombstone(5);
    const bool lives = current && !current->header.deleted;
    const auto change = test::any_change(lives ? test::optional_text{body} : std::nullopt);
    const auto verdict = judged(current, made_on(change, {1, 5}));
    const auto expected = core::apply_mutation(body, change);
    if (!expected || verdict.result.status() == msg::FAILED)
      return !expected && verdict.result.status() == msg::FAILED && !verdict.header;
    if (verdict.result.status() != msg::SYNCED || !verdict.header)
      return false;
    const auto& header = *verdict.header;
    return header.deleted == !expected->has_value() && verdict.body == expected->value_or("") &&
           header.version == (current ? current->header.version : 0) + 1 && header.stamp == next &&
           verdict.result.has_previous_stamp() == lives;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
