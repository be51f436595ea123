#pragma once
// Has what happens to a text stored, in the order in which it happens, and keeps what may follow
// from it until then.

#include "actors/client/document_question.hpp"
#include "core/ot/client_session.hpp"
#include "storage/client_store.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace syncline::actors::client {

/// Of one document, in the context of its actor. One store request is under way at a time; what
/// comes meanwhile goes with the next.
class document_shelf {
public:
  /// Sends a request to `storage`, whose answer is told by `stored` or `not_stored`.
  using send_function = std::function<void(msg::StoreDocument)>;

  document_shelf(std::string id, std::shared_ptr<storage::client_store> store, send_function send)
    : id_{std::move(id)}, store_{std::move(store)}, send_{std::move(send)} {}

  /// As it is stored; nullopt where nothing is. Errors: `store_corrupt`, `store_io`.
  [[nodiscard]] core::expected<std::optional<core::ot::client_session>>
  load(core::ot::client_session::limits how);

  [[nodiscard]] msg::ClientDocumentState state() const noexcept {
    return state_;
  }
  /// To be stored with the next request.
  void set_state(msg::ClientDocumentState state) {
    state_ = state;
    is_news_ = true;
  }
  void report(std::vector<core::ot::document_report> reports);
  /// Whether anything of the document is in the store.
  [[nodiscard]] bool is_stored() const noexcept {
    return is_stored_;
  }
  /// A moment: all that has happened to the session so far is stored then.
  using ticket = std::uint64_t;
  [[nodiscard]] ticket now(const core::ot::client_session& session) const {
    return has_unstored(session) ? begun_ + 1 : begun_;
  }
  [[nodiscard]] bool has_stored(ticket moment) const noexcept {
    return moment <= done_;
  }
  /// Answers then, or with the error that kept it from being stored.
  void when_stored(const core::ot::client_session& session, reply_once<document_answer> reply,
                   core::expected<document_answer> answer);

  /// Whether something waits for a request that is not under way.
  [[nodiscard]] bool is_urgent(const core::ot::client_session& session) const;
  /// Whether nobody waits, and nothing is under way.
  [[nodiscard]] bool is_quiet(const core::ot::client_session& session) const {
    return begun_ == done_ && waiting_.empty() && !is_urgent(session);
  }
  /// Whether a request would have anything to say.
  [[nodiscard]] bool has_unstored(const core::ot::client_session& session) const;

  /// Begins a request, unless there is nothing to store or one is under way.
  void store(core::ot::client_session& session);
  void stored(std::uint64_t last_change);
  /// Whoever waits is told why. What is stored is as it was before: it is to be loaded.
  void not_stored(const core::error& why);

private:
  struct waiting_answer {
    ticket moment = 0;
    reply_once<document_answer> reply;
    core::expected<document_answer> answer;
  };

  std::string id_;
  std::shared_ptr<storage::client_store> store_;
  send_function send_;
  msg::ClientDocumentState state_ = msg::KEPT;
  std::vector<core::ot::document_report> reports_;
  std::deque<waiting_answer> waiting_;
  std::uint64_t last_change_ = 0;
  ticket begun_ = 0;
  ticket done_ = 0;
  bool was_pending_ = false; // as it is stored
  bool is_news_ = false;
  bool is_stored_ = false;
};

} // namespace syncline::actors::client
