#include "core/data/three_way_merge.hpp"

#include "core/data/json.hpp"
#include "json_generator.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace syncline;
using core::json_value;
using core::merge_outcome;
using core::merge_three_way;
using core::prefer_side;
using core::to_text;

namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names)
    text += name + " ";
  return text;
}

// "body | clashing fields", under each preference.
std::string merged(const std::optional<std::string>& base, const std::string& mine,
                   const std::string& theirs, prefer_side prefer = prefer_side::server) {
  const auto outcome = merge_three_way(base, mine, theirs, prefer);
  return outcome ? outcome->body + " | " + joined(outcome->clashing_fields) : outcome.error().code;
}

json_value merged_tree(const std::optional<json_value>& base, const json_value& mine,
                       const json_value& theirs, prefer_side prefer,
                       std::vector<std::string>* clashes = nullptr) {
  std::optional<std::string> base_text;
  if (base)
    base_text = to_text(*base);
  auto outcome = merge_three_way(base_text, to_text(mine), to_text(theirs), prefer);
  RC_ASSERT(outcome.has_value());
  std::sort(outcome->clashing_fields.begin(), outcome->clashing_fields.end());
  if (clashes != nullptr)
    *clashes = outcome->clashing_fields;
  return *core::parse_json(outcome->body);
}

prefer_side any_side() {
  return *rc::gen::element(prefer_side::server, prefer_side::client);
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_three_way_merge)

BOOST_AUTO_TEST_CASE(takes_what_one_side_alone_changed_added_or_removed) {
  const std::string base = R"({"a":1,"b":2,"c":3,"d":4})";
  BOOST_TEST(merged(base, R"({"a":9,"b":2,"c":3,"m":1})", R"({"a":1,"b":8,"d":4,"t":1})") ==
             R"({"a":9,"b":8,"t":1,"m":1} | )");
  for (const auto prefer : {prefer_side::server, prefer_side::client}) {
    BOOST_TEST(merged(R"({"a":1})", "{}", R"({"a":1})", prefer) == "{} | ");
    BOOST_TEST(merged(R"({"a":1})", R"({"a":1})", "{}", prefer) == "{} | ");
    BOOST_TEST(merged(R"({"a":1})", R"({"a":2})", R"({"a":2})", prefer) == R"({"a":2} | )");
    BOOST_TEST(merged(R"({"a":1})", "{}", "{}", prefer) == "{} | ");
  }
}

BOOST_AUTO_TEST_CASE(a_field_changed_by_both_follows_the_preferred_side_and_is_named) {
  const std::string base = R"({"a":1,"x":0})";
  const std::string mine = R"({"a":2,"x":0,"n":"m"})";
  const std::string theirs = R"({"a":3,"x":0,"n":"t"})";
  BOOST_TEST(merged(base, mine, theirs) == R"({"a":3,"x":0,"n":"t"} | a n )");
  BOOST_TEST(merged(base, mine, theirs, prefer_side::client) == R"({"a":2,"x":0,"n":"m"} | a n )");
}

BOOST_AUTO_TEST_CASE(removed_against_changed_is_a_clash) {
  BOOST_TEST(merged(R"({"a":1})", "{}", R"({"a":2})") == R"({"a":2} | a )");
  BOOST_TEST(merged(R"({"a":1})", "{}", R"({"a":2})", prefer_side::client) == "{} | a ");
  BOOST_TEST(merged(R"({"a":1,"b":1})", R"({"a":2,"b":1})", R"({"b":1})") == R"({"b":1} | a )");
  BOOST_TEST(merged(R"({"a":1,"b":1})", R"({"a":2,"b":1})", R"({"b":1})", prefer_side::client) ==
             R"({"b":1,"a":2} | a )");
}

BOOST_AUTO_TEST_CASE(objects_are_merged_inside_and_arrays_taken_whole) {
  BOOST_TEST(merged(R"({"o":{"a":1,"b":{"c":1,"d":1}}})", R"({"o":{"a":2,"b":{"c":2,"d":1}}})",
                    R"({"o":{"a":1,"b":{"c":3,"d":4}}})") ==
             R"({"o":{"a":2,"b":{"c":3,"d":4}}} | o.b.c )");
  BOOST_TEST(merged(R"({"l":[1]})", R"({"l":[1,2]})", R"({"l":[0,1]})") == R"({"l":[0,1]} | l )");
  BOOST_TEST(merged("{}", R"({"o":{"m":1,"s":1}})", R"({"o":{"t":1,"s":2}})") ==
             R"({"o":{"t":1,"s":2,"m":1}} | o.s )");
  BOOST_TEST(merged(R"({"o":1})", R"({"o":{"m":1}})", R"({"o":{"t":1}})") ==
             R"({"o":{"t":1,"m":1}} | )");
  BOOST_TEST(merged(R"({"o":{"a":1}})", R"({"o":{"a":2}})", R"({"o":5})") == R"({"o":5} | o )");
}

