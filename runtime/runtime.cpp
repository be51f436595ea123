#include "syncline/runtime.hpp"

#include "runtime/convert.hpp"
#include "runtime/engine.hpp"

namespace syncline {

// --- snapshot

snapshot::snapshot(std::unique_ptr<state> owned) : state_{std::move(owned)} {}
snapshot::snapshot(snapshot&&) noexcept = default;
snapshot& snapshot::operator=(snapshot&&) noexcept = default;
snapshot::~snapshot() = default;

result<std::optional<item_view>> snapshot::get(std::string_view collection,
                                               std::string_view id) const {
  const auto found = state_->read.get(collection, id);
  if (!found)
    return to_public(found.error());
  if (!*found)
    return std::optional<item_view>{};
  return std::optional<item_view>{to_public(**found)};
}

result<void> snapshot::list(std::string_view collection, std::string_view after,
                            const std::function<bool(const item_view&)>& visit) const {
  const auto listed = state_->read.list(
    collection, after, [&](const storage::stored_item& one) { return visit(to_public(one)); });
  if (!listed)
    return to_public(listed.error());
  return {};
}

// --- mutation

mutation::mutation(std::shared_ptr<write_progress> progress, std::size_t index)
  : progress_{std::move(progress)}, index_{index} {}

std::uint64_t mutation::seq() const {
  const std::lock_guard lock{progress_->mutex};
  return progress_->operations[index_].seq;
}

stage mutation::reached() const {
  const std::lock_guard lock{progress_->mutex};
  return progress_->operations[index_].reached;
}

result<void> mutation::wait(stage wanted, std::chrono::milliseconds timeout) const {
  return progress_->wait(index_, wanted, timeout);
}

// --- subscription

subscription::subscription(std::function<void()> cancel) : cancel_{std::move(cancel)} {}
subscription::subscription(subscription&& other) noexcept
  : cancel_{std::exchange(other.cancel_, nullptr)} {}

subscription& subscription::operator=(subscription&& other) noexcept {
  std::swap(cancel_, other.cancel_);
  return *this;
}

subscription::~subscription() {
  if (cancel_)
    cancel_();
}

// --- runtime

runtime::runtime(std::unique_ptr<engine> owned) : engine_{std::move(owned)} {}

runtime::~runtime() {
  if (engine_->is_forked())
    static_cast<void>(engine_.release());
}

result<std::unique_ptr<runtime>> runtime::open(options how) {
  auto made = engine::open(std::move(how));
  if (!made)
    return made.error();
  return std::unique_ptr<runtime>{new runtime{std::move(*made)}};
}

namespace {

result<mutation> only(result<std::vector<mutation>> written) {
  if (!written)
    return written.error();
  return std::move(written->front());
}

} // namespace

result<mutation> runtime::put(std::string collection, std::string id, std::string body) {
  return only(
    engine_->write({operation::put(std::move(collection), std::move(id), std::move(body))}, false));
}

result<mutation> runtime::patch(std::string collection, std::string id, std::string merge_patch) {
  return only(engine_->write(
    {operation::patch(std::move(collection), std::move(id), std::move(merge_patch))}, false));
}

result<mutation> runtime::increment(std::string collection, std::string id, std::string field,
                                    number amount) {
  return only(engine_->write(
    {operation::increment(std::move(collection), std::move(id), std::move(field), amount)}, false));
}

result<mutation> runtime::remove(std::string collection, std::string id) {
  return only(engine_->write({operation::remove(std::move(collection), std::move(id))}, false));
}

result<std::vector<mutation>> runtime::write(std::vector<operation> operations, bool atomic) {
  return engine_->write(std::move(operations), atomic);
}

result<std::vector<mutation>> runtime::submit(std::vector<operation> operations, bool atomic) {
  return engine_->submit(std::move(operations), atomic);
}

std::string runtime::make_id() {
  return engine_->make_id();
}

result<snapshot> runtime::take_snapshot() const {
  return engine_->take_snapshot();
}

result<std::optional<item>> runtime::get(std::string_view collection, std::string_view id) const {
  const auto view = take_snapshot();
  if (!view)
    return view.error();
  const auto found = view->get(collection, id);
  if (!found)
    return found.error();
  if (!*found)
    return std::optional<item>{};
  return std::optional<item>{to_item(**found)};
}

result<std::vector<item>> runtime::list(std::string_view collection, std::string_view after,
                                        std::size_t limit) const {
  std::vector<item> items;
  if (limit == 0)
    return items;
  const auto view = take_snapshot();
  if (!view)
    return view.error();
  const auto listed = view->list(collection, after, [&](const item_view& one) {
    items.push_back(to_item(one));
    return items.size() < limit;
  });
  if (!listed)
    return listed.error();
  return items;
}

result<std::optional<item_state>> runtime::sync_status(std::string_view collection,
                                                       std::string_view id) const {
  const auto view = take_snapshot();
  if (!view)
    return view.error();
  const auto found = view->get(collection, id);
  if (!found)
    return found.error();
  if (!*found)
    return std::optional<item_state>{};
  return std::optional<item_state>{(*found)->state};
}

result<syncline::document> runtime::document(std::string id, const document_options& how) {
  return engine_->open_document(std::move(id), how);
}

result<std::vector<document_summary>> runtime::documents(const std::string& after,
                                                         std::size_t limit) const {
  return engine_->documents(after, limit);
}

result<std::optional<std::string>> runtime::stored_text(const std::string& id) const {
  return engine_->stored_text(id);
}

result<void> runtime::remove_document(const std::string& id) {
  return engine_->remove_document(id);
}

result<subscription> runtime::on_change(std::function<void(const change&)> callback,
                                        std::optional<std::uint64_t> after_seq) {
  return engine_->on_change(std::move(callback), after_seq);
}

result<change_page> runtime::changes(std::uint64_t after_seq, std::size_t limit) const {
  return engine_->changes(after_seq, limit);
}

int runtime::event_fd() const {
  return engine_->event_fd();
}

result<std::vector<change>> runtime::take_changes(std::size_t limit) {
  return engine_->take_changes(limit);
}

result<void> runtime::start() {
  return engine_->set_started(true);
}

result<void> runtime::stop() {
  return engine_->set_started(false);
}

result<void> runtime::set_network(network_state state) {
  return engine_->set_network(state);
}

result<void> runtime::set_conditions(const machine_conditions& known) {
  return engine_->set_conditions(known);
}

result<sync_report> runtime::sync_now(sync_options how) {
  return engine_->sync_now(how);
}

result<bool> runtime::schedule_job(const job& how, existing_job policy) {
  return engine_->schedule_job(how, policy);
}

result<void> runtime::cancel_job(std::string name) {
  return engine_->cancel_job(std::move(name));
}

result<std::vector<job_status>> runtime::jobs() const {
  return engine_->jobs();
}

result<sync_report> runtime::run_job(std::string name) {
  return engine_->run_job(std::move(name));
}

result<sync_report> runtime::run_until(std::chrono::milliseconds deadline) {
  return engine_->run_until(deadline);
}

result<runtime_status> runtime::status() const {
  return engine_->status();
}

result<explanation> runtime::explain(const std::string& collection, const std::string& id) const {
  return engine_->explain(collection, id);
}

result<std::vector<outbox_entry>> runtime::outbox(std::size_t limit) const {
  return engine_->outbox(limit);
}

result<std::uint64_t> runtime::outbox_retry(std::uint64_t seq) {
  return engine_->manage_outbox(msg::ManageOutbox::RETRY, seq, std::nullopt);
}

result<void> runtime::outbox_discard(std::uint64_t seq) {
  const auto done = engine_->manage_outbox(msg::ManageOutbox::DISCARD, seq, std::nullopt);
  return done ? result<void>{} : result<void>{done.error()};
}

result<std::uint64_t> runtime::outbox_edit(std::uint64_t seq, operation replacement) {
  return engine_->manage_outbox(msg::ManageOutbox::EDIT, seq, std::move(replacement));
}

result<std::vector<conflict_record>> runtime::conflicts() const {
  return engine_->conflicts();
}

result<std::optional<conflict_record>> runtime::conflict(std::uint64_t conflict_id) const {
  return engine_->conflict(conflict_id);
}

result<void> runtime::resolve_conflict(std::uint64_t conflict_id, conflict_choice choice,
                                       std::string body) {
  return engine_->resolve_conflict(conflict_id, choice, std::move(body));
}

result<void> runtime::close(std::chrono::milliseconds deadline) {
  return engine_->close(deadline);
}

} // namespace syncline
