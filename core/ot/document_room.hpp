#pragma once
// A document with everybody who is connected to it: what each of them is sent, and when. Decides,
// and sends nothing itself (PROTOCOL.md section 7; docs/ot.md).

#include "core/ot/plain_bridge.hpp"
#include "core/ot/server_document.hpp"
#include "core/ot/transform.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace syncline::core::ot {

/// One connection, for as long as it lasts.
using connection_id = std::uint64_t;

/// Where somebody's caret is, and how he is to be shown.
struct presence {
  std::string client;
  std::uint64_t revision = 0;        ///< of the text that the selection is in
  std::optional<selection> selected; ///< none: he is gone
  std::string name;                  ///< may be empty, as the next
  std::string colour;

  friend bool operator==(const presence&, const presence&) = default;
};

/// What a connection is to be sent. Operations are in the log: `document().logged(revision)`.
namespace say {
struct snapshot {
  server_document::whole_text whole;
  std::uint64_t start = 0;
  std::optional<std::uint64_t> attempt;
};
struct joined {
  std::uint64_t revision = 0;
  std::uint64_t start = 0;
  std::optional<std::uint64_t> attempt;
};
struct edit {
  std::uint64_t revision = 0;
};
struct ack {
  std::uint64_t revision = 0;
  operation_identity author;
  std::uint64_t start = 0;
};
struct nack {
  std::uint64_t seq = 0;
  std::uint64_t nonce = 0;
  error why;
  std::int64_t retry_after_ms = 0; ///< 0: none
};
struct resync {
  std::string reason; ///< epoch, too_old, restored
  std::optional<std::uint64_t> attempt;
};
/// To a plain client, first of all: the text as one insert.
struct whole_insert {
  std::string text;
  std::uint64_t revision = 0;
};
/// The connection ends, for a plain client cannot hear why: 4400 and the code.
struct close {
  std::string code;
};
} // namespace say

using said = std::variant<say::snapshot, say::joined, say::edit, say::ack, say::nack, say::resync,
                          say::whole_insert, say::close, presence>;

struct outgoing {
  connection_id to = 0;
  said what;
};

/// Pure; not synchronised. Calls append to `out`, in the order in which it is to be sent.
///
///   new --join--> joining --answered--> joined (a later join: joining again)
///    '--another frame, or silence--> plain --join--> joining
class document_room {
public:
  struct limits {
    server_document::limits text;
    /// Operations that were accepted and are not durable; above it: `overloaded`.
    std::uint64_t uncommitted_max = 4'096;
    std::size_t uncommitted_bytes_max = std::size_t{64} << 20U; ///< of what they insert
    std::int64_t retry_after_ms = 200;
    /// What one connection is sent at a time, so that a long catch-up lets others in between.
    std::size_t slice = 256;
    std::int64_t presence_lives_ms = 30'000;
    /// Revisions; a caret in an older text than this is not shown.
    std::uint64_t presence_reach = 2'000;
  };

  document_room(server_document document, std::string epoch, limits how);

  [[nodiscard]] const server_document& document() const noexcept {
    return document_;
  }
  [[nodiscard]] const std::string& epoch() const noexcept {
    return epoch_;
  }
  [[nodiscard]] std::size_t connections() const noexcept {
    return members_.size();
  }
  [[nodiscard]] bool has(connection_id who) const {
    return members_.contains(who);
  }

  // --- Connections. Each id is opened once; calls about an unknown one do nothing.
  void open(connection_id who);
  void close(connection_id who);
  /// It has been silent since it was opened, and may be a plain client: it becomes one.
  void on_silence(connection_id who);
  /// Whether it can take more; it can when it is opened. While it cannot, nothing of the stream is
  /// sent to it, which costs nothing: the log waits.
  void set_writable(connection_id who, bool is_writable);

