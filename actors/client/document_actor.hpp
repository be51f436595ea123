#pragma once

#include "actors/client/interfaces.hpp"
#include "actors/seams.hpp"
#include "core/ot/client_session.hpp"
#include "core/sync/backoff.hpp"
#include "net/client/live_line.hpp"
#include "storage/client_store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace syncline::actors::client {

/// What has happened to a text that somebody shows.
enum class document_event { changed, carets, standing };

struct documents_options {
  net::document_dial dial; ///< none: there is no server, and texts stay here
  core::ot::client_session::limits session;
  core::backoff_options backoff{.first_ms = 500, .max_ms = 30'000};
  /// As for the stream: after so many beats without a sign of life it is asked for, and after the
  /// others the server is taken for gone: 20 s and 45 s.
  std::chrono::milliseconds beat{5'000};
  std::uint32_t ping_after_beats = 4;
  std::uint32_t silent_beats_max = 9;
  /// What nothing depends on is stored after this, along with what came meanwhile.
  std::chrono::milliseconds save_after{500};
  /// Carets are told so often at most.
  std::chrono::milliseconds caret_pause{60};
  std::uint32_t request_timeout_ms = 30'000;
  /// Texts with edits that wait from earlier are brought to the server so many at a time.
  std::size_t opened_at_once = 16;
  bool paused = true;
  /// Called in the context of the document's actor; must not block. May be empty.
  std::function<void(const std::string& id, document_event what)> on_event;
  /// Counts what happens; may be empty.
  std::function<void(const char* event)> on_count;
};

/// One text that is shown, or has edits that wait: the only one who writes it. An edit is told to
/// the server once it is stored, and to nobody before. What begins with `line` comes from the
/// dialer's thread.
using document_actor =
  caf::typed_actor<rt::sig<void, document_question>, rt::sig<msg::Done, msg::SetPaused>,
                   rt::sig<void, line_opened>, rt::sig<void, line_alive>,
                   rt::sig<void, line_message>, rt::sig<void, line_ended>,
                   rt::sig<void, msg::DocumentDue>, rt::sig<void, msg::DocumentBeat>,
                   rt::sig<void, msg::DocumentSave>, rt::sig<void, msg::DocumentShow>,
                   rt::sig<void, msg::DocumentResend>>;

/// What a document works with.
struct document_surroundings {
  std::shared_ptr<storage::client_store> store; ///< for reading
  storage_actor storage;
  transport_actor transport;
  documents_actor documents;
  seams world;
  documents_options options;
};

document_actor spawn_document(caf::actor_system& system, std::string id, bool paused,
                              document_surroundings around);

/// The directory of texts that are in use; brings edits that wait from earlier to the server.
documents_actor spawn_documents(caf::actor_system& system,
                                std::shared_ptr<storage::client_store> store, storage_actor storage,
                                transport_actor transport, seams world, documents_options options);

} // namespace syncline::actors::client
