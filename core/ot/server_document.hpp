#pragma once
// The server's side of one document: puts the operations of all editors in one order.

#include "core/expected.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/text.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace syncline::core::ot {

/// How an operation is told from all others, and whose it is.
struct operation_identity {
  std::string client;      ///< empty: a plain client
  std::uint64_t seq = 0;   ///< of the client in this document, dense from 1; 0: none
  std::uint64_t nonce = 0; ///< 64 random bits, wherever the operation turns up; 0: none

  friend bool operator==(const operation_identity&, const operation_identity&) = default;
};

/// One operation in the server's order.
struct logged_operation {
  std::uint64_t revision = 0; ///< of the text that it makes
  operation edit;
  operation_identity author;
  std::uint64_t start = 0; ///< the start id under which it was committed
};

/// The last operation of a client; kept for as long as the document.
struct last_of_client {
  std::uint64_t seq = 0;
  std::uint64_t nonce = 0;
  std::uint64_t revision = 0;
};

/// From this revision on, the server committed under this start id.
struct life_of_server {
  std::uint64_t first_revision = 0;
  std::uint64_t start = 0;

  friend bool operator==(const life_of_server&, const life_of_server&) = default;
};

/// What a document is loaded from.
struct stored_document {
  std::string text; ///< at the head
  std::uint64_t revision = 0;
  std::vector<life_of_server> lives; ///< rising; never trimmed
  std::deque<logged_operation> log;  ///< up to the head; the older part may be trimmed
  std::map<std::string, last_of_client> clients;
};

/// What a client asks for when it joins. Times and connections are not known here.
struct join_request {
  std::string client;
  std::optional<std::uint64_t> revision; ///< none: the whole text is wanted
  std::uint64_t start = 0;               ///< as the client knows it for that revision; 0: unknown
  /// The operation that the client has sent and was not answered about.
  std::optional<operation_identity> pending;
};

/// Pure; not synchronised. Operations are transformed and applied as they come; each becomes
/// durable by `committed`, in their order. When a commit fails, the object is thrown away and
/// loaded anew: nothing after the last durable revision was told to anybody.
class server_document {
public:
  /// Beyond these an operation is refused.
  struct limits {
    std::uint64_t text_max = 10'000'000; ///< UTF-16 code units
    std::size_t components_max = 100'000;
  };

  /// It is to be committed: it is the last of `log`.
  struct accepted {};
  /// It was accepted before; where `durable` is false its commit is under way.
  struct repeated {
    std::uint64_t revision = 0;
    bool durable = false;
  };
  using submission = std::variant<accepted, repeated, error>;

  server_document(stored_document from, std::uint64_t start, limits how);

  /// Takes an operation made at `revision`, which may be sloppy. An `error` has one of the codes of
  /// PROTOCOL.md section 7: `revision_in_future`, `revision_too_old`, `seq_out_of_order`,
  /// `seq_reused`, `outcome_unknown`, `in_flight`, `base_length_mismatch`, `splits_surrogate_pair`,
  /// `too_large`; nothing has changed then. Who it is comes before what it says: an operation that
  /// is known is never refused.
  [[nodiscard]] submission submit(const operation_identity& author, std::uint64_t revision,
                                  operation edit);

  /// Whether it is known, by its nonce or by its client and number.
  [[nodiscard]] std::optional<repeated> find_repeated(const operation_identity& author) const;

  /// Everything up to this revision is durable.
  void committed(std::uint64_t revision);

  /// What was loaded without is the part before `log_begin()`; some of it, up to there.
  void prepend_log(std::deque<logged_operation> older);

  /// Forgets the log up to this revision, which is durable and stands in a snapshot.
  void trim(std::uint64_t revision);

  /// The whole text, in answer to a join that names no revision.
  struct whole_text {
    std::string text;
    std::uint64_t revision = 0;
    std::uint64_t seq = 0; ///< the last one of this client
    std::string pending;   ///< `in`, `not`, `unknown`; empty where it named none
  };
  /// The operations after `revision` are all that is missing.
  struct rest {
    std::uint64_t revision = 0;
  };
  /// It has to ask for the whole text: `too_old`, or `restored` where the history is another one.
  struct start_over {
    std::string reason;
  };
  /// Ask again when the next commit is done: what it named is being committed.
  struct not_yet {};
  using join_answer = std::variant<whole_text, rest, start_over, not_yet>;
  [[nodiscard]] join_answer join(const join_request& request) const;

  /// The durable text, as somebody gets it who joins without a name.
  [[nodiscard]] whole_text durable_whole() const {
    return {durable_text(), durable_, 0, {}};
  }
  /// UTF-16 code units of the durable text.
  [[nodiscard]] std::uint64_t durable_length() const noexcept {
    return inverses_.empty() ? text_.length() : inverses_.front().target_length();
  }

  /// One for each start id under which something was committed, also before the log: to be stored.
  [[nodiscard]] const std::vector<life_of_server>& lives() const noexcept {
    return lives_;
  }
  /// The text after everything that was accepted; durable where `durable_revision() == revision()`.
  [[nodiscard]] const text& head_text() const noexcept {
    return text_;
  }
  [[nodiscard]] std::uint64_t revision() const noexcept {
    return revision_;
  }
  [[nodiscard]] std::uint64_t durable_revision() const noexcept {
    return durable_;
  }
  /// Operations after this revision are in the log.
  [[nodiscard]] std::uint64_t log_begin() const noexcept {
    return revision_ - log_.size();
  }
  /// The operation that made this revision; `log_begin()` < revision <= `revision()`.
  [[nodiscard]] const logged_operation& logged(std::uint64_t revision) const;
  /// Of every client that ever named itself: to be stored.
  [[nodiscard]] const std::map<std::string, last_of_client>& clients() const noexcept {
    return clients_;
  }
  /// The start id of a revision, however old; 0 for revision 0.
  [[nodiscard]] std::uint64_t start_of(std::uint64_t revision) const;

private:
  [[nodiscard]] const logged_operation* find_logged(const std::string& client,
                                                    std::uint64_t seq) const;
  [[nodiscard]] expected<void> check_seq(const operation_identity& author) const;
  [[nodiscard]] expected<void> check_revision(const operation_identity& author,
                                              std::uint64_t revision) const;
  [[nodiscard]] expected<operation> onto_head(operation edit, std::uint64_t revision) const;
  void remember_last(const operation_identity& author);
  [[nodiscard]] std::string durable_text() const;
  [[nodiscard]] std::string fate_of(const join_request& request) const;
  [[nodiscard]] repeated at(std::uint64_t revision) const {
    return {revision, revision <= durable_};
  }

  text text_;
  std::uint64_t revision_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t start_ = 0; // of this life of the server
  std::vector<life_of_server> lives_;
  std::deque<logged_operation> log_;
  std::deque<operation> inverses_; // of what is not durable: `text_` without it is
  std::map<std::string, last_of_client> clients_;
  std::unordered_map<std::uint64_t, std::uint64_t> nonces_; // revision by nonce
  limits limits_;
};

} // namespace syncline::core::ot
