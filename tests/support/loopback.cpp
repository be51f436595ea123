#include "tests/support/loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace syncline::tests {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::pair<descriptor, std::uint16_t> bound_socket() {
  descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (!socket || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error{"no loopback port to be had"};
  return {std::move(socket), ntohs(address.sin_port)};
}

// The value of Content-Length in a head, 0 without one.
std::size_t content_length(std::string_view head) {
  for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
    const auto at = head.find(name);
    std::size_t length = 0;
    if (at == std::string_view::npos)
      continue;
    (void)std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
    return length;
  }
  return 0;
}

} // namespace

raw_client::raw_client() : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {}

raw_client::raw_client(std::uint16_t port) : raw_client{} {
  if (!connect(port))
    throw std::runtime_error{"cannot connect to the server under test"};
}

bool raw_client::connect(std::uint16_t port) {
  const auto address = loopback(port);
  const int on = 1;
  return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0 &&
         ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

bool raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void raw_client::finish_sending() {
  (void)::shutdown(socket_.get(), SHUT_WR);
}

bool raw_client::read_more() {
  std::array<char, 64 << 10> buffer{};
  const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0)
    return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

std::string raw_client::read_to_end() {
  while (read_more()) {
  }
  return std::exchange(unread_, {});
}

std::string raw_client::read_until(std::string_view text) {
  auto at = unread_.find(text);
  while (at == std::string::npos && read_more())
    at = unread_.find(text);
  return read_bytes(at == std::string::npos ? unread_.size() : at + text.size());
}

std::string raw_client::read_bytes(std::size_t count) {
  while (unread_.size() < count && read_more()) {
  }
  auto taken = unread_.substr(0, count);
  unread_.erase(0, count);
  return taken;
}

std::string raw_client::read_reply() {
  auto head = read_until("\r\n\r\n");
  return head + read_bytes(content_length(head));
}

canned_server::canned_server(respond answer_with) : answer_with_{std::move(answer_with)} {
  std::tie(listener_, port_) = bound_socket();
  if (::listen(listener_.get(), SOMAXCONN) != 0)
    throw std::runtime_error{"cannot listen"};
  acceptor_ = std::thread{[this] { accept_all(); }};
}

canned_server::~canned_server() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    (void)::shutdown(listener_.get(), SHUT_RDWR); // wakes `accept`
    for (const auto& socket : sockets_)
      (void)::shutdown(socket.get(), SHUT_RDWR);
  }
  acceptor_.join();
  for (auto& thread : threads_)
    thread.join();
}

std::string canned_server::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void canned_server::accept_all() {
  for (;;) {
    descriptor socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    const std::lock_guard lock{mutex_};
    if (stopping_)
      return;
    if (!socket)
      continue;
    const int fd = sockets_.emplace_back(std::move(socket)).get();
    threads_.emplace_back([this, fd, number = accepted_++] { serve(number, fd); });
  }
}

void canned_server::serve(std::size_t number, int fd) {
  std::string unread;
  std::array<char, 64 << 10> buffer{};
  for (;;) {
    const auto head = unread.find("\r\n\r\n");
    const auto size =
      head == std::string::npos ? 0 : head + 4 + content_length(unread.substr(0, head + 2));
    if (head == std::string::npos || unread.size() < size) {
      const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0)
        return;
      unread.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    ++requests_;
    const auto reply = answer_with_(number, unread.substr(0, size));
    unread.erase(0, size);
    std::string_view left = reply.bytes;
    while (!left.empty()) {
      const auto sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (reply.close) {
      (void)::shutdown(fd, SHUT_WR);
      return;
    }
  }
}

std::uint16_t unused_port() {
  return bound_socket().second;
}

} // namespace syncline::tests
