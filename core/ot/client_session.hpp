#pragma once
// The client's side of one document: what is shown at once, what is on its way, and how the two
// meet what others do. See docs/ot.md.

#include "core/expected.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/server_document.hpp"
#include "core/ot/text.hpp"
#include "core/ot/undo_stack.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace syncline::core::ot {

/// All that a client stores of a document, before anything that depends on it is sent.
struct client_document {
  std::string client;         ///< under this id its operations are numbered
  std::uint64_t seq = 0;      ///< of the last one that was sent
  std::uint64_t revision = 0; ///< of the server that `base` is
  std::uint64_t start = 0;    ///< start id of that revision
  std::string epoch;          ///< empty before the first join
  std::string base;
  std::optional<operation> outstanding; ///< sent, and not answered; nothing is composed into it
  std::uint64_t nonce = 0;              ///< of the outstanding one
  operation buffer; ///< what was typed since, for the text behind the outstanding one
};

/// What a snapshot says.
struct snapshot_message {
  std::string text;
  std::uint64_t revision = 0;
  std::string epoch;
  std::uint64_t start = 0;
  std::uint64_t seq = 0; ///< the last one of this client
  std::string pending;   ///< `in`, `not`, `unknown`, or empty
  std::uint64_t attempt = 0;
};

/// Something that the user has to be told, or that is kept for him.
struct document_report {
  std::string code; ///< as in `nack`, or `server_restored`, `outcome_unknown`
  std::string text; ///< what it is about
};

/// What the actor around it does after a call: first it stores `to_store()` and the reports, in one
/// transaction, and then the others.
struct client_effects {
  std::optional<operation> shown; ///< done to the text as it is shown, by others
  bool join = false;              ///< send `join_message()`
  bool send = false;              ///< send `operation_message()`, if it still has one
  std::optional<std::int64_t> send_again_after_ms; ///< the same
  std::vector<document_report> reports;
};

/// disconnected --connected--> joining --joined | snapshot--> joined --disconnected--> ...
///                                ^                             |
///                                '--- gap, resync, nack -------'
/// In all of them edits are taken: synchronized -> awaiting(outstanding) -> awaiting(outstanding,
/// buffer). Pure; randomness is an argument. Not synchronised.
class client_session {
public:
  explicit client_session(client_document from);

  /// As it is to be stored.
  [[nodiscard]] client_document to_store() const;
  [[nodiscard]] const text& shown() const noexcept {
    return shown_;
  }
  /// Whether it hears of every revision, in order.
  [[nodiscard]] bool is_joined() const noexcept {
    return phase_ == phase::joined;
  }
  /// Whether everything typed is at the server and acknowledged.
  [[nodiscard]] bool is_synchronized() const noexcept {
    return !stored_.outstanding && stored_.buffer.is_noop();
  }

  // --- The editor. The edit is for the text as it is shown; errors are those of `text::apply`.
  // Afterwards `to_send` may have something.
  [[nodiscard]] expected<void> edit(const operation& typed, std::int64_t now_ms);
  /// What was done to the text as it is shown; nullopt where there is nothing to undo.
  [[nodiscard]] std::optional<operation> undo();
  [[nodiscard]] std::optional<operation> redo();

  // --- The connection
  [[nodiscard]] client_effects connected();
  void disconnected();
  /// Freezes what was typed, if nothing is on its way: true, and it is to be stored and sent.
  [[nodiscard]] bool to_send(std::uint64_t nonce);

  [[nodiscard]] client_effects on_snapshot(const snapshot_message& said);
  [[nodiscard]] client_effects on_joined(std::uint64_t revision, const std::string& epoch,
                                         std::uint64_t attempt);
  [[nodiscard]] client_effects on_operation(const logged_operation& said);
  [[nodiscard]] client_effects on_ack(std::uint64_t revision, std::uint64_t seq,
                                      std::uint64_t nonce, std::uint64_t start);
  [[nodiscard]] client_effects on_nack(std::uint64_t seq, std::uint64_t nonce,
                                       const std::string& code, std::int64_t retry_after_ms,
                                       const std::string& new_client);
  [[nodiscard]] client_effects on_resync(const std::string& reason, std::uint64_t attempt);

  /// What `join` sends.
  [[nodiscard]] join_request join_message() const;
  [[nodiscard]] std::uint64_t attempt() const noexcept {
    return attempt_;
  }
  /// What `send` sends; nullopt where nothing is on its way or nobody hears it.
  [[nodiscard]] std::optional<logged_operation> operation_message() const;

private:
  enum class phase { disconnected, joining, joined };

  [[nodiscard]] client_effects join_again(bool whole);
  // Does what the stack gave out, and tells it how to take that back.
  std::optional<operation> take(std::optional<operation> edit,
                                void (undo_stack::*report)(operation));
  void note_edit(const operation& done);
  void acknowledge(std::uint64_t revision, std::uint64_t start);
  [[nodiscard]] client_effects take_back(const std::string& code);
  [[nodiscard]] client_effects under_new_id(const std::string& client, bool whole);
  [[nodiscard]] bool is_outstanding(std::uint64_t seq, std::uint64_t nonce) const;

  client_document stored_;
  text base_;
  text shown_;
  undo_stack undo_;
  phase phase_ = phase::disconnected;
  bool wants_whole_ = false;
  std::string resync_reason_;
  std::uint64_t attempt_ = 0;
};

} // namespace syncline::core::ot
