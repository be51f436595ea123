#include "net/protocol/document_client.hpp"

#include "core/data/operation_message.hpp"
#include "core/data/utf8.hpp"
#include "document.pb.h"
#include "net/protocol/document_message.hpp"

#include <limits>
#include <utility>

namespace syncline::net {

namespace {

namespace ot = core::ot;

core::error nonsense(const std::string& what) {
  return {"not_our_server", "the server sent " + what + " over /document"};
}

// A text that others typed is valid, or was made up.
core::expected<document_reply> read_snapshot(msg::DocumentSnapshot& from) {
  if (!core::is_valid_utf8(from.text()) || !is_document_name(from.epoch()))
    return nonsense("a text that is none");
  return document_reply{ot::snapshot_message{std::move(*from.mutable_text()), from.revision(),
                                             from.epoch(), from.start(), from.seq(), from.pending(),
                                             from.attempt()}};
}

core::expected<document_reply> read_operation(const msg::DocumentEdit& from) {
  const auto& logged = from.logged();
  constexpr int components_max = 1'000'000; // The server takes a tenth in one operation.
  if (!is_document_name(logged.client()) || logged.edit().steps_size() > components_max)
    return nonsense("an operation beyond every limit");
  auto edit = ot::read_message(logged.edit());
  if (!edit)
    return nonsense("an operation that is none: " + edit.error().message);
  return document_reply{ot::logged_operation{from.revision(),
                                             std::move(*edit),
                                             {logged.client(), logged.seq(), logged.nonce()},
                                             logged.start()}};
}

core::expected<document_reply> read_presence(const msg::DocumentPresence& from) {
  if (!is_document_name(from.client()) || !is_document_name(from.name()) ||
      !is_document_name(from.colour()))
    return nonsense("a name of more than 128 bytes");
  ot::presence made;
  made.client = from.client();
  made.revision = from.revision();
  if (from.has_selection())
    made.selected = {from.selection().anchor(), from.selection().head()};
  made.name = from.name();
  made.colour = from.colour();
  return document_reply{std::move(made)};
}

} // namespace

core::expected<document_reply> read_document_reply(std::string_view bytes) {
  msg::DocumentFrame frame;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return nonsense("no frame of syncline.v1");
  switch (frame.what_case()) {
  case msg::DocumentFrame::kSnapshot:
    return read_snapshot(*frame.mutable_snapshot());
  case msg::DocumentFrame::kJoined:
    return document_reply{document_joined{frame.joined().revision(), frame.joined().epoch(),
                                          frame.joined().attempt(), frame.joined().head()}};
  case msg::DocumentFrame::kOperation:
    return read_operation(frame.operation());
  case msg::DocumentFrame::kAck:
    return document_reply{document_ack{frame.ack().revision(), frame.ack().seq(),
                                       frame.ack().nonce(), frame.ack().start()}};
  case msg::DocumentFrame::kNack:
    return document_reply{document_nack{frame.nack().seq(),
                                        frame.nack().nonce(),
                                        {frame.nack().code(), frame.nack().message()},
                                        frame.nack().retry_after_ms()}};
  case msg::DocumentFrame::kResync:
    return document_reply{document_resync{frame.resync().reason(), frame.resync().attempt()}};
  case msg::DocumentFrame::kPresence:
    return read_presence(frame.presence());
  default:
    return document_reply{document_unknown{}};
  }
}

std::string join_frame(const ot::client_session& session) {
  const auto asked = session.join_message();
  msg::DocumentFrame frame;
  auto& join = *frame.mutable_join();
  join.set_client(asked.client);
  join.set_epoch(session.epoch());
  join.set_start(asked.start);
  join.set_attempt(session.attempt());
  if (asked.revision)
    join.set_revision(*asked.revision);
  if (asked.pending) {
    join.mutable_pending()->set_seq(asked.pending->seq);
    join.mutable_pending()->set_nonce(asked.pending->nonce);
  }
  return frame.SerializeAsString();
}

std::string operation_frame(const ot::logged_operation& sent) {
  msg::DocumentFrame frame;
  frame.mutable_operation()->set_revision(sent.revision);
  ot::write_message(sent, *frame.mutable_operation()->mutable_logged());
  return frame.SerializeAsString();
}

std::string presence_frame(const ot::presence& shown) {
  msg::DocumentFrame frame;
  auto& to = *frame.mutable_presence();
  to.set_client(shown.client);
  to.set_revision(shown.revision);
  if (shown.selected) {
    to.mutable_selection()->set_anchor(shown.selected->anchor);
    to.mutable_selection()->set_head(shown.selected->head);
  }
  to.set_name(shown.name);
  to.set_colour(shown.colour);
  return frame.SerializeAsString();
}

} // namespace syncline::net
