// Operations as protobuf.

#include "core/data/operation_message.hpp"

#include "tests/support/random_edits.hpp"

#include <boost/test/unit_test.hpp>

namespace syncline::tests {

using namespace core::ot;

namespace {

std::string code(const msg::TextOperation& from) {
  const auto made = read_message(from);
  return made ? "" : made.error().code;
}

msg::TextOperation message(std::initializer_list<std::uint64_t> steps, std::string text = {}) {
  msg::TextOperation made;
  for (const auto step : steps)
    made.add_steps(step);
  made.set_text(std::move(text));
  return made;
}

constexpr std::uint64_t retain = 0;
constexpr std::uint64_t insert = 1;
constexpr std::uint64_t remove = 2;

} // namespace

BOOST_AUTO_TEST_SUITE(operation_messages)

BOOST_AUTO_TEST_CASE(an_operation_is_read_as_it_was_written) {
  msg::TextOperation out;
  for (int seed = 0; seed < random_cases() / 10; ++seed) {
    random_edits random{static_cast<std::uint64_t>(seed)};
    const auto edit = random.operation(to_utf16(random.document()));
    write_message(edit, out);
    const auto read = read_message(out);
    HOLDS(read.has_value());
    HOLDS(*read == edit);
  }
}

BOOST_AUTO_TEST_CASE(each_fault_has_its_code) {
  BOOST_TEST(code(message({3})) == "unknown_type");
  BOOST_TEST(code(message({~std::uint64_t{0}})) == "bad_length");
  BOOST_TEST(code(message({4ULL * length_max + retain, 4 + remove})) == "bad_length");
  BOOST_TEST(code(message({2 * 4 + insert}, "x")) == "bad_length");
  BOOST_TEST(code(message({2 * 4 + insert}, "é")) == "bad_length"); // Two bytes, one unit.
  BOOST_TEST(code(message({4 + insert}, "xy")) == "bad_length");
  BOOST_TEST(code(message({4 + retain}, "x")) == "bad_length");
  BOOST_TEST(code(message({4 + insert, 4 + insert}, "😀")) == "splits_surrogate_pair");
}

// The rest of the text was counted for each insert: this took minutes.
BOOST_AUTO_TEST_CASE(two_million_inserts_of_one_unit_were_counted_two_million_times) {
  constexpr std::size_t count = 2'000'000;
  msg::TextOperation many;
  many.mutable_steps()->Reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    many.add_steps(4 + insert);
  many.set_text(std::string(count, 'x'));
  BOOST_TEST(read_message(many)->target_length() == count);
}

BOOST_AUTO_TEST_CASE(sloppy_operations_come_into_canonical_form) {
  operation made;
  made.insert("xé");
  made.remove(3);
  const auto read = read_message(
    message({0, 4 + remove, 4 + insert, 4 + insert, 0 + insert, 2 * 4 + remove}, "xé"));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST((*read == made));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
