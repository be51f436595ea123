#include "net/host/netlink_state.hpp"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace syncline::net {

namespace {

/// The fixed part after the head, such as `ifinfomsg`; nothing where the message is too short.
template <class T>
std::optional<T> body_of(const nlmsghdr& head) {
  if (head.nlmsg_len < NLMSG_LENGTH(sizeof(T)))
    return std::nullopt;
  T body;
  std::memcpy(&body, NLMSG_DATA(&head), sizeof body);
  return body;
}

/// 169.254.0.0/16 and fe80::/10 reach no further than their link, 127.0.0.0/8 and ::1 not so far.
bool reaches_beyond_link(unsigned char family, const std::array<unsigned char, 16>& ip) {
  if (family == AF_INET)
    return ip[0] != 0 && ip[0] != 127 && !(ip[0] == 169 && ip[1] == 254);
  const bool link_local = ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
  const bool mostly_zero = std::all_of(ip.begin(), ip.end() - 1, [](auto byte) { return !byte; });
  return !link_local && !(mostly_zero && ip[15] <= 1);
}

} // namespace

/// The attributes after the fixed part of a message, or inside another attribute.
class netlink_state::attributes {
public:
  attributes(const void* begin, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(begin);
    while (bytes >= sizeof(rtattr)) {
      rtattr head;
      std::memcpy(&head, at, sizeof head);
      if (head.rta_len < sizeof head || head.rta_len > bytes)
        return;
      found_.push_back({static_cast<std::uint16_t>(head.rta_type & NLA_TYPE_MASK),
                        {at + sizeof head, head.rta_len - sizeof head}});
      const std::size_t step = std::min<std::size_t>(RTA_ALIGN(head.rta_len), bytes);
      at += step;
      bytes -= step;
    }
  }

  template <class T>
  static attributes after(const nlmsghdr& head) {
    const std::size_t fixed = NLMSG_SPACE(sizeof(T));
    if (head.nlmsg_len <= fixed)
      return {nullptr, 0};
    return {reinterpret_cast<const unsigned char*>(&head) + fixed, head.nlmsg_len - fixed};
  }

  /// Empty where there is none of this type.
  [[nodiscard]] std::span<const unsigned char> bytes(std::uint16_t type) const {
    for (const auto& each : found_)
      if (each.type == type)
        return each.value;
    return {};
  }

  [[nodiscard]] std::optional<std::uint32_t> number(std::uint16_t type) const {
    const auto value = bytes(type);
    if (value.size() != sizeof(std::uint32_t))
      return std::nullopt;
    std::uint32_t number = 0;
    std::memcpy(&number, value.data(), sizeof number);
    return number;
  }

  /// Nothing where the length is not that of the family.
  [[nodiscard]] std::optional<ip_bytes> ip(std::uint16_t type, unsigned char family) const {
    const auto value = bytes(type);
    if (value.size() != (family == AF_INET ? 4U : 16U))
      return std::nullopt;
    ip_bytes ip{};
    std::copy(value.begin(), value.end(), ip.begin());
    return ip;
  }

private:
  struct one {
    std::uint16_t type;
    std::span<const unsigned char> value;
  };
  std::vector<one> found_;
};

