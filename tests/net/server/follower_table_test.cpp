#include "net/server/publication.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace syncline;
using net::follower_table;

namespace {

net::live_position at(std::uint64_t seq) {
  return {seq, std::make_shared<const std::string>("cursor" + std::to_string(seq))};
}

net::publication changes(std::uint64_t from, std::uint64_t first, std::uint64_t through) {
  return {"items", from, first, at(through), [](const std::string& prev_cursor) {
            return std::make_shared<const std::string>("after " + prev_cursor);
          }};
}

/// A table, what its followers were sent, and who takes nothing.
struct watched_table {
  follower_table table;
  std::map<std::uint64_t, std::string> sent;
  std::uint64_t blocked = 0;

  std::vector<follower_table::left> publish(const net::publication& published) {
    return table.publish(published, [this](std::uint64_t follower, const net::shared_bytes& bytes) {
      if (follower == blocked)
        return false;
      sent[follower] += *bytes + ";";
      return true;
    });
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(live_followers)

BOOST_AUTO_TEST_CASE(each_gets_what_begins_where_he_is) {
  watched_table all;
  BOOST_TEST(all.table.follow("items", 1, at(10)));
  BOOST_TEST(all.table.follow("items", 2, at(12))); // Has seen others' changes behind ours.
  BOOST_TEST(all.publish(changes(10, 13, 14)).empty());
  BOOST_TEST(all.sent[1] == "after cursor10;");
  BOOST_TEST(all.sent[2] == "after cursor12;");
  BOOST_TEST(all.publish(changes(14, 15, 15)).empty());
  BOOST_TEST(all.sent[1] == "after cursor10;after cursor14;");
  BOOST_TEST(all.sent[2] == "after cursor12;after cursor14;");
}

BOOST_AUTO_TEST_CASE(who_lacks_something_or_takes_nothing_leaves_with_his_position) {
  watched_table all;
  all.blocked = 3;
  BOOST_TEST(all.table.follow("items", 1, at(9)));  // Before what the publication begins with.
  BOOST_TEST(all.table.follow("items", 2, at(13))); // In its middle.
  BOOST_TEST(all.table.follow("items", 3, at(10)));
  BOOST_TEST(all.table.follow("items", 4, at(14))); // Has read it for himself.
  const auto gone = all.publish(changes(10, 12, 14));
  std::map<std::uint64_t, std::uint64_t> left;
  for (const auto& each : gone)
    left[each.follower] = each.position.seq;
  BOOST_TEST((left == std::map<std::uint64_t, std::uint64_t>{{1, 9}, {2, 13}, {3, 10}}));
  BOOST_TEST(all.sent.empty());
  BOOST_TEST(all.publish(changes(14, 15, 15)).empty());
  BOOST_TEST(all.sent.size() == 1U);
  BOOST_TEST(all.sent[4] == "after cursor14;");
}

BOOST_AUTO_TEST_CASE(who_comes_after_a_publication_that_he_lacks_does_not_follow) {
  watched_table all;
  BOOST_TEST(all.publish(changes(10, 11, 11)).empty());
  BOOST_TEST(!all.table.follow("items", 1, at(10)));
  BOOST_TEST(all.table.follow("items", 1, at(11)));
  BOOST_TEST(all.table.follow("notes", 1, at(3)));
  BOOST_TEST(all.publish(changes(11, 12, 12)).empty());
  BOOST_TEST(all.sent.size() == 1U);
}

BOOST_AUTO_TEST_CASE(who_stops_hears_where_he_stood_and_nothing_more) {
  watched_table all;
  BOOST_TEST(all.table.follow("items", 1, at(10)));
  BOOST_TEST(all.table.follow("items", 2, at(10)));
  BOOST_TEST(all.table.unfollow("items", 1).seq == 10U);
  BOOST_TEST(!all.table.unfollow("items", 1).cursor);
  BOOST_TEST(!all.table.unfollow("none", 1).cursor);
  all.table.forget(2);
  BOOST_TEST(all.publish(changes(10, 11, 11)).empty());
  BOOST_TEST(all.sent.empty());
}

BOOST_AUTO_TEST_SUITE_END()
