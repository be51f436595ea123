#pragma once
// Two started clients of one server, with a network that the test governs.

#include "actors/simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <string>

namespace syncline::tests {

constexpr std::int64_t minute_ms = 60'000;

struct linked_world {
  linked_world() : world{1, with_streams()} {
    world.set_fate([this](int client, const msg::HttpRequest& request) {
      auto fate = world.seeded_fate(client, request);
      fate.lose_request = is_away || loses_requests;
      fate.lose_reply = loses_replies;
      fate.reply_delay_ms += reply_delay_ms;
      if (bend)
        bend(fate, request);
      if (is_portal)
        fate.answered_by_another =
          actors::simulation::foreign_reply(200, "<html>please log in</html>");
      return fate;
    });
    world.set_stream_fate([this](int client, net::live_way way) {
      actors::simulation::stream_fate fate;
      fate.refused = is_away || is_portal || has_no_streams || loses_requests || loses_replies;
      fate.declined = has_no_websockets && way == net::live_way::websocket;
      fate.cut_after_ms = cut_after_ms;
      fate.silent_after_ms = silent_after_ms;
      if (damage && (!damaged_client || *damaged_client == client))
        fate.damage = damage;
      return fate;
    });
    actors::client::client_options options;
    options.poll.timeout_ms = 5'000;
    for (int i = 0; i < 2; ++i)
      world.add_client(options);
  }

  static actors::simulation::plan with_streams() {
    actors::simulation::plan made;
    made.streams = true;
    return made;
  }

  void put(const std::string& id) {
    BOOST_TEST(!world.client(0).create_now("items", id, "{}"));
  }
  bool other_has(const std::string& id) {
    return world.visible_items(1, "items").count(id) != 0;
  }
  bool comes(const std::string& id, std::int64_t within_ms) {
    return world.run_until([&] { return other_has(id); }, within_ms);
  }
  /// Nothing passes any more on the connections that there are, and nobody is told.
  void fall_silent() {
    for (int client = 0; client < world.clients(); ++client)
      world.fall_silent(client);
  }
  void increment(int client, const std::string& id) {
    msg::WriteLocal command;
    auto& mutation = *command.add_operations()->mutable_mutation();
    mutation.set_collection("items");
    mutation.set_id(id);
    mutation.set_kind(msg::UPDATE);
    auto& increment = *mutation.add_increments();
    increment.set_field("n");
    increment.set_integer(1);
    BOOST_TEST(!world.client(client).write_now(command));
  }
  std::string visible(int client, const std::string& id) {
    const auto items = world.visible_items(client, "items");
    const auto found = items.find(id);
    return found == items.end() ? "none" : found->second;
  }
  /// Looks every second of virtual time.
  bool becomes(int client, const std::string& state, std::int64_t within_ms) {
    for (std::int64_t waited = 0; waited <= within_ms; waited += 1'000) {
      if (world.link_state(client) == state)
        return true;
      world.run_for(1'000);
    }
    return false;
  }
  void network(int client, msg::ReachabilityChanged::State state) {
    msg::ReachabilityChanged changed;
    changed.set_state(state);
    rt::anon_send(world.client(client).actors().link, changed);
    world.run_for(0);
  }

  actors::simulation::world world;
  std::int64_t reply_delay_ms = 0;
  bool is_away = false;
  bool is_portal = false;
  bool loses_requests = false; ///< one way only
  bool loses_replies = false;
  /// Changes what becomes of one exchange.
  std::function<void(actors::simulation::exchange_fate&, const msg::HttpRequest&)> bend;
  bool has_no_streams = false;
  bool has_no_websockets = false;
  std::optional<std::int64_t> cut_after_ms;
  std::optional<std::int64_t> silent_after_ms;
  std::function<void(std::string& message)> damage;
  std::optional<int> damaged_client; ///< none: all
};

} // namespace syncline::tests
