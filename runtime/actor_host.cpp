#include "runtime/actor_host.hpp"

#include "actors/client/transport_actor.hpp"
#include "actors/housekeeping.hpp"
#include "actors/root_latch.hpp"
#include "actors/seams_system.hpp"
#include "actors/supervisor.hpp"
#include "net/client/live_dialer.hpp"
#include "runtime/known_conditions.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace syncline {

using actors::client::client_actors;

namespace {

// How long a call waits for a set that is being restarted.
constexpr std::chrono::seconds restart_patience{5};
constexpr std::chrono::seconds lease_period{5};
constexpr std::chrono::seconds stale_reader_period{60};

/// The handles of the running set, shared with the supervisor that replaces them.
struct handle_box {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<client_actors> running;
  bool closed = false;
  actor_host::restart_count restarts;
};

msg::ReachabilityChanged to_message(core::reachability state) {
  msg::ReachabilityChanged changed;
  changed.set_state(state == core::reachability::up     ? msg::ReachabilityChanged::UP
                    : state == core::reachability::down ? msg::ReachabilityChanged::DOWN
                                                        : msg::ReachabilityChanged::UNKNOWN);
  return changed;
}

msg::ConditionsChanged to_message(const core::host_conditions& from) {
  msg::ConditionsChanged changed;
  changed.set_network(to_message(from.network).state());
  if (from.metered)
    changed.set_metered(*from.metered);
  if (from.on_battery)
    changed.set_on_battery(*from.on_battery);
  if (from.battery_low)
    changed.set_battery_low(*from.battery_low);
  if (from.idle)
    changed.set_idle(*from.idle);
  return changed;
}

} // namespace

/// All that has to live on together where an actor does not end.
struct actor_host::parts {
  setup how;
  std::shared_ptr<handle_box> box = std::make_shared<handle_box>();
  actors::root_latch latch;
  std::shared_ptr<net::http_pool> pool;
  std::shared_ptr<net::live_dialer> dialer; // none: the server is polled
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  caf::actor host;
  caf::actor supervisor;
  caf::actor housekeeping;
  // The last to be made and the first to go: it speaks to the actors.
  std::unique_ptr<known_conditions> conditions;

  std::vector<actors::supervised> spawn_set() {
    auto options = how.client;
    options.outbox.paused = options.poll.paused = true;
    options.link.paused = !how.is_started();
    if (dialer)
      options.documents.dial = [dialer = dialer](const auto& where, const auto& listener) {
        return dialer->dial_document(where, listener);
      };
    if (dialer && how.live)
      options.stream.dial = [dialer = dialer](net::live_way way,
                                              const std::shared_ptr<net::live_listener>& listener) {
        return dialer->dial(way, listener);
      };
    auto transport = actors::client::spawn_transport(*system, pool, how.server);
    auto set = actors::client::spawn_client(
      *system, how.store, transport, how.sink, [](const char*) { return actors::system_seams(); },
      options);
    auto named = set.in_stop_order();
    if (how.on_spawned)
      how.on_spawned(set);
    // Before storage, which is the last to go.
    named.insert(named.end() - 1, {"transport", caf::actor_cast<caf::actor>(transport)});
    {
      const std::lock_guard lock{box->mutex};
      if (!box->closed)
        box->running = std::move(set);
      box->changed.notify_all();
    }
    conditions->tell_again(); // What was said before, others have heard.
    return named;
  }

  void watch_conditions() {
    known_conditions::listeners tell;
    tell.on_network = [box = box](core::reachability state) {
      const std::lock_guard lock{box->mutex};
      if (box->running)
        rt::anon_send(box->running->link, to_message(state));
    };
    tell.on_conditions = [box = box, is_local = how.client.link.is_local](auto seen) {
      if (is_local)
        seen.network = core::reachability::unknown;
      const std::lock_guard lock{box->mutex};
      if (box->running)
        rt::anon_send(box->running->background, to_message(seen));
    };
    conditions = std::make_unique<known_conditions>(std::move(tell));
    if (how.senses_machine)
      conditions->sense();
  }

