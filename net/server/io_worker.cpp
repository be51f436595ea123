#include "net/server/http_connection.hpp"
#include "net/server/live_connection.hpp"

#include <algorithm>
#include <utility>

namespace syncline::net {

namespace {

using boost::system::error_code;
using clock = io_clock;

constexpr std::size_t refused_at_once_max = 64; // connections told 503 at the same time

// A copy, because closing takes connections out of the table.
template <class Connection>
std::vector<std::shared_ptr<Connection>>
all_of(const std::unordered_map<std::uint64_t, std::shared_ptr<Connection>>& table) {
  std::vector<std::shared_ptr<Connection>> listed;
  listed.reserve(table.size());
  for (const auto& [id, each] : table)
    listed.push_back(each);
  return listed;
}

} // namespace

void io_worker::add(stream_socket socket) {
  const auto limit = state.settings.connections_max;
  const auto reserved = state.settings.requests_reserved;
  const auto open = state.open.load();
  const auto id = ++state.accepted;
  // What comes after the server began to stop, or far over the limit, is closed without a word.
  if (state.stopping || open >= limit + reserved + refused_at_once_max) {
    state.refused += 1;
    return;
  }
  state.open += 1;
  const auto made = std::make_shared<connection>(*this, id, std::move(socket));
  connections_.emplace(id, made);
  if (!std::exchange(sweeping_, true))
    sweep();
  // A server that is full of live connections can still be written to, and asked how it is.
  made->start(open < limit || open - std::min(open, state.live.load()) < reserved);
}

void io_worker::remove(std::uint64_t id) {
  connections_.erase(id);
  count_out();
}

void io_worker::add_live(std::uint64_t id, const std::shared_ptr<live_connection>& made) {
  live_.emplace(id, made);
  state.live += 1;
  connections_.erase(id);
  made->start();
}

void io_worker::remove_live(std::uint64_t id) {
  if (live_.erase(id) != 0)
    state.live -= 1;
  count_out();
}

void io_worker::count_out() {
  if (--state.open == 0) {
    const std::lock_guard lock{state.empty_mutex};
    state.empty.notify_all();
  }
}

// One timer looks at all connections, so that a request costs no timer of its own.
void io_worker::sweep() {
  const auto& settings = state.settings;
  const auto shortest =
    std::min({settings.head_timeout, settings.body_idle_timeout, settings.keep_alive_timeout,
              settings.linger_timeout, settings.live_ping_after, settings.live_silence_max,
              settings.live_comment_after, settings.live_close_max});
  timer_.expires_after(
    std::clamp(shortest / 4, std::chrono::milliseconds{5}, std::chrono::milliseconds{500}));
  timer_.async_wait([this](error_code error) {
    sweeping_ = !error && !(connections_.empty() && live_.empty());
    if (!sweeping_)
      return;
    const auto now = clock::now();
    for (const auto& each : all_of(connections_))
      each->on_time(now);
    for (const auto& each : all_of(live_))
      each->on_time(now);
    sweep();
  });
}

void io_worker::publish(std::shared_ptr<const publication> published) {
  published_.push_back(std::move(published));
  if (published_.size() == 1)
    asio::post(context, [this] { deliver_published(); });
}

void io_worker::deliver_published() {
  std::vector<std::shared_ptr<live_connection>> touched;
  const auto arrived = std::exchange(published_, {});
  for (const auto& published : arrived) {
    const auto gone = topics.publish(*published, [&](std::uint64_t id, const shared_bytes& bytes) {
      const auto found = live_.find(id);
      if (found == live_.end() || !found->second->deliver(bytes))
        return false;
      touched.push_back(found->second);
      return true;
    });
    for (const auto& each : gone)
      if (const auto found = live_.find(each.follower); found != live_.end())
        found->second->leave(published->topic, each.position);
  }
  for (const auto& each : touched)
    each->flush(); // Again for one that got several: nothing is left then.
}

void io_worker::end_topic(const std::string& topic) {
  deliver_published(); // Among what waits may be the last of it.
  topics.end(topic);
}

void io_worker::drop_live() {
  for (const auto& each : all_of(live_))
    each->go_away();
}

void io_worker::close_idle() {
  for (const auto& each : all_of(connections_))
    each->close_if_idle();
  drop_live();
}

void io_worker::close_all() {
  for (const auto& each : all_of(connections_))
    each->close();
  for (const auto& each : all_of(live_))
    each->close();
  timer_.cancel();
}

} // namespace syncline::net
