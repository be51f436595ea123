#pragma once
// Clients and a server of one document over connections that break, with everything stored at the
// moments at which the real ones store it. Random, and the same for one seed.

#include "core/ot/client_session.hpp"
#include "core/ot/document_room.hpp"
#include "tests/support/random_edits.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace syncline::tests {

/// What may happen in a run, beside typing and broken connections.
struct document_faults {
  bool removes = true; ///< also what others wrote
  bool restarts = false;
  bool trims = false;
  bool crashes = false; ///< of clients
  bool restores = false;
  bool copies = false;    ///< of clients' stores, and operations that arrive after their connection
  bool doubles = false;   ///< messages that arrive twice, in both directions
  bool overloads = false; ///< a server that refuses for a while
};

class document_network {
public:
  document_network(std::uint64_t seed, document_faults faults, int clients);

  void act();
  /// No more faults: everybody connects, and all that waits is carried out.
  void heal();

  [[nodiscard]] std::string server_text() const {
    return room_->document().head_text().to_string();
  }
  [[nodiscard]] bool all_agree() const;
  /// Of each character that a client inserted, how often it is in the server's text.
  [[nodiscard]] bool has_each_insert_once() const;
  /// Copies for the user: text that a restored server lacks.
  [[nodiscard]] std::size_t reports() const {
    return reports_;
  }
  /// Refusals that clients were told of.
  [[nodiscard]] std::size_t nacks() const {
    return nacks_;
  }
  [[nodiscard]] std::size_t inserts() const {
    return inserted_.size();
  }
  /// Whether what a client took for the server's text of a revision ever was another one, or a
  /// client was loaded as something else than it was.
  [[nodiscard]] bool was_ever_wrong() const {
    return was_wrong_;
  }

private:
  struct join_sent {
    core::ot::join_request request;
    std::string epoch;
    std::uint64_t attempt = 0;
  };
  struct joined_said {
    std::uint64_t revision = 0;
    std::string epoch;
    std::uint64_t attempt = 0;
  };
  struct ack_said {
    std::uint64_t revision = 0;
    core::ot::operation_identity author;
    std::uint64_t start = 0;
  };
  struct nack_said {
    core::ot::operation_identity author;
    std::string code;
  };
  struct resync_said {
    std::string reason;
    std::uint64_t attempt = 0;
  };
  using to_server = std::variant<join_sent, core::ot::logged_operation>;
  using to_client = std::variant<core::ot::snapshot_message, joined_said,
                                 core::ot::logged_operation, ack_said, nack_said, resync_said>;

  struct client {
    core::ot::client_document stored; ///< as it survives a crash, with what happened since
    std::vector<core::ot::any_session_change> since;
    std::optional<core::ot::client_session> session;
    bool is_connected = false;
    std::deque<to_server> sent;
    std::deque<to_client> said;
    core::ot::connection_id connection = 0; ///< at the server
  };
  /// An operation on a connection that its client has given up.
  struct late_frame {
    core::ot::connection_id connection = 0;
    core::ot::logged_operation sent;
  };

  client& any();
  void type(client& who);
  void store(client& who);
  void load(client& who);
  void break_connection(client& who);
  void connect(client& who);
  void store_and_send(client& who, const core::ot::client_effects& effects);
  void deliver_to_client(client& who);
  void deliver_to_server(client& who);
  void deliver_late();
  void commit();
  void say(const std::vector<core::ot::outgoing>& out);
  [[nodiscard]] to_client as_frame(const core::ot::said& what) const;
  void load_server(bool new_epoch);
  void check_base(const client& who);

  random_edits random_;
  document_faults faults_;
  std::vector<std::unique_ptr<client>> clients_;
  std::optional<core::ot::document_room> room_;
  core::ot::stored_document durable_;
  std::optional<core::ot::stored_document> backup_;
  std::string epoch_ = "1";
  std::uint64_t start_ = 1;
  std::uint64_t next_nonce_ = 0;
  std::uint64_t next_client_ = 0;
  std::int64_t now_ms_ = 0;
  std::u16string inserted_;
  std::size_t reports_ = 0;
  std::size_t nacks_ = 0;
  std::vector<late_frame> late_;
  core::ot::connection_id last_connection_ = 0;
  std::map<std::uint64_t, std::string> texts_; // durable ones by revision
  bool was_wrong_ = false;
};

} // namespace syncline::tests
