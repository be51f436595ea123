#pragma once
// What is said over /document/<id> (PROTOCOL.md section 7), as the server reads and writes it: JSON
// for everybody, the same fields in protobuf for our own clients. Pure; any thread.

#include "core/ot/document_room.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace syncline::net {

/// A longest text, escaped as JSON may escape it, does not fit; one that was typed does.
inline constexpr std::size_t document_message_bytes_max = std::size_t{32} << 20U;

/// What DELETE /document/<id> answers.
inline constexpr std::string_view document_deleted_json = R"({"deleted":true})";

/// Client ids, epochs, names and colours: what a stranger may have us keep, or make a key of.
[[nodiscard]] inline bool is_document_name(std::string_view text) {
  constexpr std::size_t bytes_max = 128;
  return text.size() <= bytes_max && text.find('\0') == std::string_view::npos;
}

/// An operation as it comes; it may be sloppy.
struct submitted_operation {
  core::ot::operation_identity author;
  std::uint64_t revision = 0;
  core::ot::operation edit;
};

/// A message that cannot be carried out, and whose it was, as far as that could be read. Codes:
/// `bad_message` and those of `read_operation`.
struct refused_message {
  core::ot::operation_identity author;
  core::error why;
};

/// Something of a later version.
struct unknown_message {};

using document_message = std::variant<core::ot::document_room::join_message, submitted_operation,
                                      core::ot::presence, refused_message, unknown_message>;

[[nodiscard]] document_message read_document_json(std::string_view text);
[[nodiscard]] document_message read_document_frame(std::string_view bytes);

/// What GET /document/<id> answers.
[[nodiscard]] std::string document_text_json(std::string_view text, std::uint64_t revision,
                                             std::string_view epoch);

/// One message to a connection; `what` is no `say::close`. Operations are looked up in the room.
[[nodiscard]] std::string document_json(const core::ot::said& what,
                                        const core::ot::document_room& room);
[[nodiscard]] std::string document_frame(const core::ot::said& what,
                                         const core::ot::document_room& room);

} // namespace syncline::net
