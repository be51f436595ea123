#pragma once

#include "actors/message_types.hpp"
#include "actors/seams.hpp"
#include "storage/server_store.hpp"

#include <functional>
#include <memory>

namespace syncline::actors::server {

/// The only writer of the server's store. A batch, and what a document commits, is answered after
/// the commit that holds it. Errors of documents: those of `storage::document_store`.
using store_actor = caf::typed_actor<
  rt::sig<msg::BatchApplied, msg::ApplyBatch>, rt::sig<msg::Done, msg::TrimStore>,
  rt::sig<document_loaded, msg::OpenDocument>, rt::sig<document_log_read, msg::ReadDocumentLog>,
  rt::sig<msg::DocumentCommitted, msg::CommitDocument>, rt::sig<msg::Done, msg::DeleteDocument>,
  rt::sig<void, msg::FlushDue>>; // from itself: behind everything that waits

struct store_options {
  rt::placement where = rt::placement::detached;
  std::size_t group_max = 256; ///< batches in one transaction
  storage::trim_options trim;
  std::function<void(const core::error&)> on_store_failed;
  /// Told after each commit what may have changed. May be empty.
  std::function<void(msg::StoreMoved)> on_moved;
  /// Told how many mutations of a committed group were answered from memory. May be empty.
  std::function<void(std::uint64_t)> on_repeats;
};

store_actor spawn_store(caf::actor_system& system, std::shared_ptr<storage::server_store> store,
                        seams world, store_options options);

} // namespace syncline::actors::server
