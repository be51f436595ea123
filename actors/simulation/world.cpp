#include "actors/simulation/world.hpp"

#include "core/ensure.hpp"

namespace syncline::actors::simulation {

namespace {
constexpr std::int64_t forever_ms = 24LL * 3600 * 1000;
} // namespace

world::world(std::uint64_t seed, const plan& made, canary planted)
  : plan_{made}, random_{seed}, system_{std::make_unique<deterministic_system>(seed ^ 0x5eed)},
    planted_{planted} {
  collections_ = {"items", "notes"};
  collections_.resize(static_cast<std::size_t>(made.collections));
  fate_ = [this](int client, const msg::HttpRequest& request) {
    return seeded_fate(client, request);
  };
  network_.fate = [this](int client, const msg::HttpRequest& request) {
    return fate_(client, request);
  };
  network_.session = [this](int client) { return server_->session(client); };
  network_.server_life = [this] { return server_->life(); };
  network_.request_arrives = [this](int, const msg::HttpRequest& request) {
    at_crash_point(request.method() == "POST" ? "batch arrives" : "pull arrives", -1);
  };
  network_.reply_arrives = [this](int client, const msg::HttpRequest& request,
                                  const msg::HttpReply& reply) {
    if (reply.status() != 200)
      return;
    at_crash_point(request.method() == "POST" ? "answer arrives" : "page arrives", client);
    if (on_arrival_ && faults_)
      on_arrival_(client);
  };
  storage::server_canaries canaries;
  canaries.forgets_results_at_start = planted == canary::dedup_forgotten;
  canaries.draws_seq_outside = planted == canary::seq_outside;
  live_network_hooks live;
  stream_fate_ = [this](int, net::live_way) { return seeded_stream_fate(); };
  live.fate = [this](int client, net::live_way way) { return stream_fate_(client, way); };
  live.open_document = [this](const net::document_address& where) {
    return server_->open_document(where);
  };
  live.open = [this](net::live_ask ask) { return server_->open_live(std::move(ask)); };
  live_ = std::make_unique<live_network>(*system_, std::move(live));
  server_node_hooks hooks;
  hooks.publish = [this](net::publication published) { live_->publish(std::move(published)); };
  hooks.end_topic = [this](const std::string& topic) { live_->end_topic(topic); };
  hooks.died = [this] { live_->server_died(); };
  hooks.wall_ms = [this] { return wall_ms(); };
  hooks.random = [this] { return random_(); };
  hooks.crash_point = [this](const char* point) { at_crash_point(point, -1); };
  hooks.failed = [this](std::string what) { fail(std::move(what)); };
  server_ = std::make_unique<server_node>(*system_, counts_, std::move(hooks), canaries);
  if (made.clones_clients())
    server_->allow_cloned_increments();
  server_->start();
}

world::~world() {
  for (auto& client : clients_) {
    client->die();
    client->bury();
  }
  server_->die();
  server_->bury();
  const auto settle = [this] {
    while (system_->step()) {
    }
  };
  settle(); // The clients' connections go with their actors.
  live_.reset();
  settle();
}

int world::add_client(client::client_options options) {
  const int index = clients();
  client_node_hooks hooks;
  hooks.wall_ms = [this] { return wall_ms(); };
  hooks.random = [this] { return random_(); };
  hooks.crash_point = [this, index](const char* point) { at_crash_point(point, index); };
  if (plan_.streams)
    hooks.dial = live_->dial_of(index);
  if (plan_.texts)
    hooks.document_dial = live_->document_dial_of(index);
  hooks.died = [this, index] { live_->client_died(index); };
  clients_.push_back(std::make_unique<client_node>(*system_, counts_, network_, std::move(hooks),
                                                   index, std::move(options), planted_));
  auto& added = *clients_.back();
  added.start();
  const auto transaction = added.store().begin();
  for (const auto& name : collections_) {
    msg::AddCollection command;
    command.set_collection(name);
    core::ensure(transaction->add_collection(command).has_value(), "a collection can be added");
  }
  transaction->commit();
  return index;
}

void world::at_crash_point(const char* point, int client) {
  counts_.add(std::string{"passed "} + point);
  if (!armed_point_ || *armed_point_ != point)
    return;
  armed_point_.reset();
  counts_.add(std::string{"crash at "} + point);
  if (client < 0)
    server_->die();
  else
    this->client(client).die();
}

void world::fail(std::string what) {
  if (!failure_)
    failure_ = std::move(what);
}

bool world::one_step(std::int64_t until_ms) {
  // Actors of nodes that died in the last step end before anything else happens.
  for (auto& client : clients_)
    client->bury();
  server_->bury();
  return system_->step() || system_->fire_timer(until_ms);
}

void world::run_for(std::int64_t ms) {
  const std::int64_t until = system_->now_ms() + ms;
  while (!failure_ && one_step(until)) {
  }
  system_->advance_to(until);
}

bool world::run_until(const std::function<bool()>& done, std::int64_t ms) {
  const std::int64_t until = system_->now_ms() + ms;
  while (!failure_ && !done())
    if (!one_step(until))
      return done();
  return !failure_;
}

void world::run_steps(std::uint64_t steps) {
  for (std::uint64_t i = 0; i < steps && !failure_; ++i)
    if (!one_step(system_->now_ms()))
      return;
}

template <class Report, class Command, class Handle>
Report world::ask(const Handle& handle, Command command) {
  auto report = std::make_shared<std::optional<Report>>();
  system_->system().spawn(
    [report, command](caf::event_based_actor* self, Handle asked) {
      self->request(asked, caf::infinite, command)
        .then([report](const Report& answer) { *report = answer; },
              [report](const caf::error&) { report->emplace(); });
    },
    handle);
  run_until([&] { return report->has_value(); }, forever_ms);
  return report->value_or(Report{});
}

msg::SyncReport world::sync(int client) {
  msg::SyncNow command;
  command.set_attempts_max(8);
  return ask<msg::SyncReport>(this->client(client).actors().sync, command);
}

msg::DrainReport world::push(int client) {
  msg::DrainOutbox command;
  command.set_attempts_max(8);
  return ask<msg::DrainReport>(this->client(client).actors().outbox, command);
}

msg::PullReport world::pull(int client) {
  msg::PullNow command;
  command.set_attempts_max(8);
  return ask<msg::PullReport>(this->client(client).actors().poll, command);
}

std::string world::link_state(int client) {
  return ask<msg::Activity>(this->client(client).actors().link, msg::ReadActivity{}).state();
}

stream_fate world::seeded_stream_fate() {
  stream_fate fate;
  fate.delay_ms = 1 + static_cast<std::int64_t>(random_() % 40);
  if (!faults_)
    return fate;
  const auto strikes = [&](unsigned chance, const char* name) {
    if (random_() % 1000 >= chance)
      return false;
    counts_.add(std::string{"fault "} + name);
    return true;
  };
  if (strikes(plan_.refuse_stream, "refuse_stream"))
    (random_() % 2 == 0 ? fate.refused : fate.declined) = true;
  if (strikes(plan_.cut_stream, "cut_stream"))
    fate.cut_after_ms = static_cast<std::int64_t>(random_() % 120'000);
  if (strikes(plan_.half_open, "half_open"))
    fate.silent_after_ms = static_cast<std::int64_t>(random_() % 120'000);
  if (strikes(plan_.damage_stream, "damage_stream"))
    fate.damage = [this](std::string& message) {
      if (!faults_ || random_() % 8 != 0)
        return;
      if (random_() % 2 == 0)
        message.resize(random_() % (message.size() + 1));
      else
        message = "<html>please log in</html>";
    };
  return fate;
}

exchange_fate world::seeded_fate(int, const msg::HttpRequest& request) {
  exchange_fate fate;
  fate.request_delay_ms = 1 + static_cast<std::int64_t>(random_() % 40);
  fate.reply_delay_ms = 1 + static_cast<std::int64_t>(random_() % 40);
  const bool is_batch = request.method() == "POST";
  const bool poisoned =
    plan_.poison != 0 && is_batch && request.body().find("poison") != std::string::npos;
  if (poisoned) {
    counts_.add("fault poison");
    fate.answered_by_another = foreign_reply(random_() % 2 == 0 ? 400 : 413, "<html>bad</html>");
    return fate;
  }
  if (!faults_)
    return fate;
  const auto strikes = [&](unsigned chance, const char* name) {
    if (chance == 0 || random_() % 1000 >= chance)
      return false;
    counts_.add(std::string{"fault "} + name);
    return true;
  };
  fate.lose_request = strikes(plan_.lose_request, "lose_request");
  fate.lose_reply = strikes(plan_.lose_reply, "lose_reply");
  fate.cut_reply = strikes(plan_.cut_reply, "cut_reply");
  if (strikes(plan_.duplicate, "duplicate"))
    fate.duplicate_after_ms = static_cast<std::int64_t>(random_() % 200'000);
  if (strikes(plan_.slow, "slow")) {
    fate.request_delay_ms += static_cast<std::int64_t>(random_() % 90'000);
    fate.reply_delay_ms += static_cast<std::int64_t>(random_() % 90'000);
  }
  if (strikes(plan_.portal, "portal"))
    fate.answered_by_another = foreign_reply(200, "<html>please log in</html>");
  else if (strikes(plan_.not_found, "not_found"))
    fate.answered_by_another = foreign_reply(404, "<html>not found</html>");
  else if (strikes(plan_.server_error, "server_error"))
    fate.answered_by_another = foreign_reply(500 + random_() % 4, "");
  return fate;
}

std::map<std::string, std::string> world::server_items(const std::string& collection) {
  std::map<std::string, std::string> items;
  storage::delta_query query;
  query.collection = collection;
  for (;;) {
    const auto output = server_->store().delta(query);
    const auto* answer = output ? std::get_if<storage::delta_answer>(&*output) : nullptr;
    core::ensure(answer != nullptr, "the server's own walk is answered");
    for (const auto& item : answer->page.deleted())
      items.erase(item.id());
    for (const auto& item : answer->page.items())
      items[item.id()] = item.body();
    query.cursor = answer->page.next_cursor();
    if (!answer->page.has_more())
      return items;
  }
}

std::map<std::string, std::string> world::visible_items(int client, const std::string& collection) {
  std::map<std::string, std::string> items;
  const auto snapshot = this->client(client).store().snapshot();
  core::ensure(snapshot.has_value(), "the client's store can be read");
  const auto listed = snapshot->list(collection, "", [&](const storage::stored_item& item) {
    items[std::string{item.id}] = item.body;
    return true;
  });
  core::ensure(listed.has_value(), "the client's items can be listed");
  return items;
}

} // namespace syncline::actors::simulation
