#pragma once
// The commands of a client transaction, by what they are about. Each works on a `client_work` of
// its own, which it flushes only when it succeeds. Private to storage/.

#include "storage/client_work.hpp"

namespace syncline::storage {

// client_local.cpp: what the host does
core::expected<msg::LocalWritten> write_local(client_transaction_state&, const msg::WriteLocal&);
core::expected<msg::LocalWritten> manage_outbox(client_transaction_state&,
                                                const msg::ManageOutbox&);

// client_push.cpp: batches out, answers in
core::expected<msg::OutboxBatch> take_batch(client_transaction_state&, const msg::TakeOutboxBatch&);
core::expected<msg::BatchResultApplied> apply_result(client_transaction_state&,
                                                     const msg::ApplyBatchResult&);
core::expected<msg::BatchResultApplied> apply_refusal(client_transaction_state&,
                                                      const msg::ApplyBatchRefusal&);
core::expected<msg::Done> quarantine_poison(client_transaction_state&,
                                            const msg::QuarantinePoison&);

// client_pull.cpp: pages in, and what they met
core::expected<msg::RemoteChangesApplied> apply_remote(client_transaction_state&,
                                                       const msg::ApplyRemoteChanges&);
core::expected<msg::RemoteChangesApplied> apply_late_rows(client_transaction_state&,
                                                          const msg::ApplyRemoteChanges&);
core::expected<msg::ResolutionApplied> apply_resolution(client_transaction_state&,
                                                        const msg::ApplyResolution&);
void trim_conflicts(client_transaction_state&);

// client_history.cpp: histories lost, collections that come and go
core::expected<msg::Done> reset_cursor(client_transaction_state&, const msg::ResetCursor&);
core::expected<msg::Done> add_collection(client_transaction_state&, const msg::AddCollection&);
core::expected<msg::Done> drop_collection(client_transaction_state&, const msg::DropCollection&);
/// A walk after a lost history is under way.
bool any_collection_restores(client_work& work);

// client_jobs.cpp: background jobs
core::expected<msg::Done> store_job(client_transaction_state&, const msg::StoreJob&);
core::expected<msg::Done> erase_job(client_transaction_state&, const msg::EraseJob&);

// client_documents.cpp: shared texts
core::expected<msg::DocumentStored> store_document(client_transaction_state&,
                                                   const msg::StoreDocument&);
core::expected<msg::Done> erase_document(client_transaction_state&, const msg::EraseDocument&);
core::expected<msg::Done> close_report(client_transaction_state&, const msg::CloseReport&);

} // namespace syncline::storage
