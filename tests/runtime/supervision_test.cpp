// What happens when an actor of a running set fails.

#include "actors/client/client_actors.hpp"
#include "actors/client/host_actor.hpp"
#include "actors/client/transport_actor.hpp"
#include "actors/root_latch.hpp"
#include "actors/seams_system.hpp"
#include "actors/supervisor.hpp"
#include "storage/keys.hpp"
#include "storage/kv_lmdb.hpp"
#include "tests/runtime/runtime_support.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>

BOOST_AUTO_TEST_SUITE(supervision)

using namespace syncline;
using namespace syncline::tests;
using actors::client::client_actors;

namespace {

std::shared_ptr<storage::client_store> open_store(const temporary_directory& directory) {
  storage::lmdb_options files;
  files.directory = directory.path() / "store";
  files.tables = storage::client_tables();
  files.create = true;
  files.durable = storage::durability::process;
  auto kv = storage::open_lmdb(files);
  BOOST_REQUIRE(kv.has_value());
  storage::client_store_options options;
  options.random = actors::system_random;
  options.now_ms = actors::system_wall_ms;
  auto store = storage::client_store::open(std::move(*kv), options);
  BOOST_REQUIRE(store.has_value());
  return std::move(*store);
}

/// A supervised client over `store`, whose event sink the test gives.
struct supervised_client {
  supervised_client(std::shared_ptr<storage::client_store> over,
                    const actors::client::event_sink& sink)
    : store{std::move(over)} {
    rt::configure(config, 2);
    system.emplace(config);
    actors::supervisor_options options;
    options.world = actors::system_seams();
    options.backoff = {.first_ms = 1, .max_ms = 2};
    options.spawn = [this, sink] { return spawn(sink); };
    options.on_failed = [this](const std::string& name, const core::error&) {
      const std::lock_guard lock{mutex};
      failed.push_back(name);
    };
    supervisor = actors::spawn_supervisor(*system, options);
    latch.watch(supervisor);
  }
  ~supervised_client() {
    rt::anon_send(supervisor, msg::StopNow{});
    BOOST_TEST(latch.wait_for(0, patience));
    supervisor = nullptr;
    running.reset();
  }

  std::vector<actors::supervised> spawn(const actors::client::event_sink& sink) {
    const auto transport = actors::client::spawn_transport(*system, nullptr, {});
    actors::client::client_options options;
    options.outbox.paused = options.poll.paused = options.link.paused = true;
    auto set = actors::client::spawn_client(
      *system, store, transport, sink, [](const char*) { return actors::system_seams(); }, options);
    auto all = set.in_stop_order();
    all.push_back({"transport", caf::actor_cast<caf::actor>(transport)});
    const std::lock_guard lock{mutex};
    running = std::move(set);
    ++generation;
    changed.notify_all();
    return all;
  }

  client_actors wait_for_generation(int wanted) {
    std::unique_lock lock{mutex};
    BOOST_REQUIRE(changed.wait_for(lock, patience, [&] { return generation >= wanted; }));
    return *running;
  }

  core::expected<msg::LocalWritten> put(const client_actors& set, const std::string& id) {
    const auto outcome = std::make_shared<std::promise<core::expected<msg::LocalWritten>>>();
    actors::host_write write;
    auto& operation = *write.command.add_operations();
    operation.set_upsert(true);
    operation.mutable_mutation()->set_kind(msg::CREATE);
    operation.mutable_mutation()->set_collection("notes");
    operation.mutable_mutation()->set_id(id);
    operation.mutable_mutation()->set_body("{}");
    write.reply = actors::reply_once<msg::LocalWritten>{
      [outcome](core::expected<msg::LocalWritten> said) { outcome->set_value(std::move(said)); }};
    auto answered = outcome->get_future();
    rt::anon_send(set.storage, std::move(write));
    return answered.get();
  }

  std::shared_ptr<storage::client_store> store;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::actor supervisor;
  actors::root_latch latch;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<client_actors> running;
  int generation = 0;
  std::vector<std::string> failed;
};

/// Keeps the promise of an answer and never gives it.
class silent_state {
public:
  static inline const char* name = "silent";
  explicit silent_state(actors::client::sync_actor::pointer self) : self_{self} {}
  actors::client::sync_actor::behavior_type make_behavior() {
    return {[this](const msg::SyncNow&) -> caf::result<msg::SyncReport> {
              kept_ = self_->make_response_promise<msg::SyncReport>();
              return kept_;
            },
            [](const msg::EndEarly&) {}};
  }

private:
  actors::client::sync_actor::pointer self_;
  caf::typed_response_promise<msg::SyncReport> kept_;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_failing_event_sink_restarts_the_set_and_loses_no_write) {
  temporary_directory directory;
  const auto store = open_store(directory);
  const auto first_time = std::make_shared<std::atomic<bool>>(true);
  const auto told = std::make_shared<std::promise<std::uint32_t>>();
  actors::client::event_sink sink;
  sink.changed = [first_time, told](msg::StoreChanged& event) {
    if (first_time->exchange(false))
      throw std::runtime_error{"planted"};
    told->set_value(event.changes());
  };
  supervised_client client{store, sink};
  const auto before = client.wait_for_generation(1);
  BOOST_TEST(client.put(before, "a").has_value());
  const auto after = client.wait_for_generation(2);
  BOOST_TEST(client.put(after, "b").has_value());
  BOOST_TEST(told->get_future().get() == 1U);
  const auto view = store->snapshot();
  BOOST_REQUIRE(view.has_value());
  for (const auto* id : {"a", "b"}) {
    const auto item = view->get("notes", id);
    BOOST_TEST((item && item->has_value()));
  }
  const std::lock_guard lock{client.mutex};
  BOOST_REQUIRE(client.failed.size() == 1U);
  BOOST_TEST(client.failed[0] == "observer");
}

BOOST_AUTO_TEST_CASE(a_write_to_a_set_that_has_ended_is_answered) {
  temporary_directory directory;
  const auto store = open_store(directory);
  supervised_client client{store, {}};
  const auto before = client.wait_for_generation(1);
  caf::anon_send_exit(before.observer, caf::exit_reason::kill);
  client.wait_for_generation(2);
  const auto outcome = client.put(before, "a");
  BOOST_REQUIRE(!outcome.has_value());
  BOOST_TEST(outcome.error().code == "stopped");
}

BOOST_AUTO_TEST_CASE(a_question_that_is_never_answered_ends_with_the_host_actor) {
  caf::actor_system_config config;
  rt::configure(config, 2);
  caf::actor_system system{config};
  const auto host = actors::client::spawn_host(system);
  const auto silent = rt::spawn<actors::client::sync_actor, silent_state>(system);
  const auto outcome = std::make_shared<std::promise<core::expected<msg::SyncReport>>>();
  actors::client::ask<msg::SyncReport>(
    host, silent, msg::SyncNow{},
    [outcome](core::expected<msg::SyncReport> said) { outcome->set_value(std::move(said)); });
  caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
  auto answered = outcome->get_future();
  BOOST_REQUIRE((answered.wait_for(patience) == std::future_status::ready));
  BOOST_TEST(answered.get().error().code == "stopped");
  caf::anon_send_exit(silent, caf::exit_reason::user_shutdown);
}

BOOST_AUTO_TEST_SUITE_END()
