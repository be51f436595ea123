#pragma once
// What a document's actor is made of. Private to it.

#include "actors/client/document_actor.hpp"
#include "actors/client/document_line.hpp"
#include "actors/client/document_shelf.hpp"
#include "core/ot/carets.hpp"
#include "net/protocol/document_client.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace syncline::actors::client {

/// The text is always there; the line comes and goes:
///
/// none --wanted--> connecting --opened--> joining --joined, snapshot--> live
///   ^                  | ended               | ended, silent, nonsense    | the same
///   '--- waiting <-----'<--------------------'<---------------------------'
///            '--DocumentDue--> connecting
///
/// What the host or the server says changes the session at once; what follows from it, an answer, a
/// join, an operation, waits until the shelf has stored it.
class document_state {
public:
  static inline const char* name = "document";

  document_state(document_actor::pointer self, std::string id, bool paused,
                 document_surroundings around)
    : self_{self}, id_{std::move(id)}, paused_{paused}, around_{std::move(around)},
      options_{around_.options}, shelf_{id_, around_.store,
                                        [this](auto command) { send_to_storage(command); }},
      line_{self_, options_, around_.world} {
    load(static_cast<std::uint64_t>(around_.world.wall_ms()) * 1'000);
  }

  document_actor::behavior_type make_behavior();

private:
  // --- What is stored
  void send_to_storage(msg::StoreDocument& command);
  void load(std::uint64_t version);
  void begin_anew();
  void begin_at(std::uint64_t version);
  void on_not_stored(const core::error& why);

  // --- What follows from what has happened
  void go_on();
  void say();
  void settle();
  void refuse_to_settle(const core::error& why);
  void rest();
  void take(core::ot::client_effects effects);
  void follow();
  void tell(document_event what) const;
  void count(const char* what) const;

  // --- The host
  void on_question(document_question& asked);
  bool revives(const document_question& asked);
  void answer(document_question& asked);
  static bool waits_for_store(const any_text_ask& what);
  [[nodiscard]] bool is_alive() const {
    return shelf_.state() == msg::KEPT || shelf_.state() == msg::CREATING;
  }
  void on_held(const text_ask::hold& how);
  void on_released();
  void on_selected(const text_ask::select& what);
  void on_settle(const reply_once<document_answer>& reply);
  [[nodiscard]] document_standing standing() const;

  // --- Deletion
  void become_empty(msg::ClientDocumentState state);
  void on_deleted();
  void on_remove(const reply_once<document_answer>& reply);

  // --- The server
  [[nodiscard]] bool wants_line() const;
  msg::Done on_set_paused(bool paused);
  void drop_line();
  void hang_up(const core::error& why, std::optional<std::int64_t> pause_ms = {});
  void on_opened();
  void on_ended(const core::error& why);
  void on_beat();
  void on_message(const std::string& bytes);
  void hear(const core::ot::snapshot_message& said);
  void hear(const net::document_joined& said);
  void hear(const core::ot::logged_operation& said);
  void hear(const net::document_ack& said);
  void hear(const net::document_nack& said);
  void hear(const net::document_resync& said);
  void hear(const core::ot::presence& said);
  void hear(const net::document_unknown&) {}
  void show_caret();

  // Others forget a caret after 30 s.
  static constexpr std::uint32_t caret_beats_max = 2;

  document_actor::pointer self_;
  std::string id_;
  bool paused_;
  document_surroundings around_;
  documents_options options_;
  document_shelf shelf_;
  document_line line_;
  std::optional<core::error> failure_; // It could not be loaded: nothing is done with it.
  std::optional<core::ot::client_session> session_;
  core::ot::caret_board board_;
  std::uint64_t followed_ = 0; // version up to which carets were moved and others told
  std::uint64_t head_ = 0;     // of the server when we joined
  std::vector<reply_once<document_answer>> settles_;
  std::optional<document_shelf::ticket> owes_join_;
  std::optional<document_shelf::ticket> owes_operation_;
  std::string shown_name_;
  std::string shown_colour_;
  core::error last_error_;
  std::uint64_t asked_ = 0;
  std::optional<std::uint64_t> rests_at_; // of `asked_`: it has said that it rests
  std::uint32_t caret_beats_ = 0;
  bool is_held_ = false; // somebody shows it
  bool keeps_bytes_ = false;
  bool is_caret_shown_ = false;
  bool is_save_armed_ = false;
  bool is_show_armed_ = false;
  bool is_resend_armed_ = false;
};

} // namespace syncline::actors::client
