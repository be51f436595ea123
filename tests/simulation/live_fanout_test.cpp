// Live clients of every kind over simulated sockets: whoever connects late, reads slowly, writes,
// or goes and comes back, has in the end what the store has, and never skipped a change.

#include "actors/server/live_session_actor.hpp"
#include "actors/simulation/deterministic_system.hpp"
#include "actors/simulation/simulated_io.hpp"
#include "net/protocol/sse_parser.hpp"
#include "net/protocol/stream_frame.hpp"
#include "storage/keys.hpp"
#include "storage/kv_memory.hpp"
#include "storage/server_store_kv.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <deque>
#include <iostream>
#include <map>
#include <set>

namespace syncline::tests {

namespace {

using namespace actors::server;
using actors::simulation::messages_in;
using actors::simulation::simulated_io;
using contents = std::map<std::string, std::string>; // body by collection/id
using json = nlohmann::json;

const std::vector<std::string> collections{"items", "notes"};

/// One client: what it holds, and from where it would resume.
struct live_client {
  msg::LiveForm form;
  std::string collection; // not for the protocol, which follows all
  contents held;
  std::map<std::string, std::string> cursors; // by collection; SSE and WebSocket: one
  std::set<std::string> caught_up;
  net::sse_parser events;
  std::uint64_t connection = 0;
  std::uint64_t answers = 0;
  std::deque<json> written; // and not answered

  void receive(std::string_view bytes) {
    if (form == msg::EVENTS) {
      BOOST_REQUIRE(events
                      .feed(bytes,
                            [this](const net::sse_event& event) {
                              change(event.type, json::parse(event.data));
                            })
                      .has_value());
      cursors[collection] = events.last_event_id();
      return;
    }
    for (const auto& message : messages_in(bytes))
      if (form == msg::PROTOCOL)
        take_frame(message);
      else
        take_text(json::parse(message));
  }

private:
  void change(std::string type, json data) {
    std::replace(type.begin(), type.end(), '_', '-');
    const auto key = collection + "/" + data.at("id").get<std::string>();
    if (type == "item-deleted") {
      held.erase(key);
      return;
    }
    for (const char* field : {"id", "version", "lastModified"})
      data.erase(field);
    held[key] = data.dump();
  }
  // What it wrote it shows by itself: it is not told again.
  void take_own(const json& write) {
    auto data = write.at("data");
    const auto key = collection + "/" + data.at("id").get<std::string>();
    if (write.at("type") == "item_deleted") {
      held.erase(key);
      return;
    }
    data.erase("id");
    auto body = held.count(key) != 0 ? json::parse(held[key]) : json::object();
    body.merge_patch(data);
    held[key] = body.dump();
  }
  void take_text(const json& message) {
    const auto type = message.at("type").get<std::string>();
    if (type == "ack" || type == "error") {
      ++answers;
      const auto write = std::move(written.front());
      written.pop_front();
      if (type == "ack")
        take_own(write);
      return;
    }
    change(type, message.at("data"));
    if (message.contains("cursor"))
      cursors[collection] = message.at("cursor").get<std::string>();
  }
  void take_frame(const std::string& message) {
    const auto frame = net::decode_frame(message);
    BOOST_REQUIRE(frame.has_value());
    BOOST_TEST(!frame->has_error());
    if (frame->has_caught_up()) {
      BOOST_TEST(cursors[frame->caught_up().collection()] == frame->caught_up().cursor());
      caught_up.insert(frame->caught_up().collection());
    }
    if (!frame->has_page())
      return;
    const auto& page = frame->page();
    // The promise: a page begins where the client is.
    BOOST_REQUIRE(page.prev_cursor() == cursors[page.collection()]);
    cursors[page.collection()] = page.next_cursor();
    for (const auto& item : page.deleted())
      held.erase(page.collection() + "/" + item.id());
    for (const auto& item : page.items())
      held[page.collection() + "/" + item.id()] = json::parse(item.body()).dump();
  }
};

class live_world {
public:
  explicit live_world(std::uint64_t seed) : random_{seed}, system_{seed} {
    storage::memory_options memory;
    memory.tables = storage::server_tables();
    storage::server_store_options settings;
    settings.random = [this] { return random_(); };
    settings.now_ms = 1'700'000'000'000;
    auto opened =
      storage::open_server_store(std::make_shared<storage::memory_environment>(memory), settings);
    BOOST_REQUIRE(opened.has_value());
    store_ = std::move(*opened);
    hub_options publishing;
    publishing.page_bytes_max = 300;
    io_.post = [this](std::uint64_t connection, std::function<void()> action) {
      posted_[connection].push_back(std::move(action));
    };
    publishing.publish = [this](net::publication published) { io_.publish(std::move(published)); };
    publishing.end_topic = [this](const std::string& topic) { io_.end_topic(topic); };
    hub_ = spawn_hub(system_.system(), store_, std::move(publishing));
    store_options writing;
    writing.where = rt::placement::pooled;
    writing.on_moved = [this](msg::StoreMoved moved) { rt::anon_send(hub_, std::move(moved)); };
    writer_ = spawn_store(system_.system(), store_,
                          {[this] { return ++now_ms_; }, [this] { return random_(); }}, writing);
  }
  ~live_world() {
    for (const auto& client : clients_)
      if (client->connection != 0)
        io_.disconnect(client->connection);
    settle();
    for (const auto& actor :
         {caf::actor_cast<caf::actor>(hub_), caf::actor_cast<caf::actor>(writer_)})
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    settle();
  }

