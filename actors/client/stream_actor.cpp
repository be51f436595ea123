#include "actors/client/stream_actor.hpp"

#include "actors/client/activity.hpp"
#include "actors/client/line_listener.hpp"
#include "actors/client/stream_positions.hpp"
#include "net/protocol/stream_frame.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace syncline::actors::client {

namespace {

using core::live_ladder;

// off --SetPaused--> connecting --opened--> catching_up --caught up with everything--> live
//  ^                     | ended                | ended, silent, nonsense                | the same
//  '-- SetPaused --- waiting <------------------'<---------------------------------------'
//                        '--StreamDue--> connecting
//
// Each collection: streaming --a page that begins elsewhere--> pulling --pulled--> streaming
//
// One message is worked on at a time: the next one comes when its page is stored.
class stream_state {
public:
  static inline const char* name = "stream";

  stream_state(stream_actor::pointer self, std::shared_ptr<storage::client_store> store,
               conflict_actor conflict, poll_actor poll, seams world, stream_options options)
    : self_{self}, store_{std::move(store)}, conflict_{std::move(conflict)}, poll_{std::move(poll)},
      world_{std::move(world)}, options_{std::move(options)}, ladder_{options_.ladder} {
    activity_.enter("paused");
  }

  ~stream_state() {
    if (line_)
      line_->close();
  }

  stream_actor::behavior_type make_behavior() {
    if (!options_.paused)
      begin();
    return {
      [this](const msg::SetPaused& command) { return on_set_paused(command); },
      [this](const msg::ReadActivity&) { return activity_.show(); },
      [this](const line_opened& opened) {
        if (opened.number == number_)
          on_opened();
      },
      [this](const line_alive& alive) {
        if (alive.number == number_)
          silent_beats_ = 0;
      },
      [this](const line_message& message) {
        if (message.number == number_ && line_)
          on_message(message.bytes);
      },
      [this](const line_ended& ended) {
        if (ended.number == number_)
          hang_up(to_error(ended.why));
      },
      [this](const msg::StreamDue& due) {
        if (due.turn() == turn_)
          on_due();
      },
      [this](const msg::StreamBeat& beat) {
        if (beat.connection() == number_ && line_)
          on_beat();
      },
    };
  }

private:
  // Gaps in a row without a page between them: the stream and the pull disagree about the server.
  static constexpr std::uint32_t gaps_max = 3;

  msg::Done on_set_paused(const msg::SetPaused& command) {
    if (!options_.dial)
      return {};
    if (command.paused()) {
      wanted_ = false;
      ++turn_;
      drop_line();
      activity_.enter("paused");
      tell(false, nullptr);
    } else if (!wanted_) {
      begin();
    } else if (!line_ && !waits_as_asked_) {
      schedule(0); // Requests are answered again: no need to wait any longer.
    }
    return {};
  }

  // The host asks, or a network that has come back: what failed before counts no more.
  void begin() {
    wanted_ = true;
    if (!options_.dial || line_)
      return;
    ladder_.start_anew();
    schedule(0);
  }

  void schedule(std::int64_t delay_ms) {
    msg::StreamDue due;
    due.set_turn(++turn_);
    activity_.waits_until(world_.wall_ms() + delay_ms);
    rt::delayed_send(self_, stream_actor{self_}, std::chrono::milliseconds{delay_ms},
                     std::move(due));
  }

  void on_due() {
    if (!wanted_)
      return;
    if (ladder_.current() == live_ladder::rung::polling)
      ladder_.climb();
    connect();
  }

  void connect() {
    asked_range_.reset();
    positions_.clear();
    gaps_ = 0;
    silent_beats_ = 0;
    is_live_ = was_live_ = is_settled_ = waits_as_asked_ = is_applying_ = is_greeted_ = false;
    activity_.enter("connecting");
    const auto way = is_by_events() ? net::live_way::events : net::live_way::websocket;
    line_ = options_.dial(way, std::make_shared<line_listener<stream_actor>>(self_, ++number_));
    schedule_beat();
  }

  [[nodiscard]] bool is_by_events() const {
    return ladder_.current() == live_ladder::rung::events;
  }

  void schedule_beat() {
    msg::StreamBeat beat;
    beat.set_connection(number_);
    rt::delayed_send(self_, stream_actor{self_}, options_.beat, std::move(beat));
  }

