#include "actors/server/server.hpp"

#include "actors/housekeeping.hpp"
#include "actors/root_latch.hpp"
#include "actors/seams_system.hpp"
#include "actors/server/document_peer.hpp"
#include "actors/server/listener_actor.hpp"
#include "actors/server/live_session_actor.hpp"
#include "actors/server/server_files.hpp"
#include "actors/supervisor.hpp"
#include "net/protocol/document_message.hpp"
#include "net/protocol/server_codec.hpp"
#include "net/protocol/stream_frame.hpp"
#include "net/server/echo_peer.hpp"
#include "storage/server_store_kv.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace syncline::actors::server {

using core::expected;

namespace {

constexpr std::chrono::seconds lease_period{5};
constexpr std::chrono::seconds stale_reader_period{60};
constexpr std::chrono::seconds first_set_patience{10};
constexpr std::uint64_t full_percent = 90; // from there on the server says that it is not ready

/// What the threads around the actors share with them; it may outlive the server where an actor
/// does not end.
struct shared_state {
  std::mutex mutex; ///< guards all but the atomics
  std::condition_variable spawned;
  listener_actor listener; ///< none while the set is restarted
  store_actor store;
  hub_actor hub;
  documents_actor documents;
  std::shared_ptr<net::live_publisher> publisher; ///< none before the port is open
  std::uint64_t restarts = 0;
  core::error store_failure;
  std::atomic<bool> has_failed{false};
  std::atomic<std::uint64_t> repeats_suppressed{0};
  std::atomic<std::uint64_t> document_connections{0}; ///< that there ever were
};

std::string readiness(const shared_state& shared, storage::kv_environment& files) {
  if (shared.has_failed)
    return "the store can no longer be written; restart the server";
  const auto usage = files.usage();
  if (usage.used_bytes / full_percent >= usage.map_bytes / 100)
    return "the store's map is more than " + std::to_string(full_percent) +
           " % full; start the server with a larger one";
  return {};
}

bool asks_for_echo(const msg::HttpRequest& request) {
  const std::string_view target{request.target()};
  return target.substr(0, target.find('?')) == "/debug/echo";
}

net::http_server::live_offer offer_echo() {
  net::http_server::live_offer offer;
  offer.message_bytes_max = std::size_t{64} << 20; // The suites send messages of 16 MiB.
  offer.peer = std::make_shared<net::echo_peer>();
  return offer;
}

// A plain client that could never begin is told so in HTTP, where its library can see it.
expected<void> check_cursor(const storage::server_store& store, const net::live_ask& ask) {
  if (!ask.cursor)
    return {};
  storage::delta_query query;
  query.collection = ask.collection;
  query.cursor = *ask.cursor;
  query.limit = 1;
  query.plain = true;
  query.all_tombstones = true; // A page that withholds them may have to walk far for its one item.
  const auto output = store.delta(query);
  if (!output)
    return output.error();
  if (const auto* refusal = std::get_if<msg::ErrorReply>(&*output))
    return core::fail(refusal->code(), refusal->message());
  return {};
}

} // namespace

/// All that has to live on together where an actor does not end.
struct server::parts {
  server_options options;
  std::string opened;
  std::shared_ptr<storage::lmdb_environment> files;
  std::shared_ptr<storage::server_store> store;
  std::shared_ptr<shared_state> shared = std::make_shared<shared_state>();
  root_latch latch;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::actor supervisor;
  caf::actor housekeeping;
  std::unique_ptr<net::http_server> http;

  std::vector<supervised> spawn_set();
  void spawn_roots();
  expected<net::http_server::live_offer> open_live(const msg::HttpRequest& request);
  expected<net::http_server::live_offer> open_document(const msg::HttpRequest& request);
  void pass_on(std::uint64_t connection, msg::HttpRequest request,
               net::http_server::responder answer) const;
};

