#include "core/data/item.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <limits>
#include <string>

using namespace syncline;
using core::append_item;
using core::item_header;
using core::item_view;
using core::read_item;

namespace {

item_header any_header() {
  item_header header;
  header.version = *rc::gen::arbitrary<std::uint64_t>();
  header.last_modified_ms = *rc::gen::arbitrary<std::int64_t>();
  header.stamp = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>()};
  header.birth_seq = *rc::gen::arbitrary<std::uint64_t>();
  header.writer_wall_ms = *rc::gen::arbitrary<std::int64_t>();
  header.writer_counter = *rc::gen::arbitrary<std::uint32_t>();
  header.deleted = *rc::gen::arbitrary<bool>();
  header.writer_tag = *rc::gen::arbitrary<std::uint64_t>();
  return header;
}

// Every field has another value, so that two exchanged ones are noticed.
item_header sample_header() {
  item_header header;
  header.version = 1;
  header.last_modified_ms = 2;
  header.stamp = {3, 4};
  header.birth_seq = 5;
  header.writer_wall_ms = 6;
  header.writer_tag = 7;
  header.writer_counter = 8;
  header.deleted = true;
  return header;
}

} // namespace

BOOST_AUTO_TEST_SUITE(core_data_item)

BOOST_AUTO_TEST_CASE(what_is_stored_is_read_again) {
  BOOST_TEST(rc::check("read(append(header, body)) == (header, body)", [] {
    const auto header = any_header();
    const auto body = *rc::gen::arbitrary<std::string>();
    std::string stored;
    append_item(stored, header, body);
    const auto item = read_item(stored);
    return stored.size() == core::item_header_bytes + body.size() && item &&
           item->header == header && item->body == body;
  }));
}

BOOST_AUTO_TEST_CASE(the_body_is_a_view_into_what_was_read) {
  std::string stored;
  append_item(stored, sample_header(), "{}");
  const auto item = read_item(stored);
  BOOST_TEST((item->body.data() == stored.data() + core::item_header_bytes));
}

BOOST_AUTO_TEST_CASE(appending_leaves_what_stands_before) {
  std::string stored = "before";
  append_item(stored, sample_header(), R"({"a":1})");
  BOOST_TEST(stored.substr(0, 6) == "before");
  const auto item = read_item(std::string_view{stored}.substr(6));
  BOOST_TEST((item->header == sample_header()));
  BOOST_TEST(item->body == R"({"a":1})");
}

// Stores outlive programs: the bytes are a format, not an accident.
BOOST_AUTO_TEST_CASE(the_stored_form_is_little_endian_in_a_fixed_order) {
  std::string stored;
  append_item(stored, sample_header(), "x");
  std::string expected;
  for (char value = 1; value <= 7; ++value)
    expected += value + std::string(7, '\0');
  expected += '\x08' + std::string(3, '\0') + '\x01' + std::string(3, '\0');
  expected += std::string(8, '\0') + 'x';
  BOOST_TEST((stored == expected));
}

BOOST_AUTO_TEST_CASE(bytes_too_short_for_a_header_are_no_item) {
  std::string stored;
  append_item(stored, sample_header(), "");
  BOOST_TEST(read_item(stored)->body == "");
  for (std::size_t bytes = 0; bytes < core::item_header_bytes; ++bytes)
    BOOST_TEST(!read_item(std::string_view{stored}.substr(0, bytes)).has_value());
}

BOOST_AUTO_TEST_CASE(the_wire_form_of_an_item_has_all_of_its_header_and_its_body) {
  BOOST_TEST(rc::check("header_of(to_message(item)) == header", [] {
    const item_view item{any_header(), R"({"a":1})"};
    const auto sent = core::to_message("id", item);
    return core::header_of(sent) == item.header && sent.id() == "id" &&
           sent.body() == (item.header.deleted ? "" : R"({"a":1})");
  }));
}

BOOST_AUTO_TEST_CASE(a_tombstone_is_sent_without_a_body) {
  const auto sent = core::to_message("id", item_view{sample_header(), R"({"secret":1})"});
  BOOST_TEST(sent.deleted());
  BOOST_TEST(sent.body() == "");
}

BOOST_AUTO_TEST_CASE(an_item_without_a_writers_time_is_sent_without_one) {
  BOOST_TEST(!core::to_message("id", item_view{}).has_writer_time());
  item_view counted;
  counted.header.writer_counter = 1;
  BOOST_TEST(core::to_message("id", counted).has_writer_time());
}

BOOST_AUTO_TEST_CASE(stamps_are_none_only_where_both_parts_are) {
  BOOST_TEST(core::stamp{}.is_none());
  BOOST_TEST((!core::stamp{1, 0}.is_none()));
  BOOST_TEST((!core::stamp{0, 1}.is_none()));
  BOOST_TEST(core::from_message(msg::Stamp{}).is_none());
  BOOST_TEST((core::stamp{1, 2} != core::stamp{2, 2}));
  BOOST_TEST((core::from_message(core::to_message(core::stamp{1, 2})) == core::stamp{1, 2}));
}

BOOST_AUTO_TEST_SUITE_END()
