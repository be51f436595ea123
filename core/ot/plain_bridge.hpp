#pragma once
// What stands between a plain client and the log. Such a client knows only `operation` and `ack`
// and may send several operations before it reads anything (PROTOCOL.md section 7).

#include "core/expected.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/server_document.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>

namespace syncline::core::ot {

/// One side of a two-way transformation (Nichols, Curtis, Dixon and Lamping, "High-latency,
/// low-bandwidth windowing in the Jupiter collaboration system", 1995): the client's operations
/// stand on each other, so each is moved over those of others only, as the client's earlier ones
/// left them. Pure; not synchronised.
class plain_bridge {
public:
  plain_bridge() = default;
  /// It was given the text of `revision` as one insert, `text_length` UTF-16 code units long.
  plain_bridge(std::uint64_t revision, operation whole_text);

  /// Moves an operation to the head of the log. `revision` is the last one that the client had read
  /// when it made it; 0: nothing, not even the text. Errors: `revision_too_old` for a revision
  /// before the text that it was given, or one that the log no longer has; `revision_in_future`;
  /// `in_flight` for one below what it named before; and those of `transform`.
  [[nodiscard]] expected<operation> to_head(operation edit, std::uint64_t revision,
                                            const server_document& document);
  /// The operation that it just gave was committed, or will be, at this revision.
  void accepted(std::uint64_t revision);

  /// Whether it was given no text yet.
  [[nodiscard]] bool is_new() const noexcept {
    return !begin_;
  }
  [[nodiscard]] bool is_own(std::uint64_t revision) const {
    return own_.contains(revision);
  }

private:
  struct unread {
    std::uint64_t revision = 0;
    operation edit; // as it is behind the client's own operations that it stands before
  };

  [[nodiscard]] expected<void> read_through(std::uint64_t revision,
                                            const server_document& document);

  std::optional<std::uint64_t> begin_; // revision of the text that it was given
  std::uint64_t read_ = 0;             // what it has read
  std::uint64_t known_ = 0;            // the log up to here is in `unread_`, or was read
  std::deque<unread> unread_;
  std::set<std::uint64_t> own_; // its operations that it has not read the ack of
};

} // namespace syncline::core::ot
