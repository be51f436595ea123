#include "actors/server/live_session_actor.hpp"

#include "actors/server/live_page.hpp"
#include "actors/server/plain_writes.hpp"
#include "core/sync/cursor.hpp"
#include "net/protocol/item_event.hpp"
#include "net/protocol/stream_frame.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

namespace syncline::actors::server {

namespace {

// Close codes: RFC 6455, 7.4.1.
constexpr std::uint16_t close_unsupported = 1003;
constexpr std::uint16_t close_policy = 1008;
constexpr std::uint16_t close_error = 1011;

// Each collection of the client: joining --hub answers--> reading --at the head--> following
//                                                            ^---- live_left ----------'
class live_session_state {
public:
  static inline const char* name = "live_session";

  live_session_state(live_session_actor::pointer self,
                     std::shared_ptr<const storage::server_store> readable, hub_actor hub,
                     store_actor store, live_session_options options)
    : self_{self}, readable_{std::move(readable)}, hub_{std::move(hub)}, store_{std::move(store)},
      options_{std::move(options)}, writes_{options_.ask.collection} {}

  // However it ends: a connection without its session would be silent.
  ~live_session_state() {
    if (link_ && !closed_)
      link_->close(close_error, "internal_error");
    for (const auto& [collection, wanted] : wanted_)
      leave(collection);
  }

  live_session_actor::behavior_type make_behavior() {
    return {
      [this](live_begun& begun) { on_begun(std::move(begun.link)); },
      [this](const live_message& message) { on_message(message); },
      [this](const live_left& left) { on_left(left); },
      [this](const live_drained&) {
        page_under_way_ = false;
        read_on();
      },
      [this](const live_ended&) { self_->quit(); },
    };
  }

private:
  struct wanted {
    std::string cursor;
    bool joined = false;
    bool following = false;
    bool told = false;                // that it is caught up
    std::optional<std::string> moves; // the client wants to begin here instead
  };

  [[nodiscard]] bool speaks_protocol() const {
    return is_protocol(options_.ask.form);
  }

  [[nodiscard]] msg::Topic topic_of(const std::string& collection) const {
    msg::Topic topic;
    topic.set_space(options_.space);
    topic.set_collection(collection);
    topic.set_form(options_.ask.form);
    return topic;
  }

  void on_begun(std::shared_ptr<net::live_link> link) {
    link_ = std::move(link);
    if (!speaks_protocol())
      return want(options_.ask.collection, options_.ask.cursor.value());
    if (options_.reconnect.max_ms != 0) {
      msg::StreamFrame frame;
      frame.mutable_reconnect()->set_min_ms(options_.reconnect.min_ms);
      frame.mutable_reconnect()->set_max_ms(options_.reconnect.max_ms);
      send_frame(frame);
    }
    on_hello(options_.ask.hello); // Over a WebSocket it names nothing yet.
  }

  void want(const std::string& collection, const std::string& cursor) {
    const auto [found, is_new] = wanted_.try_emplace(collection);
    auto& entry = found->second;
    if (!is_new && entry.following) {
      entry.moves = cursor;
      return link_->unfollow(topic_name(topic_of(collection)));
    }
    entry.cursor = cursor;
    entry.told = false;
    if (!is_new)
      return;
    msg::JoinTopic join;
    *join.mutable_topic() = topic_of(collection);
    rt::request(self_, hub_, rt::no_timeout, std::move(join))
      .then([this, collection](const msg::Done&) { on_joined(collection); },
            [this, collection](const caf::error& error) {
              wanted_.erase(collection); // It joined nothing, so it leaves nothing.
              fail(rt::from_caf(error));
            });
  }

  void on_joined(const std::string& collection) {
    auto& entry = wanted_.at(collection);
    entry.joined = true;
    if (options_.ask.form == msg::EVENTS)
      send("retry: " + std::to_string(options_.reconnect.min_ms) + "\nid: " + entry.cursor +
           "\n\n");
    read_later(collection);
    read_on();
  }

  void leave(const std::string& collection) {
    msg::LeaveTopic leaves;
    *leaves.mutable_topic() = topic_of(collection);
    rt::anon_send(hub_, std::move(leaves));
  }

  void read_later(const std::string& collection) {
    if (std::find(to_read_.begin(), to_read_.end(), collection) == to_read_.end())
      to_read_.push_back(collection);
  }

