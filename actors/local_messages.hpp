#pragma once
// Messages that never leave the process: they carry functions, so protobuf cannot describe them.
// They stand at the edges, where a thread that is no actor meets the actors.

#include "client_storage.pb.h"
#include "core/expected.hpp"
#include "http.pb.h"

#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace syncline::net {
class live_link;
} // namespace syncline::net

namespace syncline::core::ot {
struct logged_operation;
} // namespace syncline::core::ot

namespace syncline::storage {
struct opened_document;
} // namespace syncline::storage

namespace syncline::actors::server {
class arriving_link;
class document_route;
class message_credit;
} // namespace syncline::actors::server

namespace syncline::actors {

/// Calls a function with an outcome exactly once: the first time it is told one, or with `stopped`
/// when the last copy goes. So whoever waits for an actor that ends is never left waiting. Copies
/// may move between threads; only one of them delivers. The function must not throw.
template <class T>
class reply_once {
public:
  using function = std::function<void(core::expected<T>)>;

  reply_once() = default;
  explicit reply_once(function done) : state_{std::make_shared<state>(std::move(done))} {}

  void deliver(core::expected<T> outcome) const {
    if (state_)
      state_->deliver(std::move(outcome));
  }

private:
  struct state {
    explicit state(function given) : done{std::move(given)} {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
      deliver(core::fail("stopped", "the runtime is stopping or an actor of it has failed; look "
                                    "whether the request was carried out before you repeat it"));
    }
    void deliver(core::expected<T> outcome) {
      if (const auto called = std::exchange(done, nullptr))
        called(std::move(outcome));
    }
    function done;
  };

  std::shared_ptr<state> state_;
};

/// host -> storage, the hot path: as `WriteLocal`, answered on storage's thread after the commit
/// and before any event of it is published.
struct host_write {
  msg::WriteLocal command;
  reply_once<msg::LocalWritten> reply;
};

/// host -> host actor: something to do in an actor's context.
struct host_call {
  std::function<void(caf::event_based_actor*)> run;
};

/// HTTP client thread -> transport: the reply to the request with this ticket.
struct http_answered {
  std::uint64_t ticket = 0;
  msg::HttpReply reply;
};

/// HTTP server thread -> listener: a request of one connection. `answer` may be called once, from
/// any thread.
struct http_arrived {
  std::uint64_t connection = 0;
  msg::HttpRequest request;
  std::function<void(msg::HttpReply)> answer;
};

// io thread of the server -> live session: what happens on its connection, in this order.
struct live_begun {
  std::shared_ptr<net::live_link> link;
};
struct live_message {
  std::string payload;
  bool text = false;
};
struct live_left {
  std::string topic;
  std::uint64_t seq = 0;
  std::shared_ptr<const std::string> cursor;
  bool is_full = false; ///< `live_drained` follows
};
struct live_drained {};
struct live_ended {};

/// store -> document: what there is of it.
struct document_loaded {
  std::shared_ptr<storage::opened_document> opened;
};

struct document_log_read {
  std::shared_ptr<std::deque<core::ot::logged_operation>> log;
};

/// How a connection to a document speaks.
enum class document_form { json, protobuf };

// io thread of the server -> documents -> document, and then -> document: what happens on a
// connection, in this order.
struct document_arrived {
  std::string space;
  std::string id;
  std::uint64_t connection = 0; ///< unlike all others of this server
  document_form form = document_form::json;
  bool may_be_plain = false; ///< it is one where it says nothing
  bool again = false;        ///< a deleted document is created again
  std::shared_ptr<server::arriving_link> link;
  std::shared_ptr<server::document_route> route;
  std::shared_ptr<server::message_credit> credit; ///< each `document_said` has taken of it
};
struct document_said {
  std::uint64_t connection = 0;
  std::string payload;
  bool text = false;
};
struct document_drained {
  std::uint64_t connection = 0;
};
struct document_left {
  std::uint64_t connection = 0;
};

// dialer's thread -> stream: what happens on the connection of this number.
struct line_opened {
  std::uint64_t number = 0;
};
struct line_alive {
  std::uint64_t number = 0;
};
struct line_message {
  std::uint64_t number = 0;
  std::string bytes;
};
struct line_ended {
  std::uint64_t number = 0;
  core::error why;
};

/// housekeeping -> itself: this chore is due.
struct chore_due {
  std::size_t index = 0;
};

} // namespace syncline::actors
