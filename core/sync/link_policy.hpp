#pragma once
// What runs while the network is good, bad or away (DESIGN.md section 7). Pure.

namespace syncline::core {

/// What the machine says of its network. A hint: only a request is the truth.
enum class reachability { unknown, up, down };

enum class link_state {
  stopped,  ///< the host wants no traffic of our own accord
  online,   ///< changes come as they are made
  degraded, ///< the server answers, and is polled
  offline   ///< the server cannot be reached
};

struct link_view {
  bool started = false;
  reachability hint = reachability::unknown; ///< `unknown` where the server is this machine
  bool stream_is_live = false;
  bool line_failed = false; ///< the last request did not reach our server
};

struct link_decision {
  link_state state = link_state::stopped;
  bool streams = false;
  bool polls = false;
  bool pushes = false;

  friend bool operator==(const link_decision&, const link_decision&) = default;
};

/// With the network said to be away nothing is sent but the polls, which find out where that is not
/// so; they fail at once where it is.
[[nodiscard]] constexpr link_decision decide_link(const link_view& view) {
  if (!view.started)
    return {};
  if (view.hint == reachability::down)
    return {link_state::offline, false, true, false};
  const auto state = view.stream_is_live ? link_state::online
                     : view.line_failed  ? link_state::offline
                                         : link_state::degraded;
  return {state, true, !view.stream_is_live, true};
}

[[nodiscard]] constexpr const char* to_string(link_state state) {
  switch (state) {
  case link_state::stopped:
    return "stopped";
  case link_state::online:
    return "online";
  case link_state::degraded:
    return "degraded";
  case link_state::offline:
    return "offline";
  }
  return "";
}

} // namespace syncline::core