netlink_progress netlink_state::apply(std::span<const std::byte> datagram,
                                      std::uint32_t dump_sequence) {
  netlink_progress progress;
  // A copy is aligned as the heads want it, wherever the bytes came from.
  std::vector<std::uint32_t> aligned((datagram.size() + 3) / 4);
  if (!datagram.empty())
    std::memcpy(aligned.data(), datagram.data(), datagram.size());
  auto left = static_cast<std::uint32_t>(datagram.size());
  const auto* head = reinterpret_cast<const nlmsghdr*>(aligned.data());
  while (NLMSG_OK(head, left)) {
    // Messages with another number are events, or the rest of a dump that was given up.
    const bool of_dump = head->nlmsg_seq == dump_sequence;
    if (of_dump && (head->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
      progress.dump_interrupted = true;
    if (head->nlmsg_type == NLMSG_DONE && of_dump) {
      progress.dump_ended = true;
      progress.refused_errno = -body_of<int>(*head).value_or(0);
    } else if (head->nlmsg_type == NLMSG_OVERRUN)
      progress.dump_interrupted = true;
    else if (head->nlmsg_type != NLMSG_ERROR)
      apply_message(*head);
    else if (const auto error = body_of<nlmsgerr>(*head); error && of_dump)
      progress.refused_errno = -error->error;
    // By hand: NLMSG_NEXT lets `left` wrap round where the last message is not padded.
    const std::uint32_t step = NLMSG_ALIGN(head->nlmsg_len);
    if (step >= left)
      break;
    left -= step;
    head = reinterpret_cast<const nlmsghdr*>(reinterpret_cast<const char*>(head) + step);
  }
  return progress;
}

void netlink_state::apply_message(const nlmsghdr& head) {
  switch (head.nlmsg_type) {
  case RTM_NEWLINK:
  case RTM_DELLINK:
    apply_link(head);
    break;
  case RTM_NEWADDR:
  case RTM_DELADDR:
    apply_address(head);
    break;
  case RTM_NEWROUTE:
  case RTM_DELROUTE:
    apply_route(head);
    break;
  default:
    break;
  }
}

void netlink_state::apply_link(const nlmsghdr& head) {
  const auto body = body_of<ifinfomsg>(head);
  // AF_BRIDGE tells of a port that joins or leaves a bridge; the link itself stays.
  if (!body || body->ifi_family != AF_UNSPEC || body->ifi_index <= 0)
    return;
  const auto index = static_cast<std::uint32_t>(body->ifi_index);
  if (head.nlmsg_type == RTM_DELLINK)
    interfaces_.erase(index);
  else
    interfaces_[index].flags = body->ifi_flags;
  // They go with their link, and of those of IPv4 the kernel says nothing.
  if (head.nlmsg_type == RTM_DELLINK || (body->ifi_flags & IFF_UP) == 0) {
    forget_routes(index, AF_INET);
    forget_routes(index, AF_INET6);
  }
}

void netlink_state::apply_address(const nlmsghdr& head) {
  const auto body = body_of<ifaddrmsg>(head);
  if (!body || (body->ifa_family != AF_INET && body->ifa_family != AF_INET6))
    return;
  const auto found = attributes::after<ifaddrmsg>(head);
  const auto peer = found.ip(IFA_ADDRESS, body->ifa_family);
  // IPv6 names its own address so only where there is a peer.
  const auto local = found.ip(IFA_LOCAL, body->ifa_family);
  if (!local && !peer)
    return;
  const address one{body->ifa_family, body->ifa_prefixlen, local ? *local : *peer,
                    peer ? *peer : *local};
  if (head.nlmsg_type == RTM_DELADDR) {
    const auto of = interfaces_.find(body->ifa_index);
    if (of == interfaces_.end())
      return;
    auto& addresses = of->second.usable_addresses;
    addresses.erase(one);
    const auto is_ipv4 = [](const address& each) { return each.family == AF_INET; };
    // IPv4 routes go with the last address, and the kernel says nothing of it.
    if (std::none_of(addresses.begin(), addresses.end(), is_ipv4))
      forget_routes(body->ifa_index, AF_INET);
    return;
  }
  // A tentative address may turn out to be another machine's; when it does not, it is told again.
  const auto flags = found.number(IFA_FLAGS).value_or(body->ifa_flags);
  const bool ready = (flags & IFA_F_DADFAILED) == 0 &&
                     ((flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0);
  auto& addresses = interfaces_[body->ifa_index].usable_addresses;
  if (ready && reaches_beyond_link(one.family, one.local))
    addresses.insert(one);
  else
    addresses.erase(one);
}

void netlink_state::apply_route(const nlmsghdr& head) {
  const auto body = body_of<rtmsg>(head);
  if (!body || body->rtm_dst_len != 0 || body->rtm_type != RTN_UNICAST ||
      (body->rtm_family != AF_INET && body->rtm_family != AF_INET6) ||
      (body->rtm_flags & RTM_F_CLONED) != 0)
    return;
  const auto found = attributes::after<rtmsg>(head);
  default_route route;
  route.family = body->rtm_family;
  route.table = found.number(RTA_TABLE).value_or(body->rtm_table);
  route.priority = found.number(RTA_PRIORITY).value_or(0);
  if (head.nlmsg_type == RTM_NEWROUTE && (head.nlmsg_flags & NLM_F_REPLACE) != 0)
    std::erase_if(default_routes_, [&](const default_route& each) {
      return each.family == route.family && each.table == route.table &&
             each.priority == route.priority;
    });

  const auto apply_way = [&](std::uint32_t interface, const attributes& way) {
    route.interface = interface;
    route.gateway = way.ip(RTA_GATEWAY, route.family).value_or(ip_bytes{});
    if (head.nlmsg_type == RTM_NEWROUTE)
      default_routes_.insert(route);
    else
      default_routes_.erase(route);
  };
  auto ways = found.bytes(RTA_MULTIPATH);
  if (ways.empty())
    apply_way(found.number(RTA_OIF).value_or(0), found);
  while (ways.size() >= sizeof(rtnexthop)) {
    rtnexthop way;
    std::memcpy(&way, ways.data(), sizeof way);
    if (way.rtnh_len < sizeof way || way.rtnh_len > ways.size())
      return;
    apply_way(static_cast<std::uint32_t>(way.rtnh_ifindex),
              {ways.data() + sizeof way, way.rtnh_len - sizeof way});
    ways = ways.subspan(std::min<std::size_t>(RTNH_ALIGN(way.rtnh_len), ways.size()));
  }
}

void netlink_state::forget_routes(std::uint32_t interface, unsigned char family) {
  std::erase_if(default_routes_, [&](const default_route& each) {
    return each.interface == interface && each.family == family;
  });
}

bool netlink_state::is_running(std::uint32_t interface) const {
  const auto found = interfaces_.find(interface);
  if (found == interfaces_.end())
    return false;
  const auto wanted = std::uint32_t{IFF_UP} | std::uint32_t{IFF_RUNNING};
  return (found->second.flags & (wanted | IFF_LOOPBACK)) == wanted;
}

core::netlink_view netlink_state::view() const {
  core::netlink_view view;
  view.has_usable_interface =
    std::any_of(interfaces_.begin(), interfaces_.end(), [this](const auto& each) {
      return is_running(each.first) && !each.second.usable_addresses.empty();
    });
  view.has_default_route =
    std::any_of(default_routes_.begin(), default_routes_.end(), [this](const default_route& each) {
      return each.interface == 0 || is_running(each.interface);
    });
  return view;
}

void netlink_state::clear() {
  interfaces_.clear();
  default_routes_.clear();
}

} // namespace syncline::net
