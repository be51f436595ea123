#include "net/protocol/delta_wire.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace syncline::net;
namespace msg = syncline::msg;

namespace {

msg::Item item_of(std::uint64_t start, std::int64_t modified_ms, std::int64_t written_ms) {
  msg::Item item;
  item.set_id("a");
  item.set_body("{}");
  item.mutable_stamp()->set_start(start);
  item.mutable_stamp()->set_seq(7);
  item.set_last_modified_ms(modified_ms);
  item.mutable_writer_time()->set_wall_ms(written_ms);
  item.mutable_writer_time()->set_counter(3);
  return item;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_delta_wire)

BOOST_AUTO_TEST_CASE(a_page_comes_out_as_it_went_in) {
  constexpr std::int64_t noon_ms = 1'700'000'000'000;
  msg::DeltaPage page;
  page.mutable_head()->set_start(42);
  *page.add_items() = item_of(42, noon_ms, noon_ms - 5);
  *page.add_items() = item_of(41, noon_ms, noon_ms + 60'000); // An older start, a clock ahead.
  page.add_items()->mutable_stamp()->set_start(42);           // Without a writer's time.
  *page.add_deleted() = item_of(42, noon_ms, 0);
  auto packed = page;
  pack_page(packed);
  BOOST_TEST(packed.ByteSizeLong() < page.ByteSizeLong());
  BOOST_TEST(!packed.items(2).has_writer_time());
  unpack_page(packed);
  BOOST_TEST(packed.SerializeAsString() == page.SerializeAsString());
}

BOOST_AUTO_TEST_CASE(a_page_with_absurd_times_is_unpacked_without_harm) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  for (const auto& [modified, written] : {std::pair{least, most}, {most, least}, {0L, least}}) {
    msg::DeltaPage page;
    *page.add_items() = item_of(1, modified, written);
    auto turned = page; // What no peer of ours would have packed.
    unpack_page(turned);
    pack_page(turned);
    BOOST_TEST(turned.items(0).writer_time().wall_ms() == written);
  }
}

BOOST_AUTO_TEST_SUITE_END()
