#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "core/sync/live_ladder.hpp"
#include "net/client/live_line.hpp"
#include "storage/client_store.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace syncline::actors::client {

struct stream_options {
  net::live_dial dial; ///< none: there is never a stream
  core::live_ladder::options ladder;
  /// Without a message for so many beats a ping goes out, and after the others the server is taken
  /// for gone: 20 s and 45 s.
  std::chrono::milliseconds beat{5'000};
  std::uint32_t ping_after_beats = 4;
  std::uint32_t silent_beats_max = 9;
  std::uint32_t pull_attempts_max = 3; ///< failures in a row after a gap, before we connect anew
  bool paused = true;
  /// Told when it becomes live, and when it no longer is. Called in the actor's context.
  std::function<void(msg::StreamChanged)> on_changed;
  /// Counts what happens: "stream live", "stream live by events", "stream page applied",
  /// "stream page elsewhere", "stream silent".
  std::function<void(const char* event)> on_event;
  /// Planted bug, for the simulation only.
  bool canary_ignores_gaps = false;
};

/// Keeps a live connection to the server while it is not paused, and hands its pages on. A page
/// that does not begin where the store stands is not applied: that collection is pulled, and its
/// stream begins anew from there. `store` is for reading.
stream_actor spawn_stream(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                          conflict_actor conflict, poll_actor poll, seams world,
                          stream_options options);

} // namespace syncline::actors::client
