#pragma once
// A device between a real server and one that answers something else, at the same address.

#include "tests/runtime/runtime_support.hpp"
#include "tests/support/loopback.hpp"
#include "wire.pb.h"

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace syncline::tests {

/// Listens in front of a real server. While a forgery is set, its bytes are sent in the place of
/// the server's reply; the connection ends behind bytes that are no whole reply.
class lying_front {
public:
  /// Gets the request, and what the server replies to it.
  using forgery = std::function<std::string(const std::string& request, const std::string& reply)>;

  explicit lying_front(std::uint16_t server_port);
  [[nodiscard]] std::string url() const {
    return front_.url();
  }
  void tell_truth();
  /// `asks_server`: the server gets the request, else it never sees it and `reply` is empty.
  void lie(forgery forge, bool asks_server = true);
  [[nodiscard]] std::size_t requests() const {
    return front_.requests();
  }

private:
  canned_server::answer answer(const std::string& request);

  std::uint16_t server_port_;
  std::mutex mutex_; // guards the next two
  forgery forge_;
  bool asks_server_ = true;
  canned_server front_;
};

/// What must not change while a server talks nonsense.
struct device_state {
  std::vector<item> items;
  std::uint64_t cursor_seq = 0;
  bool walking = false;
  std::uint64_t head_seq = 0;
  std::uint64_t waiting = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t conflicts = 0;

  friend bool operator==(const device_state& left, const device_state& right);
};
[[nodiscard]] device_state state_of(const runtime& one);

/// What the device of a `half_synced` has done so far.
enum class device_past {
  pulled,  ///< it is in sync but for what the server got since
  wrote,   ///< as above, and two of its writes wait; a sync begins with them
  was_born ///< it has pulled nothing yet
};

/// A device and a server with a change, a new item and a deletion that the device has yet to pull.
class half_synced {
public:
  explicit half_synced(device_past past);

  /// Syncs once: it fails with `code`, nothing changed, and `status` says why.
  void check_nothing_taken(const std::string& name, const std::string& code);
  /// With the truth again, all of both sides' changes arrive, once.
  void check_heals();

  lying_front& front() {
    return front_;
  }
  runtime& device() {
    return *device_;
  }
  test_server& server() {
    return server_;
  }

private:
  test_server server_;
  lying_front front_{server_.get().port()};
  temporary_directory own_;
  temporary_directory other_;
  device_past past_;
  std::unique_ptr<runtime> device_;
  std::unique_ptr<runtime> elsewhere_;
  device_state before_;
};

/// A reply with a content type and the length of its body.
[[nodiscard]] std::string reply_bytes(int status, std::string_view type, std::string_view body,
                                      std::string_view headers = {});
[[nodiscard]] std::string body_of_reply(const std::string& reply);
/// The same reply with this body, and its length.
[[nodiscard]] std::string with_body(const std::string& reply, std::string_view body);

} // namespace syncline::tests