  // One page is on its way at a time: the next one is read when the socket has taken it.
  void read_on() {
    while (!page_under_way_ && !writing_ && !to_read_.empty() && !closed_) {
      const auto collection = to_read_.front();
      if (read_page(collection))
        to_read_.pop_front();
    }
  }

  /// Whether nothing is left to be read.
  bool read_page(const std::string& collection) {
    auto& entry = wanted_.at(collection);
    const auto topic = topic_of(collection);
    auto query = topic_query(topic, entry.cursor, options_.page_bytes_max);
    query.seen = seen_;
    // Who writes knows ids that his cursor does not, and has to hear of their end.
    query.all_tombstones = options_.ask.form == msg::WEBSOCKET;
    auto output = readable_->delta(query);
    if (!output) {
      fail(output.error());
      return true;
    }
    if (const auto* refusal = std::get_if<msg::ErrorReply>(&*output)) {
      refuse(collection, *refusal);
      return true;
    }
    auto& answer = std::get<storage::delta_answer>(*output);
    writes_.drop_own(answer.page);
    const auto& page = answer.page;
    const bool says_something = page.items_size() + page.deleted_size() != 0 ||
                                (speaks_protocol() && page.next_cursor() != entry.cursor);
    if (says_something) {
      page_under_way_ = true;
      link_->send(live_bytes(topic.form(), answer, query.all_tombstones)(entry.cursor));
    }
    entry.cursor = page.next_cursor();
    if (page.has_more())
      return false;
    follow(collection, entry);
    return true;
  }

  void follow(const std::string& collection, wanted& entry) {
    if (speaks_protocol() && !std::exchange(entry.told, true)) {
      msg::StreamFrame frame;
      frame.mutable_caught_up()->set_collection(collection);
      frame.mutable_caught_up()->set_cursor(entry.cursor);
      send_frame(frame);
    }
    const auto cursor = core::decode_cursor(entry.cursor);
    entry.following = true;
    link_->follow(topic_name(topic_of(collection)), cursor ? cursor->seq() : 0,
                  std::make_shared<const std::string>(entry.cursor));
  }

  void on_left(const live_left& left) {
    const auto found = std::find_if(wanted_.begin(), wanted_.end(), [&](const auto& each) {
      return topic_name(topic_of(each.first)) == left.topic;
    });
    if (found == wanted_.end() || !found->second.following)
      return;
    auto& entry = found->second;
    entry.following = false;
    entry.cursor = *left.cursor;
    if (auto moved = std::exchange(entry.moves, std::nullopt)) {
      entry.cursor = std::move(*moved);
      entry.told = false;
    }
    read_later(found->first);
    leaving_ = false;
    // A page that the socket cannot take would only lie here, one for each slow reader.
    page_under_way_ = page_under_way_ || left.is_full;
    apply_writes();
    read_on();
  }

  void refuse(const std::string& collection, const msg::ErrorReply& refusal) {
    if (speaks_protocol()) {
      msg::StreamFrame frame;
      frame.mutable_error()->set_collection(collection);
      *frame.mutable_error()->mutable_error() = refusal;
      send_frame(frame);
      leave(collection);
      wanted_.erase(collection);
      return;
    }
    fail({refusal.code(), refusal.message()});
  }

  // The connection cannot go on.
  void fail(const core::error& error) {
    if (std::exchange(closed_, true))
      return;
    if (options_.ask.form == msg::WEBSOCKET)
      link_->send(net::make_message_frame(net::write_error_json("", error), true));
    link_->close(error.code == "cursor_expired" || error.code == "bad_cursor" ? close_policy
                                                                              : close_error,
                 error.code);
  }

  void on_message(const live_message& message) {
    if (closed_)
      return;
    if (message.text == speaks_protocol()) {
      closed_ = true;
      return link_->close(close_unsupported,
                          speaks_protocol() ? "syncline.v1 has binary messages" : "text only");
    }
    if (speaks_protocol())
      return on_frame(message.payload);
    on_item_write(message.payload);
  }

  void on_frame(const std::string& payload) {
    auto frame = net::decode_frame(payload);
    const auto checked = frame ? net::check_client_frame(*frame) : frame.error();
    if (!checked) {
      closed_ = true;
      return link_->close(close_policy, checked.error().message);
    }
    if (frame->has_hello())
      on_hello(frame->hello());
    if (frame->has_ping() && !frame->ping().is_answer()) {
      frame->mutable_ping()->set_is_answer(true);
      send_frame(*frame);
    }
    link_->resume();
  }

