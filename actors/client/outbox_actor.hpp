#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "core/sync/backoff.hpp"
#include "net/protocol/client_protocol.hpp"

#include <chrono>
#include <memory>

namespace syncline::actors::client {

struct outbox_options {
  std::uint32_t batch_items_max = 100;
  std::uint64_t batch_bytes_max = 1u << 20;
  std::uint32_t send_timeout_ms = 60'000;
  std::chrono::milliseconds batch_pause{0}; ///< 100 ms for foreign servers
  core::backoff_options backoff;
  /// 500 answers in a row to one batch, before its content is suspected.
  std::uint32_t server_errors_max = 8;
  bool paused = false;
  std::shared_ptr<const net::client_protocol> protocol = net::own_protocol();
};

/// Drains locally committed writes to the server, one batch in flight at a time.
outbox_actor spawn_outbox(caf::actor_system& system, storage_actor storage,
                          transport_actor transport, seams world, outbox_options options);

} // namespace syncline::actors::client
