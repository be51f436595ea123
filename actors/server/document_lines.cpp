#include "actors/server/document_lines.hpp"

#include "net/protocol/document_message.hpp"

#include <variant>

namespace syncline::actors::server {

namespace {

namespace ot = core::ot;

// Close codes: RFC 6455, 7.4.1 and, from 4000 on, PROTOCOL.md section 7.
constexpr std::uint16_t close_unsupported = 1003;
constexpr std::uint16_t close_again = 1013;
constexpr std::uint16_t close_refused = 4400;
constexpr std::uint16_t close_gone = 4404;

// Bytes that a socket has not taken yet; above it, its stream waits for it.
constexpr std::size_t unsent_max = std::size_t{256} << 10U;
// Revisions that are kept encoded, for those who are a little behind.
constexpr std::size_t encoded_max = 512;
constexpr std::size_t encoded_bytes_max = std::size_t{16} << 10U; // each

net::shared_bytes make_frame(document_form form, const ot::said& what,
                             const ot::document_room& room) {
  return form == document_form::json
           ? net::make_message_frame(net::document_json(what, room), true)
           : net::make_message_frame(net::document_frame(what, room), false);
}

} // namespace

bool has_right_form(const document_line& from, const document_said& said) {
  const bool is_json = from.form == document_form::json;
  if (said.text != is_json)
    from.link->close(close_unsupported, is_json ? "text only" : "syncline.v1 has binary messages");
  return said.text == is_json;
}

document_line& document_lines::add(document_arrived& arrived) {
  auto& made = lines_[arrived.connection];
  made.link = arrived.link->take();
  made.credit = arrived.credit;
  made.form = arrived.form;
  return made;
}

document_line* document_lines::find(ot::connection_id who) {
  const auto found = lines_.find(who);
  return found == lines_.end() ? nullptr : &found->second;
}

void document_lines::send(std::vector<ot::outgoing>& all, ot::document_room& room) {
  // A word to the io thread for each connection, not for each message.
  std::vector<net::shared_bytes> gathered;
  for (auto at = all.begin(); at != all.end();) {
    const auto who = at->to;
    auto* to = find(who);
    const ot::say::close* over = nullptr;
    for (; at != all.end() && at->to == who; ++at) {
      over = over ? over : std::get_if<ot::say::close>(&at->what);
      if (to && !over)
        gathered.push_back(frame_of(to->form, at->what, room));
    }
    if (to && !gathered.empty())
      send_to(who, *to, std::exchange(gathered, {}), room);
    if (to && over)
      to->link->close(over->code == "not_found" ? close_gone : close_refused, over->code);
  }
  all.clear();
}

void document_lines::send_to(ot::connection_id who, document_line& to,
                             std::vector<net::shared_bytes> all, ot::document_room& room) {
  const bool was_much = to.unsent > unsent_max / 2;
  for (const auto& each : all)
    to.unsent += each->size();
  if (to.unsent > unsent_max)
    room.set_writable(who, false);
  // Asked once, and again only when it does not take more.
  const bool is_much = to.unsent > unsent_max / 2;
  to.link->send_all(std::move(all), is_much && (!was_much || to.unsent > unsent_max));
}

net::shared_bytes document_lines::frame_of(document_form form, const ot::said& what,
                                           const ot::document_room& room) {
  const auto* edit = std::get_if<ot::say::edit>(&what);
  if (!edit)
    return make_frame(form, what, room);
  auto& both = encoded_[edit->revision];
  auto& frame = form == document_form::json ? both.json : both.protobuf;
  if (!frame)
    frame = make_frame(form, what, room);
  auto made = frame;
  if (encoded_.size() > encoded_max || made->size() > encoded_bytes_max)
    encoded_.erase(made->size() > encoded_bytes_max ? encoded_.find(edit->revision)
                                                    : encoded_.begin());
  return made;
}

void document_lines::close_all(const core::error& why, const ot::document_room* room) {
  for (auto& [who, each] : lines_) {
    const bool is_gone = why.code == "not_found";
    if (is_gone && room)
      each.link->send(make_frame(each.form, ot::say::nack{0, 0, why, 0}, *room));
    each.link->close(is_gone ? close_gone : close_again, why.code);
  }
}

} // namespace syncline::actors::server
