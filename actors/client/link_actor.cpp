#include "actors/client/link_actor.hpp"

#include "actors/client/activity.hpp"
#include "core/sync/link_policy.hpp"

#include <memory>
#include <utility>

namespace syncline::actors::client {

namespace {

// stopped --start--> degraded <--live, not live--> online
//    ^                 |  ^                          |
//    '---- stop ----   v  | a request is answered    v  the network is away, or nothing answers
//                    offline <-----------------------'
class link_actor_state {
public:
  static inline const char* name = "link";

  link_actor_state(link_actor::pointer self, outbox_actor outbox, poll_actor poll,
                   stream_actor stream, documents_actor documents, seams world,
                   link_options options)
    : self_{self}, outbox_{std::move(outbox)}, poll_{std::move(poll)}, stream_{std::move(stream)},
      documents_{std::move(documents)}, world_{std::move(world)}, options_{options} {
    activity_.enter(core::to_string(core::link_state::stopped));
  }

  link_actor::behavior_type make_behavior() {
    view_.started = !options_.paused;
    follow_policy();
    return {
      [this](const msg::SetPaused& command) { return on_set_paused(command.paused()); },
      [this](const msg::ReadActivity&) { return activity_.show(); },
      [this](const msg::StreamChanged& changed) { on_stream(changed); },
      [this](const msg::LineTried& tried) { on_line(tried.error()); },
      [this](const msg::ReachabilityChanged& changed) { on_network(changed.state()); },
    };
  }

private:
  // Answered when the others have heard of it: after a stop nothing is sent any more.
  caf::result<msg::Done> on_set_paused(bool paused) {
    view_.started = !paused;
    follow_policy();
    auto reply = self_->make_response_promise<msg::Done>();
    const auto told = std::make_shared<fan_in>(fan_in{reply});
    ask_behind(outbox_, told);
    ask_behind(poll_, told);
    ask_behind(stream_, told);
    ask_behind(documents_, told);
    return reply;
  }

  struct fan_in {
    caf::typed_response_promise<msg::Done> reply;
    int open = 0;
  };

  // What changes nothing and comes behind what they were told.
  template <class Handle>
  void ask_behind(const Handle& handle, const std::shared_ptr<fan_in>& told) {
    ++told->open;
    const auto count = [told] {
      if (--told->open == 0)
        told->reply.deliver(msg::Done{});
    };
    rt::request(self_, handle, rt::no_timeout, msg::ReadActivity{})
      .then([count](const msg::Activity&) { count(); }, [count](const caf::error&) { count(); });
  }

  void on_stream(const msg::StreamChanged& changed) {
    if (changed.live() && !decided_.streams)
      return; // It was said before the stop arrived.
    view_.stream_is_live = changed.live();
    if (changed.live()) {
      view_.line_failed = false;
      tell(outbox_, false); // It may wait for a backoff of worse times.
      activity_.succeeded(world_.wall_ms());
    } else if (!changed.error().code().empty()) {
      activity_.failed(changed.error(), world_.wall_ms());
      const auto& code = changed.error().code();
      view_.line_failed =
        view_.line_failed || code == "connection_refused" || code == "network_unreachable";
    }
    follow_policy();
  }

  void on_line(const msg::Error& error) {
    const bool answered = !is_about_the_line(error.code());
    if (error.code().empty())
      activity_.succeeded(world_.wall_ms());
    else
      activity_.failed(error, world_.wall_ms());
    if (std::exchange(view_.line_failed, !answered) && answered && decided_.streams)
      tell(stream_, false); // It may wait for a backoff of worse times, too.
    // Only a request is the truth: the server has answered where nothing should be reached.
    if (answered && view_.hint == core::reachability::down)
      view_.hint = core::reachability::unknown;
    follow_policy();
  }

  void on_network(msg::ReachabilityChanged::State state) {
    if (options_.is_local)
      return;
    const auto before = view_.hint;
    view_.hint = state == msg::ReachabilityChanged::UP     ? core::reachability::up
                 : state == msg::ReachabilityChanged::DOWN ? core::reachability::down
                                                           : core::reachability::unknown;
    if (view_.hint == core::reachability::up && before != view_.hint)
      try_at_once();
    follow_policy();
  }

  // A new network: whoever waits for a backoff waits for the old one.
  void try_at_once() {
    if (view_.stream_is_live)
      return;
    decided_ = {}; // Everybody is told again, and begins at once.
    tell(outbox_, true);
    tell(poll_, true);
    tell(stream_, true);
    tell(documents_, true);
  }

  void follow_policy() {
    const auto wanted = core::decide_link(view_);
    const auto before = std::exchange(decided_, wanted);
    if (wanted.pushes != before.pushes)
      tell(outbox_, !wanted.pushes);
    if (wanted.streams != before.streams) {
      tell(stream_, !wanted.streams);
      tell(documents_, !wanted.streams);
    }
    if (wanted.polls != before.polls)
      tell(poll_, !wanted.polls);
    if (!wanted.streams)
      view_.stream_is_live = false; // It was told to close.
    activity_.enter(core::to_string(wanted.state));
  }

  template <class Handle>
  void tell(const Handle& handle, bool paused) {
    msg::SetPaused command;
    command.set_paused(paused);
    rt::anon_send(handle, std::move(command)); // Its answer says nothing.
  }

  link_actor::pointer self_;
  outbox_actor outbox_;
  poll_actor poll_;
  stream_actor stream_;
  documents_actor documents_;
  seams world_;
  link_options options_;
  core::link_view view_;
  core::link_decision decided_;
  activity_log activity_;
};

} // namespace

link_actor spawn_link(caf::actor_system& system, outbox_actor outbox, poll_actor poll,
                      stream_actor stream, documents_actor documents, seams world,
                      link_options options) {
  return rt::spawn<link_actor, link_actor_state>(system, std::move(outbox), std::move(poll),
                                                 std::move(stream), std::move(documents),
                                                 std::move(world), options);
}

} // namespace syncline::actors::client
