#include "actors/client/observer_actor.hpp"

namespace syncline::actors::client {

namespace {

class observer_state {
public:
  static inline const char* name = "observer";

  observer_state(observer_actor::pointer self, event_sink sink)
    : self_{self}, sink_{std::move(sink)} {}

  observer_actor::behavior_type make_behavior() {
    return {
      [this](msg::StoreChanged& event) {
        if (sink_.changed)
          sink_.changed(event);
      },
      [this](msg::MutationsAdvanced& event) {
        if (sink_.advanced)
          sink_.advanced(event);
      },
      [this](const msg::ConflictsRecorded& event) {
        if (sink_.conflicts)
          sink_.conflicts(event);
      },
      [this](msg::AskHost& ask) { return on_ask(ask); },
      [this](msg::HostVerdict& verdict) {
        const auto asked = asked_.find(verdict.ticket());
        if (asked == asked_.end())
          return; // Answered twice.
        asked->second.deliver(std::move(verdict));
        asked_.erase(asked);
      },
    };
  }

private:
  // Questions that the host never answered; the askers have given up on the oldest.
  static constexpr std::size_t asked_max = 1'000;

  caf::result<msg::HostVerdict> on_ask(msg::AskHost& ask) {
    auto reply = self_->make_response_promise<msg::HostVerdict>();
    if (!sink_.ask_host) {
      reply.deliver(msg::HostVerdict{}); // Nobody to ask: the user decides.
      return reply;
    }
    if (asked_.size() >= asked_max)
      asked_.erase(asked_.begin());
    const std::uint64_t ticket = ++last_ticket_;
    asked_.emplace(ticket, reply);
    sink_.ask_host(ask, [handle = observer_actor{self_}, ticket](msg::HostVerdict verdict) {
      verdict.set_ticket(ticket);
      rt::anon_send(handle, std::move(verdict));
    });
    return reply;
  }

  observer_actor::pointer self_;
  event_sink sink_;
  std::map<std::uint64_t, caf::typed_response_promise<msg::HostVerdict>> asked_;
  std::uint64_t last_ticket_ = 0;
};

} // namespace

observer_actor spawn_observer(caf::actor_system& system, event_sink sink) {
  return rt::spawn<observer_actor, observer_state>(system, std::move(sink));
}

} // namespace syncline::actors::client
