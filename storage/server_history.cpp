#include "storage/server_history.hpp"

#include "storage/keys.hpp"

#include <algorithm>

namespace syncline::storage {

void start_register::add(std::string space, std::vector<msg::StartRecord> own) {
  const std::lock_guard lock{mutex_};
  std::vector<msg::StartRecord> all;
  if (const auto idle = by_space_.find(idle_space); idle != by_space_.end() && !own.empty()) {
    const auto first_own =
      std::find_if(idle->second->begin(), idle->second->end(),
                   [&](const auto& record) { return record.start() == own.front().start(); });
    if (first_own != idle->second->end() && own.front().first_seq() == 1)
      all.assign(idle->second->begin(), first_own);
  }
  all.insert(all.end(), own.begin(), own.end());
  by_space_[std::move(space)] =
    std::make_shared<const std::vector<msg::StartRecord>>(std::move(all));
}

bool start_register::knows(std::string_view space) const {
  const std::lock_guard lock{mutex_};
  return by_space_.find(space) != by_space_.end();
}

core::server_history start_register::history(std::string_view space,
                                             const record_reader& records) const {
  core::server_history history;
  history.epoch = epoch_;
  msg::SpaceState state;
  records.message(server_table::spaces, space, state);
  history.head_seq = state.head_seq();
  const std::lock_guard lock{mutex_};
  auto found = by_space_.find(space);
  if (found == by_space_.end())
    found = by_space_.find(idle_space);
  if (found != by_space_.end())
    history.starts = *found->second;
  return history;
}

std::uint64_t start_of(const core::server_history& history, std::uint64_t seq) {
  std::uint64_t start = history.starts.empty() ? 0 : history.starts.front().start();
  for (const auto& record : history.starts)
    if (record.first_seq() <= seq)
      start = record.start();
  return start;
}

msg::Cursor cursor_at(const core::server_history& history, const std::string& collection,
                      msg::Cursor::Phase phase, std::uint64_t seq) {
  msg::Cursor cursor;
  cursor.set_epoch(history.epoch);
  cursor.set_start(start_of(history, seq));
  cursor.set_phase(phase);
  cursor.set_seq(seq);
  cursor.set_collection(collection);
  return cursor;
}

msg::ErrorReply expired(const core::server_history& history, core::place_problem problem) {
  msg::ErrorReply reply;
  reply.set_code("cursor_expired");
  reply.set_reason(std::string{core::to_string(problem)});
  reply.set_message("this server's history does not hold what the client has seen (" +
                    reply.reason() + "); start again without a cursor");
  reply.set_epoch(history.epoch);
  reply.set_start(history.start());
  return reply;
}

} // namespace syncline::storage
