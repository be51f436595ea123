#pragma once
// Scripted schedules: two or more clients whose every exchange the test decides.

#include "actors/simulation/audit.hpp"
#include "actors/simulation/world.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <string>

namespace syncline::tests {

using actors::simulation::exchange_fate;
using actors::simulation::plan;
using actors::simulation::world;

/// A world in which nothing is sent or pulled unless the test says so.
class schedule {
public:
  explicit schedule(core::conflict_policy policy = {}, int clients = 2)
    : world_{1, make_plan(policy)} {
    actors::client::client_options options;
    options.outbox.paused = true;
    options.poll.paused = true;
    options.link.paused = true;
    options.poll.page_items_max = 1;
    options.conflict.policy = policy;
    options_ = options;
    for (int i = 0; i < clients; ++i)
      world_.add_client(options);
    world_.set_fate(
      [this](int client, const msg::HttpRequest& request) { return fate_of(client, request); });
  }

  ~schedule() {
    BOOST_TEST(!world_.failure().has_value(), world_.failure().value_or(""));
  }

  world& operator*() {
    return world_;
  }
  world* operator->() {
    return &world_;
  }

  void create(int client, const std::string& id, const std::string& body) {
    write(client, id, msg::CREATE, body, false);
  }
  void put(int client, const std::string& id, const std::string& body) {
    write(client, id, msg::CREATE, body, true);
  }
  void patch(int client, const std::string& id, const std::string& patch) {
    write(client, id, msg::UPDATE, patch, false);
  }
  void increment(int client, const std::string& id, std::int64_t by) {
    msg::WriteLocal command;
    auto& mutation = name(command, id);
    mutation.set_kind(msg::UPDATE);
    add_increment(mutation, by);
    accept(client, command);
  }
  void patch_and_increment(int client, const std::string& id, const std::string& patch,
                           std::int64_t by) {
    msg::WriteLocal command;
    auto& mutation = name(command, id);
    mutation.set_kind(msg::UPDATE);
    mutation.set_patch(patch);
    add_increment(mutation, by);
    accept(client, command);
  }
  void remove(int client, const std::string& id) {
    msg::WriteLocal command;
    name(command, id).set_kind(msg::DELETE);
    accept(client, command);
  }

  /// Sends what waits; every exchange succeeds.
  void push(int client) {
    allowed_ = unlimited;
    BOOST_TEST(world_.push(client).error().code() == "");
  }
  /// Pulls until caught up.
  void pull(int client) {
    allowed_ = unlimited;
    BOOST_TEST(world_.pull(client).error().code() == "");
  }
  /// Pulls this many pages of one item; the next request meets a 503.
  void pull_pages(int client, int pages) {
    allowed_ = pages;
    msg::PullNow command;
    command.set_attempts_max(1);
    rt::anon_send(world_.client(client).actors().poll, command);
    world_.run_for(500);
    allowed_ = unlimited;
  }
  /// Sends what waits, once, with this fate.
  void push_with(int client, exchange_fate fate) {
    next_push_ = std::move(fate);
    msg::DrainOutbox command;
    command.set_attempts_max(1);
    rt::anon_send(world_.client(client).actors().outbox, command);
    world_.run_for(100);
  }
  void sync(int client) {
    allowed_ = unlimited;
    BOOST_TEST(world_.sync(client).error().code() == "");
  }
  void sync_all() {
    for (int round = 0; round < 3; ++round)
      for (int i = 0; i < world_.clients(); ++i)
        sync(i);
  }
  /// Everybody holds the same, and it is what the log says.
  void expect_agreement() {
    sync_all();
    BOOST_TEST(actors::simulation::is_settled(world_),
               actors::simulation::describe_unsettled(world_));
    actors::simulation::check_at_rest(world_);
  }

  std::string visible(int client, const std::string& id) {
    const auto items = world_.visible_items(client, "items");
    const auto found = items.find(id);
    return found == items.end() ? "none" : found->second;
  }
  std::string at_server(const std::string& id) {
    const auto items = world_.server_items("items");
    const auto found = items.find(id);
    return found == items.end() ? "none" : found->second;
  }
  std::vector<msg::ConflictRecord> conflicts(int client) {
    return *world_.client(client).store().snapshot()->conflicts();
  }
  std::size_t conflicts_for(int client, msg::ConflictReason reason) {
    std::size_t count = 0;
    for (const auto& record : conflicts(client))
      count += record.reason() == reason;
    return count;
  }

  /// The server's files are copied back: the same store, earlier.
  void restore_by_hand(std::size_t backup) {
    world_.server().die();
    world_.server().restore(backup);
    world_.server().start();
  }
  std::size_t back_up() {
    world_.server().back_up();
    return world_.server().backups() - 1;
  }

private:
  static constexpr int unlimited = 1'000'000;

  static plan make_plan(core::conflict_policy policy) {
    plan made;
    made.collections = 1;
    made.policy = policy;
    return made;
  }

  static msg::Mutation& name(msg::WriteLocal& command, const std::string& id) {
    auto& mutation = *command.add_operations()->mutable_mutation();
    mutation.set_collection("items");
    mutation.set_id(id);
    return mutation;
  }

  static void add_increment(msg::Mutation& mutation, std::int64_t by) {
    auto& increment = *mutation.add_increments();
    increment.set_field("n");
    increment.set_integer(by);
  }

  void write(int client, const std::string& id, msg::MutationKind kind, const std::string& text,
             bool upsert) {
    msg::WriteLocal command;
    auto& mutation = name(command, id);
    mutation.set_kind(kind);
    if (kind == msg::UPDATE)
      mutation.set_patch(text);
    else
      mutation.set_body(text);
    command.mutable_operations(0)->set_upsert(upsert);
    accept(client, command);
  }

  void accept(int client, const msg::WriteLocal& command) {
    const auto error = world_.client(client).write_now(command);
    BOOST_TEST(!error.has_value(), error.value_or(core::error{}).message);
  }

  exchange_fate fate_of(int, const msg::HttpRequest& request) {
    if (request.method() == "POST" && next_push_) {
      auto fate = *std::exchange(next_push_, std::nullopt);
      return fate;
    }
    exchange_fate fate;
    if (request.method() == "GET" && allowed_-- <= 0)
      fate.answered_by_another = actors::simulation::foreign_reply(503, "");
    return fate;
  }

  world world_;
  actors::client::client_options options_;
  std::optional<exchange_fate> next_push_;
  int allowed_ = unlimited;
};

inline exchange_fate lost_reply() {
  exchange_fate fate;
  fate.cut_reply = true;
  return fate;
}
inline exchange_fate lost_request() {
  exchange_fate fate;
  fate.lose_request = true;
  return fate;
}

} // namespace syncline::tests
