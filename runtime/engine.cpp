#include "runtime/engine.hpp"

#include "actors/seams_system.hpp"
#include "net/client/http_destination.hpp"
#include "runtime/change_reader.hpp"
#include "runtime/convert.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>

namespace syncline {

namespace {

constexpr std::size_t operations_max = 10'000;
// Nobody knows what a server of another make can take (DESIGN.md section 5).
constexpr std::chrono::milliseconds foreign_batch_pause{100};

template <class T>
std::optional<error> error_of(const core::expected<T>& outcome) {
  if (outcome)
    return std::nullopt;
  return to_public(outcome.error());
}

std::optional<error> refuse_collections(const std::vector<collection_options>& collections) {
  std::set<std::string_view> names;
  for (const auto& one : collections) {
    if (auto failure = error_of(core::validate_collection(one.name)))
      return failure;
    if (!names.insert(one.name).second)
      return error{"bad_options", "the collection '" + one.name + "' is named twice"};
    if (one.strategy == conflict_strategy::custom && !one.decide)
      return error{"bad_options", "the collection '" + one.name +
                                    "' has the strategy custom and no function that decides"};
  }
  return std::nullopt;
}

std::optional<error> refuse_options(const options& how) {
  if (how.store.empty())
    return error{"bad_options", "options::store names no directory"};
  if (how.batch_items_max < 1 || how.batch_items_max > 1000)
    return error{"bad_options", "options::batch_items_max is a number from 1 to 1000"};
  if (how.poll_interval.count() < 1 || how.request_timeout.count() < 1 ||
      how.retry_first.count() < 1 || how.retry_max < how.retry_first)
    return error{"bad_options", "intervals and timeouts are positive, and retry_max is not below "
                                "retry_first"};
  if (how.changes_kept < 1 || how.threads < 1)
    return error{"bad_options", "options::changes_kept and options::threads are at least 1"};
  if (how.start && (how.server.empty() || how.read_only))
    return error{"bad_options", "options::start needs a server and a store that can be written"};
  if (auto failure = error_of(core::validate_space(how.space)))
    return failure;
  if (!how.server.empty())
    if (auto failure = error_of(net::resolve_destination(how.server, "/delta")))
      return failure;
  return refuse_collections(how.collections);
}

// Two spellings of one address are one server to the store.
std::string without_slashes_at_end(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  return url;
}

} // namespace

result<std::unique_ptr<engine>> engine::open(options how) {
  if (auto failure = refuse_options(how))
    return *failure;
  how.server = without_slashes_at_end(std::move(how.server));
  auto opened = open_client_store(how);
  if (!opened)
    return to_public(opened.error());
  std::unique_ptr<engine> made{new engine{std::move(how), std::move(*opened)}};
  if (auto prepared = made->prepare_store(); !prepared)
    return prepared.error();
  made->spawn();
  if (made->host_)
    if (auto failure = error_of(made->host_->running()))
      return *failure;
  return made;
}

engine::engine(options how, opened_store opened)
  : how_{std::move(how)}, process_{::getpid()}, opened_{std::move(opened)},
    ids_{actors::system_random} {}

engine::~engine() {
  static_cast<void>(close(std::chrono::seconds{10})); // Nobody is left to be told.
}

result<void> engine::prepare_store() {
  auto& store = *opened_.store;
  const auto view = store.snapshot();
  const auto stored = view ? view->collections() : view.error();
  const auto counts = view ? view->counts() : view.error();
  if (auto failure = error_of(stored))
    return *failure;
  if (auto failure = error_of(counts))
    return *failure;
  std::set<std::string> dropped{stored->begin(), stored->end()};
  std::vector<std::string> added;
  for (const auto& one : how_.collections) {
    if (dropped.erase(one.name) == 0)
      added.push_back(one.name);
    shared_->collections.emplace(one.name, one);
  }
  if (how_.collections.empty())
    for (const auto& name : std::exchange(dropped, {}))
      shared_->collections.emplace(name, collection_options{name});
  if (how_.read_only)
    return {};
  if (!how_.server.empty())
    if (auto failure =
          error_of(store.bind(how_.server, how_.space, how_.user, to_string(how_.dialect))))
      return *failure;
  if (added.empty() && dropped.empty() && counts->conflicts == 0)
    return {};
  try {
    const auto transaction = store.begin();
    for (const auto& name : added) {
      msg::AddCollection command;
      command.set_collection(name);
      if (auto failure = error_of(transaction->add_collection(command)))
        return *failure;
    }
    for (const auto& name : dropped) {
      msg::DropCollection command;
      command.set_collection(name);
      if (auto failure = error_of(transaction->drop_collection(command)))
        return *failure;
    }
    transaction->trim_conflicts();
    transaction->commit(); // Its events have no listener yet.
    return {};
  } catch (const storage::kv_error& failure) {
    return error{failure.code(), failure.what()};
  }
}

actors::client::client_options engine::client_settings() const {
  actors::client::client_options settings;
  const core::backoff_options backoff{.first_ms = how_.retry_first.count(),
                                      .max_ms = how_.retry_max.count()};
  const auto timeout_ms = static_cast<std::uint32_t>(
    std::min<std::int64_t>(how_.request_timeout.count(), 24LL * 3600 * 1000));
  settings.outbox.batch_items_max = how_.batch_items_max;
  settings.outbox.send_timeout_ms = timeout_ms;
  settings.outbox.backoff = backoff;
  settings.poll.interval_ms = how_.poll_interval.count();
  settings.poll.timeout_ms = timeout_ms;
  settings.poll.backoff = backoff;
  if (how_.dialect != server_dialect::syncline) {
    settings.outbox.protocol = settings.poll.protocol = net::json_protocol(
      how_.dialect == server_dialect::json ? net::foreign_pull::delta : net::foreign_pull::since);
    settings.outbox.batch_pause = foreign_batch_pause;
  }
  for (const auto& [name, collection] : shared_->collections)
    settings.conflict.by_collection.emplace(name, policy_of(collection));
  auto& live = settings.stream.ladder.backoff;
  live.first_ms = std::min(live.first_ms, backoff.first_ms);
  live.max_ms = std::min(live.max_ms, backoff.max_ms);
  // What becomes of the network does not matter to a server on this machine.
  settings.link.is_local = how_.server.starts_with("http:");
  settings.background.paused = how_.server.empty() || !how_.run_jobs;
  settings.background.awaits_conditions = true;
  settings.on_store_failed = [shared = shared_](const core::error& failure) {
    const std::lock_guard lock{shared->mutex};
    if (!shared->has_failed.exchange(true))
      shared->store_failure = to_public(failure);
  };
  return settings;
}

namespace {

/// Answers when it goes, also where the host's function has thrown: then the user decides.
class verdict_slot {
public:
  explicit verdict_slot(std::function<void(msg::HostVerdict)> answer)
    : answer_{std::move(answer)} {}
  verdict_slot(const verdict_slot&) = delete;
  verdict_slot& operator=(const verdict_slot&) = delete;
  ~verdict_slot() {
    answer_(std::move(said));
  }
  msg::HostVerdict said;

private:
  std::function<void(msg::HostVerdict)> answer_;
};

} // namespace

actors::client::event_sink engine::make_sink() const {
  actors::client::event_sink sink;
  sink.changed = [pump = pump_](msg::StoreChanged&) { pump->wake(); };
  sink.advanced = [tracker = tracker_](msg::MutationsAdvanced& event) { tracker->advance(event); };
  sink.ask_host = [pump = pump_, shared = shared_](msg::AskHost& ask,
                                                   std::function<void(msg::HostVerdict)> answer) {
    // Part of the task, so that a function that throws has been counted before its answer.
    auto slot = std::make_shared<verdict_slot>(std::move(answer));
    pump->post([shared, question = std::move(ask), slot = std::move(slot)] {
      const auto found = shared->collections.find(question.collection());
      if (found != shared->collections.end() && found->second.decide)
        slot->said = to_message(found->second.decide(to_public(question)));
    });
  };
  return sink;
}

void engine::spawn() {
  std::optional<std::uint64_t> poll_from;
  if (how_.poll_events) {
    const auto view = opened_.store->snapshot();
    const auto counters = view ? view->outbox_state() : view.error();
    poll_from = counters ? counters->next_local_seq() : 0;
  }
  pump_ = std::make_shared<event_pump>(
    [store = opened_.store, kept = how_.changes_kept](std::uint64_t after, std::size_t limit) {
      return read_changes(*store, kept, after, limit);
    },
    poll_from);
  if (how_.read_only)
    return;
  shared_->started = how_.start;
  actor_host::setup setup;
  setup.store = opened_.store;
  setup.files = opened_.files;
  setup.server = how_.server;
  setup.ca_file = how_.ca_file;
  // Plain http is for loopback only.
  setup.compresses = how_.compress == compression::always ||
                     (how_.compress == compression::automatic && how_.server.starts_with("https:"));
  setup.shares_texts = how_.dialect == server_dialect::syncline;
  setup.live = how_.live && setup.shares_texts;
  // A server on this machine needs no network; a job may need power.
  setup.senses_machine =
    how_.watch_machine && (how_.server.starts_with("https:") || runs_stored_jobs());
  setup.client = client_settings();
  setup.sink = make_sink();
  setup.is_started = [shared = shared_] { return shared->started.load(); };
  setup.threads = how_.threads;
  setup.client.documents.on_event = [texts = texts_](const std::string& id, auto what) {
    texts->notify(id, what);
  };
  setup.on_spawned = [texts = texts_](const auto& set) { texts->reopen(set.documents); };
  host_ = std::make_unique<actor_host>(std::move(setup));
  texts_->open(
    [host = host_.get()](actors::document_question question) -> core::expected<void> {
      const auto set = host->running();
      if (!set)
        return set.error();
      rt::anon_send(set->documents, std::move(question));
      return {};
    },
    pump_);
}

bool engine::runs_stored_jobs() const {
  if (how_.server.empty() || !how_.run_jobs)
    return false;
  const auto view = opened_.store->snapshot();
  const auto jobs = view ? view->jobs() : view.error();
  return jobs && !jobs->empty();
}

bool engine::is_forked() const {
  return ::getpid() != process_;
}

result<call_gate::pass> engine::enter(bool writes) {
  if (is_forked())
    return error{"store_forked", "this process was forked from the one that opened " + how_.store +
                                   "; a child cannot use it: exec first, or open it "
                                   "after the fork"};
  auto pass = gate_.enter();
  if (!pass)
    return error{"closed", "the runtime is closed; open the store again"};
  if (writes && how_.read_only)
    return error{"store_read_only", how_.store + " was opened for reading only"};
  if (writes && shared_->has_failed) {
    const std::lock_guard lock{shared_->mutex};
    return shared_->store_failure;
  }
  return pass;
}

std::optional<error> engine::refuse(const std::vector<operation>& operations) const {
  if (operations.empty())
    return error{"bad_mutation", "there is nothing to write: give at least one operation"};
  if (operations.size() > operations_max)
    return error{"too_many", "one call writes at most 10000 operations, this one has " +
                               std::to_string(operations.size()) + "; split it"};
  for (const auto& one : operations) {
    if (shared_->collections.count(one.collection) != 0)
      continue;
    if (auto failure = error_of(core::validate_collection(one.collection)))
      return failure;
    return error{"unknown_collection", "'" + one.collection +
                                         "' is none of the collections that this store syncs; "
                                         "name it in options::collections"};
  }
  return std::nullopt;
}

result<std::vector<mutation>> engine::submit(std::vector<operation> operations, bool atomic) {
  const auto inside = enter(true);
  if (!inside)
    return inside.error();
  if (auto failure = refuse(operations))
    return *failure;
  const auto set = host_->running();
  if (!set)
    return to_public(set.error());
  const auto progress = tracker_->begin(operations.size());
  if (!progress)
    return error{"busy", "10000 writes wait for their commit; wait for some of them"};
  std::vector<mutation> handles;
  for (std::size_t i = 0; i < operations.size(); ++i)
    handles.push_back(mutation{progress, i});
  actors::host_write command;
  command.command.set_atomic(atomic);
  for (auto& one : operations)
    *command.command.add_operations() = to_message(std::move(one));
  command.reply = actors::reply_once<msg::LocalWritten>{
    [tracker = tracker_, progress](const core::expected<msg::LocalWritten>& outcome) {
      tracker->finish(progress, outcome);
    }};
  rt::anon_send(set->storage, std::move(command));
  return handles;
}

result<std::vector<mutation>> engine::write(std::vector<operation> operations, bool atomic) {
  auto handles = submit(std::move(operations), atomic);
  if (!handles)
    return handles.error();
  const auto& first = handles->front();
  if (auto stored = first.progress_->wait(0, stage::durable, std::nullopt); !stored)
    return stored.error();
  return handles;
}

std::string engine::make_id() {
  const std::lock_guard lock{ids_mutex_};
  return ids_.next(actors::system_wall_ms());
}

result<void> engine::close(std::chrono::milliseconds deadline) {
  if (is_forked())
    return error{"store_forked", "only the process that opened the store can close it"};
  if (!gate_.close())
    return {};
  return close_parts(std::chrono::steady_clock::now() + deadline);
}

result<void> engine::close_parts(std::chrono::steady_clock::time_point deadline) {
  const auto left = [deadline] {
    return std::max(std::chrono::milliseconds{0},
                    std::chrono::duration_cast<std::chrono::milliseconds>(
                      deadline - std::chrono::steady_clock::now()));
  };
  shared_->started = false;
  texts_->refuse();
  // A commit under way is waited for; half of the time is kept for the rest.
  if (host_)
    static_cast<void>(tracker_->wait_until_answered(left() / 2));
  if (host_ && left().count() > 1) // The same for what was typed; an error says that it is late.
    static_cast<void>(host_->ask<msg::Done>(&actors::client::client_actors::documents,
                                            msg::KeepTexts{}, left() / 2));
  const bool ended = (!host_ || host_->stop(left())) && gate_.wait_empty(deadline) &&
                     texts_->wait_answered(deadline);
  tracker_->close();
  if (pump_)
    pump_->stop(left());
  if (!ended) {
    if (host_)
      host_->abandon();
    return error{"stop_timeout", "a part of the runtime did not end in time (a disk that hangs?); "
                                 "it is left alone, and " +
                                   how_.store + " stays locked until this process ends"};
  }
  if (host_)
    host_->destroy();
  core::expected<void> closed;
  if (!how_.read_only)
    closed = opened_.files->close_clean();
  opened_.store.reset();
  if (!closed)
    return to_public(closed.error());
  return {};
}

} // namespace syncline
