#pragma once
// The links, addresses and default routes of this network namespace, from the messages of
// rtnetlink. No socket here: bytes in, a view out.

#include "core/jobs/host_signals.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>

struct nlmsghdr;

namespace syncline::net {

/// What one datagram said of the dump that was asked for.
struct netlink_progress {
  bool dump_ended = false;       ///< one kind of object was listed to its end
  bool dump_interrupted = false; ///< the list changed while it was made: ask again
  int refused_errno = 0;         ///< the kernel refused the request; 0: it did not
};

/// Follows links, addresses and routes. Not synchronised.
class netlink_state {
public:
  /// Takes one datagram of the kernel's. What is cut off or makes no sense is left out; nothing is
  /// read beyond the bytes. Answers of a dump count only with the number `dump_sequence`.
  netlink_progress apply(std::span<const std::byte> datagram, std::uint32_t dump_sequence);

  [[nodiscard]] core::netlink_view view() const;

  /// Forgets everything, before all of it is listed anew.
  void clear();

private:
  using ip_bytes = std::array<unsigned char, 16>; // IPv4 in the first four

  struct address {
    unsigned char family = 0;
    unsigned char prefix_bits = 0;
    ip_bytes local{};
    ip_bytes peer{};

    friend auto operator<=>(const address&, const address&) = default;
  };
  struct interface {
    std::uint32_t flags = 0; // IFF_*
    std::set<address> usable_addresses;
  };
  /// One way out of a default route; a route of several ways is several of these.
  struct default_route {
    unsigned char family = 0;
    std::uint32_t table = 0;
    std::uint32_t priority = 0;
    std::uint32_t interface = 0; // index; 0 where the kernel named none
    ip_bytes gateway{};

    friend auto operator<=>(const default_route&, const default_route&) = default;
  };
  class attributes;

  void apply_message(const nlmsghdr& head);
  void apply_link(const nlmsghdr& head);
  void apply_address(const nlmsghdr& head);
  void apply_route(const nlmsghdr& head);
  void forget_routes(std::uint32_t interface, unsigned char family);
  [[nodiscard]] bool is_running(std::uint32_t interface) const;

  std::map<std::uint32_t, interface> interfaces_; // by index
  std::set<default_route> default_routes_;
};

} // namespace syncline::net