  void spawn_supervisor() {
    actors::supervisor_options options;
    options.world = actors::system_seams();
    options.spawn = [this] { return spawn_set(); };
    options.on_failed = [box = box](const std::string& name, const core::error& reason) {
      const std::lock_guard lock{box->mutex};
      box->running.reset();
      ++box->restarts.count;
      box->restarts.last = {reason.code, "the actor '" + name + "' failed (" + reason.message +
                                           "); all actors were started again"};
    };
    supervisor = actors::spawn_supervisor(*system, std::move(options));
  }
};

actor_host::actor_host(setup how) : parts_{std::make_unique<parts>()} {
  rt::init_caf<caf::id_block::syncline>();
  parts_->how = std::move(how);
  if (!parts_->how.server.empty()) {
    net::http_pool::options pool;
    pool.ca_file = parts_->how.ca_file;
    pool.compress_requests = pool.accept_compressed = parts_->how.compresses;
    parts_->pool = std::make_shared<net::http_pool>(std::move(pool));
    net::live_dialer::options live;
    live.ca_file = parts_->how.ca_file;
    if (parts_->how.shares_texts)
      parts_->dialer = std::make_shared<net::live_dialer>(parts_->how.server, std::move(live));
  }
  rt::configure(parts_->config, std::max<std::size_t>(1, parts_->how.threads));
  parts_->system.emplace(parts_->config);
  parts_->host = actors::client::spawn_host(*parts_->system);
  parts_->watch_conditions();
  parts_->spawn_supervisor();
  parts_->housekeeping = actors::spawn_housekeeping(
    *parts_->system,
    {{lease_period, [files = parts_->how.files] { static_cast<void>(files->expire_leases()); }},
     {stale_reader_period, [files = parts_->how.files] { files->clear_stale_readers(); }}});
  for (const auto* root : {&parts_->host, &parts_->supervisor, &parts_->housekeeping})
    parts_->latch.watch(*root);
  rt::leave_system();
}

actor_host::~actor_host() {
  if (!parts_)
    return;
  if (stop(std::chrono::seconds{10}))
    destroy();
  else
    abandon();
}

core::expected<client_actors> actor_host::running() const {
  auto& box = *parts_->box;
  std::unique_lock lock{box.mutex};
  box.changed.wait_for(lock, restart_patience, [&] { return box.closed || box.running; });
  if (box.closed)
    return core::fail("closed", "the runtime is closed");
  if (!box.running)
    return core::fail("restarting", "an actor of the runtime failed (" + box.restarts.last.message +
                                      "); try again in a moment");
  return *box.running;
}

const actors::client::host_actor& actor_host::host() const {
  return parts_->host;
}

actor_host::restart_count actor_host::restarts() const {
  const std::lock_guard lock{parts_->box->mutex};
  return parts_->box->restarts;
}

known_conditions& actor_host::conditions() {
  return *parts_->conditions;
}

bool actor_host::stop(std::chrono::milliseconds timeout) {
  parts_->conditions->stop_sensing();
  {
    const std::lock_guard lock{parts_->box->mutex};
    parts_->box->closed = true;
    parts_->box->running.reset();
    parts_->box->changed.notify_all();
  }
  if (parts_->pool)
    parts_->pool->stop(); // Open requests are answered with `stopped`.
  rt::anon_send(parts_->supervisor, msg::StopNow{});
  // Of the three roots the supervisor goes first: its actors answer what they still can.
  const bool others_ended = parts_->latch.wait_for(2, timeout / 2);
  for (const auto* root : {&parts_->host, &parts_->housekeeping})
    caf::anon_send_exit(*root, caf::exit_reason::user_shutdown);
  const bool ended = parts_->latch.wait_for(0, others_ended ? timeout : timeout / 2);
  if (parts_->dialer)
    parts_->dialer->stop(); // Last: a name that is being looked up cannot be interrupted.
  return ended;
}

void actor_host::destroy() {
  parts_.reset();
}

void actor_host::abandon() {
  static_cast<void>(parts_.release());
}

} // namespace syncline
