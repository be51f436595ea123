// /document/<id> in protobuf.

#include "core/data/operation_message.hpp"
#include "core/ensure.hpp"
#include "net/protocol/document_message.hpp"

#include <limits>

namespace syncline::net {

namespace {

namespace ot = core::ot;

refused_message bad(std::string why) {
  return {{}, core::fail("bad_message", std::move(why))};
}

document_message read_join(const msg::DocumentJoin& from) {
  if (!is_document_name(from.client()) || !is_document_name(from.epoch()))
    return bad("a client id and an epoch have at most 128 bytes, none of them zero");
  ot::document_room::join_message made;
  made.request.client = from.client();
  if (from.has_revision())
    made.request.revision = from.revision();
  made.request.start = from.start();
  if (from.has_pending())
    made.request.pending = {from.client(), from.pending().seq(), from.pending().nonce()};
  made.epoch = from.epoch();
  if (from.has_attempt())
    made.attempt = from.attempt();
  return made;
}

document_message read_edit(const msg::DocumentEdit& from) {
  submitted_operation made;
  const auto& logged = from.logged();
  if (!is_document_name(logged.client()))
    return bad("a client id has at most 128 bytes, none of them zero");
  made.author = {logged.client(), logged.seq(), logged.nonce()};
  made.revision = from.revision();
  auto edit = ot::read_message(logged.edit());
  if (!edit)
    return refused_message{made.author, edit.error()};
  made.edit = std::move(*edit);
  return made;
}

document_message read_presence(const msg::DocumentPresence& from) {
  if (!is_document_name(from.client()) || !is_document_name(from.name()) ||
      !is_document_name(from.colour()))
    return bad("names and colours have at most 128 bytes, none of them zero");
  ot::presence made;
  made.client = from.client();
  made.revision = from.revision();
  if (from.has_selection())
    made.selected = {from.selection().anchor(), from.selection().head()};
  made.name = from.name();
  made.colour = from.colour();
  return made;
}

struct frame_writer {
  const ot::document_room& room;
  msg::DocumentFrame out;

  template <class Message>
  static void set_attempt(Message& to, const std::optional<std::uint64_t>& attempt) {
    if (attempt)
      to.set_attempt(*attempt);
  }
  void operator()(const ot::say::snapshot& each) {
    auto& to = *out.mutable_snapshot();
    to.set_text(each.whole.text);
    to.set_revision(each.whole.revision);
    to.set_epoch(room.epoch());
    to.set_start(each.start);
    to.set_seq(each.whole.seq);
    to.set_pending(each.whole.pending);
    set_attempt(to, each.attempt);
  }
  void operator()(const ot::say::joined& each) {
    auto& to = *out.mutable_joined();
    to.set_revision(each.revision);
    to.set_head(room.document().durable_revision());
    to.set_epoch(room.epoch());
    to.set_start(each.start);
    set_attempt(to, each.attempt);
  }
  void operator()(const ot::say::edit& each) {
    auto& to = *out.mutable_operation();
    to.set_revision(each.revision);
    ot::write_message(room.document().logged(each.revision), *to.mutable_logged());
  }
  void operator()(const ot::say::ack& each) {
    auto& to = *out.mutable_ack();
    to.set_revision(each.revision);
    to.set_seq(each.author.seq);
    to.set_nonce(each.author.nonce);
    to.set_start(each.start);
  }
  void operator()(const ot::say::nack& each) {
    auto& to = *out.mutable_nack();
    to.set_seq(each.seq);
    to.set_nonce(each.nonce);
    to.set_code(each.why.code);
    to.set_message(each.why.message);
    to.set_retry_after_ms(each.retry_after_ms);
  }
  void operator()(const ot::say::resync& each) {
    out.mutable_resync()->set_reason(each.reason);
    set_attempt(*out.mutable_resync(), each.attempt);
  }
  void operator()(const ot::say::whole_insert& each) {
    ot::operation insert;
    insert.insert(each.text);
    out.mutable_operation()->set_revision(each.revision);
    ot::write_message(insert, *out.mutable_operation()->mutable_logged()->mutable_edit());
  }
  void operator()(const ot::say::close&) {
    core::ensure(false, "the end of a connection is no message");
  }
  void operator()(const ot::presence& each) {
    auto& to = *out.mutable_presence();
    to.set_client(each.client);
    to.set_revision(each.revision);
    if (each.selected) {
      to.mutable_selection()->set_anchor(each.selected->anchor);
      to.mutable_selection()->set_head(each.selected->head);
    }
    to.set_name(each.name);
    to.set_colour(each.colour);
  }
};

} // namespace

document_message read_document_frame(std::string_view bytes) {
  msg::DocumentFrame frame;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return bad("this is no frame of syncline.v1");
  switch (frame.what_case()) {
  case msg::DocumentFrame::kJoin:
    return read_join(frame.join());
  case msg::DocumentFrame::kOperation:
    return read_edit(frame.operation());
  case msg::DocumentFrame::kPresence:
    return read_presence(frame.presence());
  default:
    return unknown_message{};
  }
}

std::string document_frame(const ot::said& what, const ot::document_room& room) {
  frame_writer writer{room, {}};
  std::visit(writer, what);
  return writer.out.SerializeAsString();
}

} // namespace syncline::net
