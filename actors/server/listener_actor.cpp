#include "actors/server/listener_actor.hpp"

#include "net/protocol/server_codec.hpp"

#include <list>
#include <map>

namespace syncline::actors::server {

namespace {

class listener_state {
public:
  static inline const char* name = "listener";

  listener_state(listener_actor::pointer self, std::function<session_actor()> make_session,
                 std::size_t sessions_max)
    : self_{self}, make_session_{std::move(make_session)}, sessions_max_{sessions_max} {}

  listener_actor::behavior_type make_behavior() {
    return {[this](http_arrived& arrived) { serve(arrived); }};
  }

private:
  struct connection {
    std::uint64_t number = 0;
    session_actor session;
  };

  void serve(http_arrived& arrived) {
    rt::request(self_, session_of(arrived.connection), rt::no_timeout, std::move(arrived.request))
      .then([answer = arrived.answer](msg::HttpReply& reply) { answer(std::move(reply)); },
            [this, answer = arrived.answer, number = arrived.connection](const caf::error& error) {
              forget(number); // It may have ended; the next request gets a new one.
              answer(net::make_refusal(rt::from_caf(error), net::body_format::json));
            });
  }

  const session_actor& session_of(std::uint64_t number) {
    if (const auto found = by_number_.find(number); found != by_number_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return recent_.front().session;
    }
    // What a session that goes still has to do it finishes: its requests hold it.
    if (recent_.size() >= sessions_max_)
      forget(recent_.back().number);
    recent_.push_front({number, make_session_()});
    by_number_.emplace(number, recent_.begin());
    return recent_.front().session;
  }

  void forget(std::uint64_t number) {
    const auto found = by_number_.find(number);
    if (found == by_number_.end())
      return;
    recent_.erase(found->second);
    by_number_.erase(found);
  }

  listener_actor::pointer self_;
  std::function<session_actor()> make_session_;
  std::size_t sessions_max_;
  std::list<connection> recent_; // most recently used first
  std::map<std::uint64_t, std::list<connection>::iterator> by_number_;
};

} // namespace

listener_actor spawn_listener(caf::actor_system& system,
                              std::function<session_actor()> make_session,
                              std::size_t sessions_max) {
  return rt::spawn<listener_actor, listener_state>(system, std::move(make_session), sessions_max);
}

} // namespace syncline::actors::server
