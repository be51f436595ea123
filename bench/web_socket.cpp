#include "bench/web_socket.hpp"

#include "bench/support.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace syncline::bench {

namespace {

std::size_t number_at(std::string_view bytes, std::size_t begin, std::size_t width) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < width; ++i)
    number = number << 8U | static_cast<unsigned char>(bytes[begin + i]);
  return number;
}

} // namespace

std::int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
           std::chrono::steady_clock::now().time_since_epoch())
    .count();
}

void allow_many_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int connect_to(std::uint16_t port) {
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (peer < 0 || ::connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("a client cannot connect: " + std::string{std::strerror(errno)});
  const int at_once = 1;
  ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  return peer;
}

std::string upgrade_request(std::string_view target, std::string_view protocol) {
  std::string made{"GET "};
  made.append(target).append(" HTTP/1.1\r\n"
                             "Host: 127.0.0.1\r\n"
                             "Upgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "Sec-WebSocket-Version: 13\r\n");
  if (!protocol.empty())
    made.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
  return made.append("\r\n");
}

received_frame first_frame(std::string_view received) {
  constexpr std::size_t two_bytes = 126;
  constexpr std::size_t eight_bytes = 127;
  if (received.size() < 2)
    return {};
  std::size_t size = number_at(received, 1, 1);
  const std::size_t width = size == two_bytes ? 2 : size == eight_bytes ? 8 : 0;
  const std::size_t head = 2 + width;
  if (received.size() < head)
    return {};
  if (width != 0)
    size = number_at(received, 2, width);
  if (received.size() < head + size)
    return {};
  return {head + size, received.substr(head, size)};
}

std::string client_frame(std::string_view payload, bool is_text) {
  constexpr std::size_t short_max = 125;
  constexpr std::size_t two_bytes_max = 65'535;
  const std::size_t width = payload.size() <= short_max       ? 0
                            : payload.size() <= two_bytes_max ? 2
                                                              : 8;
  std::string made{is_text ? '\x81' : '\x82'};
  made += width == 0 ? static_cast<char>(0x80U | payload.size()) : width == 2 ? '\xFE' : '\xFF';
  for (std::size_t i = width; i > 0; --i)
    made += static_cast<char>(payload.size() >> 8U * (i - 1));
  return made.append(4, '\0').append(payload);
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR)
      fail("a client was sent away: " + std::string{std::strerror(errno)});
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
}

double quantile(std::vector<double>& values, double share) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(static_cast<double>(values.size()) * share);
  return values[std::min(values.size() - 1, at)];
}

} // namespace syncline::bench
