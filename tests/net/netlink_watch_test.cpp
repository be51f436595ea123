// Messages of rtnetlink, made here as the kernel makes them, and such as it would never make.

#include "net/host/netlink_watch.hpp"

#include <boost/test/unit_test.hpp>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

using namespace syncline;
using net::netlink_state;

namespace {

using bytes = std::vector<std::byte>;
using ip = std::vector<unsigned char>;

constexpr std::uint32_t sequence = 7;
constexpr unsigned running = IFF_UP | IFF_RUNNING;
const ip global_4{192, 0, 2, 1};
const ip gateway_4{192, 0, 2, 254};
const ip global_6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
const ip link_local_6{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

template <class T>
void append(bytes& to, const T& value) {
  const auto before = to.size();
  to.resize(before + sizeof value);
  std::memcpy(to.data() + before, &value, sizeof value);
}

void pad(bytes& to) {
  to.resize((to.size() + 3) / 4 * 4);
}

/// One attribute, padded.
bytes attribute(unsigned short type, const ip& value) {
  bytes made;
  append(made, rtattr{static_cast<unsigned short>(sizeof(rtattr) + value.size()), type});
  for (const auto each : value)
    made.push_back(std::byte{each});
  pad(made);
  return made;
}

bytes attribute(unsigned short type, std::uint32_t number) {
  ip value(sizeof number);
  std::memcpy(value.data(), &number, sizeof number);
  return attribute(type, value);
}

template <class Body>
bytes message(int type, const Body& body, std::initializer_list<bytes> attributes = {},
              int flags = 0) {
  bytes made;
  append(made, nlmsghdr{});
  append(made, body);
  pad(made);
  for (const auto& each : attributes)
    made.insert(made.end(), each.begin(), each.end());
  const nlmsghdr head{static_cast<std::uint32_t>(made.size()), static_cast<std::uint16_t>(type),
                      static_cast<std::uint16_t>(flags), sequence, 0};
  std::memcpy(made.data(), &head, sizeof head);
  return made;
}

bytes link(int type, int index, unsigned flags, unsigned char family = AF_UNSPEC) {
  ifinfomsg body{};
  body.ifi_family = family;
  body.ifi_index = index;
  body.ifi_flags = flags;
  return message(type, body);
}

bytes address(int type, unsigned index, const ip& local, unsigned char flags = 0) {
  ifaddrmsg body{};
  body.ifa_family = local.size() == 4 ? AF_INET : AF_INET6;
  body.ifa_prefixlen = 24;
  body.ifa_flags = flags;
  body.ifa_index = index;
  return message(type, body, {attribute(IFA_ADDRESS, local)});
}

rtmsg route_body(unsigned char family = AF_INET) {
  rtmsg body{};
  body.rtm_family = family;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_type = RTN_UNICAST;
  return body;
}

bytes route(int type, std::uint32_t index, int flags = 0) {
  return message(type, route_body(), {attribute(RTA_GATEWAY, gateway_4), attribute(RTA_OIF, index)},
                 flags);
}

struct fixture {
  netlink_state state;

  net::netlink_progress take(const bytes& datagram) {
    return state.apply(datagram, sequence);
  }
  [[nodiscard]] bool usable() const {
    return state.view().has_usable_interface;
  }
  [[nodiscard]] bool routed() const {
    return state.view().has_default_route;
  }
  void bring_up() {
    take(link(RTM_NEWLINK, 2, running));
    take(address(RTM_NEWADDR, 2, global_4));
    take(route(RTM_NEWROUTE, 2));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(net_netlink_state, fixture)

BOOST_AUTO_TEST_CASE(an_interface_is_usable_while_it_runs_and_has_an_address) {
  BOOST_TEST(!usable());
  take(link(RTM_NEWLINK, 2, running));
  BOOST_TEST(!usable());
  take(address(RTM_NEWADDR, 2, global_4));
  BOOST_TEST(usable());
  take(link(RTM_NEWLINK, 2, IFF_UP)); // the cable is out
  BOOST_TEST(!usable());
  take(link(RTM_NEWLINK, 2, running));
  BOOST_TEST(usable());
  take(address(RTM_DELADDR, 2, global_4));
  BOOST_TEST(!usable());
  take(address(RTM_NEWADDR, 2, global_6));
  BOOST_TEST(usable());
  take(link(RTM_DELLINK, 2, running));
  BOOST_TEST(!usable());
}

BOOST_AUTO_TEST_CASE(interfaces_are_told_apart) {
  bring_up();
  take(link(RTM_NEWLINK, 3, running));
  take(address(RTM_NEWADDR, 3, global_6));
  take(address(RTM_DELADDR, 3, global_4)); // It never had this one.
  take(link(RTM_DELLINK, 2, 0));
  BOOST_TEST(usable());
  take(link(RTM_NEWLINK, 3, 0));
  BOOST_TEST(!usable());
}

BOOST_AUTO_TEST_CASE(loopback_and_addresses_of_one_link_do_not_count) {
  take(link(RTM_NEWLINK, 1, running | IFF_LOOPBACK));
  take(address(RTM_NEWADDR, 1, global_4));
  BOOST_TEST(!usable());
  take(link(RTM_NEWLINK, 2, running));
  take(address(RTM_NEWADDR, 2, {169, 254, 3, 4}));
  take(address(RTM_NEWADDR, 2, link_local_6));
  take(address(RTM_NEWADDR, 2, {127, 0, 0, 1}));
  BOOST_TEST(!usable());
  take(address(RTM_NEWADDR, 2, {169, 253, 3, 4}));
  BOOST_TEST(usable());
}

BOOST_AUTO_TEST_CASE(an_address_counts_once_no_other_machine_is_found_to_have_it) {
  take(link(RTM_NEWLINK, 2, running));
  take(address(RTM_NEWADDR, 2, global_6, IFA_F_TENTATIVE));
  BOOST_TEST(!usable());
  take(address(RTM_NEWADDR, 2, global_6));
  BOOST_TEST(usable());
  take(address(RTM_NEWADDR, 2, global_6, IFA_F_DADFAILED));
  BOOST_TEST(!usable());
}

BOOST_AUTO_TEST_CASE(a_port_that_leaves_a_bridge_is_no_link_that_went_away) {
  bring_up();
  take(link(RTM_DELLINK, 2, 0, AF_BRIDGE));
  BOOST_TEST(usable());
  BOOST_TEST(routed());
}

BOOST_AUTO_TEST_CASE(a_default_route_counts_while_its_interface_runs) {
  take(route(RTM_NEWROUTE, 2));
  BOOST_TEST(!routed());
  bring_up();
  BOOST_TEST(routed());
  take(link(RTM_NEWLINK, 2, IFF_UP));
  BOOST_TEST(!routed());
  take(link(RTM_NEWLINK, 2, running)); // A cable that was out leaves the route in place.
  BOOST_TEST(routed());
  take(route(RTM_DELROUTE, 2));
  BOOST_TEST(!routed());
}

BOOST_AUTO_TEST_CASE(ipv4_routes_that_go_without_a_word_are_forgotten) {
  bring_up();
  take(link(RTM_NEWLINK, 2, 0));
  take(link(RTM_NEWLINK, 2, running));
  BOOST_TEST(!routed());
  take(route(RTM_NEWROUTE, 2));
  BOOST_TEST(routed());
  take(address(RTM_DELADDR, 2, global_4));
  BOOST_TEST(!routed());
}

BOOST_AUTO_TEST_CASE(a_replaced_route_is_gone) {
  bring_up();
  take(route(RTM_NEWROUTE, 3, NLM_F_REPLACE));
  BOOST_TEST(!routed());
  take(link(RTM_NEWLINK, 3, running));
  BOOST_TEST(routed());
}

BOOST_AUTO_TEST_CASE(only_a_default_route_that_leads_somewhere_is_one) {
  take(link(RTM_NEWLINK, 2, running));
  auto narrow = route_body();
  narrow.rtm_dst_len = 8;
  auto unreachable = route_body(AF_INET6);
  unreachable.rtm_type = RTN_UNREACHABLE;
  auto foreign = route_body(RTNL_FAMILY_IPMR);
  for (const auto& body : {narrow, unreachable, foreign})
    take(message(RTM_NEWROUTE, body, {attribute(RTA_OIF, 2)}));
  BOOST_TEST(!routed());
}

BOOST_AUTO_TEST_CASE(each_way_of_a_route_with_several_counts) {
  bytes ways;
  for (const int index : {2, 3}) {
    const auto gateway = attribute(RTA_GATEWAY, gateway_4);
    append(ways,
           rtnexthop{static_cast<unsigned short>(sizeof(rtnexthop) + gateway.size()), 0, 0, index});
    ways.insert(ways.end(), gateway.begin(), gateway.end());
  }
  ip value(ways.size());
  std::memcpy(value.data(), ways.data(), ways.size());
  take(message(RTM_NEWROUTE, route_body(), {attribute(RTA_MULTIPATH, value)}));
  BOOST_TEST(!routed());
  take(link(RTM_NEWLINK, 3, running));
  BOOST_TEST(routed());
  take(message(RTM_DELROUTE, route_body(), {attribute(RTA_MULTIPATH, value)}));
  BOOST_TEST(!routed());
}

BOOST_AUTO_TEST_CASE(a_datagram_holds_many_messages_and_the_end_of_a_list) {
  bytes datagram = link(RTM_NEWLINK, 2, running);
  for (const auto& each : {address(RTM_NEWADDR, 2, global_4), message(NLMSG_DONE, int{0})})
    datagram.insert(datagram.end(), each.begin(), each.end());
  BOOST_TEST(take(datagram).dump_ended);
  BOOST_TEST(usable());
  const auto foreign = state.apply(datagram, sequence + 1);
  BOOST_TEST(!foreign.dump_ended);
}

BOOST_AUTO_TEST_CASE(lists_that_are_interrupted_or_refused_say_so) {
  BOOST_TEST(take(message(NLMSG_DONE, int{0}, {}, NLM_F_DUMP_INTR)).dump_interrupted);
  BOOST_TEST(take(message(NLMSG_DONE, int{-EBUSY})).refused_errno == EBUSY);
  nlmsgerr refusal{};
  refusal.error = -EPERM;
  BOOST_TEST(take(message(NLMSG_ERROR, refusal)).refused_errno == EPERM);
  BOOST_TEST(take(message(NLMSG_OVERRUN, int{0})).dump_interrupted);
}

// Every prefix lies in a buffer of its own size, so that the sanitizers see a byte read beyond it.
BOOST_AUTO_TEST_CASE(what_is_cut_off_is_left_out) {
  bytes whole = link(RTM_NEWLINK, 2, running);
  const auto address_begin = whole.size();
  const auto next = address(RTM_NEWADDR, 2, global_4);
  whole.insert(whole.end(), next.begin(), next.end());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    netlink_state cut;
    cut.apply(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), sequence);
    BOOST_TEST(!cut.view().has_usable_interface);
  }
  take(whole);
  BOOST_TEST(usable());

  // A length that lies: of the message, and of the attribute in it.
  for (const std::uint32_t lie : {0U, 1U, 15U, 16U, 23U, 0x7fffffffU, 0xfffffffcU, 0xffffffffU}) {
    auto wrong = whole;
    std::memcpy(wrong.data() + address_begin, &lie, sizeof lie);
    netlink_state lied_to;
    lied_to.apply(wrong, sequence);
    BOOST_TEST(!lied_to.view().has_usable_interface);
  }
  constexpr std::uint16_t attribute_lies[] = {0, 1, 3, 4, 5, 7, 9, 0xffff};
  for (const auto lie : attribute_lies) {
    auto wrong = whole;
    std::memcpy(wrong.data() + address_begin + NLMSG_LENGTH(sizeof(ifaddrmsg)), &lie, sizeof lie);
    netlink_state lied_to;
    lied_to.apply(wrong, sequence);
    BOOST_TEST(!lied_to.view().has_usable_interface);
  }
}

BOOST_AUTO_TEST_CASE(garbage_does_no_harm) {
  std::mt19937 random{11};
  bytes whole = link(RTM_NEWLINK, 2, running);
  for (const auto& each :
       {address(RTM_NEWADDR, 2, global_6), route(RTM_NEWROUTE, 2),
        message(RTM_NEWROUTE, route_body(), {attribute(RTA_MULTIPATH, ip(24, 1))}),
        message(NLMSG_ERROR, nlmsgerr{}), message(NLMSG_DONE, int{0})})
    whole.insert(whole.end(), each.begin(), each.end());
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = whole;
    for (auto hits = random() % 8 + 1; hits != 0; --hits)
      damaged[random() % damaged.size()] = std::byte{static_cast<unsigned char>(random())};
    damaged.resize(random() % (damaged.size() + 1));
    damaged.shrink_to_fit();
    take(damaged);
    bytes noise(random() % 200);
    for (auto& each : noise)
      each = std::byte{static_cast<unsigned char>(random())};
    take(noise);
  }
  state.clear();
  BOOST_TEST(!usable());
  bring_up();
  BOOST_TEST((usable() && routed()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(net_netlink_watch)

// Whatever this machine's network is: the three lists come to their end.
BOOST_AUTO_TEST_CASE(the_kernel_lists_everything_once) {
  auto opened = net::netlink_watch::open();
  BOOST_REQUIRE(opened.has_value());
  auto& watch = **opened;
  BOOST_TEST(!watch.view().has_value());
  bool changed = false;
  while (!watch.view()) {
    pollfd polled{watch.fd(), POLLIN, 0};
    BOOST_REQUIRE(::poll(&polled, 1, 60'000) == 1);
    const auto read = watch.read();
    BOOST_REQUIRE(read.has_value());
    changed = *read;
  }
  BOOST_TEST(changed);
}

BOOST_AUTO_TEST_SUITE_END()