  void on_beat() {
    // A connection that ends as soon as it is live is no success.
    if (is_live_ && !std::exchange(is_settled_, true))
      ladder_.established();
    // It is we who do not listen, or who have not asked for events yet.
    if (is_applying_ || (is_by_events() && !is_greeted_))
      return schedule_beat();
    if (++silent_beats_ >= options_.silent_beats_max) {
      count("stream silent");
      return hang_up(to_error({"timeout", "the stream was silent too long, even to a ping"}));
    }
    if (silent_beats_ == options_.ping_after_beats && activity_.show().state() != "connecting")
      send_ping(world_.random(), false);
    schedule_beat();
  }

  void on_opened() {
    silent_beats_ = 0;
    activity_.enter("catching_up");
    const auto snapshot = store_->snapshot();
    const auto names = snapshot ? snapshot->collections() : snapshot.error();
    if (!names)
      return hang_up(to_error(names.error()));
    if (names->size() > net::hello_collections_max)
      return hang_up(to_error({"too_many", "more than 256 collections are polled, not streamed"}));
    pull(*names); // What is missing by now comes faster over requests, and what then comes is new.
  }

  // Says where these collections stand in the store.
  void greet(const storage::client_snapshot& snapshot, const std::vector<std::string>& names) {
    msg::StreamFrame frame;
    frame.mutable_hello(); // Also where there is no collection yet.
    for (const auto& name : names) {
      const auto state = snapshot.pull_state(name);
      if (!state)
        return hang_up(to_error(state.error()));
      auto& wanted = *frame.mutable_hello()->add_collections();
      wanted.set_collection(name);
      wanted.set_cursor(state->cursor().token());
      positions_.ask(name, state->cursor().token());
      *frame.mutable_hello()->mutable_seen() = state->seen();
      known_start_ = state->known_start();
    }
    is_greeted_ = true;
    line_->send(frame.SerializeAsString());
  }

  void on_message(const std::string& bytes) {
    silent_beats_ = 0;
    auto frame = net::decode_frame(bytes);
    if (!frame)
      return hang_up(to_error(frame.error()));
    if (net::says_nothing(*frame))
      return hang_up(nonsense()); // This may have been a page.
    if (frame->has_page())
      return on_page(*frame->mutable_page());
    if (frame->has_caught_up())
      on_caught_up(frame->caught_up());
    else if (frame->has_reconnect())
      asked_range_ = {frame->reconnect().min_ms(), frame->reconnect().max_ms()};
    else if (frame->has_ping() && !frame->ping().is_answer())
      send_ping(frame->ping().id(), true);
    else if (frame->has_error())
      return on_refused(frame->error());
    resume(); // What is of a later version is ignored.
  }

  static msg::Error nonsense() {
    return to_error({"not_our_server", "the stream brought no whole page of this protocol"});
  }

  void send_ping(std::uint64_t id, bool is_answer) {
    msg::StreamFrame frame;
    frame.mutable_ping()->set_id(id);
    frame.mutable_ping()->set_is_answer(is_answer);
    line_->send(frame.SerializeAsString());
  }

  void resume() {
    if (line_)
      line_->resume();
  }

  void on_page(msg::DeltaPage& page) {
    if (!positions_.has(page.collection()) || !net::is_whole_page(page, page.collection()))
      return hang_up(nonsense());
    if (!positions_.expects(page.collection(), page.prev_cursor()))
      return resume();
    msg::ApplyRemoteChanges changes;
    changes.mutable_page()->Swap(&page);
    changes.set_request_start(known_start_);
    changes.set_now_ms(world_.wall_ms());
    is_applying_ = true;
    rt::request(self_, conflict_, rt::no_timeout, changes)
      .then(
        [this, connection = number_, collection = changes.page().collection(),
         start = changes.page().head().start()](const msg::RemoteChangesApplied& applied) {
          if (connection == number_ && line_)
            on_applied(collection, start, applied.superseded());
        },
        [this, connection = number_](const caf::error& error) {
          if (connection == number_ && line_)
            hang_up(to_error(rt::from_caf(error)));
        });
  }

  void on_applied(const std::string& collection, std::uint64_t start, bool superseded) {
    is_applying_ = false;
    count(superseded ? "stream page elsewhere" : "stream page applied");
    if (superseded && !options_.canary_ignores_gaps) {
      on_gap(collection);
    } else {
      gaps_ = 0;
      known_start_ = start;
      activity_.succeeded(world_.wall_ms());
    }
    resume();
  }

  void on_caught_up(const msg::StreamCaughtUp& caught_up) {
    if (!positions_.expects(caught_up.collection(), caught_up.cursor()))
      return;
    positions_.catch_up(caught_up.collection());
    if (is_live_ || !positions_.all_caught_up())
      return;
    is_live_ = was_live_ = true;
    activity_.succeeded(world_.wall_ms());
    activity_.enter("live");
    count(is_by_events() ? "stream live by events" : "stream live");
    tell(true, nullptr);
  }