  void act() {
    switch (random_() % 10) {
    case 0:
      if (clients_.size() < 6)
        add_client();
      break;
    case 1:
      if (auto* wire = any_wire())
        wire->blocked = true;
      break;
    case 2:
      if (auto* wire = any_wire())
        io_.unblock(*wire);
      break;
    case 3:
      if (!clients_.empty())
        come_and_go(*clients_[random_() % clients_.size()]);
      break;
    case 4:
      write_over_websocket();
      break;
    default:
      write();
    }
    for (auto steps = random_() % 12; steps > 0; --steps)
      step();
  }

  /// Comes without a cursor, and something is written as soon as it can know that it is connected.
  void come_before_a_write(msg::LiveForm form) {
    auto client = std::make_unique<live_client>();
    client->form = form;
    client->collection = collections.front();
    connect(*client);
    clients_.push_back(std::move(client));
    write();
  }

  void check() {
    for (const auto& client : clients_)
      if (client->connection == 0)
        connect(*client);
    for (auto& [id, wire] : io_.wires)
      io_.unblock(*wire);
    settle();
    for (const auto& client : clients_) {
      BOOST_TEST(io_.wires.at(client->connection)->close_code == 0);
      BOOST_TEST((client->held == expected_of(*client)));
      if (client->form == msg::PROTOCOL)
        BOOST_TEST(client->caught_up.size() == collections.size());
    }
  }
  [[nodiscard]] const simulated_io& io() const {
    return io_;
  }

private:
  bool step() {
    if (posted_.empty() || random_() % 2 == 0)
      if (system_.step())
        return true;
    if (posted_.empty())
      return false;
    auto chosen = posted_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random_() % posted_.size()));
    const auto action = std::move(chosen->second.front());
    chosen->second.pop_front();
    if (chosen->second.empty())
      posted_.erase(chosen);
    action();
    return true;
  }
  void settle() {
    while (step())
      ;
  }

  // A plain client holds what was there before it came: it has pulled that. Then it names where
  // that was, or it comes at the same moment and names nothing.
  void add_client() {
    auto client = std::make_unique<live_client>();
    client->form = static_cast<msg::LiveForm>(random_() % 3);
    client->collection = collections[random_() % collections.size()];
    if (client->form != msg::PROTOCOL && random_() % 2 == 0) {
      client->held = expected_of(*client);
      client->cursors[client->collection] =
        store_->head("default", client->collection, true).value().token;
    }
    connect(*client);
    clients_.push_back(std::move(client));
  }

  void connect(live_client& client) {
    live_session_options options;
    options.page_bytes_max = 300;
    options.ask.form = client.form;
    options.ask.collection = client.collection;
    const auto& cursor = client.cursors[client.collection];
    if (client.form != msg::PROTOCOL && !cursor.empty())
      options.ask.cursor = cursor;
    else if (client.form != msg::PROTOCOL)
      client.held = expected_of(client);
    client.events = net::sse_parser{};
    client.caught_up.clear();
    auto peer = make_session_peer(
      spawn_live_session(system_.system(), store_, hub_, writer_, std::move(options)).value());
    auto wire = std::make_shared<simulated_io::wire>();
    wire->peer = std::move(peer);
    wire->receive = [&client](std::string_view bytes) { client.receive(bytes); };
    client.connection = io_.connect(std::move(wire));
    if (client.form != msg::PROTOCOL)
      return;
    msg::StreamFrame hello;
    for (const auto& collection : collections) {
      auto& wanted = *hello.mutable_hello()->add_collections();
      wanted.set_collection(collection);
      wanted.set_cursor(client.cursors[collection]);
    }
    posted_[client.connection].emplace_back(
      [this, id = client.connection, text = hello.SerializeAsString()] {
        if (const auto found = io_.wires.find(id); found != io_.wires.end())
          static_cast<void>(found->second->peer->on_message(text, false));
      });
  }