BOOST_AUTO_TEST_CASE(without_a_base_equal_fields_agree_lone_ones_stay_and_the_rest_clashes) {
  const std::string mine = R"({"s":1,"m":1,"x":"m","o":{"m":1,"s":1,"x":1}})";
  const std::string theirs = R"({"o":{"s":1,"x":2,"t":1},"x":"t","t":1,"s":1.0})";
  BOOST_TEST(merged({}, mine, theirs) ==
             R"({"o":{"s":1,"x":2,"t":1,"m":1},"x":"t","t":1,"s":1.0,"m":1} | o.x x )");
  BOOST_TEST(merged({}, mine, theirs, prefer_side::client) ==
             R"({"o":{"s":1,"x":1,"t":1,"m":1},"x":"m","t":1,"s":1.0,"m":1} | o.x x )");
}

BOOST_AUTO_TEST_CASE(keeps_the_bytes_of_theirs_where_mine_has_nothing_to_add) {
  const std::string theirs = "{ \"a\" : 1e2, \"b\":\"\\u0061\" }";
  BOOST_TEST(merged(R"({"c":1})", R"({"c":1})", theirs) == theirs + " | ");
  BOOST_TEST(merged("{}", R"({"b":"a","a":100})", theirs) == theirs + " | ");
}

BOOST_AUTO_TEST_CASE(a_null_is_a_value_like_others) {
  BOOST_TEST(merged(R"({"a":1})", R"({"a":null})", R"({"a":1,"b":1})") == R"({"a":null,"b":1} | )");
  BOOST_TEST(merged(R"({"a":null})", "{}", R"({"a":null,"b":1})") == R"({"b":1} | )");
}

BOOST_AUTO_TEST_CASE(refuses_sides_that_are_no_bodies_and_results_that_are_too_large) {
  BOOST_TEST(merged("{}", "[]", "{}") == "not_an_object");
  BOOST_TEST(merged("[]", "{}", "{}") == "not_an_object");
  BOOST_TEST(merged("{}", "{}", "{") == "bad_json");
  BOOST_TEST(merged("{\"a\":1,\"a\":1}", "{}", "{}") == "duplicate_key");
  const std::string half(600'000, 'x');
  BOOST_TEST(merged("{}", "{\"a\":\"" + half + "\"}", "{\"b\":\"" + half + "\"}") == "too_large");
}

BOOST_AUTO_TEST_CASE(one_unchanged_side_yields_to_the_other) {
  BOOST_TEST(rc::check("merge(b, b, t) == t; merge(b, m, b) == m; merge(b, x, x) == x", [] {
    const json_value base = *test::objects();
    const json_value other = *test::objects();
    const auto prefer = any_side();
    std::vector<std::string> clashes;
    std::vector<std::string> more;
    std::vector<std::string> most;
    return merged_tree(base, base, other, prefer, &clashes) == other &&
           merged_tree(base, other, base, prefer, &more) == other &&
           merged_tree(base, other, other, prefer, &most) == other && clashes.empty() &&
           more.empty() && most.empty();
  }));
}

BOOST_AUTO_TEST_CASE(swapping_the_sides_and_the_preference_changes_nothing) {
  BOOST_TEST(rc::check("merge(b, m, t, server) == merge(b, t, m, client)", [] {
    std::optional<json_value> base;
    if (*rc::gen::inRange(0, 3) > 0)
      base = *test::objects();
    const json_value mine = *test::objects();
    const json_value theirs = *test::objects();
    std::vector<std::string> clashes;
    std::vector<std::string> swapped;
    return merged_tree(base, mine, theirs, prefer_side::server, &clashes) ==
             merged_tree(base, theirs, mine, prefer_side::client, &swapped) &&
           clashes == swapped;
  }));
}

BOOST_AUTO_TEST_CASE(each_top_level_field_comes_from_a_side_that_changed_it) {
  BOOST_TEST(rc::check("fields", [] {
    const json_value base = *test::objects();
    const json_value mine = *test::objects();
    const json_value theirs = *test::objects();
    const json_value result = merged_tree(base, mine, theirs, prefer_side::server);
    const auto same = [](const json_value* left, const json_value* right) {
      return left == right || (left != nullptr && right != nullptr && *left == *right);
    };
    for (const json_value* object : {&base, &mine, &theirs})
      for (const auto& [name, value] : object->members()) {
        const json_value* in_mine = mine.find(name);
        const json_value* in_theirs = theirs.find(name);
        const json_value* in_result = result.find(name);
        if (in_mine && in_theirs && in_mine->is_object() && in_theirs->is_object())
          continue;
        const bool mine_alone = same(base.find(name), in_theirs);
        if (!same(in_result, mine_alone ? in_mine : in_theirs))
          return false;
      }
    return true;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
