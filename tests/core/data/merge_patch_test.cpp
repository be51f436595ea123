#include "core/data/merge_patch.hpp"

#include "core/data/json.hpp"
#include "json_generator.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <tuple>
#include <vector>

using namespace syncline;
using core::apply_merge_patch;
using core::compose_merge_patches;
using core::json_value;
using core::make_merge_patch;
using core::parse_json;
using core::to_text;

namespace {

json_value tree(const std::string& text) {
  auto parsed = parse_json(text);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), "bad JSON in the test: " << text);
  return *std::move(parsed);
}

template <class T>
std::string code_of(const core::expected<T>& result) {
  return result ? "" : result.error().code;
}

// RFC 7396 section 2, transcribed without any of our shortcuts.
json_value applied_by_the_rfc(json_value target, const json_value& patch) {
  if (!patch.is_object())
    return patch;
  if (!target.is_object())
    target = json_value::object();
  for (const auto& [name, value] : patch.members()) {
    if (value.is_null()) {
      target.erase(name);
      continue;
    }
    const json_value* known = target.find(name);
    target.set(name, applied_by_the_rfc(known == nullptr ? json_value{} : *known, value));
  }
  return target;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_merge_patch)

BOOST_AUTO_TEST_CASE(gives_the_results_of_the_rfc) {
  const std::vector<std::tuple<std::string, std::string, std::string>> table{
    {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
    {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
    {R"({"a":"b"})", R"({"a":null})", R"({})"},
    {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
    {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
    {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
    {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
    {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
    {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
    {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
    {R"({"a":"foo"})", R"(null)", R"(null)"},
    {R"({"a":"foo"})", R"("bar")", R"("bar")"},
    {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
    {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
    {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}};
  for (const auto& [target, patch, result] : table)
    BOOST_TEST(to_text(apply_merge_patch(tree(target), tree(patch))) == result);
}

BOOST_AUTO_TEST_CASE(applies_as_the_rfc_says_to_any_two_values) {
  BOOST_TEST(rc::check("apply == the RFC's algorithm", [] {
    const json_value target = *test::values();
    const json_value patch = *test::values();
    return apply_merge_patch(target, patch) == applied_by_the_rfc(target, patch);
  }));
}

BOOST_AUTO_TEST_CASE(patches_texts_of_objects_only_and_within_the_limit) {
  const auto patched = apply_merge_patch(R"({"b":1,"a":2.50})", R"({"c":[null],"b":null})");
  BOOST_TEST(patched.value() == R"({"a":2.5,"c":[null]})");
  BOOST_TEST(code_of(apply_merge_patch("[]", "{}")) == "not_an_object");
  BOOST_TEST(code_of(apply_merge_patch("{}", "null")) == "not_an_object");
  BOOST_TEST(code_of(apply_merge_patch("{", "{}")) == "bad_json");
  BOOST_TEST(code_of(apply_merge_patch("{}", R"({"a":1,"a":2})")) == "duplicate_key");
  const std::string half(600'000, 'x');
  BOOST_TEST(code_of(apply_merge_patch("{\"a\":\"" + half + "\"}", "{\"b\":\"" + half + "\"}")) ==
             "too_large");
}

BOOST_AUTO_TEST_CASE(makes_the_patch_that_leads_from_one_to_the_other) {
  const auto patch = make_merge_patch(tree(R"({"a":1,"b":{"c":1,"d":[1]},"e":null,"f":0})"),
                                      tree(R"({"a":1.0,"b":{"c":2,"d":[1]},"e":null,"g":{}})"));
  BOOST_TEST(to_text(patch.value()) == R"({"f":null,"b":{"c":2},"g":{}})");
  BOOST_TEST(to_text(*make_merge_patch(tree("{}"), tree("{}"))) == "{}");
  BOOST_TEST(!make_merge_patch(tree(R"({"a":1})"), tree(R"({"a":null})")).has_value());
  BOOST_TEST(!make_merge_patch(tree(R"({})"), tree(R"({"a":{"b":{"c":null}}})")).has_value());
  BOOST_TEST(make_merge_patch(tree("{}"), tree(R"({"a":[null,{"b":null}]})")).has_value());
}

BOOST_AUTO_TEST_CASE(applying_a_made_patch_gives_the_goal) {
  BOOST_TEST(rc::check("apply(from, make(from, to)) == to; without nulls there is a patch", [] {
    const json_value from = *test::values();
    const json_value to = *test::objects(false);
    const auto patch = make_merge_patch(from, to);
    return patch && apply_merge_patch(from, *patch) == to;
  }));
  BOOST_TEST(rc::check("with nulls: right where there is one", [] {
    const json_value from = *test::values();
    const json_value to = *test::values();
    const auto patch = make_merge_patch(from, to);
    return !patch || apply_merge_patch(from, *patch) == to;
  }));
  BOOST_TEST(rc::check("from anything to itself, nulls or not", [] {
    const json_value same = *test::objects();
    const auto patch = make_merge_patch(same, same);
    return patch && patch->is_object() && patch->members().empty();
  }));
  BOOST_TEST(rc::check("no patch only for a null that is new at its place", [] {
    const json_value from = *test::objects();
    json_value to = *test::objects();
    if (make_merge_patch(from, to))
      return true;
    // The RFC applied to the naive patch, which is the goal itself, must miss the goal too.
    return !(applied_by_the_rfc(from, to) == to);
  }));
}

BOOST_AUTO_TEST_CASE(a_composed_patch_has_the_effect_of_both) {
  BOOST_TEST(compose_merge_patches(R"({"a":1,"b":{"x":1},"c":2})",
                                   R"({"a":null,"b":{"x":null,"y":2},"d":{"e":null}})")
               .value() == R"({"a":null,"b":{"x":null,"y":2},"c":2,"d":{"e":null}})");
  std::size_t composed_count = 0;
  BOOST_TEST(rc::check("apply(apply(d, p), q) == apply(d, compose(p, q))", [&composed_count] {
    const json_value document = *test::objects();
    const json_value first = *test::objects();
    const json_value second = *test::objects();
    const auto composed = compose_merge_patches(to_text(first), to_text(second));
    if (!composed)
      return composed.error().code == "not_composable";
    ++composed_count;
    return apply_merge_patch(apply_merge_patch(document, first), second) ==
           apply_merge_patch(document, tree(*composed));
  }));
  BOOST_TEST(composed_count > 30u);
}

// After {"a":null} and {"a":{"b":1}} the field is {"b":1} whatever stood there; one patch could
// only merge b into it. Composing such a pair would bring removed fields back.
BOOST_AUTO_TEST_CASE(refuses_to_compose_what_one_patch_cannot_say) {
  for (const char* first : {R"({"a":null})", R"({"a":5})", R"({"a":[{}]})"})
    for (const char* second : {R"({"a":{"b":1}})", R"({"a":{}})"}) {
      const auto composed = compose_merge_patches(first, second);
      BOOST_TEST(code_of(composed) == "not_composable");
    }
  const auto deep = compose_merge_patches(R"({"x":{"y":{"z":1}}})", R"({"x":{"y":{"z":{}}}})");
  BOOST_TEST(deep.error().message.find("'x.y.z'") != std::string::npos);
  BOOST_TEST(compose_merge_patches(R"({"a":null})", R"({"a":[{}]})").value() == R"({"a":[{}]})");
  BOOST_TEST(code_of(compose_merge_patches("[]", "{}")) == "not_an_object");
  BOOST_TEST(code_of(compose_merge_patches("{}", "{}x")) == "bad_json");
}

// A scan of the object for each member of the patch would compare 10^10 names here.
BOOST_AUTO_TEST_CASE(patches_a_large_object_by_a_large_patch) {
  json_value::object_type members;
  json_value::object_type changes;
  for (int i = 0; i < 100'000; ++i) {
    members.emplace_back("name" + std::to_string(i), json_value::integer(i));
    changes.emplace_back("name" + std::to_string(199'999 - i),
                         i % 2 == 0 ? json_value::null() : json_value::integer(-i));
  }
  const auto from = json_value::object(std::move(members));
  const auto patch = json_value::object(std::move(changes));
  BOOST_TEST(apply_merge_patch(from, patch).members().size() == 150'000u);
  const auto changed = apply_merge_patch(from, patch);
  BOOST_TEST((apply_merge_patch(from, *make_merge_patch(from, changed)) == changed));
}

BOOST_AUTO_TEST_SUITE_END()
