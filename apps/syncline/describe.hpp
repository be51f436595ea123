#pragma once
// The runtime's structures as JSON and as lines for people.

#include "command.hpp"
#include "syncline/types.hpp"

namespace syncline::app {

[[nodiscard]] std::string to_text(network_state state);
[[nodiscard]] json to_json(const activity& one);
[[nodiscard]] json to_json(const collection_status& one);
[[nodiscard]] json to_json(const runtime_status& one);
[[nodiscard]] json to_json(const outbox_entry& one);
[[nodiscard]] json to_json(const explanation& one);
[[nodiscard]] json to_json(const conflict_record& one);
[[nodiscard]] json to_json(const job_status& one);
/// `quarantined`, `waiting` and `conflictsOpen` are those of `status`.
[[nodiscard]] json to_json(const sync_report& done, const runtime_status& status);

/// "41 state kind collection/id ..."
[[nodiscard]] std::string to_line(const outbox_entry& one);
[[nodiscard]] std::string to_line(const conflict_record& one);
[[nodiscard]] std::string to_line(const job_status& one);
[[nodiscard]] std::string to_line(const sync_report& one);

} // namespace syncline::app
