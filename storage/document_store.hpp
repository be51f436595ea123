#pragma once
// Where the server keeps the texts that people share: the text of a revision now and then, and each
// operation.
//
// What every implementation promises (tests/storage/document_store_contract.hpp):
//
// - An operation, the head that it makes and the last number of its author are one transaction.
// - Who has loaded a document may write it until somebody else loads it, deletes it, or it stands
//   at another revision: then he is refused, and nothing is written.

#include "core/expected.hpp"
#include "core/ot/server_document.hpp"
#include "document.pb.h"

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace syncline::storage {

/// A document as somebody loaded it who is going to write it.
struct opened_document {
  core::ot::stored_document content; ///< its log may be the last part of what is stored
  std::string epoch; ///< of this history: of the store and of this creation of the document
  std::uint64_t incarnation = 0;
  std::uint64_t session = 0;
  std::uint64_t snapshot_revision = 0; ///< the text of this one is stored
  std::uint64_t log_begin = 0;         ///< the stored log begins behind this revision
  std::uint64_t log_bytes = 0;         ///< of the operations behind it
};

/// What one session of a document writes. `edits` must outlive the call.
struct document_commit {
  std::string space = "default";
  std::string id;
  std::uint64_t incarnation = 0;
  std::uint64_t session = 0;
  std::uint64_t base = 0; ///< the head before the edits, whose revisions follow it
  const google::protobuf::RepeatedPtrField<msg::LoggedEdit>* edits = nullptr; ///< null: none
  /// The text at the new head, where it is to be stored.
  std::optional<std::string> snapshot;
  /// The log up to this revision is forgotten; at or below the snapshot.
  std::uint64_t trim_through = 0;
  std::int64_t now_ms = 0;
};

/// For `log_wanted`.
inline constexpr std::uint64_t whole_log = std::numeric_limits<std::uint64_t>::max();

/// A text that nobody is going to write through this.
struct document_text {
  std::string text;
  std::uint64_t revision = 0;
  std::string epoch;
};

struct document_summary {
  std::string id;
  std::uint64_t revision = 0;
  std::int64_t changed_ms = 0;
};

/// See above. Reads may come from any thread; what writes from one at a time. Errors of the back
/// end: `store_full`, `disk_full`, `store_io`, `store_corrupt`.
class document_store {
public:
  virtual ~document_store() = default;

  /// Whoever had it open before can write it no longer. An unknown id is an empty text, which is
  /// stored with its first operation. Of the log it brings the last `log_wanted` operations, and
  /// all behind the snapshot. Errors: `not_found` for a deleted one, unless `again`: then it is
  /// created again, with another epoch.
  [[nodiscard]] virtual core::expected<opened_document>
  open_document(const std::string& space, const std::string& id, bool again,
                std::uint64_t log_wanted = whole_log) = 0;

  /// The stored log behind one revision up to another one; it may begin later where it was trimmed.
  /// Errors: `not_found` where this creation of the document is no more.
  [[nodiscard]] virtual core::expected<std::deque<core::ot::logged_operation>>
  read_log(const std::string& space, const std::string& id, std::uint64_t incarnation,
           std::uint64_t after, std::uint64_t through) const = 0;

  /// One durable transaction. After an error of the whole nothing is written; each commit has its
  /// own outcome beside, for which the others do not matter: `not_found` (it was deleted),
  /// `superseded` (somebody else has loaded it, or it stands at another revision).
  [[nodiscard]] virtual core::expected<std::vector<core::expected<void>>>
  commit_documents(std::span<const document_commit> commits) = 0;

  /// Errors: `not_found` for a deleted one.
  [[nodiscard]] virtual core::expected<document_text>
  read_document(const std::string& space, const std::string& id) const = 0;

  /// Its text, its log and what is known of its clients go; that it was there stays.
  [[nodiscard]] virtual core::expected<void>
  delete_document(const std::string& space, const std::string& id, std::int64_t now_ms) = 0;

  /// Living ones in the order of their ids, after `after`.
  [[nodiscard]] virtual core::expected<std::vector<document_summary>>
  list_documents(const std::string& space, const std::string& after, std::size_t limit) const = 0;
};

} // namespace syncline::storage
