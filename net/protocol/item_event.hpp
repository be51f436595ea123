#pragma once
// One change at a time, as plain clients hear and say it (PROTOCOL.md sections 5 and 6): frames of
// a WebSocket and events of a stream. Pure.

#include "core/expected.hpp"
#include "mutation.pb.h"
#include "net/protocol/batch_json.hpp"
#include "wire.pb.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::net {

enum class event_form { websocket, sse };

/// The changes of a page in its order, tombstones first, each as one text: a WebSocket message, or
/// an event with its empty line. The cursor stands with the last one only, so that who resumes from
/// what he has seen may hear a change again but misses none. `cursor_seq` and `walk_end_seq` as in
/// `delta_page_json`.
[[nodiscard]] std::vector<std::string> item_events(const msg::DeltaPage& page,
                                                   std::uint64_t cursor_seq,
                                                   std::uint64_t walk_end_seq, event_form form);

/// A plain client's write over a WebSocket: `item_created`, `item_updated` (a patch) or
/// `item_deleted`; `data.version` is the base version, absent = unconditional. Errors:
/// `bad_message` for what is no such message, else those of one operation of a batch. `id` is set
/// as far as it could be read, for the answer.
[[nodiscard]] core::expected<msg::Mutation> parse_item_write(std::string_view text,
                                                             std::string_view collection,
                                                             std::string& id,
                                                             const batch_json_limits& limits = {});

/// The answer to such a write: `{"type":"ack",...}`, or `{"type":"error",...}` with `result.error`
/// or, after a conflict, a code of that name.
[[nodiscard]] std::string write_answer_json(std::string_view id, const msg::MutationResult& result);
[[nodiscard]] std::string write_error_json(std::string_view id, const core::error& error);

} // namespace syncline::net
