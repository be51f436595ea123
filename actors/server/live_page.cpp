#include "actors/server/live_page.hpp"

#include "core/sync/cursor.hpp"
#include "net/protocol/item_event.hpp"
#include "net/protocol/stream_frame.hpp"

#include <limits>

namespace syncline::actors::server {

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
  query.plain = topic.form() != msg::PROTOCOL;
  return query;
}

std::function<net::shared_bytes(const std::string&)>
live_bytes(msg::LiveForm form, const storage::delta_answer& answer, bool all_tombstones) {
  if (form == msg::PROTOCOL)
    return [shared = net::encode_shared_page(answer.page)](const std::string& prev_cursor) {
      return net::make_message_frame(net::with_prev_cursor(shared, prev_cursor), false);
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
