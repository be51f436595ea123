#include "bench/editors.hpp"

#include "bench/support.hpp"
#include "bench/web_socket.hpp"
#include "net/protocol/document_client.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>
#include <utility>

namespace syncline::bench {

namespace {

namespace ot = core::ot;

ot::client_document document_of(std::string client) {
  ot::client_document made;
  made.client = std::move(client);
  return made;
}

} // namespace

// --- One editor

editor::editor(std::uint16_t port, std::string target, const std::string& client)
  : port_{port}, target_{std::move(target)}, session_{document_of(client)},
    nonce_{std::hash<std::string>{}(client + target_)} {}

editor::~editor() {
  disconnect();
}

void editor::connect() {
  socket_ = connect_to(port_);
  is_greeted_ = false;
  unread_.clear();
  send_all(socket_, upgrade_request(target_, "syncline.v1"));
  static_cast<void>(session_.connected());
  send_all(socket_, client_frame(net::join_frame(session_), false));
}

void editor::disconnect() {
  if (socket_ >= 0)
    ::close(std::exchange(socket_, -1));
  session_.disconnected();
}

void editor::type(std::uint64_t place, std::string_view inserted) {
  ot::operation typed;
  typed.retain(static_cast<std::uint32_t>(place));
  typed.insert(inserted);
  typed.retain(static_cast<std::uint32_t>(session_.shown().length() - place));
  if (!session_.edit(typed, 0))
    fail("an edit does not fit its text");
  static_cast<void>(session_.take_unstored()); // Nothing is stored here.
  if (session_.to_send(++nonce_))
    send();
}

void editor::send() {
  if (const auto sent = session_.operation_message()) {
    sent_ns_ = monotonic_ns();
    send_all(socket_, client_frame(net::operation_frame(*sent), false));
  }
}

bool editor::read() {
  std::array<char, std::size_t{1} << 16U> buffer{};
  const auto size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size == 0)
    fail("the server closed an editor");
  if (size < 0)
    return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(size));
  std::size_t used = 0;
  if (!is_greeted_) {
    const auto end = unread_.find("\r\n\r\n");
    if (end == std::string::npos)
      return false;
    if (!unread_.starts_with("HTTP/1.1 101"))
      fail("an editor was not let in: " + unread_.substr(0, end));
    is_greeted_ = true;
    used = end + 4;
  }
  was_acknowledged_ = false;
  const std::string_view all{unread_};
  for (auto frame = first_frame(all.substr(used)); frame.bytes != 0;
       frame = first_frame(all.substr(used))) {
    hear(frame.payload);
    used += frame.bytes;
  }
  unread_.erase(0, used);
  session_.history().begin_at(session_.history().version()); // Nobody asks for it.
  static_cast<void>(session_.take_unstored());
  return was_acknowledged_;
}

void editor::hear(std::string_view message) {
  auto said = net::read_document_reply(message);
  if (!said)
    fail(said.error().message);
  const bool was_waiting = session_.parts().outstanding().has_value();
  ot::client_effects effects;
  if (const auto* whole = std::get_if<ot::snapshot_message>(&*said))
    effects = session_.on_snapshot(*whole);
  else if (const auto* joined = std::get_if<net::document_joined>(&*said))
    effects = session_.on_joined(joined->revision, joined->epoch, joined->attempt);
  else if (const auto* others = std::get_if<ot::logged_operation>(&*said))
    effects = session_.on_operation(*others);
  else if (const auto* ack = std::get_if<net::document_ack>(&*said))
    effects = session_.on_ack(ack->revision, ack->seq, ack->nonce, ack->start);
  else if (const auto* nack = std::get_if<net::document_nack>(&*said))
    fail("an edit was refused: " + nack->why.message);
  else if (std::holds_alternative<net::document_resync>(*said))
    fail("an editor had to begin anew");
  if (effects.join)
    fail("an editor missed something");
  if (was_waiting && !session_.parts().outstanding())
    was_acknowledged_ = true;
  if (session_.to_send(++nonce_) || effects.send)
    send();
}

// --- All of them

editor_crowd::editor_crowd(std::string name)
  : name_{std::move(name)}, poll_{::epoll_create1(EPOLL_CLOEXEC)} {
  allow_many_files();
}

editor_crowd::~editor_crowd() {
  ::close(poll_);
}

void editor_crowd::watch(std::size_t index) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = index;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, editors_[index]->socket(), &wanted);
}

editor& editor_crowd::add(std::uint16_t port, const std::string& target) {
  const auto index = editors_.size();
  editors_.push_back(std::make_unique<editor>(port, target, name_ + std::to_string(index)));
  auto& made = *editors_.back();
  made.connect();
  watch(index);
  while (!made.session().is_joined())
    wait(10'000);
  return made;
}

void editor_crowd::connect_again(editor& which) {
  which.connect();
  for (std::size_t i = 0; i < editors_.size(); ++i)
    if (editors_[i].get() == &which)
      watch(i);
}

void editor_crowd::wait(int patience_ms, const std::function<void(std::size_t)>& acknowledged) {
  std::array<epoll_event, 512> events{};
  const int ready =
    ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), patience_ms);
  constexpr int too_long_ms = 10'000;
  if (ready == 0 && patience_ms >= too_long_ms)
    fail("an editor waits for ever");
  for (int i = 0; i < ready; ++i) {
    const auto index = events[static_cast<std::size_t>(i)].data.u64;
    if (editors_[index]->read() && acknowledged)
      acknowledged(index);
  }
}

void editor_crowd::settle() {
  const auto is_settled = [&] {
    for (const auto& each : editors_)
      if (!each->session().is_synchronized())
        return false;
    return true;
  };
  while (!is_settled())
    wait(10'000);
  constexpr int quiet_ms = 300;
  for (auto before = monotonic_ns(); monotonic_ns() - before < quiet_ms * 1'000'000;)
    wait(quiet_ms);
}

} // namespace syncline::bench
