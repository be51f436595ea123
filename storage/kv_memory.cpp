#include "storage/kv_memory.hpp"

#include "core/ensure.hpp"
#include "storage/kv_memory_state.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace syncline::storage {

namespace memory {

void roll_back(kv_memory_image& image, const undo_log& log) {
  std::vector<bool> is_copied(image.tables.size(), false);
  for (const auto& step : std::views::reverse(log.steps)) {
    auto& table = image.tables[step.table];
    if (step.whole_table) {
      table = step.whole_table;
      is_copied[step.table] = false;
      continue;
    }
    if (!is_copied[step.table]) {
      table = std::make_shared<memory_table>(*table);
      is_copied[step.table] = true;
    }
    if (step.value)
      table->insert_or_assign(step.key, *step.value);
    else
      table->erase(step.key);
  }
  image.bytes = log.bytes_before;
}

kv_memory_image store_state::committed() const {
  kv_memory_image image = current;
  if (writing)
    roll_back(image, *writing);
  return image;
}

std::size_t store_state::losable() const {
  switch (options.durable) {
  case durability::full:
    return 0;
  case durability::consistent:
    return std::min<std::size_t>(unsynced.size(), 1);
  case durability::process:
    break;
  }
  return unsynced.size();
}

void store_state::remember(undo_log log) {
  if (options.durable == durability::full)
    return;
  unsynced.push_back(std::move(log));
  const std::size_t kept =
    options.durable == durability::consistent ? 1 : memory_environment::unsynced_max;
  if (unsynced.size() > kept)
    unsynced.pop_front();
}

void store_state::require_known() const {
  if (is_unknown)
    throw kv_error{"store_io", "the outcome of an earlier commit is unknown; open the store again "
                               "and look"};
}

} // namespace memory

memory_environment::memory_environment(memory_options options)
  : memory_environment{std::move(options), kv_memory_image{}} {}

memory_environment::memory_environment(memory_options options, const kv_memory_image& image)
  : state_{std::make_shared<memory::store_state>()} {
  core::ensure(image.tables.size() <= options.tables.size(),
               "an image is opened with at least the tables that it has");
  state_->options = std::move(options);
  state_->current = image;
  state_->current.tables.resize(state_->options.tables.size());
  for (auto& table : state_->current.tables)
    if (!table)
      table = std::make_shared<memory_table>();
}

memory_environment::~memory_environment() = default;

std::unique_ptr<kv_reader> memory_environment::begin_read() {
  state_->require_known();
  if (state_->readers >= state_->options.readers_max)
    throw kv_error{"too_many_readers", std::to_string(state_->readers) +
                                         " snapshots are open, which is the limit; end those that "
                                         "are not needed"};
  return std::make_unique<memory::snapshot_reader>(state_);
}

std::unique_ptr<kv_writer> memory_environment::begin_write() {
  state_->require_known();
  core::ensure(!state_->writing, "a write transaction ends before the next begins");
  return std::make_unique<memory::transaction_writer>(state_);
}

kv_usage memory_environment::usage() {
  const kv_memory_image last = state_->committed();
  return kv_usage{.map_bytes = state_->options.bytes_max,
                  .used_bytes = last.bytes,
                  .file_bytes = last.bytes,
                  .readers = state_->readers,
                  .readers_max = state_->options.readers_max,
                  .last_transaction = last.transaction};
}

std::uint64_t memory_environment::clear_stale_readers() {
  return 0;
}

kv_memory_image memory_environment::image() const {
  return state_->committed();
}

kv_memory_image memory_environment::crash_image(std::uint64_t choice) const {
  kv_memory_image image = state_->committed();
  const std::uint64_t lost = choice % crash_choices();
  for (std::uint64_t commit = 0; commit < lost; ++commit)
    memory::roll_back(image, state_->unsynced[state_->unsynced.size() - 1 - commit]);
  image.transaction -= lost;
  return image;
}

std::uint64_t memory_environment::crash_choices() const {
  return state_->losable() + 1;
}

void memory_environment::sync() {
  state_->unsynced.clear();
}

void memory_environment::fail_next_commit(std::string code, failed_commit outcome) {
  core::ensure(outcome == failed_commit::lost || code == "store_io",
               "only store_io leaves the outcome of a commit open");
  state_->failing_code.reset();
  if (!code.empty())
    state_->failing_code = std::move(code);
  state_->failing_outcome = outcome;
}

void memory_environment::limit_bytes(std::uint64_t bytes_max) {
  state_->options.bytes_max = bytes_max;
}

void memory_environment::expire_snapshots() {
  state_->readers_expired = state_->readers_begun;
}

} // namespace syncline::storage