  // A cursor that the server no longer knows is a matter for `poll`, which knows all its reasons.
  void on_refused(const msg::StreamError& refused) {
    msg::Error error;
    error.set_code(refused.error().code());
    error.set_message(refused.error().message());
    if (refused.error().code() != "cursor_expired" || !positions_.has(refused.collection()))
      return hang_up(error);
    activity_.failed(error, world_.wall_ms());
    if (!positions_.is_pulling(refused.collection()))
      on_gap(refused.collection());
    resume();
  }

  // The stream and the store stand at different places: something else has moved the cursor, or a
  // change was lost on the way.
  void on_gap(const std::string& collection) {
    if (++gaps_ > gaps_max * positions_.size())
      return hang_up(to_error({"stream_gap", "its pages do not begin where pulled ones end"}));
    if (std::exchange(is_live_, false)) {
      activity_.enter("catching_up");
      tell(false, nullptr);
    }
    // Events are asked for anew with all that they are to bring.
    pull(is_by_events() ? positions_.names() : std::vector{collection});
  }

  void pull(std::vector<std::string> names) {
    for (const auto& name : names)
      positions_.pull(name);
    msg::PullNow command;
    command.set_attempts_max(options_.pull_attempts_max);
    rt::request(self_, poll_, rt::no_timeout, std::move(command))
      .then(
        [this, names = std::move(names), connection = number_](const msg::PullReport& report) {
          if (connection == number_ && line_)
            on_pulled(names, report);
        },
        [this, connection = number_](const caf::error& error) {
          if (connection == number_ && line_)
            hang_up(to_error(rt::from_caf(error)));
        });
  }

  void on_pulled(const std::vector<std::string>& names, const msg::PullReport& report) {
    if (!report.error().code().empty())
      return hang_up(report.error());
    const auto snapshot = store_->snapshot();
    if (!snapshot)
      return hang_up(to_error(snapshot.error()));
    greet(*snapshot, names);
  }

  // The connection is over, and another one comes later.
  void hang_up(const msg::Error& why) {
    drop_line();
    activity_.failed(why, world_.wall_ms());
    waits_as_asked_ = was_live_ && asked_range_;
    const auto delay_ms = is_settled_ || waits_as_asked_
                            ? ladder_.end(world_.random(), asked_range_)
                          : meets_every_stream(why.code()) ? ladder_.unreachable(world_.random())
                                                           : ladder_.fail(world_.random());
    activity_.enter("waiting");
    tell(false, &why);
    if (wanted_)
      schedule(delay_ms);
  }

  void drop_line() {
    ++number_; // Nothing of the old one is heard any more.
    is_live_ = false;
    if (const auto line = std::exchange(line_, nullptr))
      line->close();
  }

  void count(const char* event) const {
    if (options_.on_event)
      options_.on_event(event);
  }

  void tell(bool live, const msg::Error* error) {
    if (!options_.on_changed)
      return;
    msg::StreamChanged changed;
    changed.set_live(live);
    if (error)
      *changed.mutable_error() = *error;
    options_.on_changed(std::move(changed));
  }

  stream_actor::pointer self_;
  std::shared_ptr<storage::client_store> store_;
  conflict_actor conflict_;
  poll_actor poll_;
  seams world_;
  stream_options options_;
  live_ladder ladder_;
  activity_log activity_;
  std::shared_ptr<net::live_line> line_; // none while there is no connection
  stream_positions positions_;
  std::optional<core::reconnect_range> asked_range_;
  std::uint64_t known_start_ = 0; // of the server that we speak to, as the store knows it
  std::uint64_t number_ = 0;      // of the connection
  std::uint64_t turn_ = 0;
  std::uint32_t gaps_ = 0;
  std::uint32_t silent_beats_ = 0;
  bool is_live_ = false;
  bool was_live_ = false;       // on this connection
  bool is_settled_ = false;     // live for long enough to count
  bool is_applying_ = false;    // a page of it
  bool is_greeted_ = false;     // it was told what to bring
  bool waits_as_asked_ = false; // by the server
  bool wanted_ = false;
};

} // namespace

stream_actor spawn_stream(caf::actor_system& system, std::shared_ptr<storage::client_store> store,
                          conflict_actor conflict, poll_actor poll, seams world,
                          stream_options options) {
  return rt::spawn<stream_actor, stream_state>(system, std::move(store), std::move(conflict),
                                               std::move(poll), std::move(world),
                                               std::move(options));
}

} // namespace syncline::actors::client
