#pragma once
// What a foreign server calls our items, in the table `idmap`. Private to storage/.
//
//   collection 00 l id    what the server calls this item of ours
//   collection 00 s id    what we call this item of the server
//   collection 00 w id    a walk that sweeps has met this item of ours
//   collection 00 g id    this item of the server was deleted while a batch was under way
//
// An item that the server has made is called here what it is called there, and has no row.

#include "storage/client_work.hpp"
#include "wire.pb.h"

#include <string>
#include <string_view>

namespace syncline::storage {

/// What the server calls it; empty where it has not named it, or calls it the same.
[[nodiscard]] std::string server_id_of(const record_reader& records, std::string_view collection,
                                       std::string_view id);

/// What we call it. An unknown name is taken over, unless an item that was made here and that the
/// server knows by another name, or not yet, has it already.
[[nodiscard]] std::string local_id_of(const record_reader& records, std::string_view collection,
                                      std::string_view server_id);

/// See `client_snapshot::localise`.
void localise_page(const record_reader& records, msg::DeltaPage& page);

/// Whether the page has the ids that it would be given now; if it has, notes those that are new.
bool accept_ids(client_work& work, const msg::DeltaPage& page);

/// Notes what a walk has met.
void note_met(client_work& work, const msg::DeltaPage& page);
/// Before a walk and after it.
void forget_met(client_work& work, std::string_view collection);

/// Notes the deletions of a page while a batch is under way: its answers are older than they are.
void note_gone(client_work& work, const msg::DeltaPage& page);
/// Whether one was noted for this item of ours, or for the name that the answer gives it.
[[nodiscard]] bool is_gone(const record_reader& records, std::string_view collection,
                           std::string_view id, std::string_view answered_id);
/// No batch is under way any more.
void forget_gone(client_work& work);

/// The server has made our item and calls it so. Where a page was faster and brought it under
/// another id, that one's row and all that waits there become ours. Returns that id, else nothing.
std::string adopt_server_id(client_work& work, lane_work& lane, std::string_view server_id);

} // namespace syncline::storage
