#include "actors/server/live_page.hpp"

#include "core/sync/cursor.hpp"
#include "net/protocol/item_event.hpp"
#include "net/protocol/stream_frame.hpp"

#include <limits>

namespace syncline::actors::server {

net::shared_bytes frame_bytes(msg::LiveForm form, std::string_view frame) {
  if (form == msg::PROTOCOL)
    return net::make_message_frame(frame, false);
  return std::make_shared<const std::string>(net::encode_frame_event(frame));
}

std::string topic_name(const msg::Topic& topic) {
  return topic.space() + '/' + topic.collection() + '/' + std::to_string(topic.form());
}

storage::delta_query topic_query(const msg::Topic& topic, std::string cursor,
                                 std::uint64_t bytes_max) {
  storage::delta_query query;
  query.space = topic.space();
  query.collection = topic.collection();
  query.cursor = std::move(cursor);
  query.bytes_max = bytes_max;
  query.plain = !is_protocol(topic.form());
  return query;
}

std::function<net::shared_bytes(const std::string&)>
live_bytes(msg::LiveForm form, const storage::delta_answer& answer, bool all_tombstones) {
  if (is_protocol(form))
    return [form, shared = net::encode_shared_page(answer.page)](const std::string& prev_cursor) {
      return frame_bytes(form, net::with_prev_cursor(shared, prev_cursor));
    };
  const auto cursor = core::decode_cursor(answer.page.prev_cursor());
  const std::uint64_t known = all_tombstones ? std::numeric_limits<std::uint64_t>::max()
                              : cursor       ? cursor->walk_end()
                                             : 0;
  const auto events =
    net::item_events(answer.page, answer.cursor_seq, known,
                     form == msg::EVENTS ? net::event_form::sse : net::event_form::websocket);
  auto bytes = std::make_shared<std::string>();
  for (const auto& event : events)
    *bytes += form == msg::EVENTS ? event : *net::make_message_frame(event, true);
  return [bytes = net::shared_bytes{std::move(bytes)}](const std::string&) { return bytes; };
}

} // namespace syncline::actors::server