  // --- Messages
  struct join_message {
    join_request request;
    std::string epoch; ///< empty: it names none
    std::optional<std::uint64_t> attempt;
  };
  void on_join(connection_id who, const join_message& asked, std::vector<outgoing>& out);
  /// `author` is empty for a plain client. True: it is to be committed.
  bool on_operation(connection_id who, const operation_identity& author, std::uint64_t revision,
                    operation edit, std::vector<outgoing>& out);
  void on_presence(connection_id who, presence shown, std::int64_t now_ms);
  /// A message that cannot be read, or comes too early.
  void refuse(connection_id who, const operation_identity& author, error why,
              std::vector<outgoing>& out);

  // --- The store
  /// From where the log has to be known to carry this out; nullopt where it is, or where not even
  /// the store has it, whose log begins behind `stored_begin`.
  [[nodiscard]] std::optional<std::uint64_t> older_needed(const join_message& asked,
                                                          std::uint64_t stored_begin) const;
  /// The same for an operation of this revision.
  [[nodiscard]] std::optional<std::uint64_t> older_needed(std::uint64_t revision,
                                                          std::uint64_t stored_begin) const;
  /// Earlier operations, up to `document().log_begin()`, where the document came without them.
  void prepend_log(std::deque<logged_operation> older) {
    document_.prepend_log(std::move(older));
  }
  /// All up to this revision is durable: joins that waited for it are answered.
  void committed(std::uint64_t revision, std::vector<outgoing>& out);
  /// The log up to here is nobody's: no connected client named a revision below it last, or has
  /// still to be sent one.
  [[nodiscard]] std::uint64_t needed_from() const;
  /// Forgets the log up to this revision, which stands in a durable snapshot, or up to
  /// `needed_from`.
  void trim(std::uint64_t revision);

  // --- The streams
  /// The next slice of each writable connection and, where they are wanted, the carets that were
  /// set or are gone. True: there is more to be sent, after others have had their turn.
  bool flush(std::vector<outgoing>& out, bool with_carets = true);
  /// Whether there is anything that can run out of time.
  [[nodiscard]] bool has_carets() const noexcept {
    return !carets_.empty();
  }
  /// Carets that nobody has refreshed are gone.
  void on_time(std::int64_t now_ms);

private:
  enum class stage { fresh, joining, joined, plain };
  struct member {
    stage at = stage::fresh;
    bool is_writable = true;
    std::uint64_t sent = 0;  // revisions that it was sent
    std::uint64_t named = 0; // revision that it last named
    std::string client;      // as it joined
    operation_identity mine; // the operation that it last named
    std::optional<std::uint64_t> attempt;
    std::optional<join_message> waiting; // for a commit
    std::set<std::uint64_t> unnamed;     // revisions of its operations that bear no name
    plain_bridge bridge;
    std::map<connection_id, std::uint64_t> carets; // the latest one sent, of each other
  };
  struct caret {
    presence shown;
    std::uint64_t number = 0; // rises with each change
    std::int64_t until_ms = 0;
  };

  [[nodiscard]] member* find(connection_id who);
  void answer_join(connection_id who, member& asking, const join_message& asked,
                   std::vector<outgoing>& out);
  void become_plain(connection_id who, member& whom, std::vector<outgoing>& out);
  bool take_plain(connection_id who, member& from, const operation_identity& author,
                  std::uint64_t revision, operation edit, std::vector<outgoing>& out);
  void answer_repeated(connection_id who, member& to, const operation_identity& author,
                       const server_document::repeated& known, std::vector<outgoing>& out) const;
  void forget_ended_carets();
  bool take_joined(connection_id who, member& from, const operation_identity& author,
                   std::uint64_t revision, operation edit, std::vector<outgoing>& out);
  void send_next(connection_id who, member& to, std::vector<outgoing>& out);
  void send_carets(connection_id who, member& to, std::vector<outgoing>& out);
  void end_caret(connection_id of);
  void move_carets();

  server_document document_;
  std::string epoch_;
  limits limits_;
  std::map<connection_id, member> members_;
  std::map<connection_id, caret> carets_;
  std::uint64_t carets_at_ = 0; // the revision that they are in
  std::uint64_t last_caret_ = 0;
  std::size_t uncommitted_bytes_ = 0;
};

} // namespace syncline::core::ot
