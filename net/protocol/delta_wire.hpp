#pragma once
// Pages of changes in protobuf, without what both sides know: some bytes for each item, where the
// bodies are small.

#include "wire.pb.h"

namespace syncline::net {

/// Turns a page into what is sent (messages/wire.proto, DeltaPage, says how).
void pack_page(msg::DeltaPage& page);

/// The inverse, on a page as it was received. Whatever it holds, nothing is undefined.
void unpack_page(msg::DeltaPage& page);

} // namespace syncline::net
