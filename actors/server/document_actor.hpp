#pragma once

#include "actors/server/document_options.hpp"
#include "actors/server/store_actor.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace syncline::actors::server {

/// One text that is in use, and the only owner of it: loads it, carries out what its connections
/// say, and has each operation stored before anybody hears of it. Ends when it was deleted, when
/// somebody else has loaded it, and when nobody needs it.
using document_actor =
  caf::typed_actor<rt::sig<void, document_arrived>, rt::sig<void, document_said>,
                   rt::sig<void, document_drained>, rt::sig<void, document_left>,
                   rt::sig<void, msg::DocumentSilence>, rt::sig<void, msg::DocumentTick>,
                   rt::sig<void, msg::DocumentLook>, rt::sig<void, msg::DocumentFlush>,
                   rt::sig<void, msg::DocumentEnds>>;

/// The directory of documents that are in use: there are never two owners of one.
using documents_actor =
  caf::typed_actor<rt::sig<void, document_arrived>, rt::sig<void, msg::DocumentIdle>,
                   rt::sig<msg::Done, msg::DeleteDocument>>;

document_actor spawn_document(caf::actor_system& system, std::string space, std::string id,
                              bool again, store_actor store, documents_actor documents, seams world,
                              document_options options, std::uint64_t start);

/// `start` is that of the store.
documents_actor spawn_documents(caf::actor_system& system, store_actor store, seams world,
                                document_options options, std::uint64_t start);

} // namespace syncline::actors::server
