#pragma once
// What a host asks of a shared text, and what it is answered. Such questions never leave the
// process.

#include "actors/caf.hpp"
#include "actors/local_messages.hpp"
#include "core/ot/carets.hpp"
#include "core/ot/shown_history.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace syncline::actors::client {

/// How a text stands.
struct document_standing {
  std::string state; ///< local, paused, waiting, connecting, joining, live, deleted
  std::string client;
  std::uint64_t revision = 0; ///< of the server, beneath what was typed here
  bool has_server_text = false;
  bool is_synchronized = false; ///< everything typed here is at the server, acknowledged
  std::uint64_t length = 0;     ///< UTF-16 code units
  std::uint64_t bytes = 0;
  core::error last_error; ///< of the connection; an empty code where there was none
};

/// Lengths and places are in the units of who asked.
struct document_answer {
  struct change {
    std::uint64_t version = 0;
    core::ot::operation edit;
    bool is_remote = false;
    std::string author;
  };

  std::uint64_t version = 0; ///< of the text, after what was asked for
  std::string text;
  /// What the host has to do to the text that it shows, in this order.
  std::vector<change> changes;
  bool done = true; ///< undo and redo: there was something
  std::vector<core::ot::caret> carets;
  document_standing standing;
};

namespace text_ask {
/// Nothing but to be there: somebody shows the text from now on, until `release`.
struct hold {
  bool again = false; ///< a deleted text is created again
};
struct release {};
struct read {};
struct changes {}; ///< those after `seen`
/// Lengths are in `units`, and it may be sloppy. `missed` changes are answered for the text with
/// the edit done.
struct edit {
  core::ot::operation what;
  bool is_patient = true; ///< the answer waits until it is stored
};
struct undo {};
struct redo {};
/// Where one's own caret is; none: others do not see it.
struct select {
  std::optional<core::ot::selection> at;
  std::string name;
  std::string colour;
};
struct carets {};
struct standing {};
/// Answered when everything typed here is at the server, and what is there is here.
struct settle {};
/// Answered when all that has happened to it is stored.
struct keep {};
/// The text is deleted, here and at the server.
struct remove {};
} // namespace text_ask

using any_text_ask =
  std::variant<text_ask::hold, text_ask::release, text_ask::read, text_ask::changes, text_ask::edit,
               text_ask::undo, text_ask::redo, text_ask::select, text_ask::carets,
               text_ask::standing, text_ask::settle, text_ask::keep, text_ask::remove>;

} // namespace syncline::actors::client

namespace syncline::actors {

/// document -> documents: everything of it is at the server, or will not be.
struct text_settled {
  std::uint64_t run = 0;
  core::error failure; ///< an empty code: it is
};

/// document -> documents: all that has happened to it is stored.
struct text_kept {};

/// host -> documents -> document. Errors: `not_found` (deleted), `stale_version`, those of an edit
/// (`bad_length`, `splits_surrogate_pair`, `splits_character`, `base_length_mismatch`,
/// `too_large`), those of the store, `stopped`.
struct document_question {
  std::string id;
  core::ot::text_units units = core::ot::text_units::utf16;
  std::optional<std::uint64_t> seen; ///< the version that the host shows; none: the latest
  client::any_text_ask what;
  reply_once<client::document_answer> reply;
};

} // namespace syncline::actors
