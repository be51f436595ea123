#include "tests/runtime/bad_server_support.hpp"

#include "tests/support/http_framing.hpp"

#include <algorithm>
#include <tuple>

namespace syncline::tests {

namespace {

// Behind another reply the connection ends, since nothing else says where that reply does.
bool is_whole(const std::string& reply) {
  const auto head_end = reply.find("\r\n\r\n");
  if (head_end == std::string::npos)
    return false;
  const auto frame = frame_of(std::string_view{reply}.substr(0, head_end + 4), true, false);
  return !frame.until_close && reply.size() - head_end - 4 >= frame.length;
}

auto fields_of(const item& one) {
  return std::tie(one.id, one.body, one.version, one.last_modified_ms, one.state);
}

} // namespace

lying_front::lying_front(std::uint16_t server_port)
  : server_port_{server_port}, front_{[this](std::size_t, const std::string& request) {
      return answer(request);
    }} {}

void lying_front::tell_truth() {
  const std::lock_guard lock{mutex_};
  forge_ = nullptr;
}

void lying_front::lie(forgery forge, bool asks_server) {
  const std::lock_guard lock{mutex_};
  forge_ = std::move(forge);
  asks_server_ = asks_server;
}

canned_server::answer lying_front::answer(const std::string& request) {
  std::unique_lock lock{mutex_};
  const auto forge = forge_;
  const bool asks_server = asks_server_ || !forge;
  lock.unlock();
  std::string reply;
  if (asks_server) {
    raw_client upstream{server_port_};
    (void)upstream.send(request);
    reply = upstream.read_reply();
  }
  auto bytes = forge ? forge(request, reply) : reply;
  const bool ends_here = !is_whole(bytes);
  return {std::move(bytes), ends_here};
}

bool operator==(const device_state& left, const device_state& right) {
  const auto numbers = [](const device_state& one) {
    return std::tie(one.cursor_seq, one.walking, one.head_seq, one.waiting, one.acknowledged,
                    one.quarantined, one.conflicts);
  };
  return numbers(left) == numbers(right) &&
         std::equal(left.items.begin(), left.items.end(), right.items.begin(), right.items.end(),
                    [](const item& a, const item& b) { return fields_of(a) == fields_of(b); });
}

device_state state_of(const runtime& one) {
  const auto status = value_or_fail(one.status());
  BOOST_REQUIRE(status.collections.size() == 1U);
  device_state state;
  state.items = value_or_fail(one.list("notes"));
  state.cursor_seq = status.collections[0].cursor_seq;
  state.walking = status.collections[0].walking;
  state.head_seq = status.head_seq;
  state.waiting = status.waiting;
  state.acknowledged = status.acknowledged;
  state.quarantined = status.quarantined;
  state.conflicts = status.conflicts_kept;
  return state;
}

half_synced::half_synced(device_past past) : past_{past} {
  elsewhere_ = open_or_fail(test_options(other_, server_.url()));
  for (const char* id : {"changed", "counted", "removed", "same"})
    value_or_fail(elsewhere_->put("notes", id, R"({"n":1})"));
  sync_or_fail(*elsewhere_);
  device_ = open_or_fail(test_options(own_, front_.url()));
  if (past != device_past::was_born)
    sync_or_fail(*device_);
  value_or_fail(elsewhere_->put("notes", "changed", R"({"n":2})"));
  value_or_fail(elsewhere_->put("notes", "new", R"({"n":3})"));
  value_or_fail(elsewhere_->remove("notes", "removed"));
  sync_or_fail(*elsewhere_);
  if (past == device_past::wrote) {
    value_or_fail(device_->put("notes", "mine", R"({"n":4})"));
    value_or_fail(device_->increment("notes", "counted", "n", std::int64_t{1}));
  }
  before_ = state_of(*device_);
}

void half_synced::check_nothing_taken(const std::string& name, const std::string& code) {
  const auto report = value_or_fail(device_->sync_now({.attempts_max = 1, .timeout = patience}));
  BOOST_TEST(!report.success, name);
  BOOST_TEST(report.error.code == code,
             name << ": " << report.error.code << ": " << report.error.message);
  BOOST_TEST((state_of(*device_) == before_), name);
  const auto status = value_or_fail(device_->status());
  const auto& half = past_ == device_past::wrote ? status.outbox : status.poll;
  BOOST_TEST(half.failures_in_a_row > 0U, name);
  BOOST_TEST(half.last_error.code == code, name);
  BOOST_TEST(status.last_error.code == code, name);
  BOOST_TEST(status.last_error.message.size() > 10U, name << ": " << status.last_error.message);
}

void half_synced::check_heals() {
  front_.tell_truth();
  sync_or_fail(*device_);
  sync_or_fail(*elsewhere_);
  const auto ours = value_or_fail(device_->list("notes"));
  const auto theirs = value_or_fail(elsewhere_->list("notes"));
  BOOST_TEST(std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                        [](const item& a, const item& b) { return fields_of(a) == fields_of(b); }));
  const bool wrote = past_ == device_past::wrote;
  BOOST_TEST(ours.size() == (wrote ? 5U : 4U));
  BOOST_TEST(body_of(*device_, "changed") == R"({"n":2})");
  BOOST_TEST(body_of(*device_, "new") == R"({"n":3})");
  BOOST_TEST(body_of(*device_, "removed") == "");
  BOOST_TEST(body_of(*device_, "mine") == (wrote ? R"({"n":4})" : ""));
  BOOST_TEST(body_of(*device_, "counted") == (wrote ? R"({"n":2})" : R"({"n":1})"));
  const auto status = value_or_fail(device_->status());
  BOOST_TEST(status.last_error.code == "");
  BOOST_TEST(status.waiting == 0U);
  BOOST_TEST(status.quarantined == 0U);
  BOOST_TEST(status.conflicts_kept == 0U);
}

std::string reply_bytes(int status, std::string_view type, std::string_view body,
                        std::string_view headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Some Words\r\nContent-Type: " + std::string{type} + "\r\n" + std::string{headers} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

std::string body_of_reply(const std::string& reply) {
  return reply.substr(reply.find("\r\n\r\n") + 4);
}

std::string with_body(const std::string& reply, std::string_view body) {
  constexpr std::string_view name = "Content-Length: ";
  auto head = reply.substr(0, reply.find("\r\n\r\n") + 4);
  const auto at = head.find(name) + name.size();
  head.replace(at, head.find('\r', at) - at, std::to_string(body.size()));
  return head + std::string{body};
}

} // namespace syncline::tests
