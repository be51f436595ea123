#include "core/sync/link_policy.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

using namespace syncline;
using core::decide_link;
using core::link_state;
using core::link_view;
using core::reachability;

BOOST_AUTO_TEST_SUITE(core_sync_link_policy)

BOOST_AUTO_TEST_CASE(nothing_happens_of_its_own_accord_before_the_start) {
  link_view view;
  view.hint = reachability::up;
  view.stream_is_live = true;
  BOOST_TEST((decide_link(view) == core::link_decision{}));
}

BOOST_AUTO_TEST_CASE(polls_run_while_no_stream_is_live_and_not_while_one_is) {
  link_view view;
  view.started = true;
  const auto polled = decide_link(view);
  BOOST_TEST((polled.state == link_state::degraded));
  BOOST_TEST((polled.polls && polled.streams && polled.pushes));
  view.stream_is_live = true;
  const auto live = decide_link(view);
  BOOST_TEST((live.state == link_state::online));
  BOOST_TEST((!live.polls && live.streams && live.pushes));
}

BOOST_AUTO_TEST_CASE(with_the_network_away_only_a_poll_looks_whether_that_is_true) {
  link_view view;
  view.started = true;
  view.hint = reachability::down;
  const auto away = decide_link(view);
  BOOST_TEST((away.state == link_state::offline));
  BOOST_TEST((away.polls && !away.streams && !away.pushes));
}

// Only a request is the truth: a server that does not answer is tried on, with a backoff.
BOOST_AUTO_TEST_CASE(a_line_that_fails_is_offline_and_nobody_stops_trying) {
  link_view view;
  view.started = true;
  view.line_failed = true;
  const auto failing = decide_link(view);
  BOOST_TEST((failing.state == link_state::offline));
  BOOST_TEST((failing.polls && failing.streams && failing.pushes));
}

BOOST_AUTO_TEST_CASE(a_started_link_always_has_a_way_to_hear_of_changes) {
  rc::check([](bool live, bool failed) {
    for (const auto hint : {reachability::unknown, reachability::up, reachability::down}) {
      const auto decided = decide_link({true, hint, live, failed});
      RC_ASSERT(decided.polls || (decided.streams && live));
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
