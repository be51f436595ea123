#pragma once

#include "actors/client/interfaces.hpp"

#include <functional>

namespace syncline::actors::client {

/// Where committed events go. Called in the observer's context, in commit order; must not block:
/// the runtime queues them for its callback thread.
struct event_sink {
  std::function<void(msg::StoreChanged&)> changed;
  std::function<void(msg::MutationsAdvanced&)> advanced;
  std::function<void(const msg::ConflictsRecorded&)> conflicts;
  /// Asks the host's conflict function; `answer` may be called once, from any thread, or never.
  std::function<void(msg::AskHost&, std::function<void(msg::HostVerdict)> answer)> ask_host;
};

/// Hands committed events to `sink`. Members of it may be empty.
observer_actor spawn_observer(caf::actor_system& system, event_sink sink);

} // namespace syncline::actors::client
