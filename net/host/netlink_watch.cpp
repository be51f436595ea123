#include "net/host/netlink_watch.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace syncline::net {

namespace {

constexpr int datagrams_per_read = 64; // then the other sensors have their turn

core::error failed(const char* call, int code) {
  return core::fail("sensor_failed", std::string{"rtnetlink: "} + call + ": " +
                                       std::generic_category().message(code));
}

} // namespace

core::expected<std::unique_ptr<netlink_watch>> netlink_watch::open() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0)
    return failed("socket", errno);
  std::unique_ptr<netlink_watch> opened{new netlink_watch{fd}};
  // First the events and then the list, so that no change falls between them.
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  own.nl_groups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    return failed("bind", errno);
  if (auto begun = opened->begin_list(); !begun)
    return begun.error();
  return opened;
}

netlink_watch::~netlink_watch() {
  ::close(fd_);
}

core::expected<void> netlink_watch::begin_list() {
  list_again_ = false;
  state_.clear();
  return request(stage::links);
}

core::expected<void> netlink_watch::request(stage next) {
  struct {
    nlmsghdr head{};
    rtgenmsg body{};
  } message;
  message.head.nlmsg_len = NLMSG_LENGTH(sizeof message.body);
  message.head.nlmsg_type = next == stage::links       ? RTM_GETLINK
                            : next == stage::addresses ? RTM_GETADDR
                                                       : RTM_GETROUTE;
  message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.head.nlmsg_seq = ++sequence_;
  message.body.rtgen_family = AF_UNSPEC;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd_, &message, message.head.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0)
    return failed("sendto", errno);
  stage_ = next;
  return {};
}

core::expected<bool> netlink_watch::read() {
  const auto before = view_;
  for (int count = 0; count < datagrams_per_read; ++count) {
    sockaddr_nl sender{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const auto received = ::recvmsg(fd_, &message, 0);
    const int code = received < 0 ? errno : 0;
    if (code == EAGAIN) {
      // Only now: what waited was older than the list, and until then the kernel drops silently.
      if (list_again_ && stage_ == stage::following)
        if (auto begun = begin_list(); !begun)
          return begun.error();
      break;
    }
    if (code == EINTR)
      continue;
    if (code != 0 && code != ENOBUFS)
      return failed("recvmsg", code);
    netlink_progress progress;
    if (code == ENOBUFS || (message.msg_flags & MSG_TRUNC) != 0)
      progress.dump_interrupted = true;
    else if (sender.nl_pid == 0) // Another process may write to us as well, but is not the kernel.
      progress =
        state_.apply(std::span{buffer_}.first(static_cast<std::size_t>(received)), sequence_);
    if (auto advanced = advance(progress); !advanced)
      return advanced.error();
  }
  if (stage_ == stage::following && !list_again_)
    view_ = state_.view();
  return view_ != before;
}

core::expected<void> netlink_watch::advance(const netlink_progress& progress) {
  if (progress.refused_errno != 0)
    return failed("list", progress.refused_errno);
  list_again_ |= progress.dump_interrupted;
  if (progress.dump_ended && stage_ != stage::following) {
    if (stage_ != stage::routes && !list_again_)
      return request(stage_ == stage::links ? stage::addresses : stage::routes);
    stage_ = stage::following;
  }
  return {};
}

} // namespace syncline::net
