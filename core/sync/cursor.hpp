#pragma once
// Cursors and places: what a client may be sure of having seen (DESIGN.md section 6).

#include "core/expected.hpp"
#include "server_records.pb.h"
#include "wire.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace syncline::core {

/// The opaque form: base64url of the record and a checksum, so that a cursor that was cut, typed
/// or made up is refused instead of misread.
[[nodiscard]] std::string encode_cursor(const msg::Cursor& cursor);

/// The inverse. "" and "0" are the beginning: a cursor without an epoch. Error: `bad_cursor`.
[[nodiscard]] expected<msg::Cursor> decode_cursor(std::string_view token);

/// `seen` in query parameters: "epoch.start.seq", the first two in hexadecimal.
[[nodiscard]] std::string encode_place(const msg::Place& place);
[[nodiscard]] expected<msg::Place> decode_place(std::string_view text);
[[nodiscard]] bool is_none(const msg::Place& place);

/// What the server knows of its own past.
struct server_history {
  std::uint64_t epoch = 0;
  std::vector<msg::StartRecord> starts; ///< oldest first; the last one is the current start
  std::uint64_t head_seq = 0;

  [[nodiscard]] std::uint64_t start() const {
    return starts.empty() ? 0 : starts.back().start();
  }
  /// The place of the head.
  [[nodiscard]] msg::Place head() const;
};

/// Why a place cannot be trusted; these are the reasons of `410 cursor_expired`.
enum class place_problem {
  none,
  epoch, ///< another store: restored by our tool, or made anew
  start, ///< a start that this history does not have, or not at that seq: copied back by hand
  ahead, ///< of a known start, but beyond all that this server has
  floor  ///< tombstones after it are trimmed
};
[[nodiscard]] std::string_view to_string(place_problem problem);

/// Checks a place that a client claims to have seen. A place without an epoch claims nothing.
[[nodiscard]] place_problem check_place(const server_history& history, const msg::Place& place);

/// The later of two places that the same answer chain has validated.
[[nodiscard]] msg::Place later_place(const msg::Place& known, const msg::Place& answered);

} // namespace syncline::core
