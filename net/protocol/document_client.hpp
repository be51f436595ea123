#pragma once
// What our own clients say over /document/<id>, and how they read what the server says: the frames
// of syncline.v1 (messages/document.proto). Pure; any thread.

#include "core/expected.hpp"
#include "core/ot/client_session.hpp"
#include "core/ot/document_room.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace syncline::net {

struct document_joined {
  std::uint64_t revision = 0;
  std::string epoch;
  std::uint64_t attempt = 0;
  std::uint64_t head = 0; ///< of the server then; 0: not said
};
struct document_ack {
  std::uint64_t revision = 0;
  std::uint64_t seq = 0;
  std::uint64_t nonce = 0;
  std::uint64_t start = 0;
};
struct document_nack {
  std::uint64_t seq = 0;
  std::uint64_t nonce = 0;
  core::error why;
  std::int64_t retry_after_ms = 0; ///< 0: not said
};
struct document_resync {
  std::string reason;
  std::uint64_t attempt = 0;
};
/// Of a later version: it is ignored.
struct document_unknown {};

using document_reply =
  std::variant<core::ot::snapshot_message, document_joined, core::ot::logged_operation,
               document_ack, document_nack, document_resync, core::ot::presence, document_unknown>;

/// Error: `not_our_server` where this is no frame of ours, or has an operation that is none. No
/// answer to a join that was never made (without `attempt`) is taken for one: its attempt is 0.
[[nodiscard]] core::expected<document_reply> read_document_reply(std::string_view bytes);

[[nodiscard]] std::string join_frame(const core::ot::client_session& session);
[[nodiscard]] std::string operation_frame(const core::ot::logged_operation& sent);
[[nodiscard]] std::string presence_frame(const core::ot::presence& shown);

} // namespace syncline::net
