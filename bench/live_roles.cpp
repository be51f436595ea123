// Both ends of the fan-out in processes of their own: a crowd of WebSocket subscribers on one
// thread, and the least that a server could do for it.

#include "bench/live_roles.hpp"

#include "bench/child_process.hpp"
#include "bench/support.hpp"
#include "bench/web_socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <unordered_map>

namespace syncline::bench {

namespace {

constexpr std::string_view mark = "\"sent\":";

/// One subscriber: its unread bytes and how many messages it has had.
struct subscriber {
  int socket = -1;
  std::string unread;
  bool greeted = false;
  std::uint64_t messages = 0;
};

class crowd {
public:
  crowd(std::uint16_t port, std::size_t count, std::uint64_t messages)
    : expected_{messages}, poll_{::epoll_create1(EPOLL_CLOEXEC)}, subscribers_(count) {
    const auto request = upgrade_request("/stream");
    for (std::size_t i = 0; i < count; ++i) {
      auto& one = subscribers_[i];
      one.socket = connect_to(port);
      send_all(one.socket, request);
      epoll_event wanted{};
      wanted.events = EPOLLIN;
      wanted.data.u64 = i;
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, one.socket, &wanted);
      if (i % 100 == 99)
        wait(0);
    }
    while (greeted_ < count)
      wait(1000);
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() {
    for (const auto& one : subscribers_)
      ::close(one.socket);
    ::close(poll_);
  }

  /// Until everybody has had every message.
  void listen() {
    while (done_ < subscribers_.size())
      wait(60'000);
  }

  void report() {
    std::vector<double> last_ms; // of each message: when the last subscriber had it
    last_ms.reserve(oldest_ms_.size());
    for (const auto& [sent, age_ms] : oldest_ms_)
      last_ms.push_back(age_ms);
    tell("deliveries", static_cast<double>(ages_ms_.size()));
    tell("seconds", static_cast<double>(last_ns_ - first_ns_) / 1e9);
    tell("p50_ms", quantile(ages_ms_, 0.5));
    tell("p99_ms", quantile(ages_ms_, 0.99));
    tell("last_p99_ms", quantile(last_ms, 0.99));
    tell("bytes", static_cast<double>(bytes_));
    tell("processor_seconds", processor_seconds());
  }

private:
  void wait(int patience_ms) {
    std::array<epoll_event, 512> events{};
    const int ready =
      ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), patience_ms);
    if (ready == 0 && patience_ms == 60'000)
      fail("a subscriber has waited for a minute");
    for (int i = 0; i < ready; ++i)
      read(subscribers_[events[static_cast<std::size_t>(i)].data.u64]);
  }

  void read(subscriber& one) {
    const auto size = ::recv(one.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size == 0)
      fail("the server closed a subscriber");
    if (size < 0)
      return;
    bytes_ += static_cast<std::uint64_t>(size);
    one.unread.append(buffer_.data(), static_cast<std::size_t>(size));
    std::size_t used = 0;
    if (!one.greeted) {
      const auto end = one.unread.find("\r\n\r\n");
      if (end == std::string::npos)
        return;
      one.greeted = true;
      ++greeted_;
      used = end + 4;
    }
    const auto now = monotonic_ns();
    while (const auto frame = take_frame(std::string_view{one.unread}.substr(used), one, now))
      used += frame;
    one.unread.erase(0, used);
  }

  /// Bytes of the first frame; 0 where it is not whole. The server's frames bear no mask.
  std::size_t take_frame(std::string_view bytes, subscriber& one, std::int64_t now) {
    const auto frame = first_frame(bytes);
    const auto found = frame.payload.find(mark);
    if (found == std::string_view::npos)
      return frame.bytes;
    std::int64_t sent = 0;
    const auto digits = frame.payload.substr(found + mark.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), sent);
    const double age_ms = static_cast<double>(now - sent) / 1e6;
    ages_ms_.push_back(age_ms);
    auto& oldest_ms = oldest_ms_[sent];
    oldest_ms = std::max(oldest_ms, age_ms);
    first_ns_ = first_ns_ == 0 ? sent : std::min(first_ns_, sent);
    last_ns_ = now;
    if (++one.messages == expected_)
      ++done_;
    return frame.bytes;
  }

