#pragma once
// The socket on which the kernel tells of links, addresses and routes (rtnetlink).

#include "core/expected.hpp"
#include "core/jobs/host_signals.hpp"
#include "net/host/netlink_state.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace syncline::net {

/// Lists the links, addresses and routes of the network namespace, then follows their changes.
/// Nothing in it blocks. Belongs to one thread at a time.
//
// links --listed--> addresses --listed--> routes --listed--> following
//   ^------ the kernel has dropped messages, or a list changed while it was made ------'
class netlink_watch {
public:
  /// Opens the socket and asks for the first list. Fails with `sensor_failed`.
  static core::expected<std::unique_ptr<netlink_watch>> open();
  ~netlink_watch();
  netlink_watch(const netlink_watch&) = delete;
  netlink_watch& operator=(const netlink_watch&) = delete;

  /// To be waited on for input.
  [[nodiscard]] int fd() const {
    return fd_;
  }

  /// Takes what has come, a bounded part of it; where more is there, `fd` stays readable. True
  /// where `view` has changed. After a failure (`sensor_failed`) this watch is of no more use.
  core::expected<bool> read();

  /// Nothing until everything was listed once. While it is listed anew, what was known before.
  [[nodiscard]] const std::optional<core::netlink_view>& view() const {
    return view_;
  }

private:
  enum class stage { links, addresses, routes, following };

  explicit netlink_watch(int fd) : fd_{fd}, buffer_(buffer_bytes) {}
  core::expected<void> begin_list();
  core::expected<void> request(stage next);
  core::expected<void> advance(const netlink_progress& progress);

  static constexpr std::size_t buffer_bytes = std::size_t{64}
                                              << 10; // the kernel sends up to 32 KiB

  int fd_;
  std::vector<std::byte> buffer_;
  netlink_state state_;
  std::optional<core::netlink_view> view_;
  stage stage_ = stage::following;
  bool list_again_ = false; // once this list has ended and nothing else waits to be read
  std::uint32_t sequence_ = 0;
};

} // namespace syncline::net
