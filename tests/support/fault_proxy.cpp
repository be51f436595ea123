#include "tests/support/fault_proxy.hpp"

#include "tests/support/http_framing.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace syncline::tests {
namespace {

constexpr std::size_t message_bytes_max = std::size_t{64} << 20;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint64_t mix_bits(std::uint64_t value) {
  // The finaliser of splitmix64 (Steele, Lea, Flood 2014): neighbouring numbers come out unrelated.
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

double unit_interval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

} // namespace

descriptor::~descriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

fault_proxy::fault_proxy(std::uint16_t server_port, std::uint64_t seed, fault_mix mix)
  : seed_{seed}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
    stop_event_{::eventfd(0, EFD_CLOEXEC)}, server_port_{server_port}, mix_{mix} {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  const bool listening =
    listener_ && stop_event_ &&
    ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
    ::listen(listener_.get(), SOMAXCONN) == 0 &&
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (!listening)
    throw std::runtime_error{std::string{"fault proxy cannot listen: "} + std::strerror(errno)};
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread{[this] { accept_all(); }};
}

fault_proxy::~fault_proxy() {
  stop();
}

void fault_proxy::set_server_port(std::uint16_t port) {
  const std::lock_guard lock{mutex_};
  server_port_ = port;
}

void fault_proxy::set_mix(const fault_mix& mix) {
  const std::lock_guard lock{mutex_};
  mix_ = mix;
}

void fault_proxy::script(fault_step step) {
  const std::lock_guard lock{mutex_};
  script_.push_back(step);
}

void fault_proxy::set_hooks(exchange_hooks hooks) {
  const std::lock_guard lock{mutex_};
  hooks_ = std::move(hooks);
}

void fault_proxy::release() {
  const std::lock_guard lock{mutex_};
  ++releases_;
  changed_.notify_all();
}

std::uint64_t fault_proxy::count(fault kind) const {
  const std::lock_guard lock{mutex_};
  return counts_.at(static_cast<std::size_t>(kind));
}

std::uint64_t fault_proxy::connections() const {
  const std::lock_guard lock{mutex_};
  return connections_;
}

void fault_proxy::stop() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(stopping_, true))
      return;
    changed_.notify_all();
  }
  const std::uint64_t one = 1;
  if (::write(stop_event_.get(), &one, sizeof one) != sizeof one)
    std::terminate(); // The threads below would never end.
  acceptor_.join();
  for (auto& each : runners_)
    each.thread.join();
}

void fault_proxy::accept_all() {
  while (wait_for(listener_.get(), POLLIN)) {
    descriptor socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    runners_.remove_if([](runner& each) {
      const bool finished = each.finished;
      if (finished)
        each.thread.join();
      return finished;
    });
    if (!socket)
      continue;
    const int on = 1;
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client peer;
    peer.socket = std::move(socket);
    {
      const std::lock_guard lock{mutex_};
      peer.number = connections_++;
    }
    auto& started = runners_.emplace_back();
    started.thread = std::thread{[this, &started, owned = std::move(peer)]() mutable {
      serve(owned);
      started.finished = true;
    }};
  }
}

void fault_proxy::serve(client& peer) {
  for (std::uint64_t number = 0;; ++number) {
    bool stream = false;
    const auto request = read_message(peer.socket.get(), peer.unread, false, false, stream);
    if (!request || !exchange(peer, *request, next_step(peer.number, number, *request)))
      return;
  }
}

fault_step fault_proxy::next_step(std::uint64_t connection, std::uint64_t number,
                                  const std::string& request) {
  std::unique_lock lock{mutex_};
  const auto bits = mix_bits(seed_ ^ mix_bits(connection ^ mix_bits(number)));
  fault_step step;
  if (!script_.empty()) {
    step = script_.front();
    script_.pop_front();
  } else if (const auto choose = hooks_.choose) {
    lock.unlock(); // The hook may take its time.
    step = choose(request, bits);
    lock.lock();
  } else {
    step = drawn_step(bits);
  }
  ++counts_.at(static_cast<std::size_t>(step.kind));
  return step;
}

fault_step fault_proxy::drawn_step(std::uint64_t bits) const {
  fault_step step;
  double left = unit_interval(bits);
  const std::array<std::pair<double, fault>, 6> choices{
    {{mix_.drop_request, fault::drop_request},
     {mix_.drop_response, fault::drop_response},
     {mix_.duplicate_request, fault::duplicate_request},
     {mix_.delay, fault::delay},
     {mix_.cut_request, fault::cut_request},
     {mix_.cut_response, fault::cut_response}}};
  for (const auto& [probability, kind] : choices) {
    if (left >= 0 && left < probability)
      step.kind = kind;
    left -= probability;
  }
  const auto measure = mix_bits(bits);
  step.cut_at = measure % (mix_.cut_max + 1);
  step.delay =
    std::chrono::milliseconds{measure % (static_cast<std::uint64_t>(mix_.delay_max.count()) + 1)};
  return step;
}

void fault_proxy::tell_ended(const std::string& request, fault kind,
                             const std::string* reply) const {
  std::unique_lock lock{mutex_};
  const auto ended = hooks_.ended;
  lock.unlock();
  if (ended)
    ended(request, kind, reply);
}

