#include "tests/storage/client_device.hpp"

#include "core/sync/mutation.hpp"
#include "storage/keys.hpp"

#include <set>

namespace syncline::storage::test {

namespace {

std::optional<core::item_view> view_of(const std::optional<msg::Item>& item) {
  if (!item)
    return std::nullopt;
  return core::item_view{core::header_of(*item), item->body()};
}

template <class T>
T value_of(core::expected<T> result) {
  BOOST_REQUIRE_MESSAGE(result.has_value(), (result ? std::string{} : result.error().message));
  return std::move(*result);
}

} // namespace

void test_server::open(const kv_memory_image& image, bool new_epoch) {
  memory_options options;
  options.tables = server_tables();
  store_.reset();
  kv_ = std::make_shared<memory_environment>(options, image);
  server_store_options with;
  with.random = seeded_random(seed_ += 1'000'000);
  with.now_ms = noon_ms;
  with.new_epoch = new_epoch;
  store_ = value_of(open_server_store(kv_, with));
}

device::device(std::uint64_t first_seed, const std::vector<std::string>& collections, bool foreign)
  : is_foreign{foreign}, seed{first_seed}, random_{seeded_random(first_seed)} {
  open({});
  for (const auto& collection : collections) {
    msg::AddCollection add;
    add.set_collection(collection);
    run(&client_transaction::add_collection, add);
  }
}

void device::open(const kv_memory_image& image) {
  memory_options options;
  options.tables = client_tables();
  store_.reset();
  auto kv = std::make_unique<memory_environment>(options, image);
  kv_ = kv.get();
  client_store_options with;
  random_ = seeded_random(++seed);
  with.random = random_;
  with.now_ms = [this] { return now_ms; };
  with.feed_records_max = feed_records_max;
  with.is_foreign = is_foreign;
  store_ = value_of(client_store::open(std::move(kv), with));
}

std::string device::write(const msg::WriteLocal& command) {
  const auto written = attempt(&client_transaction::write_local, command);
  return written ? "" : written.error().code;
}

std::string device::write(msg::Mutation mutation, std::vector<std::string> depends_on) {
  msg::WriteLocal command;
  auto& operation = *command.add_operations();
  *operation.mutable_mutation() = std::move(mutation);
  for (auto& id : depends_on)
    operation.add_depends_on(std::move(id));
  return write(command);
}

std::string device::put(const std::string& id, const std::string& body) {
  msg::WriteLocal command;
  auto& operation = *command.add_operations();
  operation.set_upsert(true);
  *operation.mutable_mutation() = mutation_of(msg::MUTATION_KIND_UNSPECIFIED, id);
  operation.mutable_mutation()->set_body(body);
  return write(command);
}

std::string device::create(const std::string& id, const std::string& body) {
  return write(creating(id, body));
}
std::string device::patch(const std::string& id, const std::string& patch) {
  return write(patching(id, patch, {}));
}
std::string device::add(const std::string& id, const std::string& field, std::int64_t amount) {
  return write(adding(id, field, amount));
}
std::string device::remove(const std::string& id) {
  return write(deleting(id));
}

std::string device::write_group(const std::vector<msg::Mutation>& members) {
  msg::WriteLocal command;
  command.set_atomic(true);
  for (const auto& member : members)
    *command.add_operations()->mutable_mutation() = member;
  return write(command);
}

msg::OutboxBatch device::take(std::uint32_t item_limit, std::uint64_t byte_limit) {
  msg::TakeOutboxBatch command;
  command.set_item_limit(item_limit);
  command.set_byte_limit(byte_limit);
  command.set_now_ms(now_ms);
  return run(&client_transaction::take_batch, command);
}

msg::OutboxBatch device::take_ahead(std::uint64_t above, std::uint32_t batches,
                                    std::uint32_t item_limit) {
  msg::TakeOutboxBatch command;
  command.set_item_limit(item_limit);
  command.set_byte_limit(1u << 20);
  command.set_now_ms(now_ms);
  command.set_above_mutation_id(above);
  command.set_batches_max(batches);
  return run(&client_transaction::take_batch, command);
}

msg::BatchResultApplied device::answer(const msg::BatchRequest& batch,
                                       const msg::BatchResponse& response) {
  msg::ApplyBatchResult command;
  command.set_client(batch.client());
  command.set_request_start(batch.start());
  command.set_first_mutation_id(batch.mutations(0).mutation_id());
  *command.mutable_response() = response;
  return run(&client_transaction::apply_result, command);
}

msg::BatchResultApplied device::answer(const msg::BatchRequest& batch, const batch_output& output) {
  if (const auto* response = std::get_if<msg::BatchResponse>(&output))
    return answer(batch, *response);
  const auto& refusal = std::get<msg::ErrorReply>(output);
  if (refusal.code() == "cursor_expired") {
    msg::ResetCursor reset;
    reset.set_reason(refusal.reason());
    *reset.mutable_seen() = batch.seen();
    run(&client_transaction::reset_cursor, reset);
    return {};
  }
  msg::ApplyBatchRefusal command;
  command.set_client(batch.client());
  command.set_request_start(batch.start());
  command.set_first_mutation_id(batch.mutations(0).mutation_id());
  *command.mutable_refusal() = refusal;
  return run(&client_transaction::apply_refusal, command);
}

bool device::push(server_store& server, std::uint32_t item_limit) {
  const auto batch = take(item_limit);
  if (batch.request().mutations().empty())
    return false;
  answer(batch.request(), output_of(server, input_of(batch.request(), now_ms)));
  resolve_undecided();
  return true;
}

batch_output device::push_unheard(server_store& server, std::uint32_t item_limit) {
  const auto batch = take(item_limit);
  BOOST_REQUIRE(batch.request().mutations_size() > 0);
  return output_of(server, input_of(batch.request(), now_ms));
}

void device::push_all(server_store& server, std::uint32_t item_limit) {
  int rounds = 0;
  while (push(server, item_limit))
    BOOST_REQUIRE_MESSAGE(++rounds < 1000, "pushing comes to no end");
}

delta_output device::ask(server_store& server, std::uint32_t limit,
                         const std::string& collection) const {
  const auto pull = value_of(look().pull_state(collection));
  auto query = query_from(pull.cursor().token(), limit);
  query.collection = collection;
  query.seen = pull.seen();
  return output_of(server, query);
}

msg::RemoteChangesApplied device::apply(const delta_output& output, const std::string& collection) {
  const auto pull = value_of(look().pull_state(collection));
  if (const auto* answer = std::get_if<delta_answer>(&output))
    return apply(answer->page, pull.known_start());
  const auto& refusal = std::get<msg::ErrorReply>(output);
  BOOST_REQUIRE_MESSAGE(refusal.code() == "cursor_expired", refusal.ShortDebugString());
  msg::ResetCursor reset;
  reset.set_collection(collection);
  reset.set_reason(refusal.reason());
  reset.set_token(pull.cursor().token());
  *reset.mutable_seen() = pull.seen();
  run(&client_transaction::reset_cursor, reset);
  msg::RemoteChangesApplied again;
  again.set_superseded(true);
  return again;
}

msg::RemoteChangesApplied device::apply(const msg::DeltaPage& page, std::uint64_t request_start) {
  msg::ApplyRemoteChanges changes;
  *changes.mutable_page() = page;
  changes.set_request_start(request_start);
  auto applied = run(&client_transaction::apply_remote, changes);
  for (int rounds = 0; applied.stale(); ++rounds) {
    BOOST_REQUIRE_MESSAGE(rounds < 3, "a page stays stale though nothing moves");
    add_decisions(changes);
    applied = run(&client_transaction::apply_remote, changes);
  }
  resolve_undecided();
  return applied;
}

bool device::pull(server_store& server, std::uint32_t limit, const std::string& collection) {
  const auto applied = apply(ask(server, limit, collection), collection);
  return applied.superseded() || applied.has_more();
}

void device::pull_all(server_store& server, std::uint32_t limit) {
  for (const auto& collection : value_of(look().collections())) {
    int rounds = 0;
    while (pull(server, limit, collection))
      BOOST_REQUIRE_MESSAGE(++rounds < 10'000, "pulling comes to no end");
  }
}

void device::pull_unless_not_modified(server_store& server) {
  const auto pull = value_of(look().pull_state("items"));
  auto query = query_from(pull.cursor().token());
  query.seen = pull.seen();
  query.if_none_match = answer_to(server, query).etag;
  const auto output = output_of(server, query);
  if (const auto* answer = std::get_if<delta_answer>(&output); !answer || !answer->not_modified)
    apply(output);
}

void device::sync(server_store& server) {
  for (int rounds = 0; rounds < 20; ++rounds) {
    pull_all(server);
    push_all(server);
    pull_all(server);
    if (is_settled())
      return;
  }
}

core::conflict_question device::question(const client_snapshot& snapshot,
                                         const std::string& collection, const std::string& id,
                                         core::lane lane) {
  core::conflict_question question;
  question.collection = collection;
  question.id = id;
  question.lane = std::move(lane);
  question.policy = policy;
  question.writer_tag = client_tag(value_of(snapshot.outbox_state()).client());
  question.conflict_id = random_();
  question.now_ms = now_ms;
  return question;
}

void device::add_decision(const client_snapshot& snapshot, const std::string& id,
                          const msg::Item* item, const core::meeting& where,
                          msg::ApplyRemoteChanges& changes) {
  const auto& collection = changes.page().collection();
  auto lane = value_of(snapshot.lane(collection, id));
  std::optional<core::item_view> row;
  if (item)
    row = core::item_view{core::header_of(*item), item->body()};
  core::lane trial = lane;
  if (core::meet(trial, row, where) != core::encounter::decide)
    return;
  auto asked = question(snapshot, collection, id, std::move(lane));
  if (item)
    asked.theirs = *item;
  *changes.add_decisions() = core::decide(asked);
}

void device::add_decisions(msg::ApplyRemoteChanges& changes) {
  changes.clear_decisions();
  const auto snapshot = look();
  const auto page = changes.page();
  const auto pull = value_of(snapshot.pull_state(page.collection()));
  const core::meeting where{page.head().seq(), pull.cursor().restoring()};
  std::set<std::string> present;
  for (const auto* list : {&page.deleted(), &page.items()})
    for (const auto& item : *list) {
      present.insert(item.id());
      add_decision(snapshot, item.id(), &item, where, changes);
    }
  if (page.phase() != msg::Cursor::SNAPSHOT)
    return;
  for (const auto& id : value_of(snapshot.lane_ids(
         page.collection(), page.range_after(), page.range_to_end() ? "" : page.range_through())))
    if (present.count(id) == 0)
      add_decision(snapshot, id, nullptr, where, changes);
}

msg::LaneDecision device::decision_on(const std::string& collection, const std::string& id,
                                      const std::optional<core::verdict>& said) {
  const auto snapshot = look();
  auto asked = question(snapshot, collection, id, value_of(snapshot.lane(collection, id)));
  const auto base = value_of(snapshot.base(collection, id));
  asked.theirs = core::met_version(asked.lane, id, view_of(base));
  asked.said = said;
  return core::decide(asked);
}

void device::resolve_undecided() {
  for (const auto& [collection, id] : value_of(look().undecided())) {
    if (value_of(look().lane(collection, id)).entries.empty())
      continue; // A decision before took along what waited here.
    msg::ApplyResolution command;
    *command.mutable_decision() = decision_on(collection, id, std::nullopt);
    BOOST_TEST(!run(&client_transaction::apply_resolution, command).stale());
  }
}

std::string device::decide(std::uint64_t conflict_id, const core::verdict& said) {
  const auto record = value_of(look().conflict(conflict_id));
  BOOST_REQUIRE(record.has_value());
  msg::ApplyResolution command;
  *command.mutable_decision() = decision_on(record->collection(), record->id(), said);
  command.mutable_decision()->clear_records();
  command.mutable_decision()->set_closes_conflict(conflict_id);
  return run(&client_transaction::apply_resolution, command).stale() ? "stale" : "";
}

client_snapshot device::look() const {
  return value_of(store_->snapshot());
}

std::string device::shown(const std::string& id, const std::string& collection) const {
  const auto snapshot = look();
  const auto item = value_of(snapshot.get(collection, id));
  return item ? std::string{item->body} : "-";
}

std::string device::status(const std::string& id) const {
  const auto snapshot = look();
  const auto item = value_of(snapshot.get("items", id));
  return item ? std::string{core::to_string(item->status)} : "-";
}

std::map<std::string, std::string> device::all(const std::string& collection) const {
  std::map<std::string, std::string> found;
  const auto listed = look().list(collection, "", [&](const stored_item& item) {
    found.emplace(item.id, item.body);
    return true;
  });
  BOOST_REQUIRE(listed.has_value());
  return found;
}

waiting_counts device::counts() const {
  return value_of(look().counts());
}
msg::OutboxState device::state() const {
  return value_of(look().outbox_state());
}
std::vector<msg::OutboxEntry> device::outbox() const {
  return value_of(look().outbox(100'000));
}
std::vector<msg::ConflictRecord> device::conflicts() const {
  return value_of(look().conflicts());
}
std::vector<msg::QuarantineRecord> device::quarantine() const {
  return value_of(look().quarantine());
}

bool device::is_settled() const {
  const auto waiting = counts();
  return waiting.outbox == 0 && waiting.acknowledged == 0;
}

std::string device::inconsistency() const {
  const auto snapshot = look();
  std::set<std::uint64_t> in_lanes;
  for (const auto& collection : value_of(snapshot.collections())) {
    const auto listed = all(collection);
    for (const auto& id : value_of(snapshot.lane_ids(collection, "", ""))) {
      const auto lane = value_of(snapshot.lane(collection, id));
      const auto base = value_of(snapshot.base(collection, id));
      const auto seen = core::visible(lane, view_of(base));
      const auto item = value_of(snapshot.get(collection, id));
      if (item.has_value() != seen.exists || (item && item->body != seen.body))
        return "'" + id + "' shows " + (item ? std::string{item->body} : "nothing") +
               ", its base and lane make " + (seen.exists ? seen.body : "nothing");
      if (item && item->status != seen.status)
        return "the status of '" + id + "' is not its lane's";
      if (listed.count(id) != (item ? 1U : 0U) || (item && listed.at(id) != item->body))
        return "the list shows '" + id + "' otherwise than a read";
      if (lane.record.undecided() && lane.entries.empty())
        return "'" + id + "' is undecided, and nothing waits";
      if (lane.is_idle() && lane.record.quarantined().empty())
        return "the lane of '" + id + "' is idle and still there";
      for (std::size_t i = 0; i < lane.entries.size(); ++i) {
        in_lanes.insert(lane.entries[i].local_seq());
        if (i > 0 && lane.entries[i].state() != msg::QUEUED)
          return "an entry of '" + id + "' is not queued behind another";
      }
    }
  }
  const auto known = value_of(snapshot.collections());
  for (const auto& entry : outbox())
    if (std::count(known.begin(), known.end(), entry.mutation().collection()) != 0 &&
        in_lanes.count(entry.local_seq()) == 0)
      return "entry " + std::to_string(entry.local_seq()) + " is in no lane";
  const auto counters = state();
  for (const std::uint64_t seq : counters.sent())
    if (in_lanes.count(seq) == 0)
      return "sent entry " + std::to_string(seq) + " is in no lane";
  return "";
}

void device::poison(std::uint64_t mutation_id) {
  msg::QuarantinePoison command;
  command.set_mutation_id(mutation_id);
  command.mutable_error()->set_code("bad_content");
  run(&client_transaction::quarantine_poison, command);
}

std::string device::manage(msg::ManageOutbox::Action action, std::uint64_t local_seq,
                           const msg::Mutation& mutation) {
  msg::ManageOutbox command;
  command.set_action(action);
  command.set_local_seq(local_seq);
  *command.mutable_mutation() = mutation;
  const auto managed = attempt(&client_transaction::manage_outbox, command);
  return managed ? "" : managed.error().code;
}

msg::BatchResponse answer_all(const msg::BatchRequest& batch, msg::MutationStatus status,
                              std::uint64_t first_seq) {
  msg::BatchResponse response;
  response.mutable_head()->set_epoch(1);
  response.mutable_head()->set_start(batch.start());
  for (const auto& mutation : batch.mutations()) {
    auto& result = *response.add_results();
    result.set_mutation_id(mutation.mutation_id());
    result.set_status(status);
    if (status != msg::SYNCED)
      continue;
    result.set_version(1);
    result.mutable_stamp()->set_start(9);
    result.mutable_stamp()->set_seq(first_seq++);
  }
  return response;
}

} // namespace syncline::storage::test
