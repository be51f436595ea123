#pragma once
// The client's side of one document: what is shown at once, what is on its way, and how the two
// meet what others do. See docs/ot.md.

#include "core/expected.hpp"
#include "core/ot/client_text.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/server_document.hpp"
#include "core/ot/text.hpp"
#include "core/ot/undo_stack.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
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
  std::uint64_t nonce = 0; ///< of the outstanding one
  client_text::pending pending;
};

/// What happened to a document since it was stored as a whole: each stands on those before it, so
/// that a letter typed into a long text costs a letter. Loading does them again.
namespace session_change {
struct typed {
  operation edit; ///< for the text as it is shown
};
/// Somebody else's, for the base.
struct received {
  std::uint64_t revision = 0;
  std::uint64_t start = 0;
  operation edit;
};
/// What was typed is on its way; the first `components` of it.
struct frozen {
  std::uint64_t seq = 0;
  std::uint64_t nonce = 0;
  std::uint64_t components = 0;
};
/// What was on its way is the server's.
struct acknowledged {
  std::uint64_t revision = 0;
  std::uint64_t start = 0;
};
} // namespace session_change

using any_session_change = std::variant<session_change::typed, session_change::received,
                                        session_change::frozen, session_change::acknowledged>;

/// What is to be stored.
struct unstored_changes {
  /// `to_store()` takes the place of all that is stored; otherwise `changes` are added to it.
  bool whole = false;
  std::vector<any_session_change> changes;
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

/// What the actor around it does after a call: first it stores `take_unstored()` and the reports,
/// in one transaction, and then the others.
struct client_effects {
  std::optional<operation> shown; ///< done to the text as it is shown, by others
  bool join = false;              ///< send `join_message()`
  bool send = false;              ///< send `operation_message()`, if it still has one
  std::optional<std::int64_t> send_again_after_ms; ///< the same
  /// The connection is of no use now: another one, not before this.
  std::optional<std::int64_t> reconnect_after_ms;
  /// The server has deleted the document: nothing is sent any more, and the text is the user's.
  bool deleted = false;
  std::vector<document_report> reports;
};

/// disconnected --connected--> joining --joined | snapshot--> joined --disconnected--> ...
///                                ^                             |
///                                '--- gap, resync, nack -------'
/// In all of them edits are taken: synchronized -> awaiting(outstanding) -> awaiting(outstanding,
/// buffer). Pure; randomness is an argument. Not synchronised.
class client_session {
public:
  struct limits {
    /// An operation on its way has no more components; the others follow when it is answered. The
    /// server takes 100,000.
    std::size_t components_max = 50'000;
    /// Of what is stored as changes; above one of them all is stored as a whole.
    std::size_t changes_max = 4'096;
    std::size_t change_bytes_max = 64U << 10U; ///< beyond the bytes of the text itself
    /// Joins without anything between them, before the connection is given up for a while.
    std::uint32_t joins_max = 4;
    undo_stack::limits undo;
  };

  explicit client_session(client_document from) : client_session(std::move(from), limits{}) {}
  client_session(client_document from, limits how);

  /// As it was stored, with what was added since; its text is UTF-8. Error: `store_corrupt` where
  /// they do not fit.
  [[nodiscard]] static expected<client_session>
  load(client_document from, std::span<const any_session_change> since, limits how);

  /// As it is to be stored.
  [[nodiscard]] client_document to_store() const;
  /// What has changed since the last call. A document that is stored for the first time is stored
  /// as a whole: `store_whole`.
  [[nodiscard]] unstored_changes take_unstored();
  [[nodiscard]] bool has_unstored() const noexcept {
    return unstored_.whole || !unstored_.changes.empty();
  }
  /// Something depends on what is not stored; what a server said can be asked for again.
  [[nodiscard]] bool has_urgent() const noexcept {
    return is_urgent_;
  }
  void store_whole();

  [[nodiscard]] const text& shown() const noexcept {
    return text_.shown();
  }
  [[nodiscard]] const client_text& parts() const noexcept {
    return text_;
  }
  /// What was done to the text as it is shown, by whom ever.
  [[nodiscard]] shown_history& history() noexcept {
    return text_.history();
  }
  [[nodiscard]] std::uint64_t revision() const noexcept {
    return stored_.revision;
  }
  [[nodiscard]] const std::string& client() const noexcept {
    return stored_.client;
  }
  /// Whether the server's text has been here at least once.
  [[nodiscard]] bool has_server_text() const noexcept {
    return !stored_.epoch.empty();
  }
  /// Whether it hears of every revision, in order.
  [[nodiscard]] bool is_joined() const noexcept {
    return phase_ == phase::joined;
  }
  /// Whether everything typed is at the server and acknowledged.
  [[nodiscard]] bool is_synchronized() const {
    return !text_.outstanding() && !text_.has_typed();
  }
  /// As `!is_synchronized()`, but it may also be true where what was typed does nothing. It costs
  /// nothing.
  [[nodiscard]] bool may_have_pending() const noexcept {
    return text_.outstanding() || text_.may_have_typed();
  }
  [[nodiscard]] const undo_stack& undo_state() const noexcept {
    return undo_;
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
  /// `new_client` is the id that it goes on under, where the old one cannot be used any more.
  [[nodiscard]] client_effects on_nack(std::uint64_t seq, std::uint64_t nonce,
                                       const std::string& code, std::int64_t retry_after_ms,
                                       const std::string& new_client);
  [[nodiscard]] client_effects on_resync(const std::string& reason, std::uint64_t attempt);

  /// What `join` sends.
  [[nodiscard]] join_request join_message() const;
  [[nodiscard]] std::uint64_t attempt() const noexcept {
    return attempt_;
  }
  [[nodiscard]] const std::string& epoch() const noexcept {
    return stored_.epoch;
  }
  /// What `send` sends; nullopt where nothing is on its way or nobody hears it.
  [[nodiscard]] std::optional<logged_operation> operation_message() const;

private:
  enum class phase { disconnected, joining, joined };

  client_session(client_document from, client_text stands, limits how);
  [[nodiscard]] expected<void> do_again(const any_session_change& change);
  void note(any_session_change change, std::size_t bytes, bool urgent);
  [[nodiscard]] client_effects join_again(bool whole);
  // Does what the stack gave out, and tells it how to take that back.
  std::optional<operation> take(std::optional<operation> edit,
                                void (undo_stack::*report)(operation));
  void note_typed(const operation& done);
  void acknowledge(std::uint64_t revision, std::uint64_t start);
  [[nodiscard]] client_effects on_join_refused(const std::string& code,
                                               std::int64_t retry_after_ms) const;
  [[nodiscard]] client_effects take_back(const std::string& code);
  [[nodiscard]] client_effects under_new_id(const std::string& client, bool whole);
  [[nodiscard]] bool is_outstanding(std::uint64_t seq, std::uint64_t nonce) const;

  client_document stored_; // without what is in `text_`
  client_text text_;
  undo_stack undo_;
  limits limits_;
  unstored_changes unstored_;
  bool is_urgent_ = false;
  std::size_t changes_ = 0; // stored or to be stored behind the whole
  std::size_t change_bytes_ = 0;
  phase phase_ = phase::disconnected;
  bool wants_whole_ = false;
  std::string resync_reason_;
  std::uint64_t attempt_ = 0;
  std::uint32_t joins_ = 0; // in a row
};

} // namespace syncline::core::ot