  std::uint64_t expected_;
  int poll_;
  std::vector<subscriber> subscribers_;
  std::array<char, std::size_t{1} << 18> buffer_{};
  std::vector<double> ages_ms_;
  std::unordered_map<std::int64_t, double> oldest_ms_; // by when it was sent
  std::uint64_t bytes_ = 0;
  std::int64_t first_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::size_t greeted_ = 0;
  std::size_t done_ = 0;
};

} // namespace

std::string live_body(std::size_t index, std::int64_t sent_ns) {
  std::string body = R"({"sent":)" + std::to_string(sent_ns) + R"(,"number":)" +
                     std::to_string(index) + R"(,"content":")";
  constexpr std::size_t content_bytes = 160;
  body.append(content_bytes, 'x');
  return body + "\"}";
}

stream_writer::stream_writer(std::uint16_t port) : socket_{connect_to(port)} {
  std::array<char, 4096> answer{};
  send_all(socket_, upgrade_request("/stream"));
  if (::recv(socket_, answer.data(), answer.size(), 0) <= 0)
    fail("the writer was not let in");
}

stream_writer::~stream_writer() {
  ::close(socket_);
}

void stream_writer::write() {
  std::array<char, 4096> ignored{};
  while (::recv(socket_, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0)
    ;
  auto data = live_body(written_, monotonic_ns());
  data.replace(0, 1, R"({"id":"s)" + std::to_string(written_++) + R"(",)");
  const auto message = R"({"type":"item_created","data":)" + data + "}";
  send_all(socket_, client_frame(message, true));
}

int subscribe(const std::vector<std::string>& arguments) {
  allow_many_files();
  crowd all{static_cast<std::uint16_t>(std::stoul(arguments[0])), std::stoul(arguments[1]),
            std::stoull(arguments[2])};
  tell("ready", 1);
  if (arguments[2] == "0")
    ::pause(); // Idle, until it is ended.
  all.listen();
  all.report();
  return 0;
}

int fan_out(const std::vector<std::string>& arguments) {
  allow_many_files();
  const std::size_t count = std::stoul(arguments[0]);
  const std::size_t messages = std::stoul(arguments[1]);
  const int door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(door, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(door, 4096) != 0)
    fail("the floor cannot listen");
  ::getsockname(door, reinterpret_cast<sockaddr*>(&address), &size);
  tell("port", ntohs(address.sin_port));
  std::vector<int> peers;
  std::array<char, 1024> asked{};
  constexpr std::string_view welcome = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  while (peers.size() < count) {
    const int peer = ::accept(door, nullptr, nullptr);
    const int at_once = 1;
    ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (::recv(peer, asked.data(), asked.size(), 0) <= 0 ||
        ::send(peer, welcome.data(), welcome.size(), MSG_NOSIGNAL) < 0)
      fail("a subscriber of the floor vanished");
    peers.push_back(peer);
  }
  for (std::size_t i = 0; i < messages; ++i) {
    const auto body = R"({"type":"item_created","data":)" + live_body(i, monotonic_ns()) + "}";
    std::string frame{"\x81\x7e"};
    frame += static_cast<char>(body.size() >> 8);
    frame += static_cast<char>(body.size() & 0xff);
    frame += body;
    for (const int peer : peers)
      if (::send(peer, frame.data(), frame.size(), MSG_NOSIGNAL) < 0)
        fail("a subscriber of the floor vanished");
  }
  for (const int peer : peers)
    while (::recv(peer, asked.data(), asked.size(), 0) > 0)
      ;
  return 0;
}

} // namespace syncline::bench
