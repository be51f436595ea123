#pragma once
// The records of documents, in one transaction. Private to the key-value server store.

#include "storage/document_store.hpp"
#include "storage/records.hpp"

#include <string>

namespace syncline::storage {

/// What is in the store of one document, with so much of the log. Errors: `not_found`. Throws
/// `kv_error`.
[[nodiscard]] core::expected<opened_document>
load_document(const record_reader& records, const std::string& space, const std::string& id,
              std::uint64_t store_epoch, bool again, std::uint64_t log_wanted);

/// The log behind a revision up to another one. Errors: `not_found`. Throws `kv_error`.
[[nodiscard]] core::expected<std::deque<core::ot::logged_operation>>
stored_log(const record_reader& records, const std::string& space, const std::string& id,
           std::uint64_t incarnation, std::uint64_t after, std::uint64_t through);

/// From now on only this session may write it. False: it is not stored yet, and nothing was
/// written.
bool take_document(kv_writer& kv, const std::string& space, const std::string& id,
                   std::uint64_t session);

/// Errors: `not_found`, `superseded`, and then nothing was written.
[[nodiscard]] core::expected<void> commit_document(kv_writer& kv, const document_commit& commit);

void erase_document(kv_writer& kv, const std::string& space, const std::string& id,
                    std::int64_t now_ms);

[[nodiscard]] std::vector<document_summary> stored_documents(const record_reader& records,
                                                             const std::string& space,
                                                             const std::string& after,
                                                             std::size_t limit);

} // namespace syncline::storage