std::vector<supervised> server::parts::spawn_set() {
  store_options store_settings;
  store_settings.on_store_failed = [shared = shared,
                                    told = options.on_failed](const core::error& failure) {
    {
      const std::lock_guard lock{shared->mutex};
      if (shared->has_failed.exchange(true))
        return;
      shared->store_failure = failure;
    }
    if (told)
      told(failure);
  };
  store_settings.on_repeats = [shared = shared](std::uint64_t count) {
    shared->repeats_suppressed += count;
  };
  hub_options hub_settings;
  hub_settings.publish = [shared = shared](net::publication published) {
    std::shared_ptr<net::live_publisher> publisher;
    {
      const std::lock_guard lock{shared->mutex};
      publisher = shared->publisher;
    }
    if (publisher)
      publisher->publish(std::move(published));
  };
  hub_settings.end_topic = [shared = shared](const std::string& topic) {
    const std::lock_guard lock{shared->mutex};
    if (shared->publisher)
      shared->publisher->end_topic(topic);
  };
  auto hub = spawn_hub(*system, store, std::move(hub_settings));
  store_settings.on_moved = [hub](msg::StoreMoved moved) { rt::anon_send(hub, std::move(moved)); };
  auto writer = spawn_store(*system, store, system_seams(), std::move(store_settings));
  auto documents =
    spawn_documents(*system, writer, system_seams(), options.documents, store->start());
  session_options session_settings;
  session_settings.documents = documents;
  session_settings.not_ready = [shared = shared, files = files] {
    return readiness(*shared, *files);
  };
  auto listener = spawn_listener(
    *system,
    [this, writer, session_settings] {
      return spawn_session(*system, store, writer, system_seams(), session_settings);
    },
    options.http.connections_max);
  std::vector<supervised> set{{"listener", caf::actor_cast<caf::actor>(listener)},
                              {"store", caf::actor_cast<caf::actor>(writer)},
                              {"hub", caf::actor_cast<caf::actor>(hub)},
                              {"documents", caf::actor_cast<caf::actor>(documents)}};
  const std::lock_guard lock{shared->mutex};
  shared->listener = std::move(listener);
  shared->store = std::move(writer);
  shared->hub = std::move(hub);
  shared->documents = std::move(documents);
  shared->spawned.notify_all();
  return set;
}

void server::parts::spawn_roots() {
  supervisor_options supervision;
  supervision.world = system_seams();
  supervision.spawn = [this] { return spawn_set(); };
  supervision.on_failed = [shared = shared](const std::string&, const core::error&) {
    const std::lock_guard lock{shared->mutex};
    shared->listener = nullptr;
    shared->store = nullptr;
    shared->hub = nullptr;
    shared->documents = nullptr;
    ++shared->restarts;
    if (shared->publisher)
      shared->publisher->drop_all(); // Their sessions belong to the set that is gone.
  };
  supervisor = spawn_supervisor(*system, std::move(supervision));
  const auto trim = [shared = shared] {
    const std::lock_guard lock{shared->mutex};
    if (shared->store)
      rt::anon_send(shared->store, msg::TrimStore{});
  };
  housekeeping = spawn_housekeeping(
    *system, {{lease_period, [files = files] { static_cast<void>(files->expire_leases()); }},
              {stale_reader_period, [files = files] { files->clear_stale_readers(); }},
              {options.trim_period, trim}});
  latch.watch(supervisor);
  latch.watch(housekeeping);
  // The supervisor spawns the set in its own time; who finds the port open is to be answered. A set
  // that is late all the same answers 503, as one that is restarted.
  std::unique_lock lock{shared->mutex};
  static_cast<void>(shared->spawned.wait_for(lock, first_set_patience,
                                             [this] { return shared->listener != nullptr; }));
}

expected<net::http_server::live_offer> server::parts::open_live(const msg::HttpRequest& request) {
  if (options.debug_echo && asks_for_echo(request))
    return offer_echo();
  if (net::is_document(request))
    return open_document(request);
  auto ask = net::read_live_request(request);
  if (!ask)
    return ask.error();
  if (const auto checked = check_cursor(*store, *ask); !checked)
    return checked.error();
  live_session_options settings;
  settings.ask = std::move(*ask);
  settings.reconnect = options.reconnect;
  net::http_server::live_offer offer;
  if (settings.ask.form == msg::PROTOCOL) {
    offer.subprotocol = net::stream_subprotocol;
    offer.message_bytes_max = net::client_frame_bytes_max;
  }
  const std::lock_guard lock{shared->mutex};
  if (!shared->hub || !shared->store)
    return core::fail("stopped", "the server is starting or stopping; connect again");
  auto made = spawn_live_session(*system, store, shared->hub, shared->store, std::move(settings));
  if (!made)
    return made.error();
  offer.peer = make_session_peer(std::move(*made));
  return offer;
}

expected<net::http_server::live_offer>
server::parts::open_document(const msg::HttpRequest& request) {
  auto asked = net::read_document_live_request(request);
  if (!asked)
    return asked.error();
  document_ask ask;
  ask.id = std::move(asked->id);
  ask.form = asked->is_protobuf ? document_form::protobuf : document_form::json;
  ask.may_be_plain = asked->may_be_plain;
  ask.again = asked->again;
  net::http_server::live_offer offer;
  if (asked->is_protobuf)
    offer.subprotocol = net::stream_subprotocol;
  offer.message_bytes_max = net::document_message_bytes_max;
  const std::lock_guard lock{shared->mutex};
  if (!shared->documents)
    return core::fail("stopped", "the server is starting or stopping; connect again");
  offer.peer =
    make_document_peer(shared->documents, std::move(ask), ++shared->document_connections);
  return offer;
}