// Returns whether the client's connection goes on.
bool fault_proxy::exchange(client& peer, const std::string& request, const fault_step& step) {
  if (step.kind == fault::drop_request)
    return false;
  if (step.kind == fault::delay)
    pause(step.delay);
  if (step.kind == fault::hold)
    wait_released();
  if (!peer.server)
    peer.server = connect_server();
  if (!peer.server)
    return false;
  if (step.kind == fault::cut_request) {
    // Whether the server still listens makes no difference: the exchange ends here.
    (void)write_all(peer.server.get(), std::string_view{request}.substr(0, step.cut_at));
    return false;
  }
  descriptor second;
  if (step.kind == fault::duplicate_request) {
    second = connect_server();
    if (second && !write_all(second.get(), request))
      return false;
  }
  const bool goes_on = forward(peer, request, step);
  if (second) {
    std::string unread;
    bool stream = false;
    (void)read_message(second.get(), unread, true, request.starts_with("HEAD "), stream);
  }
  return goes_on;
}

bool fault_proxy::forward(client& peer, const std::string& request, const fault_step& step) {
  bool stream = false;
  const bool head_request = request.starts_with("HEAD ");
  std::optional<std::string> reply;
  if (write_all(peer.server.get(), request))
    reply = read_message(peer.server.get(), peer.unread_reply, true, head_request, stream);
  tell_ended(request, step.kind, reply ? &*reply : nullptr);
  if (!reply || step.kind == fault::drop_response)
    return false;
  const bool cut = step.kind == fault::cut_response;
  if (stream)
    return tunnel(peer, std::move(*reply),
                  cut ? step.cut_at : std::numeric_limits<std::size_t>::max());
  if (cut) {
    (void)write_all(peer.socket.get(), std::string_view{*reply}.substr(0, step.cut_at));
    return false;
  }
  const bool closes =
    lower(reply->substr(0, reply->find("\r\n\r\n"))).find("\r\nconnection: close") !=
    std::string::npos;
  return write_all(peer.socket.get(), *reply) && !closes;
}

// Passes bytes both ways until one side closes or `limit` bytes went to the client.
bool fault_proxy::tunnel(client& peer, std::string head, std::size_t limit) {
  std::string down = std::move(head) + std::exchange(peer.unread_reply, {});
  std::string up = std::exchange(peer.unread, {});
  for (;;) {
    const auto allowed = std::min(down.size(), limit);
    limit -= allowed;
    const bool cut = allowed < down.size() || limit == 0;
    if (!write_all(peer.socket.get(), std::string_view{down}.substr(0, allowed)) || cut ||
        !write_all(peer.server.get(), up))
      return false;
    down.clear();
    up.clear();
    std::array<pollfd, 3> waited{{{peer.socket.get(), POLLIN, 0},
                                  {peer.server.get(), POLLIN, 0},
                                  {stop_event_.get(), POLLIN, 0}}};
    if (::poll(waited.data(), waited.size(), -1) < 0 || waited[2].revents != 0)
      return false;
    if (waited[0].revents != 0 && !read_more(peer.socket.get(), up))
      return false;
    if (waited[1].revents != 0 && !read_more(peer.server.get(), down))
      return false;
  }
}

// One message, with its head; of a stream only the head. Nothing where the peer closed before its
// end, unless closing is what ends it.
std::optional<std::string> fault_proxy::read_message(int fd, std::string& unread, bool reply,
                                                     bool head_request, bool& stream) {
  for (;;) {
    std::size_t head = 0;
    while ((head = unread.find("\r\n\r\n")) == std::string::npos)
      if (unread.size() > message_bytes_max || !read_more(fd, unread))
        return std::nullopt;
    head += 4;
    const auto frame = frame_of(std::string_view{unread}.substr(0, head), reply, head_request);
    if (frame.expects_continue && !write_all(fd, "HTTP/1.1 100 Continue\r\n\r\n"))
      return std::nullopt;
    stream = frame.stream;
    std::optional<std::size_t> size;
    while (!size) {
      const auto body = std::string_view{unread}.substr(head);
      if (frame.chunked)
        size = chunked_size(body);
      else if (!frame.until_close && body.size() >= frame.length)
        size = frame.length;
      if (size || unread.size() > message_bytes_max)
        break;
      if (!read_more(fd, unread)) {
        if (!frame.until_close)
          return std::nullopt;
        size = unread.size() - head;
      }
    }
    if (!size)
      return std::nullopt;
    auto message = unread.substr(0, head + *size);
    unread.erase(0, head + *size);
    if (!frame.interim)
      return message;
  }
}

bool fault_proxy::read_more(int fd, std::string& into) {
  std::array<char, 16 << 10> buffer{};
  if (!wait_for(fd, POLLIN))
    return false;
  const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (size <= 0)
    return false;
  into.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

bool fault_proxy::write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(fd, POLLOUT))
      return false;
    const auto size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN)
      return false;
    bytes.remove_prefix(size < 0 ? 0 : static_cast<std::size_t>(size));
  }
  return true;
}

// False once the proxy stops.
bool fault_proxy::wait_for(int fd, short events) {
  std::array<pollfd, 2> waited{{{fd, events, 0}, {stop_event_.get(), POLLIN, 0}}};
  while (::poll(waited.data(), waited.size(), -1) < 0)
    if (errno != EINTR)
      return false;
  return waited[1].revents == 0;
}

descriptor fault_proxy::connect_server() {
  std::uint16_t port = 0;
  {
    const std::lock_guard lock{mutex_};
    port = server_port_;
  }
  descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = loopback(port);
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

void fault_proxy::wait_released() {
  std::unique_lock lock{mutex_};
  const auto before = releases_;
  changed_.wait(lock, [this, before] { return stopping_ || releases_ != before; });
}

void fault_proxy::pause(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  (void)changed_.wait_for(lock, time, [this] { return stopping_; });
}

} // namespace syncline::tests
