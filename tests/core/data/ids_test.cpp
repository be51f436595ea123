#include "core/data/ids.hpp"

#include "core/ensure.hpp"
#include "tests/support/conformance_files.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>
#include <utf8.h>

#include <cstdint>
#include <limits>
#include <regex>
#include <set>
#include <string>

using namespace syncline;
using core::validate_item_id;

namespace {

std::string code_of(const core::expected<void>& checked) {
  return checked ? "" : checked.error().code;
}

// The rule of DESIGN.md section 3 once more, told by code points and by cutting at each slash.
bool follows_the_rule(const std::string& id) {
  if (id.empty() || id.size() > 200 || !utf8::is_valid(id))
    return false;
  for (auto at = id.begin(); at != id.end();) {
    const auto point = utf8::next(at, id.end());
    if (point < 0x20 || (point >= 0x7F && point <= 0x9F))
      return false;
  }
  const std::string framed = "/" + id + "/";
  for (const char* part : {"/./", "/../"})
    if (framed.find(part) != std::string::npos)
      return false;
  return !framed.starts_with("//") && !framed.ends_with("//");
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_ids)

BOOST_AUTO_TEST_CASE(takes_ids_up_to_200_bytes_of_text) {
  for (const std::string& id : {std::string{"a"}, std::string(200, 'x'), std::string{"a/b//c"},
                                std::string{"...", 3}, std::string{".a/a./..b"}, std::string{"é ̈"},
                                std::string{"\xC2\xA0"}, std::string{"\xF4\x8F\xBF\xBF"},
                                std::string{"%2e%2e"}, std::string{"\\"}, std::string{" "}})
    BOOST_TEST(validate_item_id(id).has_value(), id);
}

BOOST_AUTO_TEST_CASE(refuses_ids_that_would_mislead) {
  for (const std::string& id :
       {std::string{}, std::string(201, 'x'), std::string{"/a"}, std::string{"a/"},
        std::string{"/"}, std::string{"."}, std::string{".."}, std::string{"a/./b"},
        std::string{"../a"}, std::string{"a/.."}, std::string{"a\0b", 3}, std::string{"a\nb"},
        std::string{"\x7F"}, std::string{"\xC2\x80"}, std::string{"a\xC2\x9F"}, std::string{"\xFF"},
        std::string{"\xED\xA0\x80"}})
    BOOST_TEST(code_of(validate_item_id(id)) == "bad_id", id);
}

BOOST_AUTO_TEST_CASE(judges_published_byte_strings_and_naughty_strings_by_the_rule) {
  const auto bytes_file = test::find_test_data("conformance/utf8/autobahn-utf8.json");
  const auto strings_file = test::find_test_data("conformance/strings/blns.base64.json");
  if (!bytes_file || !strings_file)
    return;
  std::size_t accepted = 0;
  const auto judge = [&accepted](const std::string& id) {
    const bool good = validate_item_id(id).has_value();
    BOOST_TEST(good == follows_the_rule(id), id);
    accepted += good;
  };
  const auto byte_strings = test::read_json(*bytes_file);
  for (const auto& item : byte_strings.items()) {
    const std::string bytes = test::from_hex(item.find("hex")->as_string());
    if (!item.find("valid")->as_boolean())
      BOOST_TEST(!validate_item_id(bytes).has_value());
    judge(bytes);
  }
  BOOST_TEST(accepted > 20u);
  accepted = 0;
  const auto pieces = test::read_naughty_strings(*strings_file);
  for (const std::string& piece : pieces)
    judge(piece);
  for (const std::string& naughty : test::join_naughty_pieces(pieces))
    judge(naughty);
  BOOST_TEST(accepted > 400u);
}

BOOST_AUTO_TEST_CASE(judges_random_paths_by_the_rule) {
  BOOST_TEST(rc::check("ids of awkward parts", [] {
    const auto part = rc::gen::elementOf(std::vector<std::string>{
      "/", ".", "..", "a", "é", "\xC2", "\x80", "\xC2\x85", "\n", "\x7F", std::string(60, 'b')});
    std::string id;
    for (const auto& piece : *rc::gen::container<std::vector<std::string>>(part))
      id += piece;
    return validate_item_id(id).has_value() == follows_the_rule(id);
  }));
}

BOOST_AUTO_TEST_CASE(collections_and_spaces_are_short_plain_names) {
  for (const std::string& name : {std::string{"items"}, std::string(64, 'a'), std::string{"a-b_9"},
                                  std::string{"-"}, std::string{"0"}}) {
    BOOST_TEST(core::validate_collection(name).has_value(), name);
    BOOST_TEST(core::validate_space(name).has_value(), name);
  }
  for (const std::string& name :
       {std::string{}, std::string(65, 'a'), std::string{"Items"}, std::string{"a b"},
        std::string{"a/b"}, std::string{"a.b"}, std::string{"é"}, std::string{"a\0", 2}}) {
    BOOST_TEST(code_of(core::validate_collection(name)) == "bad_collection", name);
    BOOST_TEST(code_of(core::validate_space(name)) == "bad_space", name);
  }
}

BOOST_AUTO_TEST_CASE(writes_the_example_of_rfc_9562) {
  BOOST_TEST(core::make_uuid_v7(0x017F22E279B0, 0xCC3, 0x18C4DC0C0C07398F) ==
             "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

BOOST_AUTO_TEST_CASE(version_and_variant_stand_whatever_the_input) {
  const std::regex form{"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"};
  BOOST_TEST(rc::check("form", [&form](std::int64_t ms, std::uint64_t a, std::uint64_t b) {
    const std::string id = core::make_uuid_v7(ms, a, b);
    return std::regex_match(id, form) && validate_item_id(id).has_value();
  }));
  BOOST_TEST(core::make_uuid_v7(-1, 0, 0).starts_with("00000000-0000-7000-8000"));
  BOOST_TEST(core::make_uuid_v7(std::numeric_limits<std::int64_t>::max(), 0, 0)
               .starts_with("ffffffff-ffff-7000-8000"));
}

BOOST_AUTO_TEST_CASE(generated_ids_rise_whatever_the_clock_does) {
  BOOST_TEST(rc::check("ids rise", [](std::uint64_t seed) {
    core::uuid_v7_generator generator{[&seed] { return seed = seed * 6364136223846793005u + 1; }};
    const auto clock =
      rc::gen::elementOf(std::vector<std::int64_t>{-5, 0, 1, 1000, 1001, 5'000'000'000'000});
    std::string last;
    for (const std::int64_t now_ms : *rc::gen::container<std::vector<std::int64_t>>(clock)) {
      std::string id = generator.next(now_ms);
      if (id <= last)
        return false;
      last = std::move(id);
    }
    return true;
  }));
}

BOOST_AUTO_TEST_CASE(more_ids_than_the_counter_holds_step_ahead_in_time) {
  std::uint64_t ones = ~std::uint64_t{0};
  core::uuid_v7_generator generator{[&ones] { return ones; }};
  std::string last = generator.next(1000);
  std::set<std::string> times{last.substr(0, 13)};
  for (int i = 0; i < 10'000; ++i) {
    std::string id = generator.next(1000);
    BOOST_REQUIRE(id > last);
    last = std::move(id);
    times.insert(last.substr(0, 13));
  }
  BOOST_TEST(times.size() == 5u); // 2,049 ids to each start, with every random bit set
  BOOST_CHECK_THROW(core::uuid_v7_generator{nullptr}, core::broken_invariant);
}

BOOST_AUTO_TEST_SUITE_END()