  void on_hello(const msg::StreamHello& hello) {
    seen_ = hello.seen();
    for (const auto& each : hello.collections()) {
      if (wanted_.size() >= net::hello_collections_max && wanted_.count(each.collection()) == 0) {
        closed_ = true;
        return link_->close(close_policy, "too many collections");
      }
      want(each.collection(), each.cursor());
      if (const auto& entry = wanted_.at(each.collection()); entry.joined && !entry.following)
        read_later(each.collection());
    }
    read_on();
  }

  // A plain client's write. It follows nothing meanwhile, so that its own changes are known when
  // they come by.
  void on_item_write(const std::string& payload) {
    writes_.add(payload);
    if (!writes_.is_full())
      link_->resume();
    apply_writes();
  }

  void apply_writes() {
    if (writing_ || leaving_ || writes_.empty())
      return;
    leaving_ = wanted_.at(options_.ask.collection).following;
    if (leaving_)
      return link_->unfollow(topic_name(topic_of(options_.ask.collection)));
    writing_ = true;
    const bool held_back = writes_.is_full();
    rt::request(self_, store_, rt::no_timeout, writes_.take(options_.space))
      .then(
        [this, held_back](const msg::BatchApplied& applied) { end_writes(applied, held_back); },
        [this, held_back](const caf::error& error) { end_writes(rt::from_caf(error), held_back); });
  }

  void end_writes(const core::expected<msg::BatchApplied>& outcome, bool held_back) {
    writing_ = false;
    if (closed_)
      return; // It may have joined nothing.
    const auto cursor = core::decode_cursor(wanted_.at(options_.ask.collection).cursor);
    const bool is_known = cursor && cursor->phase() == msg::Cursor::CHANGES;
    send(writes_.answers(outcome, is_known ? cursor->seq() : 0));
    if (held_back)
      link_->resume();
    read_on();
    apply_writes(); // Those that came meanwhile.
  }

  void send_frame(const msg::StreamFrame& frame) {
    link_->send(frame_bytes(options_.ask.form, frame.SerializeAsString()));
  }
  void send(std::string bytes) {
    link_->send(std::make_shared<const std::string>(std::move(bytes)));
  }

  live_session_actor::pointer self_;
  std::shared_ptr<const storage::server_store> readable_;
  hub_actor hub_;
  store_actor store_;
  live_session_options options_;
  std::shared_ptr<net::live_link> link_;
  std::map<std::string, wanted> wanted_; // by collection
  std::deque<std::string> to_read_;
  msg::Place seen_;
  plain_writes writes_;
  bool page_under_way_ = false;
  bool leaving_ = false; // It was told to follow nothing, so that it can write.
  bool writing_ = false;
  bool closed_ = false;
};

class session_peer : public net::live_peer {
public:
  explicit session_peer(live_session_actor session) : session_{std::move(session)} {}

  void on_begin(std::shared_ptr<net::live_link> link) override {
    rt::anon_send(session_, live_begun{std::move(link)});
  }
  [[nodiscard]] bool on_message(std::string_view payload, bool text) override {
    rt::anon_send(session_, live_message{std::string{payload}, text});
    return false; // The next one when this one is carried out.
  }
  void on_drained() override {
    rt::anon_send(session_, live_drained{});
  }
  void on_left(const std::string& topic, std::uint64_t seq,
               const std::shared_ptr<const std::string>& cursor, bool is_full) override {
    rt::anon_send(session_, live_left{topic, seq, cursor, is_full});
  }
  void on_end() override {
    rt::anon_send(session_, live_ended{});
  }

private:
  live_session_actor session_;
};

} // namespace

core::expected<live_session_actor>
spawn_live_session(caf::actor_system& system, std::shared_ptr<const storage::server_store> readable,
                   hub_actor hub, store_actor store, live_session_options options) {
  if (!is_protocol(options.ask.form) && !options.ask.cursor) {
    auto head = readable->head(options.space, options.ask.collection, true);
    if (!head)
      return head.error();
    options.ask.cursor = std::move(head->token);
  }
  return rt::spawn<live_session_actor, live_session_state>(
    system, std::move(readable), std::move(hub), std::move(store), std::move(options));
}

std::shared_ptr<net::live_peer> make_session_peer(live_session_actor session) {
  return std::make_shared<session_peer>(std::move(session));
}

} // namespace syncline::actors::server
