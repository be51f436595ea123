#include "core/data/client_document_message.hpp"

#include "core/data/operation_message.hpp"
#include "core/data/utf8.hpp"

#include <utility>

namespace syncline::core::ot {

void write_message(const client_document& document, msg::ClientDocument& out) {
  out.set_client(document.client);
  out.set_seq(document.seq);
  out.set_nonce(document.nonce);
  out.set_revision(document.revision);
  out.set_start(document.start);
  out.set_epoch(document.epoch);
  out.set_base(document.base);
  if (document.pending.outstanding)
    write_message(*document.pending.outstanding, *out.mutable_outstanding());
  if (!document.pending.buffer.is_noop())
    write_message(document.pending.buffer, *out.mutable_buffer());
}

expected<client_document> read_message(const msg::ClientDocument& from) {
  if (!is_valid_utf8(from.base()))
    return fail("bad_utf8", "the text of a document is no UTF-8");
  client_document made;
  made.client = from.client();
  made.seq = from.seq();
  made.nonce = from.nonce();
  made.revision = from.revision();
  made.start = from.start();
  made.epoch = from.epoch();
  made.base = from.base();
  if (from.has_outstanding()) {
    auto outstanding = read_message(from.outstanding());
    if (!outstanding)
      return outstanding.error();
    made.pending.outstanding = std::move(*outstanding);
  }
  if (from.has_buffer()) {
    auto buffer = read_message(from.buffer());
    if (!buffer)
      return buffer.error();
    made.pending.buffer = std::move(*buffer);
  }
  return made;
}

namespace {

struct change_writer {
  msg::ClientDocumentChange& out;

  void operator()(const session_change::typed& each) const {
    write_message(each.edit, *out.mutable_typed());
  }
  void operator()(const session_change::received& each) const {
    out.mutable_received()->set_revision(each.revision);
    out.mutable_received()->set_start(each.start);
    write_message(each.edit, *out.mutable_received()->mutable_edit());
  }
  void operator()(const session_change::frozen& each) const {
    out.mutable_frozen()->set_seq(each.seq);
    out.mutable_frozen()->set_nonce(each.nonce);
    out.mutable_frozen()->set_components(each.components);
  }
  void operator()(const session_change::acknowledged& each) const {
    out.mutable_acknowledged()->set_revision(each.revision);
    out.mutable_acknowledged()->set_start(each.start);
  }
};

} // namespace

void write_message(const any_session_change& change, msg::ClientDocumentChange& out) {
  std::visit(change_writer{out}, change);
}

expected<any_session_change> read_message(const msg::ClientDocumentChange& from) {
  switch (from.what_case()) {
  case msg::ClientDocumentChange::kTyped: {
    auto edit = read_message(from.typed());
    if (!edit)
      return edit.error();
    return any_session_change{session_change::typed{std::move(*edit)}};
  }
  case msg::ClientDocumentChange::kReceived: {
    auto edit = read_message(from.received().edit());
    if (!edit)
      return edit.error();
    return any_session_change{session_change::received{from.received().revision(),
                                                       from.received().start(), std::move(*edit)}};
  }
  case msg::ClientDocumentChange::kFrozen:
    return any_session_change{session_change::frozen{from.frozen().seq(), from.frozen().nonce(),
                                                     from.frozen().components()}};
  case msg::ClientDocumentChange::kAcknowledged:
    return any_session_change{
      session_change::acknowledged{from.acknowledged().revision(), from.acknowledged().start()}};
  default:
    return fail("unknown_type", "a change of a document is of a later version");
  }
}

} // namespace syncline::core::ot
