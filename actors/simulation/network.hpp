#pragma once
// The simulated network: what becomes of each request and each reply, by policy and seed.

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "actors/server/session_actor.hpp"
#include "actors/simulation/counters.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace syncline::actors::simulation {

/// What happens to one exchange. Times are milliseconds.
struct exchange_fate {
  std::int64_t request_delay_ms = 1;
  std::int64_t reply_delay_ms = 1;
  bool lose_request = false; ///< the client meets its timeout
  bool lose_reply = false;   ///< the server has acted; the client meets its timeout
  bool cut_reply = false;    ///< as above, but the client sees the connection break at once
  std::optional<std::int64_t> duplicate_after_ms; ///< a copy of the request arrives this much later
  std::optional<msg::HttpReply> answered_by_another; ///< a proxy or portal answers instead
};

/// How the world decides about an exchange, and where requests go.
struct network_hooks {
  /// Asked for each request; `client` is the client's index.
  std::function<exchange_fate(int client, const msg::HttpRequest&)> fate;
  /// The session of the living server for this client; nullptr while there is none.
  std::function<server::session_actor(int client)> session;
  /// Number of the server's present life: what an earlier one answered is lost.
  std::function<std::uint64_t()> server_life;
  /// Crash points: a request reaches the server, a reply reaches the client.
  std::function<void(int client, const msg::HttpRequest&)> request_arrives;
  std::function<void(int client, const msg::HttpRequest&, const msg::HttpReply&)> reply_arrives;
};

/// Spawns the transport of one life of one client. `hooks` must outlive it.
client::transport_actor spawn_simulated_transport(caf::actor_system& system, int client,
                                                  const network_hooks& hooks);

/// What a captive portal or a broken proxy says.
[[nodiscard]] msg::HttpReply foreign_reply(std::uint32_t status, const std::string& body);

} // namespace syncline::actors::simulation
