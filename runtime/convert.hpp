#pragma once
// Between the public structures and our messages.

#include "actors.pb.h"
#include "client_records.pb.h"
#include "client_storage.pb.h"
#include "core/expected.hpp"
#include "core/jobs/job.hpp"
#include "core/sync/conflict.hpp"
#include "core/sync/lane.hpp"
#include "core/sync/link_policy.hpp"
#include "storage/client_store.hpp"
#include "storage/kv.hpp"
#include "syncline/options.hpp"
#include "syncline/types.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace syncline {

[[nodiscard]] inline error to_public(const core::error& from) {
  return {from.code, from.message};
}
[[nodiscard]] inline error to_public(const msg::Error& from) {
  return {from.code(), from.message()};
}
[[nodiscard]] item_state to_public(core::sync_status from);
[[nodiscard]] inline item_view to_public(const storage::stored_item& from) {
  return {from.id, from.body, from.header.version, from.header.last_modified_ms,
          to_public(from.status)};
}
[[nodiscard]] network_state to_public(core::reachability from);
[[nodiscard]] core::reachability to_core(network_state from);
[[nodiscard]] item to_item(const item_view& from);
[[nodiscard]] sync_report to_public(const msg::SyncReport& from);
[[nodiscard]] activity to_public(const msg::Activity& from);
/// Without its state, which depends on the moment.
[[nodiscard]] job_status to_public(const msg::JobRecord& from);
[[nodiscard]] outbox_entry to_public(const msg::OutboxEntry& from);
[[nodiscard]] outbox_entry to_public(const msg::QuarantineRecord& from);
[[nodiscard]] conflict_record to_public(const msg::ConflictRecord& from);
[[nodiscard]] conflict_sides to_public(const msg::AskHost& from);

[[nodiscard]] msg::WriteLocal::Operation to_message(operation from);
[[nodiscard]] msg::JobSpec to_message(const job& from);
[[nodiscard]] msg::HostVerdict to_message(conflict_verdict from);
[[nodiscard]] core::conflict_policy policy_of(const collection_options& from);
[[nodiscard]] storage::durability to_storage(durability from);
[[nodiscard]] std::string_view to_string(durability from);
[[nodiscard]] std::string_view to_string(server_dialect from);
/// See `runtime_status::weaker`.
[[nodiscard]] std::vector<std::string> weaker_promises(std::string_view dialect);

} // namespace syncline
