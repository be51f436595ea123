#pragma once
// Reads a stream of server-sent events (WHATWG HTML, section 9.2.6). Pure: bytes in, events out.

#include "core/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::net {

/// One event. `data` may hold bytes that are no UTF-8: what they mean is for its reader to refuse.
struct sse_event {
  std::string type = "message";
  std::string data;
  std::string last_event_id; ///< of the stream so far, this event included
};

/// Whether an answer with this `Content-Type` is a stream of events. Parameters do not matter: the
/// stream is UTF-8.
[[nodiscard]] bool is_event_stream(std::string_view content_type);

/// One connection's stream. A new connection takes a new parser. Not synchronised.
class sse_parser {
public:
  /// `event_bytes_max`: of one event, and of one line.
  explicit sse_parser(std::size_t event_bytes_max = std::size_t{2} << 20)
    : event_bytes_max_{event_bytes_max} {}

  /// Takes the next bytes, cut anywhere, and gives each event that they end. `too_large` where a
  /// line or an event exceeds its limit; the parser is then of no further use.
  [[nodiscard]] core::expected<void> feed(std::string_view bytes,
                                          const std::function<void(sse_event)>& on_event);

  /// The id to resume from, as the last ended event left it.
  [[nodiscard]] const std::string& last_event_id() const {
    return last_event_id_;
  }
  /// How long to wait before connecting again, where the server has said so.
  [[nodiscard]] std::optional<std::uint64_t> retry_ms() const {
    return retry_ms_;
  }

private:
  [[nodiscard]] std::string_view without_mark(std::string_view bytes);
  void take_line(std::string_view line, const std::function<void(sse_event)>& on_event);
  void take_field(std::string_view name, std::string_view value);
  void end_event(const std::function<void(sse_event)>& on_event);

  std::size_t event_bytes_max_;
  std::size_t mark_bytes_ = 0; // of the byte order mark seen so far
  bool mark_is_past_ = false;
  bool after_carriage_return_ = false;
  std::string line_; // of a line that came in pieces
  std::string data_;
  std::string type_;
  std::string id_;
  std::string last_event_id_;
  std::optional<std::uint64_t> retry_ms_;
};

} // namespace syncline::net
