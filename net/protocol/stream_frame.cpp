#include "net/protocol/stream_frame.hpp"

#include "core/data/base64url.hpp"
#include "core/data/ids.hpp"
#include "core/ensure.hpp"
#include "net/protocol/delta_wire.hpp"

#include <set>

namespace syncline::net {

std::string encode_shared_page(msg::DeltaPage page) {
  page.clear_prev_cursor();
  pack_page(page);
  msg::StreamFrame frame;
  frame.mutable_page()->Swap(&page);
  std::string bytes;
  core::ensure(frame.SerializeToString(&bytes), "a page of ours can be written");
  return bytes;
}

// The fields of a message may come in any order, in pieces that are simply put together.
std::string with_prev_cursor(std::string_view shared_page, const std::string& prev_cursor) {
  msg::StreamFrame beginning;
  beginning.set_prev_cursor(prev_cursor);
  std::string bytes;
  bytes.reserve(shared_page.size() + prev_cursor.size() + 8);
  core::ensure(beginning.AppendToString(&bytes), "a cursor of ours can be written");
  bytes += shared_page;
  return bytes;
}

core::expected<msg::StreamFrame> decode_frame(std::string_view bytes) {
  msg::StreamFrame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return core::fail("bad_message", "the message is no frame of the subprotocol syncline.v1");
  if (frame.has_page()) {
    unpack_page(*frame.mutable_page());
    frame.mutable_page()->set_prev_cursor(std::move(*frame.mutable_prev_cursor()));
    frame.clear_prev_cursor();
  }
  return frame;
}

std::string encode_frame_event(std::string_view frame) {
  return "data: " + core::to_base64url(frame) + "\n\n";
}

core::expected<std::string> decode_frame_event(std::string_view data) {
  auto frame = core::from_base64url(data);
  if (!frame)
    return core::fail("bad_message", "the event holds no frame of syncline.v1");
  return std::move(*frame);
}

std::string hello_query(std::string_view hello_frame) {
  return "?hello=" + core::to_base64url(hello_frame);
}

core::expected<msg::StreamFrame> decode_hello_text(std::string_view text) {
  const auto bytes = core::from_base64url(text);
  if (!bytes)
    return core::fail("bad_message", "the hello is no base64url");
  auto frame = decode_frame(*bytes);
  if (!frame)
    return frame.error();
  if (!frame->has_hello())
    return core::fail("bad_message", "the hello is no frame with a hello");
  if (auto checked = check_client_frame(*frame); !checked)
    return checked.error();
  return frame;
}

bool says_nothing(const msg::StreamFrame& frame) {
  return frame.what_case() == msg::StreamFrame::WHAT_NOT_SET &&
         frame.GetReflection()->GetUnknownFields(frame).empty();
}

core::expected<void> check_client_frame(const msg::StreamFrame& frame) {
  if (frame.has_ping() || frame.what_case() == msg::StreamFrame::WHAT_NOT_SET)
    return {}; // The latter is of a newer client than this server.
  if (!frame.has_hello())
    return core::fail("bad_message", "a client sends hello and ping, and nothing else");
  if (static_cast<std::size_t>(frame.hello().collections_size()) > hello_collections_max)
    return core::fail("bad_message", "a hello names at most " +
                                       std::to_string(hello_collections_max) + " collections");
  std::set<std::string_view> named;
  for (const auto& wanted : frame.hello().collections()) {
    if (auto valid = core::validate_collection(wanted.collection()); !valid)
      return valid;
    if (!named.insert(wanted.collection()).second)
      return core::fail("bad_message", "a hello names '" + wanted.collection() + "' twice");
  }
  return {};
}

} // namespace syncline::net
