#include "actors/simulation/client_node.hpp"

#include "storage/keys.hpp"

#include <limits>

namespace syncline::actors::simulation {

client_node::client_node(deterministic_system& system, counters& counts,
                         const network_hooks& network, client_node_hooks hooks, int index,
                         client::client_options options, canary planted)
  : system_{system}, counts_{counts}, network_{network}, hooks_{std::move(hooks)}, index_{index},
    options_{std::move(options)}, planted_{planted} {
  options_.storage_placement = rt::placement::pooled;
}

client::event_sink client_node::make_sink() {
  client::event_sink sink;
  sink.advanced = [this, life = life_](msg::MutationsAdvanced& event) {
    if (life != life_)
      return;
    for (const auto& step : event.steps())
      if (step.stage() == msg::MutationsAdvanced::REJECTED)
        counts_.add("rollback of a refused write");
  };
  // A host function that is deterministic but neither side's: keeps both when they differ in size.
  sink.ask_host = [this](msg::AskHost& ask, const std::function<void(msg::HostVerdict)>& answer) {
    counts_.add("host function asked");
    msg::HostVerdict verdict;
    if (ask.has_mine() && ask.has_theirs() && ask.mine().size() >= ask.theirs().size()) {
      verdict.set_kind(msg::HostVerdict::BODY);
      verdict.set_body(ask.mine());
    } else if (!ask.has_mine() && ask.has_theirs()) {
      verdict.set_kind(msg::HostVerdict::BODY);
      verdict.set_body(ask.theirs());
    }
    answer(std::move(verdict));
  };
  return sink;
}

void client_node::start() {
  storage::memory_options memory;
  memory.tables = storage::client_tables();
  kv_ = std::make_shared<storage::memory_environment>(memory, image_);
  const std::uint64_t life = ++life_;
  commit_hooks hooks;
  hooks.before = [this, life] {
    if (life == life_ && alive_)
      hooks_.crash_point("client before commit");
    if (life != life_)
      throw storage::kv_error{"store_io", "the client died before its commit"};
  };
  hooks.after = [this, life] {
    if (life == life_ && alive_)
      hooks_.crash_point("client after commit");
  };
  storage::client_store_options options;
  options.random = hooks_.random;
  options.now_ms = [this] { return hooks_.wall_ms() + clock_offset_ms_; };
  options.feed_records_max = 1000;
  options.is_foreign = options_.poll.protocol->is_foreign();
  options.canaries.cursor_before_rows = planted_ == canary::cursor_before_rows;
  options.canaries.entry_removed_early = planted_ == canary::entry_removed_early;
  auto opened = storage::client_store::open(
    std::make_unique<hooked_environment>(kv_, std::move(hooks)), options);
  core::ensure(opened.has_value(), "the simulated client store opens");
  store_ = std::move(*opened);
  transport_ = spawn_simulated_transport(system_.system(), index_, network_);
  auto client_options = options_;
  client_options.poll.canary_deletes_on_404 = planted_ == canary::deletes_on_404;
  client_options.conflict.on_event = [this](const char* event) { counts_.add(event); };
  client_options.stream.on_event = client_options.conflict.on_event;
  client_options.background.on_event = client_options.conflict.on_event;
  client_options.stream.dial = hooks_.dial;
  client_options.documents.dial = hooks_.document_dial;
  client_options.documents.on_count = client_options.conflict.on_event;
  client_options.stream.canary_ignores_gaps = planted_ == canary::gap_ignored;
  if (planted_ == canary::silence_trusted)
    client_options.stream.silent_beats_max = std::numeric_limits<std::uint32_t>::max();
  // A commit whose outcome is unknown ends the process: it opens again and looks.
  client_options.on_store_failed = [this, life](const core::error&) {
    if (life == life_)
      die();
  };
  seams seams_of_client{options.now_ms, hooks_.random};
  actors_ = client::spawn_client(
    system_.system(), store_, transport_, make_sink(),
    [seams_of_client](const char*) { return seams_of_client; }, client_options);
  application_ = spawn_application();
  alive_ = true;
}

void client_node::die() {
  if (!alive_)
    return;
  alive_ = false;
  ++life_;
  for (const auto& writes : std::exchange(unanswered_, {}))
    forget_unheard(writes);
  image_ = kv_->image();
  for (const auto& each : actors_.in_stop_order())
    dying_.push_back(each.handle);
  dying_.push_back(caf::actor_cast<caf::actor>(transport_));
  dying_.push_back(application_);
  application_ = nullptr;
  actors_ = {};
  transport_ = nullptr;
  hooks_.died();
}

void client_node::bury() {
  for (auto& actor : dying_)
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  dying_.clear();
}

namespace {
std::int64_t sum_of(const write_map& writes) {
  std::int64_t sum = 0;
  for (const auto& [item, write] : writes)
    sum += write.increment;
  return sum;
}
} // namespace

void client_node::remember(const write_map& writes, bool promised) {
  for (const auto& [item, write] : writes) {
    auto& list = accepted_[item];
    for (auto& earlier : list)
      if (earlier.increment == 0 && write.increment == 0 &&
          (write.whole || earlier.field == write.field))
        earlier.superseded = true;
    if (promised && (!write.token.empty() || write.increment != 0))
      list.push_back(write);
  }
}

// The application: one actor, so that its writes are answered in the order in which it made them.
caf::actor client_node::spawn_application() {
  return system_.system().spawn(
    [this, life = life_](caf::event_based_actor* self, client::storage_actor storage) {
      return caf::behavior{[this, life, self, storage](const msg::WriteLocal& command) {
        self->request(storage, caf::infinite, command)
          .then(
            [this, life](const msg::LocalWritten&) {
              if (life == life_)
                on_answered(nullptr);
            },
            [this, life](const caf::error& error) {
              const auto why = rt::from_caf(error);
              if (life == life_)
                on_answered(&why);
            });
      }};
    },
    actors_.storage);
}

void client_node::on_answered(const core::error* error) {
  const auto writes = std::move(unanswered_.front());
  unanswered_.pop_front();
  if (error == nullptr) {
    counts_.add("local writes accepted");
    remember(writes, true);
    return;
  }
  counts_.add("local refusal " + error->code);
  if (error->code == "store_io")
    forget_unheard(writes); // The outcome of that commit is unknown.
}

// The application never heard of these: they may have been stored, or not.
void client_node::forget_unheard(const write_map& writes) {
  increments_unheard_ += sum_of(writes);
  remember(writes, false);
}

void client_node::write(msg::WriteLocal command, write_map writes) {
  if (!alive_)
    return;
  unanswered_.push_back(std::move(writes));
  rt::anon_send(application_, std::move(command));
}

std::optional<core::error> client_node::write_now(const msg::WriteLocal& command) {
  auto outcome = std::make_shared<std::optional<std::optional<core::error>>>();
  system_.system().spawn(
    [outcome, command](caf::event_based_actor* self, client::storage_actor storage) {
      self->request(storage, caf::infinite, command)
        .then([outcome](const msg::LocalWritten&) { outcome->emplace(std::nullopt); },
              [outcome](const caf::error& error) { outcome->emplace(rt::from_caf(error)); });
    },
    actors_.storage);
  while (!outcome->has_value() && system_.step()) {
  }
  core::ensure(outcome->has_value(), "storage answers without the passing of time");
  return **outcome;
}

std::optional<core::error> client_node::create_now(const std::string& collection,
                                                   const std::string& id, const std::string& body) {
  msg::WriteLocal command;
  auto& mutation = *command.add_operations()->mutable_mutation();
  mutation.set_kind(msg::CREATE);
  mutation.set_collection(collection);
  mutation.set_id(id);
  mutation.set_body(body);
  return write_now(command);
}

std::int64_t client_node::increments_accepted(const std::string& item) const {
  std::int64_t sum = 0;
  if (const auto found = accepted_.find(item); found != accepted_.end())
    for (const auto& write : found->second)
      sum += write.increment;
  return sum;
}

void client_node::back_up() {
  backup_ = backup{alive_ ? kv_->image() : image_, accepted_};
}

void client_node::roll_back() {
  image_ = backup_->image;
  accepted_ = backup_->accepted;
}

void client_node::copy_from(const client_node& other) {
  image_ = other.alive_ ? other.kv_->image() : other.image_;
  accepted_.clear(); // Its promises are the other's to keep.
}

void client_node::fail_next_commit(const std::string& code) {
  if (alive_)
    kv_->fail_next_commit(code);
}

} // namespace syncline::actors::simulation