// While the actors are being restarted, the request is answered as one that was not carried out.
void server::parts::pass_on(std::uint64_t connection, msg::HttpRequest request,
                            net::http_server::responder answer) const {
  listener_actor listener;
  {
    const std::lock_guard lock{shared->mutex};
    listener = shared->listener;
  }
  if (!listener) {
    answer(net::make_refusal(core::fail("stopped", "the server is starting or stopping; send it "
                                                   "again"),
                             net::wanted_format(request)));
    return;
  }
  rt::anon_send(listener, http_arrived{connection, std::move(request), std::move(answer)});
}

expected<std::unique_ptr<server>> server::start(server_options options) {
  auto opened = open_store_files(options);
  if (!opened)
    return opened.error();
  storage::server_store_options settings;
  settings.random = system_random;
  settings.now_ms = system_wall_ms();
  settings.new_epoch = options.new_epoch;
  auto store = storage::open_server_store(opened->files, settings);
  if (!store)
    return store.error();
  rt::init_caf<caf::id_block::syncline>();
  auto made = std::make_unique<parts>();
  made->options = std::move(options);
  made->opened = std::move(opened->how);
  made->files = std::move(opened->files);
  made->store = std::move(*store);
  rt::configure(made->config, std::max<std::size_t>(1, made->options.threads));
  made->system.emplace(made->config);
  made->spawn_roots();
  rt::leave_system();
  std::unique_ptr<server> running{new server{std::move(made)}};
  auto http = net::http_server::start(
    running->parts_->options.http,
    [parts = running->parts_.get()](std::uint64_t connection, msg::HttpRequest request,
                                    net::http_server::responder answer) {
      parts->pass_on(connection, std::move(request), std::move(answer));
    },
    [parts = running->parts_.get()](const msg::HttpRequest& request) {
      return parts->open_live(request);
    });
  if (!http)
    return http.error();
  {
    const std::lock_guard lock{running->parts_->shared->mutex};
    running->parts_->shared->publisher = (*http)->publisher();
  }
  running->parts_->http = std::move(*http);
  return running;
}

server::server(std::unique_ptr<parts> owned) : parts_{std::move(owned)} {}

server::~server() {
  static_cast<void>(stop()); // Nobody is left to be told.
}

std::uint16_t server::port() const {
  return parts_ ? parts_->http->port() : std::uint16_t{0};
}

std::string server::url() const {
  return "http://127.0.0.1:" + std::to_string(port());
}

server_status server::status() const {
  server_status out;
  if (!parts_) {
    out.not_ready = "the server is stopped";
    return out;
  }
  out.store_opened = parts_->opened;
  out.not_ready = readiness(*parts_->shared, *parts_->files);
  {
    const std::lock_guard lock{parts_->shared->mutex};
    out.store_failure = parts_->shared->store_failure;
    out.restarts = parts_->shared->restarts;
  }
  out.repeats_suppressed = parts_->shared->repeats_suppressed;
  out.epoch = parts_->store->epoch();
  out.start = parts_->store->start();
  if (const auto counts = parts_->store->counts("default")) {
    out.items = counts->items;
    out.tombstones = counts->tombstones;
    out.head_seq = counts->head_seq;
  } else {
    out.not_ready = counts.error().message;
  }
  const auto usage = parts_->files->usage();
  out.map_bytes = usage.map_bytes;
  out.used_bytes = usage.used_bytes;
  out.http = parts_->http->count();
  return out;
}

expected<void> server::stop(std::chrono::milliseconds deadline) {
  if (!parts_)
    return {};
  // Most of the time is for the requests under way; the actors only have a last commit to finish.
  if (parts_->http)
    parts_->http->stop(deadline / 2);
  rt::anon_send(parts_->supervisor, msg::StopNow{});
  caf::anon_send_exit(parts_->housekeeping, caf::exit_reason::user_shutdown);
  if (!parts_->latch.wait_for(0, deadline / 2)) {
    const std::string where = parts_->options.directory;
    static_cast<void>(parts_.release());
    return core::fail("stop_timeout", "a part of the server did not end in time (a disk that "
                                      "hangs?); " +
                                        where + " stays locked until the process ends");
  }
  const auto files = parts_->files;
  {
    // The system's end waits until the writer's last handle is gone.
    const std::lock_guard lock{parts_->shared->mutex};
    parts_->shared->listener = nullptr;
    parts_->shared->store = nullptr;
    parts_->shared->hub = nullptr;
    parts_->shared->documents = nullptr;
  }
  parts_.reset();
  return files->close_clean();
}

} // namespace syncline::actors::server
