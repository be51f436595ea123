// Snapshots and the writer in memory.

#include "core/ensure.hpp"
#include "storage/kv_memory_cursors.hpp"
#include "storage/kv_memory_state.hpp"

#include <iterator>
#include <utility>

namespace syncline::storage::memory {

namespace {

const std::shared_ptr<memory_table>& pick(const kv_memory_image& image, table_id table) {
  core::ensure(table < image.tables.size(),
               "a table id is an index into the tables of the environment");
  return image.tables[table];
}

std::optional<std::string_view> find_in(const memory_table& table, std::string_view key) {
  const auto entry = table.find(key);
  if (entry == table.end())
    return std::nullopt;
  return entry->second;
}

} // namespace

void snapshot_reader::lease::require_unexpired() const {
  if (number <= state->readers_expired)
    throw kv_error{"snapshot_expired", "this snapshot was open for longer than the store allows; "
                                       "begin a new one"};
}

snapshot_reader::snapshot_reader(std::shared_ptr<store_state> state)
  : lease_{std::make_shared<lease>()}, image_{state->committed()} {
  lease_->number = ++state->readers_begun;
  ++state->readers;
  lease_->state = std::move(state);
}

snapshot_reader::~snapshot_reader() {
  lease_->is_open = false;
  --lease_->state->readers;
}

const memory_table& snapshot_reader::table_of(table_id table) const {
  lease_->require_unexpired();
  return *pick(image_, table);
}

std::optional<std::string_view> snapshot_reader::get(table_id table, std::string_view key) const {
  return find_in(table_of(table), key);
}

std::unique_ptr<kv_cursor> snapshot_reader::cursor(table_id table) const {
  lease_->require_unexpired();
  return std::make_unique<snapshot_cursor>(lease_, pick(image_, table));
}

std::uint64_t snapshot_reader::count(table_id table) const {
  return table_of(table).size();
}

transaction_writer::transaction_writer(std::shared_ptr<store_state> store)
  : state_{std::make_shared<write_state>()} {
  store->writing.emplace();
  store->writing->bytes_before = store->current.bytes;
  state_->store = std::move(store);
}

transaction_writer::~transaction_writer() {
  if (state_->is_open)
    undo();
}

const memory_table& transaction_writer::table_of(table_id table) const {
  core::ensure(state_->is_open, "a writer is not used after its commit");
  return *pick(state_->store->current, table);
}

memory_table& transaction_writer::own_table(table_id table) {
  static_cast<void>(table_of(table));
  ++state_->writes;
  auto& owned = state_->store->current.tables[table];
  if (owned.use_count() > 1)
    owned = std::make_shared<memory_table>(*owned);
  return *owned;
}

std::optional<std::string_view> transaction_writer::get(table_id table,
                                                        std::string_view key) const {
  return find_in(table_of(table), key);
}

std::unique_ptr<kv_cursor> transaction_writer::cursor(table_id table) const {
  return std::make_unique<write_cursor>(state_, table);
}

std::uint64_t transaction_writer::count(table_id table) const {
  return table_of(table).size();
}

void transaction_writer::put(table_id table, std::string_view key, std::string_view value) {
  if (key.empty() || key.size() > kv_key_bytes_max)
    throw kv_error{"bad_key",
                   "keys have 1 to 511 bytes; this one has " + std::to_string(key.size())};
  const auto previous = find_in(table_of(table), key);
  const std::uint64_t before = previous ? key.size() + previous->size() : 0;
  const std::uint64_t after = key.size() + value.size();
  store_state& store = *state_->store;
  const std::uint64_t bytes = store.current.bytes - before + after;
  if (after > before && bytes > store.options.bytes_max)
    throw kv_error{"store_full", "the store is full: " + std::to_string(bytes) +
                                   " bytes would be "
                                   "more than its " +
                                   std::to_string(store.options.bytes_max) +
                                   "; delete items, or open it with a larger map"};
  memory_table& entries = own_table(table);
  const auto [place, is_new] = entries.try_emplace(std::string{key});
  undo_step step{.table = table, .key = place->first, .value = std::nullopt};
  if (!is_new)
    step.value = std::move(place->second);
  place->second.assign(value);
  store.writing->steps.push_back(std::move(step));
  store.current.bytes = bytes;
}

void transaction_writer::append(table_id table, std::string_view key, std::string_view value) {
  const memory_table& entries = table_of(table);
  core::ensure(entries.empty() || std::string_view{std::prev(entries.end())->first} < key ||
                 key.empty(),
               "an appended key is above all others of its table");
  put(table, key, value);
}

bool transaction_writer::erase(table_id table, std::string_view key) {
  if (!find_in(table_of(table), key))
    return false;
  memory_table& entries = own_table(table);
  auto taken = entries.extract(entries.find(key));
  store_state& store = *state_->store;
  store.current.bytes -= taken.key().size() + taken.mapped().size();
  store.writing->steps.push_back(
    undo_step{.table = table, .key = std::move(taken.key()), .value = std::move(taken.mapped())});
  return true;
}

void transaction_writer::clear(table_id table) {
  std::uint64_t bytes = 0;
  for (const auto& [key, value] : table_of(table))
    bytes += key.size() + value.size();
  ++state_->writes;
  store_state& store = *state_->store;
  undo_step step{.table = table, .key = {}, .value = std::nullopt};
  step.whole_table = std::exchange(store.current.tables[table], std::make_shared<memory_table>());
  store.writing->steps.push_back(std::move(step));
  store.current.bytes -= bytes;
}

void transaction_writer::undo() {
  store_state& store = *state_->store;
  for (auto step = store.writing->steps.rbegin(); step != store.writing->steps.rend(); ++step) {
    auto& table = store.current.tables[step->table];
    if (step->whole_table) {
      table = std::move(step->whole_table);
      continue;
    }
    // This table is the writer's alone: it was copied before the step if anybody held it, and a
    // snapshot or image made since then holds a copy without the step.
    if (step->value)
      table->insert_or_assign(std::move(step->key), std::move(*step->value));
    else
      table->erase(step->key);
  }
  store.current.bytes = store.writing->bytes_before;
  store.writing.reset();
  state_->is_open = false;
}

void transaction_writer::fail_commit() {
  store_state& store = *state_->store;
  const std::string code = *std::exchange(store.failing_code, std::nullopt);
  const bool is_unknown = code == "store_io";
  if (is_unknown && store.failing_outcome == failed_commit::applied) {
    ++store.current.transaction;
    store.remember(*std::exchange(store.writing, std::nullopt));
    state_->is_open = false;
  } else {
    undo();
  }
  store.is_unknown = is_unknown;
  throw kv_error{code, is_unknown ? "commit failed; whether the transaction was stored is unknown "
                                    "until the store is opened again"
                                  : "commit failed; nothing of this transaction was stored"};
}

void transaction_writer::commit() {
  core::ensure(state_->is_open, "a writer is not used after its commit");
  store_state& store = *state_->store;
  if (store.failing_code)
    fail_commit();
  ++store.current.transaction;
  store.remember(*std::exchange(store.writing, std::nullopt));
  state_->is_open = false;
}

} // namespace syncline::storage::memory