  void come_and_go(live_client& client) {
    if (client.connection == 0)
      return connect(client);
    // Bytes that were on their way are lost; SSE forgets what it saw after its last id.
    io_.disconnect(std::exchange(client.connection, 0));
    client.written.clear();
  }

  simulated_io::wire* any_wire() {
    if (io_.wires.empty())
      return nullptr;
    auto found = io_.wires.begin();
    std::advance(found, static_cast<std::ptrdiff_t>(random_() % io_.wires.size()));
    return found->second.get();
  }

  void write() {
    msg::ApplyBatch command;
    command.set_space("default");
    command.set_plain(true);
    for (auto count = 1 + random_() % 4; count > 0; --count) {
      auto& mutation = *command.mutable_request()->add_mutations();
      mutation.set_collection(collections[random_() % collections.size()]);
      mutation.set_id("id" + std::to_string(random_() % 6));
      mutation.set_unconditional(true);
      const auto kind = random_() % 4;
      mutation.set_kind(kind == 0 ? msg::DELETE : kind == 1 ? msg::CREATE : msg::UPDATE);
      if (kind == 1)
        mutation.set_body(R"({"n":)" + std::to_string(++last_value_) + "}");
      if (kind > 1)
        mutation.set_patch(R"({"n":)" + std::to_string(++last_value_) + "}");
    }
    rt::anon_send(writer_, std::move(command));
  }

  void write_over_websocket() {
    for (const auto& client : clients_) {
      if (client->form != msg::WEBSOCKET || client->connection == 0 ||
          asked_[client->connection] > client->answers + 3)
        continue;
      ++asked_[client->connection];
      const auto id = "id" + std::to_string(random_() % 6);
      json message{{"type", random_() % 3 == 0 ? "item_deleted" : "item_updated"},
                   {"data", {{"id", id}, {"w", ++last_value_}}}};
      if (message["type"] == "item_deleted")
        message["data"].erase("w");
      const auto text = message.dump();
      posted_[client->connection].emplace_back([this, connection = client->connection, text] {
        if (const auto found = io_.wires.find(connection); found != io_.wires.end())
          static_cast<void>(found->second->peer->on_message(text, true));
      });
      client->written.push_back(std::move(message));
      return;
    }
  }

  contents expected_of(const live_client& client) {
    contents expected;
    for (const auto& collection : collections) {
      if (client.form != msg::PROTOCOL && collection != client.collection)
        continue;
      storage::delta_query query;
      query.collection = collection;
      for (bool more = true; more;) {
        const auto output = store_->delta(query).value();
        const auto& page = std::get<storage::delta_answer>(output).page;
        for (const auto& item : page.items())
          expected[collection + "/" + item.id()] = json::parse(item.body()).dump();
        query.cursor = page.next_cursor();
        more = page.has_more();
      }
    }
    return expected;
  }

  std::mt19937_64 random_;
  std::int64_t now_ms_ = 1'700'000'000'000;
  std::shared_ptr<storage::server_store> store_;
  // What one connection, or the hub (0), posts happens in its order; between a session's reading
  // and its post the hub may have posted.
  std::map<std::uint64_t, std::deque<std::function<void()>>> posted_;
  simulated_io io_;
  actors::simulation::deterministic_system system_;
  hub_actor hub_;
  store_actor writer_;
  std::vector<std::unique_ptr<live_client>> clients_;
  std::map<std::uint64_t, std::uint64_t> asked_; // writes by connection
  std::uint64_t last_value_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(live_fanout)

BOOST_AUTO_TEST_CASE(live_clients_of_every_kind_end_with_what_the_store_has) {
  std::uint64_t shared = 0;
  std::uint64_t left = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      live_world world{seed};
      for (int i = 0; i < 60; ++i)
        world.act();
      world.check();
      shared += world.io().shared_deliveries;
      left += world.io().left;
    }
  }
  std::cout << "  shared deliveries: " << shared << ", left their topic: " << left << '\n';
  BOOST_TEST(shared > 1000U);
  BOOST_TEST(left > 100U);
}

// The head from which such a client begins was read when it had joined, some time after it was told
// that it is connected.
BOOST_AUTO_TEST_CASE(a_change_right_after_the_connection_was_open_was_not_told) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      live_world world{seed};
      world.come_before_a_write(seed % 2 == 0 ? msg::EVENTS : msg::WEBSOCKET);
      world.check();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace syncline::tests
