#pragma once
// The least of a WebSocket client, on plain sockets: a benchmark's clients share two cores with the
// server.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::bench {

/// Nanoseconds of the machine's steady clock, the same in all its processes.
[[nodiscard]] std::int64_t monotonic_ns();

/// As many sockets as the machine lets a process have.
void allow_many_files();

/// A connected socket to a port of loopback, which sends at once; ends the program where it cannot.
[[nodiscard]] int connect_to(std::uint16_t port);

/// Asks for a WebSocket; without a protocol where that is empty.
[[nodiscard]] std::string upgrade_request(std::string_view target, std::string_view protocol = {});

/// The first frame of what was received; `bytes` is 0 where it is not whole yet.
struct received_frame {
  std::size_t bytes = 0;
  std::string_view payload;
};
[[nodiscard]] received_frame first_frame(std::string_view received);

/// One message of a client: masked, as it has to be, with zeros.
[[nodiscard]] std::string client_frame(std::string_view payload, bool is_text);

/// Sends all of it; ends the program where the other end is gone.
void send_all(int socket, std::string_view bytes);

/// Sorts the values; 0 where there are none.
[[nodiscard]] double quantile(std::vector<double>& values, double share);

} // namespace syncline::bench
