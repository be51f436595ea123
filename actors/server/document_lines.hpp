#pragma once
// The connections of one document: what goes out to them.

#include "actors/server/document_peer.hpp"
#include "core/ot/document_room.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace syncline::actors::server {

/// One connection of a document.
struct document_line {
  std::shared_ptr<net::live_link> link;
  std::shared_ptr<message_credit> credit;
  document_form form = document_form::json;
  bool was_silent = false;         ///< for so long that it may be a plain client
  std::size_t unsent = 0;          ///< bytes since the socket had taken all
  std::deque<document_said> waits; ///< for the text to be loaded
};

/// Whether it is text or binary, as was agreed upon; ends the connection where it is not.
[[nodiscard]] bool has_right_form(const document_line& from, const document_said& said);

/// Part of the document actor; not synchronised.
class document_lines {
public:
  document_line& add(document_arrived& arrived);
  /// nullptr: it is gone.
  [[nodiscard]] document_line* find(core::ot::connection_id who);
  void remove(core::ot::connection_id who) {
    lines_.erase(who);
  }
  [[nodiscard]] bool is_empty() const noexcept {
    return lines_.empty();
  }
  [[nodiscard]] std::map<core::ot::connection_id, document_line>& all() noexcept {
    return lines_;
  }

  /// Sends all of it, in its order, and empties it. Whose socket has taken too little is not
  /// writable in the room until it says that it is drained.
  void send(std::vector<core::ot::outgoing>& all, core::ot::document_room& room);

  /// Ends all of them. `room` may be missing.
  void close_all(const core::error& why, const core::ot::document_room* room);

private:
  struct encoded {
    net::shared_bytes json;
    net::shared_bytes protobuf;
  };

  void send_to(core::ot::connection_id who, document_line& to, std::vector<net::shared_bytes> all,
               core::ot::document_room& room);
  [[nodiscard]] net::shared_bytes frame_of(document_form form, const core::ot::said& what,
                                           const core::ot::document_room& room);

  std::map<core::ot::connection_id, document_line> lines_;
  std::map<std::uint64_t, encoded> encoded_; // by revision
};

} // namespace syncline::actors::server
