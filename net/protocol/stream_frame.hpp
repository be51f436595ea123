#pragma once
// Frames of /stream between our own clients and the server (messages/stream.proto). Pure.

#include "core/expected.hpp"
#include "stream.pb.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace syncline::net {

inline constexpr std::string_view stream_subprotocol = "syncline.v1";

/// What a client may send in one message: a hello for a hundred collections fits easily.
inline constexpr std::size_t client_frame_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t hello_collections_max = 256; ///< of one connection

/// A page that many are sent, without the cursor that it begins at.
[[nodiscard]] std::string encode_shared_page(msg::DeltaPage page);

/// The whole frame for those who are at `prev_cursor`.
[[nodiscard]] std::string with_prev_cursor(std::string_view shared_page,
                                           const std::string& prev_cursor);

/// A frame as it was received; a page is unpacked and has its cursor. Error: `bad_message`.
[[nodiscard]] core::expected<msg::StreamFrame> decode_frame(std::string_view bytes);

/// Whether it says nothing at all, not even something of a later version, which is to be ignored.
[[nodiscard]] bool says_nothing(const msg::StreamFrame& frame);

/// A frame as the data of a server-sent event, and back (errors: `bad_message`): base64url in one
/// line, as an event stream is text.
[[nodiscard]] std::string encode_frame_event(std::string_view frame);
[[nodiscard]] core::expected<std::string> decode_frame_event(std::string_view data);

/// The query of `/events` that asks for frames from this hello on, and its value read again. The
/// frame is one that `check_client_frame` passes. Errors: `bad_message`, `bad_collection`.
[[nodiscard]] std::string hello_query(std::string_view hello_frame);
[[nodiscard]] core::expected<msg::StreamFrame> decode_hello_text(std::string_view text);

/// Checks what a client may say: a hello of known shape, a ping, or something of a later version,
/// which is to be ignored. Errors: `bad_message`, `bad_collection`.
[[nodiscard]] core::expected<void> check_client_frame(const msg::StreamFrame& frame);

} // namespace syncline::net
