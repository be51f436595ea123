#include "actors/simulation/server_node.hpp"

#include "storage/keys.hpp"

namespace syncline::actors::simulation {

namespace {
constexpr std::uint64_t page_bytes_max = 600; // Small pages, so that walks have many of them.
} // namespace

// Sees every committed batch before anybody is answered.
class server_node::recording_store : public storage::server_store {
public:
  recording_store(server_node& node, std::unique_ptr<storage::server_store> inner)
    : node_{node}, inner_{std::move(inner)} {}

  core::expected<std::vector<storage::batch_output>>
  apply(std::span<const storage::batch_input> batches) override {
    auto outputs = inner_->apply(batches);
    if (outputs)
      for (std::size_t i = 0; i < batches.size(); ++i)
        node_.record(batches[i], (*outputs)[i]);
    return outputs;
  }
  core::expected<storage::delta_output> delta(const storage::delta_query& query) const override {
    auto output = inner_->delta(query);
    if (output)
      if (const auto* refusal = std::get_if<msg::ErrorReply>(&*output))
        node_.counts_.add("410 " + refusal->reason());
    return output;
  }
  core::expected<storage::head_cursor> head(const std::string& space, const std::string& collection,
                                            bool plain) const override {
    return inner_->head(space, collection, plain);
  }
  core::expected<storage::updates_answer>
  updates(const storage::updates_query& query) const override {
    return inner_->updates(query);
  }
  core::expected<std::optional<msg::Item>> get(const std::string& space,
                                               const std::string& collection,
                                               const std::string& id) const override {
    return inner_->get(space, collection, id);
  }
  core::expected<std::uint64_t> trim(std::int64_t now_ms,
                                     const storage::trim_options& options) override {
    return inner_->trim(now_ms, options);
  }
  core::expected<storage::server_counts> counts(const std::string& space) const override {
    return inner_->counts(space);
  }
  storage::document_store& documents() override {
    return inner_->documents();
  }
  const storage::document_store& documents() const override {
    return inner_->documents();
  }
  std::uint64_t epoch() const override {
    return inner_->epoch();
  }
  std::uint64_t start() const override {
    return inner_->start();
  }

private:
  server_node& node_;
  std::unique_ptr<storage::server_store> inner_;
};

server_node::server_node(deterministic_system& system, counters& counts, server_node_hooks hooks,
                         storage::server_canaries canaries)
  : system_{system}, counts_{counts}, hooks_{std::move(hooks)}, canaries_{canaries} {}

void server_node::start(bool new_epoch) {
  storage::memory_options options;
  options.tables = storage::server_tables();
  kv_ = std::make_shared<storage::memory_environment>(options, image_);
  const std::uint64_t life = ++life_;
  commit_hooks hooks;
  hooks.before = [this, life] {
    if (life == life_ && alive_)
      hooks_.crash_point("server before commit");
    if (life != life_)
      throw storage::kv_error{"store_io", "the server died before its commit"};
  };
  hooks.after = [this, life] {
    if (life == life_ && alive_)
      hooks_.crash_point("server after commit");
  };
  storage::server_store_options store_options;
  store_options.random = hooks_.random;
  store_options.now_ms = hooks_.wall_ms();
  store_options.new_epoch = new_epoch;
  store_options.canaries = canaries_;
  // Opening is not a crash point here: the process of a start has tests of its own.
  auto opened = storage::open_server_store(
    std::make_shared<hooked_environment>(kv_, std::move(hooks)), store_options);
  core::ensure(opened.has_value(), "the simulated server store opens");
  store_ = std::make_shared<recording_store>(*this, std::move(*opened));
  server::hub_options publishing;
  publishing.page_bytes_max = page_bytes_max;
  // What a dead server's hub still works on reaches nobody.
  publishing.publish = [this, life](net::publication published) {
    if (life == life_)
      hooks_.publish(std::move(published));
  };
  publishing.end_topic = [this, life](const std::string& topic) {
    if (life == life_)
      hooks_.end_topic(topic);
  };
  hub_ = server::spawn_hub(system_.system(), store_, std::move(publishing));
  server::store_options actor_options;
  actor_options.where = rt::placement::pooled;
  actor_options.on_moved = [hub = hub_](msg::StoreMoved moved) {
    rt::anon_send(hub, std::move(moved));
  };
  store_actor_ = server::spawn_store(system_.system(), store_, {hooks_.wall_ms, hooks_.random},
                                     std::move(actor_options));
  documents_ =
    server::spawn_documents(system_.system(), store_actor_, {hooks_.wall_ms, hooks_.random},
                            document_options_, store_->start());
  alive_ = true;
}

void server_node::die() {
  if (!alive_)
    return;
  alive_ = false;
  ++life_;
  image_ = kv_->image();
  dying_.push_back(caf::actor_cast<caf::actor>(store_actor_));
  for (auto& [client, session] : sessions_)
    dying_.push_back(caf::actor_cast<caf::actor>(session));
  sessions_.clear();
  dying_.push_back(caf::actor_cast<caf::actor>(documents_));
  documents_ = nullptr;
  dying_.push_back(caf::actor_cast<caf::actor>(hub_));
  for (auto& session : std::exchange(live_sessions_, {}))
    dying_.push_back(caf::actor_cast<caf::actor>(session));
  store_actor_ = nullptr;
  hub_ = nullptr;
  hooks_.died();
}

void server_node::bury() {
  for (auto& actor : dying_)
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  dying_.clear();
}

server::session_actor server_node::session(int client) {
  if (!alive_)
    return {};
  auto& session = sessions_[client];
  if (!session) {
    server::session_options options;
    options.page_bytes_max = page_bytes_max;
    options.documents = documents_;
    session = server::spawn_session(system_.system(), store_, store_actor_,
                                    {hooks_.wall_ms, hooks_.random}, options);
  }
  return session;
}

std::shared_ptr<net::live_peer> server_node::open_live(net::live_ask ask) {
  if (!alive_)
    return nullptr;
  server::live_session_options options;
  options.ask = std::move(ask);
  options.page_bytes_max = page_bytes_max;
  live_sessions_.push_back(
    server::spawn_live_session(system_.system(), store_, hub_, store_actor_, std::move(options))
      .value());
  return server::make_session_peer(live_sessions_.back());
}

std::shared_ptr<net::live_peer> server_node::open_document(const net::document_address& where) {
  if (!alive_)
    return nullptr;
  server::document_ask ask;
  ask.id = where.id;
  ask.form = document_form::protobuf;
  ask.again = where.again;
  return server::make_document_peer(documents_, std::move(ask), ++document_connections_);
}

void server_node::back_up() {
  backups_.push_back({alive_ ? kv_->image() : image_, *model_});
}

void server_node::restore(std::size_t index) {
  image_ = backups_[index].image;
  *model_ = backups_[index].log;
  backups_.resize(index + 1);
}

void server_node::trim(std::int64_t kept_ms) {
  if (!alive_)
    return;
  storage::trim_options options;
  options.tombstones_kept_ms = kept_ms;
  if (const auto trimmed = store_->trim(hooks_.wall_ms(), options); trimmed && *trimmed > 0)
    counts_.add("tombstones trimmed", *trimmed);
}

void server_node::fail_next_commit(const std::string& code) {
  if (alive_)
    kv_->fail_next_commit(code);
}

void server_node::record(const storage::batch_input& batch, const storage::batch_output& output) {
  if (auto wrong = model_->commit(batch, output, clones_))
    hooks_.failed(std::move(*wrong));
  if (const auto* response = std::get_if<msg::BatchResponse>(&output))
    count_results(*batch.request, *response);
  else
    count_refusal(*batch.request, std::get<msg::ErrorReply>(output));
}

void server_node::count_results(const msg::BatchRequest& request,
                                const msg::BatchResponse& response) {
  if (response.mutated_retry_id() != 0)
    counts_.add("mutated_retry");
  for (int i = 0; i < response.results_size(); ++i) {
    const auto& result = response.results(i);
    const auto& mutation = request.mutations(i);
    if (result.repeated_result()) {
      counts_.add("suppressed duplicates");
    } else if (result.status() == msg::SYNCED) {
      payloads_.push_back(mutation.body() + mutation.patch());
    }
    counts_.add("result " + msg::MutationStatus_Name(result.status()));
    if (result.error().code() == "group")
      counts_.add("atomic refusal");
    if (mutation.kind() == msg::SKIP && result.status() != msg::SKIPPED)
      counts_.add("SKIP that had been applied");
  }
}

void server_node::count_refusal(const msg::BatchRequest& request, const msg::ErrorReply& refusal) {
  if (refusal.code() == "mutation_gap" && !request.mutations().empty()) {
    const bool lost = refusal.expected() < request.mutations(0).mutation_id();
    counts_.add(lost ? "gap: the server lost history" : "gap: the client was rolled back");
  } else if (refusal.code() == "cursor_expired") {
    counts_.add("410 " + refusal.reason());
  } else {
    counts_.add(refusal.code());
  }
}

} // namespace syncline::actors::simulation
